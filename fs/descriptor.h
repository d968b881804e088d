/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the descriptors of objects' memory.
 *
 * The namespace chooses them itself, before a descriptor is made: a process that dies between
 * making one and noting it would leave one that nobody knows of, were the number the system's
 * choice. As it is, the number is in the undo log, and whoever rolls back closes it. So numbers
 * from the first one up belong to the namespace alone.
 */
#ifndef SHMFS_DESCRIPTOR_H
#define SHMFS_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

struct shmfs;

/*
 * A table of two levels, a page at a time, with a word for each number: that it is taken, or which
 * one is free after it. It keeps the size that it once had.
 */
#define DESCRIPTOR_PAGE 1024
#define DESCRIPTOR_DIRECTORY 512
#define DESCRIPTOR_DIRECTORIES 4
#define DESCRIPTOR_FIRST_MAX (1 << 20)

struct descriptors {
	uint32_t **directory[DESCRIPTOR_DIRECTORIES];
	int32_t free;	      /* the first that is free below `fresh`; 0: none */
	int32_t first, fresh; /* numbers from `fresh` on were never used */
	int32_t end;	      /* that and higher ones are not used */
};

void descriptor_init(struct shmfs *fs, int first, int limit);

/* -ENFILE: there is none; -ENOMEM. */
int descriptor_take(struct shmfs *fs, int *out);

/* The number must not be taken again before the transaction ends and closes it. */
void descriptor_give_back(struct shmfs *fs, int fd);

bool descriptor_is_taken(const struct shmfs *fs, int fd);

/* How many are taken. For verification: it counts them. */
uint64_t descriptor_count(const struct shmfs *fs);

#endif
