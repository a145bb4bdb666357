#!/usr/bin/perl
# The in-kernel tests on a processor without SMEP and SMAP.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-qemu32', label => 'qemu32', mem => '128M', cpu => 'qemu32');
done_testing;
