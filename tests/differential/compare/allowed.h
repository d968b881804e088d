/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The differences between tmpfs and shmfs that are meant to be, each for one kind of call under one
 * condition. Where the difference would go on to live in the tree, the reference does on tmpfs what
 * shmfs is to do; otherwise the comparison looks away. The table in allowed.c has the reasons, and
 * how often each was met is printed at the end.
 *
 * Not compared at all: st_dev, st_blocks, the values of inode numbers, f_type, f_fsid and what is
 * in use of statfs until everything is removed. Not made at all, with the reason where it is left
 * out: stores behind the end of an object, positions in directories, splices of more than a pipe
 * may hold, a file sent to itself, chown(-1, -1) by a stranger, locks and leases of a descriptor
 * that is closed while a mapping of it stays (worker.h), links to what has lost its set-id bits
 * unseen.
 */
#ifndef SHMFS_TESTS_DIFFERENTIAL_ALLOWED_H
#define SHMFS_TESTS_DIFFERENTIAL_ALLOWED_H

#include <stdbool.h>
#include <stdint.h>

enum allowed {
	ALLOWED_DEVICE_NODE,
	ALLOWED_WHITEOUT,
	ALLOWED_ZERO_RANGE,
	ALLOWED_TRUNCATE_TO_SAME,
	ALLOWED_SEALS,
	ALLOWED_SPLICE_OF_WRITABLE,
	ALLOWED_ATIME_OF_NO_OBJECT,
	ALLOWED_TIMES_OF_FIFO,
	ALLOWED_ATIME_OF_READ,
	ALLOWED_TIMES_OF_MAPPED,
	ALLOWED_SEEK_OF_MAPPED,
	ALLOWED_SEEK_OF_ALLOCATED,
	ALLOWED_SEEK_OF_PIECES,
	ALLOWED_SEEK_OF_SPLIT,
	ALLOWED_SET_ID_OF_REFUSED,
	ALLOWED_TAIL_OF_SHORT,
	ALLOWED_WRITE_OF_MAPPED,
	ALLOWED_COUNT,
};

struct allowed_difference {
	const char *what, *why;
	unsigned long met;
};

extern struct allowed_difference allowed[ALLOWED_COUNT];

/* Counts every bit of a set of enum allowed. */
void allowed_meet(uint32_t set);
void allowed_print(void);

#endif
