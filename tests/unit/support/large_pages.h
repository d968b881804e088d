/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as it is on a system with larger pages than this one's: a page of which one byte is there
 * is there whole, and goes whole.
 */
#ifndef SHMFS_TESTS_UNIT_LARGE_PAGES_H
#define SHMFS_TESTS_UNIT_LARGE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

/* The two pages that a change of some bytes may touch in part, and whether they are there. */
struct edges {
	uint64_t page[2];
	bool stays[2];
};

/* Before memory goes: of the range, or of a size. Pages that it takes whole do not stay. */
struct edges large_pages_before(int fd, uint64_t page_size, uint64_t offset, uint64_t length);

/* Afterwards. */
void large_pages_after(int fd, uint64_t page_size, const struct edges *edges);

/* After bytes were written. */
void large_pages_written(int fd, uint64_t page_size, uint64_t offset, uint64_t length);

#endif
