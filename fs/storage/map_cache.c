/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of memory that stays mapped; see map_cache.h. */
#include "map_cache.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arith.h"

/* Since Linux 5.14; before that, EINVAL. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* A mapping begins and ends at multiples of this, which are whole pages everywhere. */
#define GRAIN (UINT64_C(1) << 20)
#define SIZE_MAX_MAPPED (2 * GRAIN)

/* The smallest pages that there are. */
#define PAGE_MIN 4096

/* For so many bytes a new mapping pays at once, for fewer if they continue the ones before. */
#define WORTH_MOVING (384 * 1024)

static bool covers(const struct shmfs_map_cache *cache, int fd, uint64_t offset, size_t size)
{
	return cache->fd == fd && offset >= cache->offset &&
	       offset + size <= cache->offset + cache->size;
}

void map_cache_drop(struct shmfs_map_cache *cache)
{
	if (cache->fd >= 0)
		munmap(cache->map, cache->size);
	cache->fd = -1;
}

static bool move(struct shmfs_map_cache *cache, int fd, uint64_t offset, size_t size)
{
	uint64_t begin = offset / GRAIN * GRAIN;
	size_t length = (size_t)(round_up(offset + size, GRAIN) - begin);
	void *map;

	if (length > SIZE_MAX_MAPPED)
		return false;
	map_cache_drop(cache);
	map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, (off_t)begin);
	if (map == MAP_FAILED)
		return false;
	cache->fd = fd;
	cache->offset = begin;
	cache->size = length;
	cache->map = map;
	return true;
}

/*
 * Only pages that are there: a hole that is looked at becomes memory. They are mapped as well,
 * since a process that is being killed can fault none in any more, and would hand half an answer
 * over.
 */
static bool make_ready(char *from, size_t size, size_t page)
{
	unsigned char there[SIZE_MAX_MAPPED / PAGE_MIN];

	if (mincore(from, size, there) < 0)
		return false;
	for (size_t i = 0; i < (size + page - 1) / page; i++)
		if (!(there[i] & 1))
			return false;
	return madvise(from, size, MADV_POPULATE_READ) == 0;
}

const void *map_cache_view(struct shmfs_map_cache *cache, int fd, uint64_t offset, size_t size)
{
	bool continues = cache->last_fd == fd && cache->last_end == offset;
	size_t page_size = (size_t)sysconf(_SC_PAGESIZE);
	uint64_t begin = offset / page_size * page_size;
	char *page;

	cache->last_fd = fd;
	cache->last_end = offset + size;
	if (!covers(cache, fd, offset, size) &&
	    ((size < WORTH_MOVING && !continues) || !move(cache, fd, offset, size)))
		return NULL;
	page = cache->map + (begin - cache->offset);
	if (!make_ready(page, (size_t)(offset + size - begin), page_size))
		return NULL;
	return page + (offset - begin);
}

static void leave(struct shmfs_map_cache *cache, int fd)
{
	if (cache->fd == fd)
		map_cache_drop(cache);
	if (cache->last_fd == fd)
		cache->last_fd = -1;
}

int map_cache_memory_create(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd)
{
	leave(cache, fd);
	return os->memory_create(os->arg, fd);
}

int map_cache_close(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd)
{
	leave(cache, fd);
	return os->close(os->arg, fd);
}

/* Every shared mapping of a descriptor that may write counts as one that writes. */
int map_cache_seal_write(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd)
{
	leave(cache, fd);
	return os->seal_write(os->arg, fd);
}
