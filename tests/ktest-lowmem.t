#!/usr/bin/perl
# The in-kernel tests with a linear map of 8 MiB, so that most of RAM is highmem.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(ktap_ok);
use Test::More;

ktap_ok(name => 'ktest-lowmem', label => '128M, lowmem=8M', mem => '128M', cmdline => 'lowmem=8M');
done_testing;
