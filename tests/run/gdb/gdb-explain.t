#!/usr/bin/perl
# gdb's `attic explain`: byte for byte what the monitor's `explain` says, for an address of every kind, of the kernel and of
# processes; and at every other stage, where the monitor cannot be asked, held against the raw tables (tests/run/lib/RawTables.pm).
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir symbols);
use RawTables;
use Test::More;

use constant { P => 1, RW => 2, US => 4, CR0_WP => 1 << 16, CR4_SMEP => 1 << 20, CR4_SMAP => 1 << 21 };

my $debug = build_dir() . '/debug';
my $symbols = symbols("$debug/attic.debug");

# ---- at the prompt: gdb says what the monitor says ----

# Each address, and what stands for PID in gdb: the monitor's `explain VA` is that of the master directory.
sub compare_with_monitor {
    my ($name, $few, %options) = @_;
    my $vm = Attic->boot(name => "gdb-explain-$name", build => $debug, gdb_socket => 1, hmp => 1, %options);
    defined $vm->expect(Attic::PROMPT, 30) or die $vm->describe;
    my @user = user_addresses($vm);
    my @asked = grep { !$few || /$few/ } kernel_addresses($vm), @user;
    my @theirs = map { $vm->command("explain $_", 10) } @asked;
    wait_for_sleep($debug, $vm);
    my @commands = map { / / ? "attic explain $_" : "attic explain $_ master" } @asked;
    my @ours = session($debug, $vm, @commands, 'attic explain kernel_main', 'attic explain kernel_main loaded', 'detach');
    for (0 .. $#asked) {
        is $ours[$_], $theirs[$_], "$name: explain $asked[$_]: byte for byte";
    }
    is $ours[-3], $ours[-2], "$name: without PID it is the loaded directory";
    $vm->kill_now;
    return { map { $asked[$_] => $theirs[$_] } 0 .. $#asked };
}

sub kernel_addresses {
    my ($vm) = @_;
    my @addresses = ('kernel_main', map { sprintf '0x%08x', $symbols->{$_} } qw(schedule __rodata_start swapper_pg_dir layout_regions
        lowmem_size jiffies __kernel_end));
    my $stacks = $vm->command('vmallocinfo');
    for my $kind ($stacks =~ /^0x(\w{8})-0x(\w{8}) /mg) {
        push @addresses, "0x$kind";
    }
    push @addresses, map { sprintf '0x%08x', hex($_) - 4096 } $stacks =~ /^0x\w{8}-0x(\w{8}) /mg; # guards
    my ($last_area) = map { hex } ($stacks =~ /^0x\w{8}-0x(\w{8}) /mg)[-1];
    my $state = { memory => $vm->physical(0, 4 << 20) };
    my ($table) = words($state, $symbols->{swapper_pg_dir} - C + 768 * 4, 1);
    my ($vmalloc_table) = words($state, $symbols->{swapper_pg_dir} - C + 1000 * 4, 1);
    my ($high) = $vm->command('explain 0xc0000000') =~ /^region +0xc0000000\.\.(0x\w+) /m;
    push @addresses, map { sprintf '0x%08x', $_ } C, C + 0x9fc00, C + 0xb8000, C + 0xf0000, C + 0x100000, C + 0x101000, C + 0x400000,
        C + 0x400123, C + 0x7fffff, C + ($table & FRAME), C + ($vmalloc_table & FRAME), hex $high, hex($high) + 1, hex($high) + 0x400000, $last_area, $last_area + 0x1123, 0xfe000000,
        0xffbfe000, 0xffbff000, 0xffc00000, 0xffc01008, 0xffffe000, 0xfffff000, 0xffffffff;
    return (@addresses, '0', '4096', '0x00010000', '0x08048000', '0xbfffe000', '0xbfffffff');
}

# Of user/places.c, which has a page of every kind, of its child, and of a program that runs.
sub user_addresses {
    my ($vm) = @_;
    $vm->send("run places &\n");
    my %at = map { /\]: (\w+) 0x(\w+)$/ ? ($1 => hex $2) : () } split /\n/, $vm->expect(qr/places\[\d+\]: text (?s:.*): own 0x\w+\n/, 10) // '';
    $vm->command('');
    my @pids;
    ok $vm->wait_until(sub { (@pids = $vm->command('ps', 10) =~ /^ *(\d+) .* sleeping .* places$/mg) == 2 }),
        'places has forked, and both sleep' or die $vm->describe;
    $vm->send("run forever &\n");
    $vm->expect(qr/forever\[\d+\]: runs .*\n/, 10);
    $vm->command('');
    my ($runs) = $vm->command('ps', 10) =~ /^ *(\d+) .* forever$/m;
    my @places = map { sprintf '0x%08x', $_ } @at{sort keys %at};
    my @untouched = map { sprintf '0x%08x', $at{$_} + 0x1004 } qw(bss heap none shared);
    return ((map { my $pid = $_; map { "$_ $pid" } @places } @pids), (map { "$_ $pids[0]" } @untouched), (map { "$_ $pids[0]" } qw(0 0xffff 0x08047fff 0x10000000 0x50000000
        0xbf000000 0xbfedcfff 0xbfedd000 0xbffdcfff 0xbffdd000 0xbfffe010 0xbffff000 kernel_main 0xf7c02000 0xffc00000)),
        "0xc0100000 $runs", "0x08048000 $runs");
}

my $said = compare_with_monitor('64M', undef, mem => '64M');
cmp_ok scalar keys %$said, '>=', 80, 'many addresses were asked for';
# That every kind was among them.
my $all = join '', values %$said;
for my $what ('made by double_fault_report_init', 'lowmem: text', 'lowmem: rodata', 'lowmem: sealed', 'lowmem: data and bss', 'lowmem: memory$',
    '4 MiB page at', ' ioremap$', 'vmalloc, kernel stack of init\[1\]', 'its guard is here', 'the tag of an area', 'the tag of a free range',
    'above all RAM', 'no RAM', 'page tables, reserved at start-up', 'this memory is free', 'the kernel itself may only read', 'may have it at physical',
    'hole, never mapped', 'one page, never mapped', 'last page, never mapped', 'never mapped$', 'try  +explain 0x08048000 \d+ +\(', 'no process has an area there',
    'r-xp, page 0 of /places', 'rw-p \[heap\]', 'rw-p \[stack\]', 'it may grow down to here', '\[vdso\]', 'keeps a frame without rights', 'kept without rights',
    'the page of zeros', 'rw-s, page 0$', 'in a block of', 'SMAP=1', 'SMEP=1', 'RW=0, CR0.WP=1', 'nothing: here the address space ends') {
    ok $all =~ /$what/m, "among them: $what";
}
# Where user pages and vmalloc pages have no address in lowmem.
compare_with_monitor('lowmem', qr/^0xf7c0[0-4]|^0xc0[57]|^0xffc0\w+$|0 2$/, mem => '64M', cmdline => 'lowmem=8M');

# ---- the raw tables ----

# What an explanation says of the walk, the rights and the other addresses, against this program's own look.
sub check_explanation {
    my ($name, $said, $state, $directory, $virt) = @_;
    my ($physical, @entries) = own_walk($state, $directory, $virt);
    is join(' ', $said =~ /^(PDE \d+|PTE \d+) +(0x\w{8}) at 0x\w{8}, physical (0x\w{8}): /mg),
        join(' ', map { sprintf '%s %d 0x%08x 0x%08x', @$_[0, 1, 3, 2] } @entries), "$name: entries" or diag $said;
    my ($last) = $entries[-1];
    if (!defined $physical) {
        like $said, qr/^walk +stops at $last->[0] $last->[1]: P=0$/m, "$name: where it stops";
        like $said, qr/^ring $_ +may not read, write, execute \($last->[0] $last->[1]: P=0\)$/m, "$name: and ring $_ may nothing" for 0, 3;
        unlike $said, qr/^(?:frame|also at) /m, "$name: no frame";
        return;
    }
    like $said, qr/^walk +ends at physical @{[ sprintf '0x%08x', $physical ]}$/m, "$name: where it ends";
    my ($rw, $us) = map { my $bit = $_; (grep { !($_->[3] & $bit) } @entries) ? 0 : 1 } RW, US;
    my ($wp, $smep, $smap) = ($state->{CR0} & CR0_WP, $state->{CR4} & CR4_SMEP, $state->{CR4} & CR4_SMAP);
    is may($said, 'ring 3'), !$us ? '' : $rw ? 'read write execute' : 'read execute', "$name: ring 3";
    is may($said, 'ring 0'), join(' ', $us && $smap ? () : ('read', $rw || !$wp ? 'write' : ()), $us && $smep ? () : 'execute'), "$name: ring 0";
    like $said, qr/^frame +@{[ sprintf '0x%08x', $physical & FRAME ]}\b/m, "$name: the frame";
}

# What a ring may, as words.
sub may {
    my ($said, $label) = @_;
    my ($lines) = $said =~ /^$label +(.*\n(?: {10}.*\n)*)/m;
    return join ' ', map { /^\s*may (?!not)([^(]*)/ ? split(/[, ]+/, $1) : () } split /\n/, $lines // '';
}

# The other addresses in these directories ([directory, first, last]).
sub check_aliases {
    my ($name, $said, $state, $virt, @spaces) = @_;
    my ($physical) = own_walk($state, $spaces[0][0], $virt);
    my @want;
    for (@spaces) {
        my ($directory, $first, $last) = @$_;
        push @want, map { sprintf '0x%08x', $_->[0] + $physical - $_->[2] }
            grep { $_->[0] >= $first && $_->[0] <= $last && $_->[2] <= $physical && $physical < $_->[2] + $_->[1] } own_pages($state, $directory);
    }
    my ($lines) = $said =~ /^also at +(.*\n(?: {10}.*\n)*)/m;
    is join(' ', sort $lines =~ /^\s*(0x\w{8}) /mg), join(' ', sort grep { hex $_ != $virt } @want), "$name: its other addresses" or diag $said;
}

# ---- every stage of the boot, and ring 3 ----

my %ADDRESSES = (image => 0xC0100000, null => 0, vmalloc => 0xF7C00000, device => 0xF7C03000, kmap => 0xFFC00000, user => 0x08048000);
my @KINDS = sort keys %ADDRESSES;
my @everywhere = map { sprintf 'attic explain 0x%08x', $ADDRESSES{$_} } @KINDS;
my @STAGES = qw(_start boot_paging_on boot_high boot_identity_gone kernel_main lowmem_map_init page_alloc_init vmalloc_init mm_seal
    return_to_user ring3);
my %stage_number = map { $STAGES[$_] => $_ } 0 .. $#STAGES;

my $vm = Attic->boot(name => 'gdb-explain-stages', build => $debug, stopped => 1, gdb_socket => 1, mem => '8M',
    input => "run forever\n");
my (@plan, @commands);
for my $stage (@STAGES) {
    my @go = ($stage eq 'ring3' ? 'hbreak *((struct pt_regs *)$eax)->eip' : "hbreak *&$stage", 'continue');
    my $file = dump_file();
    push @plan, [$stage, $file];
    push @commands, @go, @everywhere, 'attic explain $esp', dump_commands($file, 8);
}
my @answers = session($debug, $vm, @everywhere, @commands, 'detach');
my @early = splice @answers, 0, scalar @KINDS;
is scalar(grep { /^attic explain: the kernel does not run yet: [^\n]*\n\z/ } @early), @KINDS, 'before the kernel: a sentence' or diag @early;
my $sealed; # the last one
for (@plan) {
    my ($stage, $file) = @$_;
    my %said;
    splice @answers, 0, 2;
    @said{@KINDS, 'stack'} = splice @answers, 0, @KINDS + 1;
    $sealed = take_dump($file, $answers[1]);
    check_stage($stage, \%said, $sealed);
    splice @answers, 0, 2;
}
$vm->kill_now;

sub check_stage {
    my ($stage, $said, $state) = @_;
    return check_physical($said) if $stage eq '_start';
    my $number = $stage_number{$stage} // @STAGES;
    my $directory = $state->{CR3} & FRAME;
    check_explanation("$stage, $_", $said->{$_}, $state, $directory, $ADDRESSES{$_}) for @KINDS;
    if ($number < $stage_number{lowmem_map_init}) {
        check_aliases("$stage, image", $said->{image}, $state, 0xC0100000, [$directory, 0, 0xFFFFFFFF]);
    } else {
        my $master = $number > $stage_number{lowmem_map_init} ? $symbols->{swapper_pg_dir} - C : $directory;
        check_aliases("$stage, image", $said->{image}, $state, 0xC0100000, [$master, C, 0xFFFFFFFF]);
    }
    my $early = $number <= $stage_number{page_alloc_init};
    is $said->{image} =~ /^frame +0x00100000; there are no struct pages yet: page_alloc_init\(\) makes them$/m ? 1 : 0, $early ? 1 : 0,
        "$stage: struct pages" or diag $said->{image};
    is $said->{image} =~ /^area +which part of it, is not known yet/m ? 1 : 0, $number <= $stage_number{lowmem_map_init} ? 1 : 0, "$stage: rows";
    like $said->{null}, qr/^device +may not have it: -EFAULT$/m, "$stage: no device may have null";
    # The regions are chosen just before the rows are made; until then they are the boot directory's, and all this is its lowmem.
    if ($number < $stage_number{lowmem_map_init}) {
        like $said->{$_}, qr/^region +0xc0000000\.\.\w+ lowmem/m, "$stage: a $_ address is lowmem yet" for qw(vmalloc device);
        return;
    }
    is $said->{vmalloc} =~ /^area +none yet: vmalloc_init\(\) makes|^area +none: the boot directory/m ? 1 : 0,
        $number <= $stage_number{vmalloc_init} ? 1 : 0, "$stage: areas" or diag $said->{vmalloc};
    like $said->{$_}, qr/^device +may not have it: -EADDRNOTAVAIL$/m, "$stage: nor a $_ address" for qw(vmalloc device);
    return if $number < $stage_number{mm_seal};
    like $said->{vmalloc}, qr/^area +0xf7c00000\.\.0xf7c01fff vmalloc\n +made by double_fault_report_init\+/m, "$stage: a vmalloc area";
    like $said->{device}, qr/^area +0xf7c03000\.\.0xf7c03fff ioremap\n +made by edu_bind\+/m, "$stage: a device" if $number > $stage_number{mm_seal};
}

sub check_physical {
    my ($said) = @_;
    for (@KINDS) {
        my $text = sprintf '0x%08x', $ADDRESSES{$_};
        like $said->{$_}, qr/\Aaddress +$text is physical: paging is off,/, "_start: $_ is physical";
        like $said->{$_}, qr/^walk +ends at physical $text$/m, "_start: $_: there is nothing to walk";
    }
    like $said->{image}, qr/ +with paging on, this address shows physical 0x00100000, in the kernel's image, from __boot_start to __text_start$/m,
        '_start: what will be there';
    like $said->{null}, qr/^frame +0x00000000 outside the kernel's image, which is at 0x00100000\.\.0x001\w{5}$/m, '_start: what is there';
    is scalar(grep { !/^device +not known yet: the DMA API looks at struct pages/m } @$said{@KINDS}), 0, '_start: and it is too early for devices';
}

# ---- a slot of kmap_local_page() that is taken ----

my $file = dump_file();
$vm = Attic->boot(name => 'gdb-explain-kmap', build => $debug, stopped => 1, gdb_socket => 1, mem => '32M', cmdline => 'lowmem=8M',
    input => "run forever\n");
@answers = session($debug, $vm, 'hbreak *&kunmap_local if (unsigned)$eax >= 0xffc00000', 'continue', dump_commands($file, 32),
    map({ sprintf 'attic explain 0x%08x', $_ } 0xffc00008, 0xffc01000), 'attic explain $pc',
    # Behind a stac, which opens user pages to ring 0; the table of these is the kernel's (arch/x86/cpu.c).
    'delete', map({ sprintf 'hbreak *0x%x', $_ + 3 } open_sites($sealed)), 'continue', 'attic explain 0x08048000', 'detach');
my $state = take_dump($file, $answers[3]);
my ($taken, $free, $code) = @answers[4 .. 6];
my $directory = $state->{CR3} & FRAME;
check_explanation('a slot that is taken', $taken, $state, $directory, 0xffc00008);
like $taken, qr/^area +0xffc00000\.\.0xffc00fff kmap slot$/m, 'a slot that is taken';
like $taken, qr/^frame +0x0\w{7} \w[\w ]*; references: 1$/m, 'shows a page';
cmp_ok hex(($taken =~ /^frame +0x(\w{8})/m)[0]), '>=', 8 << 20, 'in highmem';
unlike $taken, qr/ lowmem$/m, 'which has no address in lowmem';
like $taken, qr/^device +may not have it: -ENXIO$/m, 'and no device may have the slot';
check_explanation('a slot that is free', $free, $state, $directory, 0xffc01000);
like $free, qr/^below +0xffc00000\.\.0xffc00fff kmap slot$/m, 'a slot that is free, above it';
like $code, qr/^address +0xc01\w{5} kunmap_local\+0x/m, 'code has its name';
like $answers[-2], qr/^ring 0 +may read$/m, 'between stac and clac ring 0 may read what ring 3 may';

sub open_sites {
    my ($state) = @_;
    my ($start, $end) = @$symbols{qw(__smap_sites_start __smap_sites_end)};
    my @words = words($state, $start - C, ($end - $start) / 4);
    return map { $words[2 * $_ + 1] ? $words[2 * $_] : () } 0 .. $#words / 2;
}
$vm->kill_now;

# ---- help, completion, and what is asked wrong: one sentence ----

my %wrong = (
    'attic explain'             => qr/^usage: attic explain VA \[PID\]$/,
    'attic explain banana'      => qr/^attic explain: `banana` is no address: /,
    'attic explain 1 +'         => qr/^attic explain: `1 \+` is no address: /,
    'attic explain 0x123456789' => qr/^attic explain: .* 32 bits$/,
    'attic explain 0 77'        => qr/^attic explain: there is no process 77: `attic ps` lists them$/,
    'attic explain 0 banana'    => qr/^attic explain: `banana` is no pid, nor one of master, boot, loaded$/,
    'attic explain 0 boot'      => qr/^attic explain: the boot directory is gone/,
);

# ---- in a panic, in the double-fault task ----

for my $case (['panic', 'machine_exit'], ['stack', 'double_fault_task']) {
    my ($crash, $break) = @$case;
    $file = dump_file();
    $vm = Attic->boot(name => "gdb-explain-$crash", build => $debug, stopped => 1, gdb_socket => 1, mem => '8M',
        input => "run forever &\ncrash $crash\n");
    my @more = (sort(keys %wrong), 'help attic', 'help attic explain', 'complete attic expl', 'complete attic explain kernel_mai',
        'complete attic explain 0 ');
    my ($there, undef, $saved, $registers, @said) = session($debug, $vm, "hbreak $break", 'continue', dump_commands($file, 8), @everywhere,
        'attic explain 0x08048000 2', @more, 'detach');
    my %more;
    @more{@more} = splice @said, @KINDS + 1, scalar @more;
    my %said;
    @said{@KINDS, 'process'} = @said;
    $state = take_dump($file, $registers);
    check_stage($crash, \%said, $state);
    like $more{$_}, qr/\A[^\n]*\n\z/, "$crash: $_: one sentence" for sort keys %wrong;
    like $more{$_}, $wrong{$_}, "$crash: $_" for sort keys %wrong;
    like $more{'help attic'}, qr/^attic explain -- attic explain VA \[PID\]: everything about an address/m, "$crash: help";
    like $more{'help attic explain'}, qr/^Told are the region and the area/m, "$crash: help of its own";
    is $more{'complete attic expl'}, "attic explain\n", "$crash: completion";
    is $more{'complete attic explain kernel_mai'}, "attic explain kernel_main\n", "$crash: completion of VA";
    is $more{'complete attic explain 0 '}, join('', map { "attic explain 0 $_\n" } 0, 1, 2, qw(boot loaded master)), "$crash: completion of PID";
    like $said{process}, qr/^address +0x08048000 of forever\[2\]$/m, "$crash: a process can be asked for";
    $vm->kill_now;
}

done_testing;
