/*
 * Short access to any page (Linux's names). A lowmem page always has an address; a highmem page is
 * mapped in a slot of the fixmap. Mappings nest like a stack: unmap in reverse order, before the
 * code sleeps. Too many mappings, a wrong order or a sleep in between is a panic. Not for interrupt
 * handlers.
 */
#pragma once

#include <mm/frame/page.h>

/* The address of the page until the matching kunmap_local(). Never fails. */
__must_check void *kmap_local_page(const struct page *page);

/* Any address within the page that kmap_local_page() mapped last. */
void kunmap_local(const void *addr);

/* The number of slots in use: 0 whenever code may sleep. */
u32 kmap_local_depth(void);

/*
 * NULL when no slot is taken and none maps a page; otherwise the first slot that does. For the
 * audit.
 */
const char *kmap_check(void);

/* Fill a page with zeros; copy a page. */
void clear_highpage(const struct page *page);
void copy_highpage(const struct page *to, const struct page *from);
