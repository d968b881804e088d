/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rules: what Linux programs expect of /dev/shm, or what FreeBSD's shm_open(2) family does. One
 * engine reads them; the difference is the table in rules.c.
 */
#ifndef SHMFS_RULES_H
#define SHMFS_RULES_H

#include <stdbool.h>
#include <sys/types.h>

struct shmfs;

struct rules {
	/* The namespace has objects in one directory and nothing else; the rest is EPERM. */
	bool flat;
	/* A write that finds no room stores 0 bytes, and is no error. */
	bool full_write_is_0;
	/* An opening must be for reading too, and without flags that shm_open(2) does not have. */
	bool shm_open_flags;
	/* Removing and replacing a name needs permission to read and write the object. */
	bool unlink_asks_object;
	/* Nothing but a change of size sets an object's times. */
	bool times_by_size;
	/* Bits of a mode that an object may have. */
	mode_t mode_bits;
	/* Longest name in bytes. */
	int name_max;
	/* Errno of growing an object past a limit by ftruncate(2) or write(2), where that is
	 * ENOSPC. */
	int no_room;
	/* Errno of passing a user's own limit. */
	int over_user_limit;
};

const struct rules *rules_of(const struct shmfs *fs);

#endif
