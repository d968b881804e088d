/* SPDX-License-Identifier: BSD-2-Clause */
/* The piece of memory that stays mapped; see map_cache.h. */
#include "map_cache.h"

#include <stdbool.h>
#include <sys/mman.h>

#include "fs/shmfs.h"

/* Since Linux 5.14; before that, EINVAL. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* Windows begin and end at multiples of this. */
#define GRAIN (UINT64_C(1) << 20)
#define MOST_PAGES (2 * GRAIN / SHMFS_PAGE_SIZE)

/* For so many bytes a new window pays at once, for fewer if they continue the ones before. */
#define WORTH_MOVING (384 * 1024)

static struct {
	int fd; /* -1: there is none */
	uint64_t offset;
	size_t size;
	char *map;
} window = {.fd = -1};

/* Where the bytes end that were asked for last. */
static struct {
	int fd;
	uint64_t end;
} last = {.fd = -1};

static bool covers(int fd, uint64_t offset, size_t size)
{
	return window.fd == fd && offset >= window.offset &&
	       offset + size <= window.offset + window.size;
}

static void close_window(void)
{
	if (window.fd >= 0)
		munmap(window.map, window.size);
	window.fd = -1;
}

static bool move(int fd, uint64_t offset, size_t size)
{
	uint64_t begin = offset / GRAIN * GRAIN;
	size_t length = (size_t)((offset + size + GRAIN - 1) / GRAIN * GRAIN - begin);
	void *map;

	if (length / SHMFS_PAGE_SIZE > MOST_PAGES)
		return false;
	close_window();
	map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)begin);
	if (map == MAP_FAILED)
		return false;
	window.fd = fd;
	window.offset = begin;
	window.size = length;
	window.map = map;
	return true;
}

/*
 * Only pages that are there: a hole that is looked at becomes memory. They are mapped as well,
 * since a process that is being killed can fault none in any more, and would hand half an answer
 * over.
 */
static bool make_ready(char *from, size_t size)
{
	unsigned char there[MOST_PAGES];

	if (mincore(from, size, there) < 0)
		return false;
	for (size_t i = 0; i < (size + SHMFS_PAGE_SIZE - 1) / SHMFS_PAGE_SIZE; i++)
		if (!(there[i] & 1))
			return false;
	return madvise(from, size, MADV_POPULATE_READ) == 0;
}

const void *window_view(int fd, uint64_t offset, size_t size)
{
	bool continues = last.fd == fd && last.end == offset;
	uint64_t begin = offset / SHMFS_PAGE_SIZE * SHMFS_PAGE_SIZE;
	char *page;

	last.fd = fd;
	last.end = offset + size;
	if (!covers(fd, offset, size) &&
	    ((size < WORTH_MOVING && !continues) || !move(fd, offset, size)))
		return NULL;
	page = window.map + (begin - window.offset);
	if (!make_ready(page, (size_t)(offset + size - begin)))
		return NULL;
	return page + (offset - begin);
}

void window_leave(int fd)
{
	if (window.fd == fd)
		close_window();
	if (last.fd == fd)
		last.fd = -1;
}
