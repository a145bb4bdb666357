#!/usr/bin/perl
# A kernel built with DEBUG=1: the self-tests in it, and misuse of kmalloc that it must notice, with both call sites named. What
# the default build notices is in crash.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(build_dir ktap_ok root_dir);
use Test::More;

my $build = build_dir() . '/checks';
my @make = ('make', '--no-print-directory', '-C', root_dir(), 'DEBUG=1', "BUILD=$build", ($ENV{CC} ? "CC=$ENV{CC}" : ()), 'all');
my $said = do {
    delete local @ENV{qw(MAKEFLAGS MAKELEVEL MFLAGS)};
    open my $from, '-|', 'sh', '-c', 'exec "$@" 2>&1 < /dev/null', 'sh', @make or die "make: $!\n";
    local $/;
    <$from>;
};
ok -s "$build/attic.elf", 'make DEBUG=1 builds' or diag($said), BAIL_OUT('no kernel');

ktap_ok(name => 'debug', label => 'DEBUG=1', mem => '64M', build => $build);

my $place = qr/\+0x[0-9a-f]+\/0x[0-9a-f]+/;
my $by = qr/crash_allocate$place/;
my %report = (
    'double-free'    => qr/freed, but it is not out; allocated by $by, freed by crash_free$place, now freed by crash_double_free$place/,
    'foreign-free'   => qr/8 bytes from its start, is freed instead; allocated by $by, now freed by crash_free$place/,
    'overrun'        => qr/written past its end: byte 60 is 01, not cc; allocated by $by, now freed by crash_free$place/,
    'use-after-free' =>
        qr/written after it was freed: byte 8 is 01, not 6b; allocated by $by, freed by crash_free$place, now allocated by $by/,
);
for my $how (sort keys %report) {
    my $vm = Attic->run(name => "debug-$how", build => $build, timeout => 60, input => "crash $how\n");
    is $vm->status, 'panic', "crash $how: status" or diag $vm->describe;
    like $vm->output, qr/^PANIC at mm\/slab\w*\.c:\d+ \(\w+\): cache kmalloc-64, object 0x[0-9a-f]{8}: .*$report{$how}/m,
        "crash $how: cache, object, what is wrong, and who" or diag $vm->describe;
}
done_testing;
