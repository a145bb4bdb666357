#!/usr/bin/perl
# mm/frame/memblock.c as a host program, under sanitizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(become_host_program);

become_host_program('memblock_test', 'tests/host/memblock_test.c', glob 'lib/*.c');
