#!/usr/bin/perl
# The tour of the memory: `make tour BATCH=1` writes what docs/tour.md holds, but for the numbers that depend on the build, and the
# entries it shows are those in memory. Each of its claims is checked by the tour itself, which ends when one is not so.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(build_dir root_dir slurp);
use File::Spec::Functions qw(abs2rel);
use File::Temp ();
use Test::More;

my $debug = build_dir() . '/debug';

# ---- the transcript ----

my ($transcript, $said, $status) = make_tour();
is $status, 0, 'make tour BATCH=1 ends with status 0' or diag $said;
my @now = split /\n/, normal($transcript);
my @kept = split /\n/, normal(slurp(root_dir() . '/docs/tour.md'));
my ($differ) = grep { ($now[$_] // '') ne ($kept[$_] // '') } 0 .. (@now > @kept ? $#now : $#kept);
ok !defined $differ, 'docs/tour.md holds the transcript: `make tour-doc` writes it again'
    or diag sprintf "line %d is now\n%s\nand in docs/tour.md\n%s", $differ + 1, map { $_ // '(nothing)' } $now[$differ], $kept[$differ];

my (undef, @stops) = split /^## /m, $transcript;
is scalar @stops, 18, 'so many stops';
for my $stop (@stops) {
    my ($name, $text) = $stop =~ /\A\d+\. ([^:]+): .*\n\n((?:.+\n)+)/ or fail('a stop has a heading and sentences'), next;
    my $sentences = () = $text =~ /[.?](?=\s)/g;
    ok $sentences >= 2 && $sentences <= 5, "$name: two to five sentences" or diag "$sentences: $text";
    like $stop, qr{^    (?:[\w/]+\.(?:c|asm):\d+\n\n(?:    .*\n|\n)*?    > *\d+  |0x\w+: the program's first instruction)}m,
        "$name: a source line";
    like $stop, qr/^Before:\n\n    CR0.*\n\n    0x\w+.*\n(?:    .*\n|\n)*(?:In between.*:\n\n(?:    .*\n|\n)*)?^After.*:\n\n    CR0.*\n\n    0x/m,
        "$name: a walk before and after";
}

# ---- the same stop by stop, against QEMU's monitor ----

my $vm = Attic->boot(name => 'tour', build => $debug, stopped => 1, gdb_socket => 1, input => "run tour\npoweroff\n");
# The monitor is asked for what the tour has read, entry by entry.
my $look = 'python from attic.tour.tour import Tour; [gdb.execute("monitor xp /1wx 0x%x" % entry.at) for walks in Tour.guide.walks for walk in walks'
    . ' for entry in (walk.pde, walk.pte) if entry]';
$said = $vm->gdb("$debug/attic.debug", ('attic tour', $look) x 37, 'attic tour', 'info breakpoints', 'detach');
my @moments = split /^(?=## |After|In between)/m, $said;
shift @moments;
is scalar @moments, 37, 'so many moments, one with each `attic tour`' or diag $said;
my ($entries, $wrong) = (0, '');
for my $moment (@moments) {
    my %memory = map { /^0*([0-9a-f]{8}): 0x([0-9a-f]{8})/ ? ($1 => $2) : () } split /\n/, $moment;
    while ($moment =~ /^    [ *] P[DT]E +\d+ at 0x(\w+): 0x(\w+)/mg) {
        $entries++;
        $wrong .= "$1: tour $2, monitor " . ($memory{$1} // 'nothing') . "\n" if ($memory{$1} // '') ne $2;
    }
}
cmp_ok $entries, '>', 100, 'there are entries to compare';
is $wrong, '', "each entry is in memory as the tour shows it, says QEMU's monitor";
like $said, qr/^attic tour: the tour is over/m, 'then it is over';
# As gdb 10 says it, and from gdb 16 on.
like $said, qr/^No breakpoints(?: or watchpoints|, watchpoints, tracepoints, or catchpoints)\.$/m, 'and has left no breakpoint';
unlike $said, qr/Python|Traceback|Error occurred/, 'no exception of Python shows';
is $vm->finish, 'pass', 'detached, Attic goes on and powers off' or diag $vm->describe;
like $vm->output, qr/^tour: the child wrote to its own page; the parent still reads 'p'$/m, 'the program did what the tour tells';

# ---- a reader who goes on alone for a while ----

{
    $vm = Attic->boot(name => 'tour-alone', build => $debug, stopped => 1, gdb_socket => 1);
    local $ENV{ATTIC_CONSOLE} = $vm->open_console;
    $said = $vm->gdb("$debug/attic.debug", 'attic tour', 'thbreak monitor_main', 'continue', 'attic tour', 'attic tour');
    is join(' ', $said =~ /^(## \d+|Before|After)/mg), '## 1 Before ## 10 Before After', 'past the boot the tour goes on with the program'
        or diag $said;
    $vm->kill_now;
}

# ---- make tour with Enter ----

($said, $status) = debug_tour("\n\n\nq\n");
is join(' ', $said =~ /^(## \d+|Before|After)/mg), '## 1 Before After ## 2 Before After', 'each Enter goes on by a moment' or diag $said;
is $status, 0, 'q quits';

# ---- a tour that cannot be ----

{
    local $ENV{QEMU} = '/bin/false';
    (my $text, $said, $status) = make_tour();
    isnt $status, 0, 'no QEMU: the tour fails';
    is $text, '', 'and writes no half of a transcript';
    like $said, qr/^(?:tour|qemu): .*/m, 'but why' or diag $said;
}

{
    my $gdb = File::Temp->new;
    print $gdb qq(#!/bin/sh\n[ "\$1" = --version ] && exec gdb --version\nexec sleep 60\n);
    close $gdb;
    chmod 0755, "$gdb";
    local @ENV{qw(GDB TIMEOUT)} = ("$gdb", 1);
    (my $text, $said, $status) = make_tour();
    isnt $status, 0, 'no end: the tour fails';
    is $text, '', 'with no half of a transcript';
    like $said, qr/^tour: not at its end after 1 s$/m, 'but a line';
}

# What a transcript says in every build. Numbers become names, by first appearance, so that equal ones stay equal and different
# ones different: lines of source; the frames in entries and in the addresses of entries, where the bits below stay as they are; other
# numbers as a whole. Which addresses are walked stays.
sub normal {
    my ($text) = @_;
    my (%names, $file);
    my $name = sub { $names{ $_[0] } //= '#' . (1 + keys %names) };
    # What is above the end of RAM is no frame: the tag in an entry that is not present.
    my $frame = sub {
        my ($number) = @_;
        return $number =~ /^[c-f]/ ? $name->("tag $number") : $name->('frame ' . substr $number, 0, 5) . '+' . substr $number, 5;
    };
    my @lines = map {
        $file = $1 if m{^    ([\w/]+\.(?:c|asm)):\d+$};
        s{^    [\w/]+\.(?:c|asm):\K(\d+)$}{$name->("$file:$1")}e;
        s{^(    [ >]) *(\d+)  }{$1 . $name->("$file:$2") . '  '}e;
        if (!/^    0x\w+(?:\.\.0x\w+)?, /) {
            s/(?: at |: |was |physical |frame |CR3=)\K0x(\w{8})/$frame->($1)/ge;
            s/0x([0-9a-f]{8})/$name->("value $1")/ge;
        }
        $_;
    } split /\n/, $text;
    return join '', map { s/ +/ /gr . "\n" } @lines;
}

# (standard output, standard error, status)
sub make_tour {
    delete local @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
    my $log = File::Temp->new;
    my @command = ('make', '--no-print-directory', '-C', root_dir(), 'tour', 'BATCH=1', 'BUILD=' . abs2rel(build_dir(), root_dir()),
        $ENV{CC} ? "CC=$ENV{CC}" : ());
    my $text = qx(@{[ join ' ', map { "'$_'" } @command ]} 2> '$log' < /dev/null);
    return ($text, slurp($log), $? >> 8);
}

# `make tour` without make: (what it says, status)
sub debug_tour {
    my ($input) = @_;
    my $said = qx(printf '$input' | '@{[ root_dir() ]}/scripts/debug' --tour '$debug' 2>&1);
    return ($said, $? >> 8);
}

done_testing;
