#!/usr/bin/perl
# A kernel built with DEBUG=1: the self-tests in it, and misuse of kmalloc that it must notice, with both call sites named. What
# the default build notices is in crash.t.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(checked_build ktap_ok);
use Test::More;

my ($build, $said) = checked_build();
ok -s "$build/attic.elf", 'make DEBUG=1 builds' or diag($said), done_testing, exit;

ktap_ok(name => 'debug', label => 'DEBUG=1', mem => '64M', cmdline => 'lowmem=32M', build => $build); # with pages that want kmap_local

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
    like $vm->output, qr/^PANIC at mm\/frame\/slab\w*\.c:\d+ \(\w+\): cache kmalloc-64, object 0x[0-9a-f]{8}: .*$report{$how}/m,
        "crash $how: cache, object, what is wrong, and who" or diag $vm->describe;
}
done_testing;
