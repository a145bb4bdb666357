/*
 * Short looks at any page (Linux's names). A lowmem page has its address anyway; a highmem page is
 * shown in a slot of the fixmap. Mappings nest like a stack: unmap in reverse order, before the
 * code sleeps. Too many at once, a wrong order or a sleep in between is a panic. Not for interrupt
 * handlers.
 */
#pragma once

#include <mm/frame/page.h>

/* The address of the page until the matching kunmap_local(). Never fails. */
__must_check void *kmap_local_page(const struct page *page);

/* Any address within the page that kmap_local_page() showed last. */
void kunmap_local(const void *addr);

/* Slots in use: 0 whenever code may sleep. */
u32 kmap_local_depth(void);

/* NULL when no slot is taken and none shows a page; else which does. For the audit. */
const char *kmap_check(void);

/* Fill a page with zeros; copy a page. */
void clear_highpage(const struct page *page);
void copy_highpage(const struct page *to, const struct page *from);
