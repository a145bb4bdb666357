#!/usr/bin/perl
# No call holds the processor: user/tests/helpers/hog.c makes the long ones while another process looks at the clock. Under -icount the clock counts
# instructions, here 4 ns each, about what QEMU needs for one: the same in every run, however busy the host is.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(own_initramfs);
use Test::More;

use constant LIMIT_MS => 50;

for my $mem ('64M', '512M') {
    my $vm = Attic->run(name => "hog-$mem", mem => $mem, initramfs => own_initramfs(), input => "run hog\naudit\npoweroff\n",
        extra => ['-icount', 'shift=2,sleep=off'], timeout => 400);
    my @measured = $vm->output =~ /^hog: (.+: \d+) ms\r?$/mg;
    cmp_ok scalar @measured, '>=', 30, "$mem: the calls were made" or diag $vm->describe;
    for (@measured) {
        my ($what, $ms) = /^(.+): (\d+)$/;
        cmp_ok $ms, '<', LIMIT_MS, "$mem: $what: others wait $ms ms at most";
    }
    like $vm->output, qr/^hog\[\d+\]: exit status 0/m, "$mem: nothing failed" or diag $vm->describe;
    like $vm->output, qr/^audit: all invariants hold/m, "$mem: the audit holds";
}
done_testing;
