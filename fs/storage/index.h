/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An index: from 64-bit numbers to pointers, in order of the numbers.
 *
 * A radix tree of 16-way branches that is as high as its largest key needs. Its users hand out keys
 * by counting up, so it stays dense; a step touches one path, and nothing is ever rebalanced. It
 * serves wherever something is found by number: nodes and handles by id, entries by cookie.
 */
#ifndef SHMFS_INDEX_H
#define SHMFS_INDEX_H

#include <stdint.h>

#include "arena.h"

struct index {
	void *root;	 /* a struct branch, or at height 0 the value of key 0 */
	uint32_t height; /* branches between the root and a value */
	uint32_t padding;
	uint64_t count; /* of keys */
};

/* NULL where the key has no value. */
void *index_get(const struct index *index, uint64_t key);

/* Enters a value for a key that has none. -ENOMEM. The structure itself is saved here. */
int index_insert(struct arena *arena, struct index *index, uint64_t key, void *value);

/* Takes out a key that has a value. */
void index_remove(struct arena *arena, struct index *index, uint64_t key);

/* The value of the smallest key that is at least *key, and that key in *key; NULL: none. */
void *index_next(const struct index *index, uint64_t *key);

/* The value of the largest key that is at most *key, and that key in *key, which is of no use where
 * there is none: NULL. */
void *index_previous(const struct index *index, uint64_t *key);

#endif
