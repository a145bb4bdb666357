#!/usr/bin/perl
# The page allocator, the slabs and vmalloc as a 32-bit host program, under sanitizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(become_host_program32);

become_host_program32('mm_test', 'tests/host/mm_test.c', qw(mm/page_alloc.c mm/slab.c mm/slab_check.c mm/slab_debug.c mm/kmalloc.c),
    qw(mm/vmap_area.c mm/vmalloc.c), glob 'lib/*.c');
