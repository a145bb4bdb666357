# The tables of a machine, walked by the tests themselves, and gdb's commands held against them: for tests/run/gdb/gdb-commands.t and
# tests/run/gdb/gdb-processes.t.
#
#   my @said = session($build, $vm, 'attic map', 'attic ps', 'detach');   # or 'disconnect': then the machine stays stopped
#   check_map('the name of it', $said[0], { memory => $vm->physical(0, 16 << 20) }, $directory);
#
# A machine's state is { memory => bytes from physical 0 on, and registers by QEMU's names }. It is had from QEMU's monitor: by
# $vm->physical(), or within a session of gdb by dump_commands(), whose file take_dump() reads afterwards. Directories are physical
# addresses. Nothing here knows the kernel but for where its half begins.
package RawTables;
use strict;
use warnings;
use Attic qw(slurp);
use Exporter qw(import);
use Test::More;

use constant {
    C => 0xC0000000, P => 1, RW => 2, US => 4, PCD => 0x10, PS => 0x80, G => 0x100,
    FRAME => 0xFFFFF000, LARGE_FRAME => 0xFFC00000, CR0_PG => 1 << 31, CR4_SMAP => 1 << 21, AC => 1 << 18,
};
use constant RIGHTS => RW | US | PCD | 8 | G;

our @EXPORT = qw(C FRAME CR0_PG session wait_for_sleep dump_file dump_commands take_dump words own_walk own_pages check_walk check_map
    check_pgd);

# ---- a gdb session ----

# Until the monitor sleeps: it prints its prompt a moment before that. The machine stays stopped then.
sub wait_for_sleep {
    my ($build, $vm) = @_;
    ok $vm->wait_until(sub {
        my ($ps) = session($build, $vm, 'attic ps', 'disconnect');
        return 1 if $ps =~ /^ +1 sleeping/m;
        session($build, $vm, 'detach');
        return 0;
    }), 'the monitor sleeps at last';
}

# Run commands of a build's gdb; what each of them said. No exception of Python may show, whatever happens.
sub session {
    my ($build, $vm, @commands) = @_;
    my $said = $vm->gdb("$build/attic.debug", 'set width 0', 'set height 0', map { ('echo @@@\n', $_) } @commands);
    my (undef, @answers) = split /^@@@\n/m, $said, -1;
    my @bad = grep { $answers[$_] =~ /Python|Traceback|Error occurred|structures are not/ } 0 .. $#answers;
    is join("\n", map { "$commands[$_]: $answers[$_]" } @bad), '', 'no exception of Python';
    is scalar @answers, scalar @commands, 'gdb ran all commands' or diag $said;
    return @answers;
}

my @dumps;
sub dump_file {
    push @dumps, sprintf '%s/attic-dump-%d-%d', $ENV{TMPDIR} || '/tmp', $$, scalar @dumps;
    return $dumps[-1];
}

# Also when a test has died in between.
END {
    unlink @dumps;
}

# What gdb is told to have memory and registers saved, and to look at them later.
sub dump_commands {
    my ($file, $mib) = @_;
    return (sprintf('monitor pmemsave 0 0x%x "%s"', $mib << 20, $file), 'monitor info registers');
}

sub take_dump {
    my ($file, $registers) = @_;
    my %state = (memory => slurp($file), map { $_ => hex(($registers =~ /\b$_=([0-9a-f]+)/)[0]) } qw(CR0 CR3 EIP EFL CR4));
    unlink $file;
    return \%state;
}

# ---- this program's own walk ----

sub words {
    my ($state, $addr, $count) = @_;
    return unpack "V$count", substr $state->{memory}, $addr, 4 * $count;
}

# Physical address, or undef; and the entries: [level, index, where, value].
sub own_walk {
    my ($state, $directory, $virt) = @_;
    my $at = $directory + ($virt >> 22) * 4;
    my ($pde) = words($state, $at, 1);
    my @entries = (['PDE', $virt >> 22, $at, $pde]);
    return (undef, @entries) unless $pde & P;
    return (($pde & LARGE_FRAME) + ($virt & 0x3FFFFF), @entries) if $pde & PS;
    $at = ($pde & FRAME) + ($virt >> 12 & 1023) * 4;
    my ($pte) = words($state, $at, 1);
    push @entries, ['PTE', $virt >> 12 & 1023, $at, $pte];
    return ($pte & P ? ($pte & FRAME) + ($virt & 0xFFF) : undef, @entries);
}

# [start, size, physical, rights] of every mapped page.
sub own_pages {
    my ($state, $directory) = @_;
    my @pages;
    my @pdes = words($state, $directory, 1024);
    for my $i (0 .. 1023) {
        my ($pde, $base) = ($pdes[$i], $i << 22);
        next unless $pde & P;
        if ($pde & PS) {
            push @pages, [$base, 0x400000, $pde & LARGE_FRAME, $pde & RIGHTS];
            next;
        }
        my @ptes = words($state, $pde & FRAME, 1024);
        for my $j (grep { $ptes[$_] & P } 0 .. 1023) {
            my $both = $ptes[$j] & $pde & (RW | US) | $ptes[$j] & RIGHTS & ~(RW | US);
            push @pages, [$base + ($j << 12), 4096, $ptes[$j] & FRAME, $both];
        }
    }
    return @pages;
}

# Ranges of one page size and rights, as text, of all owners.
sub own_ranges {
    my @ranges;
    for (@_) {
        my ($start, $size, undef, $rights) = @$_;
        my $key = rights_text($rights) . ($size > 4096 ? ' 4M' : ' 4K');
        if (@ranges && $ranges[-1][1] == $start && $ranges[-1][2] eq $key) {
            $ranges[-1][1] += $size;
        } else {
            push @ranges, [$start, $start + $size, $key];
        }
    }
    return join "\n", map { sprintf '%08x %08x %s', @$_ } @ranges;
}

sub rights_text {
    my ($rights) = @_;
    my $access = $rights & RW ? 'rw' : 'r-';
    return "$access/" . ($rights & US ? $access : '--');
}

# The lines of attic map as the same text.
sub map_ranges {
    my ($said) = @_;
    my @ranges;
    while ($said =~ /^  0x(\w{8})\.\.0x(\w{8}) +\d+ \w+ (\S+ 4[MK])/mg) {
        my ($start, $end, $key) = (hex $1, hex($2) + 1, $3);
        if (@ranges && $ranges[-1][1] == $start && $ranges[-1][2] eq $key) {
            $ranges[-1][1] = $end;
        } else {
            push @ranges, [$start, $end, $key];
        }
    }
    return join "\n", map { sprintf '%08x %08x %s', @$_ } @ranges;
}

# ---- checks ----

sub check_walk {
    my ($name, $said, $state, $directory, $virt) = @_;
    my ($physical, @entries) = own_walk($state, $directory, $virt);
    my @lines = $said =~ /^  (P[DT]E) +(\d+) at (0x\w+): (0x\w+)/mg;
    is join(' ', @lines), join(' ', map { sprintf '%s %d 0x%08x 0x%08x', @$_ } @entries), "$name: walk finds the entries" or diag $said;
    if (defined $physical) {
        like $said, qr/-> physical 0x@{[ sprintf '%08x', $physical ]}, in a 4 [KM]iB page$/m, "$name: and the physical address";
        my ($rw, $us) = map { my $bit = $_; (grep { !($_->[3] & $bit) } @entries) ? 0 : 1 } RW, US;
        like $said, $us ? qr/ring 3 may read/ : qr/ring 3 may do nothing: US=0 in the/, "$name: what ring 3 may";
        my $only_with_ac = $us && $state->{CR4} & CR4_SMAP && !($state->{EFL} & AC);
        my $ring0 = $only_with_ac ? 'ring 0 may not touch it now: .*; between stac and clac it may read' : 'ring 0 may read';
        like $said, $rw ? qr/$ring0 and write/ : qr/$ring0.* RW=0 in the/, "$name: what ring 0 may";
    } else {
        like $said, qr/not mapped: the $entries[-1][0] is not present/, "$name: where it ends";
    }
}

sub check_map {
    my ($name, $said, $state, $directory) = @_;
    my @pages = own_pages($state, $directory);
    is map_ranges($said), own_ranges(@pages), "$name: map's ranges are those of the tables" or diag $said;
    my %physical = map { $_->[0] => $_ } @pages;
    my @wrong;
    while ($said =~ /^  0x(\w{8})\.\.0x(\w{8}) .* -> 0x(\w{8})/mg) {
        my ($start, $end, $frame) = (hex $1, hex $2, hex $3);
        for (my $at = $start; $at < $end; $at += $physical{$at}[1]) {
            push @wrong, sprintf '%08x', $at if $physical{$at}[2] != $frame + $at - $start;
        }
    }
    is "@wrong", '', "$name: and so are its frames";
}

sub check_pgd {
    my ($name, $said, $state, $directory) = @_;
    my @got;
    while ($said =~ /^  (\d+)(?:\.\.(\d+))? +0x\w{8}\.\.0x\w{8}  0x(\w{8})  (4 MiB|page table)/mg) {
        my ($first, $last, $value, $step) = ($1, $2 // $1, hex $3, $4 eq '4 MiB' ? 0x400000 : 4096);
        $got[$_] = $value + ($_ - $first) * $step for $first .. $last;
    }
    my @want = words($state, $directory, 1024);
    is join(' ', map { ($got[$_] // 0) == ($want[$_] & P ? $want[$_] : 0) ? () : $_ } 0 .. 1023), '', "$name: pgd has every present entry"
        or diag $said;
}

1;
