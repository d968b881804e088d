/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arena: one shared region that holds all state of a namespace.
 *
 * It is a memfd mapped at a fixed address, so pointers inside it mean the same in every process
 * that maps it there, and it outlives any of them. Its layout:
 *
 *   struct arena | undo log | stack of free pages | pages ...
 *
 * Pages are handed out whole, or cut into slots of one size (a slab) whose header stands at the
 * page's start; so the slab of a slot is found by masking, and a page address is never a slot
 * address. Nothing larger than a page exists: a table that grows does so page by page and never
 * has to be moved or cleared in one long step.
 *
 * Every change of the arena's own bookkeeping, and of the memory it hands out, is saved in the
 * transaction's undo log first (txn.h).
 */
#ifndef SHMFS_ARENA_H
#define SHMFS_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"
#include "txn.h"

/* Of the arena's own pages. Those of the system are as large, or hold several of them. */
#define ARENA_PAGE_SIZE 4096
#define ARENA_CLASSES 16

/* Raised whenever a structure in the arena changes its shape or meaning. */
#define ARENA_LAYOUT 12

/* Header of a page that is cut into slots. It is on its class's list while it has a free slot. */
struct slab {
	struct slab *next, *prev;
	void *free;	/* slots that were given back, linked through their first word */
	uint32_t class; /* index of the slot size */
	uint32_t used;	/* slots in use */
	uint32_t fresh; /* slots never used so far start here */
	uint32_t padding;
	uint64_t reserved[3];
};

struct arena {
	uint64_t magic;
	uint32_t layout;
	uint32_t padding;
	uintptr_t base; /* where this structure is mapped */
	uint64_t size;	/* of the whole region */
	struct txn txn;
	uint8_t *pages;		/* the first page */
	uint64_t page_count;	/* that exist */
	uint64_t page_fresh;	/* pages from here on were never used and are zero */
	uint32_t *free_pages;	/* stack of the numbers of free pages below page_fresh */
	uint64_t free_count;	/* its height */
	uint64_t free_released; /* the lowest so many of it were given back to the system */
	struct slab *partial[ARENA_CLASSES];
	void *root; /* where the owner finds its own state */
	/* Where a page of the system holds several of these: its bytes, and for each of them how
	 * many of the pages in it are free. 0 and NULL: it holds one. */
	uint64_t system_page;
	uint16_t *free_in;
};

/*
 * Makes an arena of `size` bytes of address space, anywhere or at one of a few fixed addresses, on
 * a system whose pages have this size. 0 and the descriptor and mapping, or -EINVAL (too small),
 * -EEXIST (addresses taken) or an errno of memfd_create(2), ftruncate(2) or mmap(2).
 */
int arena_create(bool fixed, size_t size, size_t system_page, int *fd, struct arena **out);

/* Whether arena_map() would succeed in a program in which it is not mapped yet: 0 or its errno. */
int arena_check(int fd);

/* Maps the arena behind fd at its own address, or finds it mapped there. -EPROTO: not an arena. */
int arena_map(int fd, struct arena **out);

/*
 * Whether a process that had the arena behind fd before left a transaction in it that ends within
 * it: 0 or -EPROTO. What is to be trusted of the arena for that is what fd tells, and where it is
 * mapped.
 */
int arena_check_left(const struct arena *arena, int fd, int descriptor_first);

void arena_unmap(struct arena *arena);

/*
 * Memory of `size` bytes (1 .. ARENA_PAGE_SIZE), zeroed, and saved in the undo log so that it may
 * be written at once. Aligned to 16 bytes. NULL when the arena is full.
 */
void *arena_alloc(struct arena *arena, size_t size);

void arena_free(struct arena *arena, void *memory);

/* After a commit: gives the memory of a few long free pages back to the system. */
void arena_trim(struct arena *arena);

/* Bytes in pages that are handed out. */
uint64_t arena_used(const struct arena *arena);

/* Checks the allocator's invariants and counts the slots and pages in use. */
unsigned arena_verify(
    const struct arena *arena, void (*complain)(void *arg, const char *line), void *arg);

#endif
