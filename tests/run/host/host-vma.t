#!/usr/bin/perl
# The areas of an address space as a 32-bit host program, under sanitizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(become_host_program32);

become_host_program32('vma_test', 'tests/host/vma_test.c', 'mm/user/vma.c', 'mm/user/vma_check.c', glob 'lib/*.c');
