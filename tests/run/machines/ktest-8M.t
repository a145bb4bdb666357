#!/usr/bin/perl
# The in-kernel tests on the smallest machine that Attic runs on. The memory that busybox would take in the initramfs, where it
# has been fetched, is needed by the programs that the tests run.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok own_initramfs);
use Test::More;

ktap_ok(name => 'ktest-8M', label => '8M', mem => '8M', initramfs => own_initramfs());
done_testing;
