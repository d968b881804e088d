/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One part of one object's memory that stays mapped, so that whoever reads on there, or again,
 * needs neither a copy nor a mapping of its own. Mapping a megabyte takes as long as copying half
 * of it; looking whether its pages are there, a hundredth.
 *
 * Each process's view of a namespace has one. What a descriptor means changes through the functions
 * here alone, so that the mapping goes first.
 */
#ifndef SHMFS_MAP_CACHE_H
#define SHMFS_MAP_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"

struct shmfs_map_cache {
	int fd; /* whose memory is mapped; -1: there is none */
	uint64_t offset;
	size_t size;
	char *map;
	int last_fd; /* where the bytes end that were asked for last; -1: nowhere */
	uint64_t last_end;
};

#define MAP_CACHE_EMPTY ((struct shmfs_map_cache){.fd = -1, .last_fd = -1})

/*
 * The bytes of fd's memory, for system calls to read until the next call of any function of the
 * system: all of their pages are there, and are mapped. NULL: some are not, the mapping is
 * elsewhere and moving it there does not pay, or there is no memory for it.
 */
const void *map_cache_view(struct shmfs_map_cache *cache, int fd, uint64_t offset, size_t size);

/* The mapping ends. */
void map_cache_drop(struct shmfs_map_cache *cache);

/* The calls of these names, once nothing of fd's memory is mapped. */
int map_cache_memory_create(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd);
int map_cache_close(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd);
int map_cache_seal_write(struct shmfs_map_cache *cache, const struct shmfs_os *os, int fd);

#endif
