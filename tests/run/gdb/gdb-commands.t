#!/usr/bin/perl
# gdb's commands `attic ...` at every stage of the boot, in ring 3, in a panic and in the double-fault task, held against the raw
# tables: QEMU's monitor saves physical memory, and tests/run/lib/RawTables.pm walks it by itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir symbols);
use RawTables;
use Test::More;

my $debug = build_dir() . '/debug';
my $symbols = symbols("$debug/attic.debug");

# ---- every stage of the boot, on the smallest machine ----

my @STAGES = qw(_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal
    return_to_user);
my @everywhere = ('attic walk 0xc0100000', 'attic walk 0', 'attic walk $pc', 'attic map', 'attic pgd', 'attic pgdiff',
    'attic pgdiff loaded master', 'attic areas', 'attic frames', 'attic who 0x100000', 'attic ps', 'attic bt 1', 'attic paging');
my $vm = Attic->boot(name => 'gdb-commands', build => $debug, stopped => 1, gdb_socket => 1, mem => '8M', input => "run hello\n");
my (@plan, @commands);
for my $stage (@STAGES, 'ring3') {
    my @go = $stage eq 'ring3' ? ('hbreak *((struct pt_regs *)$eax)->eip', 'continue') : ("hbreak *&$stage", 'continue');
    my $file = dump_file();
    push @plan, [$stage, scalar @go, $file];
    push @commands, @go, @everywhere, dump_commands($file, 8);
}
my @answers = session($debug, $vm, @everywhere, @commands, 'detach');
my @early = splice @answers, 0, scalar @everywhere;
is scalar(grep { /^attic \w+: the kernel does not run yet: [^\n]*\n\z/ } @early), @everywhere - 1, 'before the kernel: a sentence each'
    or diag @early;
like $early[-1], qr/^PG=0 CR3=0x00000000 EIP=0x\w+ CS=0x\w+ no source$/, 'paging can be asked for then';
for (@plan) {
    my ($stage, $go, $file) = @$_;
    splice @answers, 0, $go;
    my %said;
    @said{@everywhere} = splice @answers, 0, scalar @everywhere;
    my ($saved, $registers) = splice @answers, 0, 2;
    check_stage($stage, \%said, take_dump($file, $registers));
}
$vm->kill_now;

sub check_stage {
    my ($stage, $said, $state) = @_;
    my ($on, $cr3) = ($state->{CR0} & CR0_PG, $state->{CR3} & FRAME);
    is $state->{EIP}, $symbols->{$stage}, "$stage: there" if $symbols->{$stage};
    like $said->{'attic paging'}, qr/^PG=@{[ $on ? 1 : 0 ]} CR3=0x@{[ sprintf '%08x', $state->{CR3} ]} /, "$stage: paging";
    if (!$on) {
        like $said->{'attic walk 0xc0100000'}, qr/^0xc0100000 is physical: paging is off/, "$stage: walk says that addresses are physical";
        like $said->{'attic map'}, qr/^attic map: paging is off/, "$stage: map has nothing to walk";
    } else {
        check_walk("$stage, 0xc0100000", $said->{'attic walk 0xc0100000'}, $state, $cr3, 0xC0100000);
        check_walk("$stage, 0", $said->{'attic walk 0'}, $state, $cr3, 0);
        check_walk("$stage, EIP", $said->{'attic walk $pc'}, $state, $cr3, $state->{EIP});
        check_map($stage, $said->{'attic map'}, $state, $cr3);
        check_pgd($stage, $said->{'attic pgd'}, $state, $cr3);
    }
    my $stage_number = (grep { $STAGES[$_] eq $stage } 0 .. $#STAGES)[0] // @STAGES;
    my %from = ('attic areas' => 8, 'attic frames' => 7, 'attic ps' => 8, 'attic bt 1' => 8);
    for (sort keys %from) {
        my $sentence = $said->{$_} =~ /^attic \w+: there are no \w[^\n]*\n\z/ ? 1 : 0;
        is $sentence, $stage_number < $from{$_} ? 1 : 0, "$stage: $_ " . ($sentence ? 'says that it is too early' : 'answers');
    }
}

# ---- in a panic, in the double-fault task, with a frame selected that has a local of a name of the kernel's ----

for my $case (['panic', 'hbreak machine_exit'], ['stack', 'hbreak double_fault_task']) {
    my ($crash, $break) = @$case;
    my $file = dump_file();
    $vm = Attic->boot(name => "gdb-commands-$crash", build => $debug, stopped => 1, gdb_socket => 1, mem => '8M',
        input => "run forever &\nrun nap 1000 1\ncrash $crash\n");
    my @go = $crash eq 'panic' ? ($break, 'continue') : ('hbreak crash_recurse if depth == 3', 'continue', 'attic map', 'delete', $break, 'continue');
    @answers = session($debug, $vm, @go, dump_commands($file, 8), @everywhere, 'attic bt 2', 'up', @everywhere, 'detach');
    my ($saved, $registers, %said);
    if ($crash eq 'stack') {
        like $answers[1], qr/crash_recurse \(depth=depth\@entry=3\)|crash_recurse \(depth=3\)/, 'local: depth is one of crash_recurse()' or diag $answers[1];
        like $answers[2], qr/^fixmap 0xffc00000\.\.0xffffefff: nothing mapped\nlast page/m, 'local: and is not taken for that of mm/frame/highmem.c';
    }
    splice @answers, 0, scalar @go;
    ($saved, $registers) = splice @answers, 0, 2;
    my $state = take_dump($file, $registers);
    @said{@everywhere} = splice @answers, 0, scalar @everywhere;
    my ($second) = splice @answers, 0, 2;
    check_stage($crash, \%said, $state);
    like $said{'attic ps'}, $crash eq 'panic' ? qr/^ +1 running .* init +in machine_exit$/m : qr/^ +1 running .* init +in double_fault_task$/m,
        "$crash: ps";
    like $said{'attic bt 1'}, $crash eq 'panic' ? qr/\n  #0 .* machine_exit\+.*(?:\n.*)* panic_report\+.*(?:\n.*)* crash_panic\+.*(?:\n.*)* thread_start\+.*\n\z/ :
        qr/^interrupted by a double fault.*\n  #0 .* crash_recurse.*\n  #1.*\n  \.\.\. and \d+ more of the same\n.* crash_stack\+/m, "$crash: bt";
    like $second, qr/^forever\[2\], ready;.*\n(?:  #\d.*\n)+in ring 3: EIP 0x0804\w+ \(\/forever\).* by interrupt 32$/m, "$crash: bt of another one";
    my %again;
    @again{@everywhere} = splice @answers, 0, scalar @everywhere;
    is join(' ', grep { $again{$_} ne $said{$_} && $_ !~ /\$pc/ } @everywhere), '', "$crash: in another frame the answers are the same";
    $vm->kill_now;
}

# ---- an exception and an interrupt in ring 0: the frames go on behind the stub; CR0.WP turned off by hand ----

$vm = Attic->boot(name => 'gdb-commands-null', build => $debug, stopped => 1, gdb_socket => 1, mem => '8M', input => "test vmalloc.*\ncrash null\n");
my @no_wp = ('attic pgdiff', 'attic map boot');
@answers = session($debug, $vm, 'hbreak tick if boot_cpu.current && boot_cpu.current->pid == 1 && !user', 'continue', 'attic bt 1', 'delete',
    'hbreak panic_enter', 'continue', 'attic ps', 'attic bt 1', @no_wp, 'set var $cr0 &= ~0x10000', 'print $cr0', @no_wp, 'detach');
like $answers[2], qr/\n  #0 .* tick\+.*\n(?:  #.*\n)*.* trap_common\+.*\n  interrupt 32 came here, in ring 0:\n  #\d+ (?:.*\n)*.* thread_start\+.*\n\z/,
    'bt: an interrupt in ring 0';
like $answers[6], qr/^ +1 running .* init +in panic_(?:enter|trap)$/m, 'ps: in a page fault';
like $answers[7], qr/\n  #0 .* panic_(?:enter|trap)\+.*\n(?:  #.*\n)*.* trap_common\+.*\n  exception 14 came here, in ring 0:\n  #\d+ .* crash_null\+.*\n.* monitor_crash\+.*\n(?:.*\n)*.* thread_start\+.*\n\z/,
    'bt: a page fault in ring 0';
is $answers[8], "the only directory has the kernel half of the end of boot\n", 'pgdiff: of one directory';
unlike $answers[11], qr/\bWP\b/, 'CR0.WP is off';
is join('', @answers[12, 13]), join('', @answers[8, 9]), 'and the boot is over all the same';
$vm->kill_now;

# ---- the kernel as it is built otherwise, where much is inlined ----

$vm = Attic->boot(name => 'gdb-commands-O2', gdb_socket => 1, mem => '16M');
defined $vm->expect(Attic::PROMPT, 30) or die $vm->describe;
$vm->command('run forever &', 10);
my @gdb = ($ENV{GDB} || 'gdb', '-q', '-nx', '-batch', '-x', 'scripts/gdb/attic.gdb');
my $said = $vm->beside(@gdb, map { ('-ex', $_) } 'attic walk 0', 'attic paging', "target remote @{[ $vm->gdb_target ]}", @everywhere, 'detach');
like $said, qr/^attic walk: no machine is connected: .*\nattic paging: no machine is connected: /m, 'no machine: a sentence';
is scalar(() = $said =~ /^attic \w+: gdb has no kernel with debug information: /mg), @everywhere - 1, 'no symbols: a sentence each' or diag $said;
my @other = session($debug, $vm, @everywhere, 'detach');
is scalar(grep { /^attic \w+: the machine runs another build than gdb's symbols are of \([^\n]+\n\z/ } @other), @everywhere - 1,
    'symbols of another build: a sentence each' or diag @other;
wait_for_sleep(build_dir(), $vm);
my %inlined;
@inlined{@everywhere} = session(build_dir(), $vm, @everywhere, 'detach');
is join(' ', grep { $inlined{$_} =~ /^attic \w+:/ } @everywhere), '', 'the other build: all commands answer';
like $inlined{'attic ps'}, qr/^ +1 sleeping .* init +tty_getc$/m, 'the other build: where a task waits';
like $inlined{'attic bt 1'}, qr/ tty_getc\+.*\n.* readline\+.*\n.* monitor_main\+/, 'the other build: a backtrace';
$vm->kill_now;

done_testing;
