#!/usr/bin/perl
# The in-kernel tests with a linear map of 8 MiB, so that most of RAM is highmem.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok own_initramfs);
use Test::More;

# A busybox that was fetched would take half of lowmem.
ktap_ok(name => 'ktest-lowmem', label => '128M, lowmem=8M', mem => '128M', cmdline => 'lowmem=8M', initramfs => own_initramfs());
done_testing;
