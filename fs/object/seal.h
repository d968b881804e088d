/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals: what may no longer be done to an object, by anybody, for the rest of its life. */
#ifndef SHMFS_SEAL_H
#define SHMFS_SEAL_H

#include <stddef.h>
#include <sys/types.h>

#include "fs/state/state.h"

enum seal {
	SEAL_SEAL = 1,	 /* no further seals */
	SEAL_SHRINK = 2, /* no smaller size */
	SEAL_GROW = 4,	 /* no larger size */
	SEAL_WRITE = 8,	 /* no change of the data, and no opening for writing */
};

/*
 * Adds the seals of a list of names with commas between ("shrink,grow"). The node is saved here.
 * -EINVAL: an unknown name; -EPERM: sealed against seals; -EBUSY: SEAL_WRITE while the object is
 * open for writing or mapped writable by anybody: what such a mapping stores nobody could stop.
 */
int seal_add(struct shmfs *fs, struct node *node, const char *list, size_t size);

/* Longest list that seal_print() writes, with its NUL. */
#define SEAL_LIST_SIZE 32

/* Writes the list of an object's seals; returns its length. */
size_t seal_print(const struct node *node, char out[SEAL_LIST_SIZE]);

#endif
