#!/usr/bin/perl
# gdb's commands `attic ...` while processes run: the monitor's own tables, every address of a frame, directory entries that were
# changed, a fork; their help, completion and complaints; the pretty-printers. What they say is held against the raw tables
# (tests/run/lib/RawTables.pm) and against the monitor.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir symbols);
use RawTables;
use Test::More;

my $debug = build_dir() . '/debug';
my $symbols = symbols("$debug/attic.debug");

# ---- at the prompt: the same as the monitor's own tables ----

my $vm = Attic->boot(name => 'gdb-processes', build => $debug, gdb_socket => 1, hmp => 1, mem => '16M');
defined $vm->expect(Attic::PROMPT, 30) or die $vm->describe;
compare_with_monitor($vm, '16M');

sub compare_with_monitor {
    my ($vm, $name) = @_;
    $vm->command('run nap 900000000 1 &', 10);
    $vm->wait_until(sub { $vm->command('ps', 10) =~ /sleeping .* nap$/m });
    my %monitor = map { $_ => $vm->command($_, 20) } qw(vmallocinfo frames ps);
    my ($areas, $frames, $ps) = session($debug, $vm, 'attic areas', 'attic frames', 'attic ps', 'detach');
    is $frames, $monitor{frames}, "$name: frames is the monitor's table";
    my $theirs = join '', map { /^0x(\w+)-0x(\w+) +\d+ (\S+) (?:pages=|phys=\S+ )?(?:\d+ )?(\w+)$/
            ? sprintf "%08x..%08x %s by %s\n", hex $1, hex($2) - 4097, $4, $3 : "? $_\n" } split /\n/, $monitor{vmallocinfo};
    my $ours = join '', map { /^0x(\w+)\.\.0x(\w+)  \d+ pages? +(\w+ by [^,]*)/ ? "$1..$2 $3\n" : () } split /\n/, $areas;
    is $ours, $theirs, "$name: areas are those of vmallocinfo";
    # The monitor runs when it prints, and waits when gdb looks; idle the other way round.
    my @theirs = map { /^ *(\d+) +\d+ (\w+) .* (\S+)$/ ? $1 . ($1 > 1 ? " $2" : '') . " $3" : () } split /\n/, $monitor{ps};
    my @ours = map { /^ *(\d+) (\w+) +(?:-|0x\w+) +0x\w+ +(\S+)/ ? $1 . ($1 > 1 ? " $2" : '') . " $3" : () } split /\n/, $ps;
    is scalar @ours, 3, "$name: ps has three";
    is join("\n", @ours), join("\n", @theirs), "$name: ps has the monitor's tasks and states";
}

# Processes: two that run, one that sleeps. Then gdb stops the machine, and it stays so when gdb goes.
$vm->command($_, 10) for 'run spin until-told &', 'run forever &';
wait_for_sleep($debug, $vm);
my ($ps, @bts) = session($debug, $vm, 'attic ps', (map { "attic bt $_" } 1 .. 4), 'disconnect');
my %task;
while ($ps =~ /^ +(\d+) (\w+) +(-|0x\w+) +0x(\w+) +(\S+) *(.*)$/mg) {
    $task{$5} = { pid => $1, state => $2, directory => $3 eq '-' ? undef : hex $3, stack => hex $4, where => $6 };
}
is join(' ', sort keys %task), 'forever idle init nap spin', 'ps: all tasks' or diag $ps;
is $task{init}{where}, 'tty_getc', 'ps: init waits for a key';
like $task{nap}{where}, qr/nanosleep|sleep/, 'ps: nap sleeps';
like $bts[0], qr/^init\[1\], sleeping; kernel stack 0x\w+\.\.0x\w+\n  #0 .* (?:switch_tasks|schedule)\+.* kernel\/sched\.c:\d+\n/, 'bt: from the switch';
like $bts[0], qr/ wait_queue_sleep\+.*\n(?:.*\n)*.* readline\+0x\w+\/0x\w+ +kernel\/monitor\/readline\.c:\d+\n.* monitor_main\+/, 'bt: to the prompt';
like $bts[0], qr/ thread_start\+.*\n\z/, 'bt: down to where the thread began';
my ($bt_nap) = grep { /^nap\[\d+\]/ } @bts;
like $bt_nap, qr/^in ring 3: EIP 0x0804\w+ \(\/nap\), ESP 0xbf\w+; entered the kernel by the system call nanosleep$/m, 'bt: the side of ring 3';
my ($running) = grep { /^\w+\[\d+\], running/ } @bts;
like $running, qr/it runs in ring 3, so this is gdb's own backtrace \(`bt`\):\n#0 |it runs; the processor is here:\n  #0 /,
    'bt: of the one that runs';

# ---- whose is a frame, what is mapped: every process ----

my $state = { memory => $vm->physical(0, 16 << 20) };
my @processes = grep { $task{$_}{directory} } sort keys %task;
my $master = $symbols->{swapper_pg_dir} - C;
my %wanted = (stack => frame_of($state, $master, $task{idle}{stack}), image => $symbols->{__text_start} - C,
    directory => $task{nap}{directory}, text => frame_of($state, $task{nap}{directory}, 0x08048000));
my @commands = ((map { "attic map $task{$_}{pid}" } @processes), (map { sprintf 'attic who 0x%x', $wanted{$_} } sort keys %wanted),
    sprintf('attic who %d', $wanted{text} >> 12), "attic pgdiff $task{forever}{pid} $task{nap}{pid}", "attic pgdiff 1 $task{nap}{pid}");
my @answers = session($debug, $vm, @commands, 'disconnect');
check_map("process $_", shift @answers, $state, $task{$_}{directory}) for @processes;
my %who;
for my $what (sort keys %wanted) {
    $who{$what} = shift @answers;
    check_who($what, $who{$what}, $wanted{$what});
}
like $who{stack}, qr/: used: vmalloc; reference count 1\n(?:.*\n)*  0x\w+ rw\/--  vmalloc: vmalloc by task_create\S*, kernel stack of idle\[0\]/, 'who: a stack';
like $who{image}, qr/: reserved since start-up: kernel image\n  0xc010\w+ r-\/--  lowmem: text\n/, 'who: the image';
like $who{directory}, qr/: used: process tables; .*\n  it is the directory of nap\[$task{nap}{pid}\]\n/, 'who: a directory';
like $who{text}, qr/: used: file pages of \/nap, bytes from 0x0 on; reference count/, 'who: a page of a file';
is shift(@answers), $who{text}, 'who: a frame number is the same as its address';
my ($same, $kernel_thread) = @answers;
like $same, qr/^kernel half: A and B are the same\nuser half: A maps \d+ pages?, B maps \d+ pages?$/m, 'pgdiff: the kernel half is the same';
like $same, qr/^all \d+ directories have the kernel half of the end of boot$/m, 'pgdiff: in all directories';
like $kernel_thread, qr/^A: the master directory \(init\[1\] is a kernel thread\)/, 'pgdiff: a kernel thread has the master';

sub frame_of {
    my ($state, $directory, $virt) = @_;
    my ($physical) = own_walk($state, $directory, $virt);
    return $physical & FRAME;
}

# Every address at which a frame is mapped: the kernel half once, then the processes.
sub check_who {
    my ($name, $said, $frame) = @_;
    my @want;
    for ([$master, C, 0xFFFFFFFF], map { [$task{$_}{directory}, 0, C - 1] } grep { $task{$_}{directory} } keys %task) {
        my ($directory, $first, $last) = @$_;
        push @want, map { sprintf '%08x', $_->[0] + $frame - $_->[2] }
            grep { $_->[0] >= $first && $_->[0] <= $last && $_->[2] <= $frame && $frame < $_->[2] + $_->[1] } own_pages($state, $directory);
    }
    my @got = $said =~ /^  0x(\w{8}) /mg;
    is join(' ', sort @got), join(' ', sort @want), "who: every address of a frame ($name)" or diag $said;
}

# What areas prints of an area's frames can be given to who as it is.
my ($areas) = session($debug, $vm, 'attic areas', 'disconnect');
my ($pasted) = $areas =~ /, kernel stack of idle\[0\]\n    frames (\w+)/ or diag $areas;
@answers = session($debug, $vm, "attic who $pasted", 'disconnect');
is $answers[0], $who{stack}, 'who: takes a frame as areas prints it';

# ---- a directory entry that was changed is found, in whichever process ----

my $victim = sprintf '((pde_t *)0x%x)[900].val', C + $task{nap}{directory};
my ($f, $n) = map { $task{$_}{pid} } qw(forever nap);
@answers = session($debug, $vm, "set var $victim = 0x3", "attic pgdiff $f $n", "attic pgdiff $n master", 'attic pgdiff', "set var $victim = 0",
    'set var swapper_pg_dir[801].val = 0x1067', "attic pgdiff $f $n", "attic pgdiff $f master", 'set var swapper_pg_dir[801].val = 0',
    (map { sprintf 'set var ((pde_t *)0x%x)[799].val ^= 2', C + $_ } $master, map { $task{$_}{directory} } @processes),
    "attic pgdiff $f $n", (map { sprintf 'set var ((pde_t *)0x%x)[799].val ^= 2', C + $_ } $master, map { $task{$_}{directory} } @processes),
    'attic pgdiff', 'disconnect');
my $changed = qr/^kernel half: A and B differ\n  PDE 900  0xe1000000\.\.0xe13fffff  /m;
like $answers[1], qr/${changed}A 0x00000000 \(none\)  B 0x00000003 \(P RW\)$/m, 'pgdiff: a PDE of a process was changed';
like $answers[2], qr/${changed}A 0x00000003 \(P RW\)  B 0x00000000 \(none\)$/m, 'pgdiff: against the master, too';
my $of_nap = qr/^PDE 900  0xe1000000\.\.0xe13fffff  was 0x00000000 at the end of boot, is 0x00000003 in the directory of nap\[$n\]$/m;
like $answers[$_], $of_nap, 'pgdiff: and it says whose' for 1 .. 3;
like $answers[6], qr/^kernel half: A and B are the same\n(?:.*\n)*PDE 801 .* was 0x00000000 at the end of boot, is 0x00001067 in the master directory$/m,
    'pgdiff: a PDE of the master was changed, which neither of the two has';
like $answers[7], qr/^  PDE 801  0xc8400000\.\.0xc87fffff  A 0x00000000 \(none\)  B 0x00001067 \(P RW US A D\)$/m, 'pgdiff: which differs from the master';
my $everywhere = $answers[9 + 1 + @processes];
like $everywhere, qr/^PDE 799 .* is 0x00000002 in (?:all \d+ directories|the .*)$/m, 'pgdiff: changed in all directories alike' or diag $everywhere;
like $answers[-2], qr/^all \d+ directories have the kernel half of the end of boot$/m, 'pgdiff: and all is well again';

# ---- entries as the kernel never has them: both levels count ----

my $nap = sprintf '((pde_t *)0x%x)', C + $task{nap}{directory};
my @changes = ("$nap\[767].val ^= 2", "$nap\[769].val ^= 0x1004", 'lowmem_tables[0][256].val ^= 4');
my @looks = ("attic walk 0xbfffdabc $n", "attic walk 0xc0412345 $n", "attic walk 0xc0100000 $n", "attic map $n", "attic pgd $n");
my $file = dump_file();
@answers = session($debug, $vm, (map { "set var $_" } @changes), @looks, dump_commands($file, 16), (map { "set var $_" } @changes), 'disconnect');
splice @answers, 0, scalar @changes;
my $odd = take_dump($file, $answers[@looks + 1]);
check_walk('RW=0 in the PDE', $answers[0], $odd, $task{nap}{directory}, 0xBFFFDABC);
check_walk('a large page with more bits', $answers[1], $odd, $task{nap}{directory}, 0xC0412345);
check_walk('US=0 in the PDE alone', $answers[2], $odd, $task{nap}{directory}, 0xC0100000);
check_map('odd entries', $answers[3], $odd, $task{nap}{directory});
check_pgd('odd entries', $answers[4], $odd, $task{nap}{directory});
like $answers[0], qr/writes are forbidden by RW=0 in the PDE \(CR0.WP is on\).*\n.*writes are forbidden by RW=0 in the PDE$/m, 'walk names the level';
like $answers[2], qr/US=0 in the PDE$/m, 'and there';

# ---- pretty-printers; help, completion, wrong arguments ----

my $loaded = $vm->register('CR3') & FRAME; # that of whichever program runs
my $mapped = grep { $_->[0] < C } own_pages($state, $loaded);
my @print = (
    'print swapper_pg_dir[768]'           => qr/= 0x\w{8}: page table 0x\w{8}, P RW A$/,
    'print swapper_pg_dir[769]'           => qr/= 0x004001e3: 4 MiB page 0x00400000, P RW A D PS G$/,
    'print lowmem_tables[0][256]'         => qr/= 0x00100163: frame 0x00100000, P RW A D G$/,
    'print swapper_pg_dir[0]'             => qr/= 0x00000000: not present$/,
    "print 'mm/kva/lowmem.c'::rows[1]"        => qr/prot = P A D G$/m,
    "print mem_map[@{[ $wanted{text} >> 12 ]}]" =>
        sprintf('= frame %d (physical 0x%08x): file pages, block of order 0, reference count', $wanted{text} >> 12, $wanted{text}),
    'print mem_map[17]'                   => qr/= frame 17 \(physical 0x00011000\): buddy, (?:behind frame \d+ in a )?block of order \d+, reference count 0$/,
    'print *boot_cpu.idle'                => qr/= idle\[0\], TASK_RUNNING = \{\n  pid = 0,\n(?:.*\n)*  comm = "idle",$/m,
    'print *boot_cpu.current->mm'         =>
        sprintf("= directory at physical 0x%08x, %d areas, %d pages = {\n  pgd = ", $loaded, $loaded == $task{spin}{directory} ? 6 : 5, $mapped),
    'print *(struct vm_area *)boot_cpu.current->mm->areas.rb_node' => qr/= 0x\w{8}\.\.0x\w{8}: VM_READ[ \w]*, (?:\/\w+|anonymous|\[\w+\])$/,
    sprintf('print **(struct vmap_area **)0x%x', C + guard_entry($state)) =>
        qr/= 0xf7c00000\.\.0xf7c02fff: 2 pages and a guard, VM_ALLOC by double_fault_report_init\+0x/,
    'print /r mem_map[1]'                 => qr/^  refcount = 0,$/m,
    'print *((struct mm *)0)'             => qr/^Cannot access memory|\(Cannot access memory/m,
);
my @wrong = (
    'attic walk'           => 'usage: attic walk VA [PID]',
    'attic walk banana'    => 'attic walk: `banana` is no address: No symbol "banana" in current context',
    'attic walk 1 +'       => qr/^attic walk: `1 \+` is no address: /,
    'attic walk 1.5'       => 'attic walk: `1.5` is no address, but of the type double',
    'attic walk "banana"'  => 'attic walk: `"banana"` is no address, but of the type char [7]',
    'attic walk 0x123456789' => qr/^attic walk: .* 32 bits$/,
    'attic walk 0 77'      => 'attic walk: there is no process 77: `attic ps` lists them',
    'attic walk 0 banana'  => 'attic walk: `banana` is no pid, nor one of master, boot, loaded',
    'attic walk 0 boot'    => qr/^attic walk: the boot directory is gone/,
    'attic map 1 2'        => 'usage: attic map [PID]',
    'attic map x'          => qr/^attic map: `x` is no pid/,
    'attic pgd -1'         => qr/^attic pgd: `-1` is no pid/,
    'attic pgdiff 1'       => qr/^attic pgdiff: two directories are needed/,
    'attic pgdiff 1 2 3'   => 'usage: attic pgdiff [PID PID]',
    'attic areas 1'        => 'usage: attic areas',
    'attic frames 1'       => 'usage: attic frames',
    'attic who'            => 'usage: attic who FRAME',
    'attic who 1048576'    => qr/^attic who: there are no frames from number 1048576 on/,
    'attic who 0xc0100000' => 'attic who: it takes a frame number or a physical address, and 0xc0100000 has no RAM;'
        . ' as a virtual address it shows frame 256, physical 0x00100000',
    'attic who banana'     => qr/^attic who: `banana` is no address/,
    'attic ps 1'           => 'usage: attic ps',
    'attic bt'             => 'usage: attic bt PID',
    'attic bt init'        => 'attic bt: `init` is no pid',
    'attic bt master'      => 'attic bt: `master` is no pid',
    "attic bt \xc2\xb2"    => "attic bt: `\xc2\xb2` is no pid",
    "attic who \xc2\xb2"   => qr/^attic who: `.*` is no address: /,
    'attic bt 77'          => 'attic bt: there is no process 77: `attic ps` lists them',
    'attic paging 1'       => 'usage: attic paging',
    'attic type'           => 'usage: attic type LINE',
    'attic type ps'        => 'attic type: there is no console here: it is where QEMU was started',
    'attic banana'         => 'attic: there is no command `banana`: `help attic` lists them',
);
my @COMMANDS = map { /^attic (\w+)$/ } split /\n/, (session($debug, $vm, 'complete attic ', 'disconnect'))[0];
my @asked = ((grep { !ref && /^(?:attic|print) / } @print, @wrong), (map { "help attic $_" } @COMMANDS), 'help attic', 'attic',
    'complete attic walk 0 ', 'complete attic walk kernel_mai', 'complete attic bt ', 'complete attic map m',
    'attic walk kernel_main', 'attic walk kernel_main + 4 master', 'attic walk boot_page_directory', 'attic walk $cr3', 'attic walk *mem_map',
    'set language asm', 'attic ps', 'attic walk 0xc0100000', 'attic bt 1');
my %answer;
@answer{@asked} = session($debug, $vm, @asked, 'detach');

# Where the third entry of the vmalloc area lies: that of the guard behind the first area, which holds the area's address.
sub guard_entry {
    my ($state) = @_;
    return ((words($state, $master + 991 * 4, 1))[0] & FRAME) + 8;
}

for my $list (\@print, \@wrong) {
    for (my $i = 0; $i < @$list; $i += 2) {
        my ($command, $want) = @$list[$i, $i + 1];
        my $got = $answer{$command};
        if (ref $want) {
            like $got, $want, $command;
        } elsif ($command =~ /^print/) {
            ok index($got, $want) >= 0, $command or diag $got;
        } else {
            is $got, "$want\n", $command;
        }
        is $got =~ tr/\n//, 1, "$command: one sentence" or diag $got if $list == \@wrong;
    }
}
like " @COMMANDS ", qr/ $_ /, "there is attic $_" for qw(areas bt frames map paging pgd pgdiff ps type walk who);
for (@COMMANDS) {
    like $answer{"help attic $_"}, qr/^attic $_\b[^\n]*: [^\n]+\.$/m, "help attic $_";
    like $answer{'help attic'}, qr/^attic $_ -- /m, "help attic has $_";
    like $answer{attic}, qr/^attic $_\b/m, "attic alone has $_";
}
my @pids = sort map { $_->{pid} } values %task;
is $answer{'complete attic walk 0 '}, join('', map { "attic walk 0 $_\n" } @pids, qw(boot loaded master)), 'completion of PID';
is $answer{'complete attic walk kernel_mai'}, "attic walk kernel_main\n", 'completion of VA';
is $answer{'complete attic bt '}, join('', map { "attic bt $_\n" } @pids), 'completion of pids';
is $answer{'complete attic map m'}, "attic map master\n", 'completion of master';
like $answer{'attic walk kernel_main'}, qr/^0x@{[ sprintf '%08x', $symbols->{kernel_main} ]} \(lowmem\) in the loaded/, 'walk: a function';
like $answer{'attic walk kernel_main + 4 master'}, qr/^0x@{[ sprintf '%08x', $symbols->{kernel_main} + 4 ]} \(lowmem\) in the master/,
    'walk: an expression with blanks, and a directory';
like $answer{'attic walk boot_page_directory'}, qr/^0x@{[ sprintf '%08x', $symbols->{boot_page_directory} ]} /, 'walk: a label of assembly';
like $answer{'attic walk *mem_map'}, qr/^0x\w{8} \(lowmem\) in /, 'walk: a structure';
$vm->kill_now;

# ---- a page that parent and child share after fork ----

$vm = Attic->boot(name => 'gdb-processes-fork', build => $debug, gdb_socket => 1, hmp => 1, stopped => 1, mem => '16M', input => "run fork_test\n");
@answers = session($debug, $vm, 'hbreak mm_fork', 'continue', 'finish', 'print/x ((struct mm *)$eax)->pgd_phys', 'attic ps', 'disconnect');
my ($child) = map { hex } $answers[3] =~ /(0x\w+)$/m;
my ($parent) = $vm->register('CR3') & FRAME;
$state = { memory => $vm->physical(0, 16 << 20) };
%task = (parent => { directory => $parent }, child => { directory => $child });
my %in_parent = map { $_->[2] => 1 } grep { $_->[0] < C } own_pages($state, $parent);
my @shared = grep { $in_parent{ $_->[2] } } grep { $_->[0] < C } own_pages($state, $child);
cmp_ok scalar @shared, '>=', 3, 'fork: pages are shared';
@answers = session($debug, $vm, (map { sprintf 'attic who 0x%x', $_->[2] } @shared), "attic map", 'detach');
check_who(sprintf('shared by fork, 0x%08x', $_->[0]), shift @answers, $_->[2]) for @shared;
check_map('after fork', shift @answers, $state, $parent);
$vm->kill_now;

# ---- in the middle of a switch, ESP says who runs ----

$vm = Attic->boot(name => 'gdb-processes-switch', build => $debug, gdb_socket => 1, stopped => 1, mem => '16M', input => "run forever\n");
my @who_runs = ('attic ps', 'attic bt 1', 'attic bt 2');
@answers = session($debug, $vm, 'hbreak mm_switch', 'continue', @who_runs, 'delete', 'hbreak *switch_to', 'continue', 'stepi 2', @who_runs,
    'detach');
for (['mm_switch', @answers[2 .. 4]], ['switch_to', @answers[9 .. 11]]) {
    my ($name, $ps, $from, $to) = @$_;
    like $ps, qr/^ +1 \w+ .* init +in $name, and a switch to forever\[2\] is under way\n +2 ready .* forever\n/m, "$name: ps" or diag $ps;
    like $from, qr/^it runs, and a switch to forever\[2\] is under way; .*\n  #0 .* $name\+.*\n  #1 .* (?:switch_tasks|schedule)\+(?:.*\n)*  #\d+ .* thread_start\+.*\n\z/m,
        "$name: bt of the one that still runs";
    like $to, qr/^forever\[2\], ready; .*\n  #0 .* thread_start\+0x0.*\nin ring 3: .*; the program has not begun yet\n\z/, "$name: bt of the next one";
}
$vm->kill_now;

# ---- a machine of 4 GiB: tables of 16 MiB, pages in highmem ----

$vm = Attic->boot(name => 'gdb-processes-4G', build => $debug, gdb_socket => 1, hmp => 1, mem => '4G');
defined $vm->expect(Attic::PROMPT, 60) or die $vm->describe;
compare_with_monitor($vm, '4G');
$vm->command('run forever &', 10);
@answers = session($debug, $vm, 'attic map 3', 'attic ps', 'disconnect');
my ($highmem) = $answers[0] =~ /^  0xbf\w+\.\.0xbf\w+ .* -> (0x\w+)  rw-p \[stack\]$/m;
cmp_ok hex($highmem // 0), '>', 1 << 30, '4G: the stack is in highmem' or diag @answers;
my ($directory) = map { hex } $answers[1] =~ /^ +3 \w+ +(0x\w+) .* forever/m;
is peek($vm, (peek($vm, $directory + 767 * 4) & FRAME) + (0xBFFFD000 >> 12 & 1023) * 4) & FRAME, hex($highmem), '4G: where the tables say';
@answers = session($debug, $vm, "attic who $highmem", 'disconnect');
like $answers[0], qr/^frame \d+, physical $highmem: used: user pages; reference count 1\n  0xbf\w+ rw\/rw  forever\[3\]: rw-p \[stack\]\n\z/,
    '4G: it is mapped there only';
$vm->kill_now;

sub peek {
    my ($vm, $addr) = @_;
    return unpack 'V', $vm->physical($addr, 4);
}

done_testing;
