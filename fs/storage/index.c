/* SPDX-License-Identifier: BSD-2-Clause */
/* The radix tree of index.h. */
#include "index.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#define FANOUT_BITS 4
#define FANOUT (1u << FANOUT_BITS)
#define MAX_HEIGHT (64 / FANOUT_BITS)

/* A branch is kept only while it has a child. */
struct branch {
	void *child[FANOUT];
	uint64_t count;
};

/* Which child leads to key from a branch that has `height` levels including itself. */
static inline unsigned digit(uint64_t key, uint32_t height)
{
	return (unsigned)(key >> ((height - 1) * FANOUT_BITS)) & (FANOUT - 1);
}

/* Whether a tree of this height has a place for the key. */
static inline bool fits(uint64_t key, uint32_t height)
{
	return height >= MAX_HEIGHT || key >> (height * FANOUT_BITS) == 0;
}

void *index_get(const struct index *index, uint64_t key)
{
	void *at = index->root;

	if (!fits(key, index->height))
		return NULL;
	for (uint32_t height = index->height; height > 0 && at != NULL; height--)
		at = ((struct branch *)at)->child[digit(key, height)];
	return at;
}

static void set_child(struct arena *arena, struct branch *branch, unsigned slot, void *child)
{
	txn_save(&arena->txn, &branch->child[slot], sizeof branch->child[slot]);
	txn_save(&arena->txn, &branch->count, sizeof branch->count);
	branch->count += (uint64_t)(child != NULL) - (uint64_t)(branch->child[slot] != NULL);
	branch->child[slot] = child;
}

/* Adds levels above the root until the key fits. */
static int grow(struct arena *arena, struct index *index, uint64_t key)
{
	while (!fits(key, index->height)) {
		if (index->root != NULL) {
			struct branch *branch = arena_alloc(arena, sizeof *branch);

			if (branch == NULL)
				return -ENOMEM;
			set_child(arena, branch, 0, index->root);
			index->root = branch;
		}
		index->height++;
	}
	return 0;
}

int index_insert(struct arena *arena, struct index *index, uint64_t key, void *value)
{
	struct branch *branch = NULL;
	void *at;

	txn_save(&arena->txn, index, sizeof *index);
	if (grow(arena, index, key) < 0)
		return -ENOMEM;
	at = index->root;
	for (uint32_t height = index->height; height > 0; height--) {
		if (at == NULL) {
			at = arena_alloc(arena, sizeof *branch);
			if (at == NULL)
				return -ENOMEM;
			if (branch == NULL)
				index->root = at;
			else
				set_child(arena, branch, digit(key, height + 1), at);
		}
		branch = at;
		at = branch->child[digit(key, height)];
	}
	assert(at == NULL);
	if (branch == NULL)
		index->root = value;
	else
		set_child(arena, branch, digit(key, 1), value);
	index->count++;
	return 0;
}

/* Frees the branches of a path, from the lowest up, that have no child left. */
static void prune(struct arena *arena, struct index *index, struct branch **path, uint64_t key)
{
	for (uint32_t height = 1; height <= index->height; height++) {
		struct branch *branch = path[height];

		if (branch->count > 0)
			return;
		if (height == index->height)
			index->root = NULL;
		else
			set_child(arena, path[height + 1], digit(key, height + 1), NULL);
		arena_free(arena, branch);
	}
}

/*
 * Levels above the only child stay, but for an empty tree: keys count up, so they would soon be
 * needed again.
 */
void index_remove(struct arena *arena, struct index *index, uint64_t key)
{
	struct branch *path[MAX_HEIGHT + 1];
	void *at = index->root;

	assert(fits(key, index->height));
	txn_save(&arena->txn, index, sizeof *index);
	for (uint32_t height = index->height; height > 0; height--) {
		path[height] = at;
		at = path[height]->child[digit(key, height)];
	}
	assert(at != NULL);
	index->count--;
	if (index->height == 0) {
		index->root = NULL;
		return;
	}
	set_child(arena, path[1], digit(key, 1), NULL);
	prune(arena, index, path, key);
	if (index->root == NULL)
		index->height = 0;
}

/*
 * Looks below a branch of `height` levels for the smallest key that is at least *key, or for the
 * largest that is at most *key; bits of *key above this branch are those of the branch itself. The
 * recursion is as deep as the tree is high.
 */
static void *find_below(void *at, uint32_t height, uint64_t *key, bool up)
{
	const struct branch *branch = at;
	uint64_t width, rest;

	if (height == 0)
		return at;
	width = (uint64_t)1 << ((height - 1) * FANOUT_BITS);
	rest = *key;
	/* Below slot 0 the number wraps around, and is no slot either. */
	for (unsigned slot = digit(*key, height); slot < FANOUT; slot += up ? 1 : -1u) {
		if (branch->child[slot] != NULL) {
			void *found = find_below(branch->child[slot], height - 1, &rest, up);

			if (found != NULL) {
				*key = rest;
				return found;
			}
		}
		/* The nearest key below the next child; after the last child it is not used. */
		rest = (rest & ~(width - 1)) + (up ? width : UINT64_MAX);
	}
	return NULL;
}

void *index_next(const struct index *index, uint64_t *key)
{
	if (index->root == NULL || !fits(*key, index->height))
		return NULL;
	return find_below(index->root, index->height, key, true);
}

void *index_previous(const struct index *index, uint64_t *key)
{
	if (index->root == NULL)
		return NULL;
	if (!fits(*key, index->height))
		*key = ((uint64_t)1 << (index->height * FANOUT_BITS)) - 1;
	return find_below(index->root, index->height, key, false);
}
