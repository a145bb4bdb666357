#!/usr/bin/perl
# lib/ as a host program, under sanitizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(become_host_program);

become_host_program('lib_test', 'tests/host/lib_test.c', glob 'lib/*.c');
