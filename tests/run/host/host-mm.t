#!/usr/bin/perl
# The page allocator, the slabs and vmalloc as a 32-bit host program, under sanitizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(become_host_program32);

become_host_program32('mm_test', 'tests/host/mm_test.c', qw(mm/frame/buddy.c mm/frame/zone.c mm/frame/page_alloc.c mm/frame/page_check.c mm/frame/slab.c mm/frame/slab_check.c mm/frame/slab_debug.c mm/frame/kmalloc.c),
    qw(mm/kva/vmap_area.c mm/kva/vmap_check.c mm/kva/vmalloc.c), glob 'lib/*.c');
