#!/usr/bin/perl
# As host-mm.t, with the slabs of a DEBUG=1 build.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Attic qw(become_host_program32);

become_host_program32('mm_test_debug', '-DCONFIG_DEBUG_SLAB', 'tests/host/mm_test.c', qw(mm/page_alloc.c mm/slab.c mm/slab_check.c),
    qw(mm/slab_debug.c mm/kmalloc.c mm/vmap_area.c mm/vmalloc.c), glob 'lib/*.c');
