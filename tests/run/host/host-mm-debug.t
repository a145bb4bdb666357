#!/usr/bin/perl
# As host-mm.t, with the slabs of a DEBUG=1 build.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Attic qw(become_host_program32);

become_host_program32('mm_test_debug', '-DCONFIG_DEBUG_SLAB', 'tests/host/mm_test.c', qw(mm/frame/buddy.c mm/frame/zone.c mm/frame/page_alloc.c mm/frame/page_check.c mm/frame/slab.c mm/frame/slab_check.c),
    qw(mm/frame/slab_debug.c mm/frame/kmalloc.c mm/kva/vmap_area.c mm/kva/vmap_check.c mm/kva/vmalloc.c), glob 'lib/*.c');
