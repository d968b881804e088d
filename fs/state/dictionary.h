/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dictionary: from a directory and a name to the entry that binds them to a node.
 *
 * One hash table serves all directories, so an empty directory costs nothing here and a full one
 * needs no table of its own. It is a linear hash table: it grows by one bucket at a time, splitting
 * one old bucket each time, and shrinks the same way, so that no insertion ever pays for the size
 * of the table. The buckets lie in pages found through a tree of two levels, so they never move.
 */
#ifndef SHMFS_DICTIONARY_H
#define SHMFS_DICTIONARY_H

#include <stddef.h>
#include <stdint.h>

#include "state.h"

/*
 * Makes an empty dictionary. Users choose names in directories that everybody may write to, so the
 * key of the hash is to be random and never told: then nobody can choose names that share a bucket.
 * -ENOMEM.
 */
int dictionary_init(struct arena *arena, struct dictionary *dictionary, const uint64_t key[2]);

/* The hash of a name in a directory. */
uint64_t dictionary_hash(
    const struct dictionary *dictionary, const struct node *dir, const char *name, size_t length);

/* NULL: there is no such entry. */
struct entry *dictionary_find(
    const struct dictionary *dictionary, const struct node *dir, const char *name, size_t length);

/* Enters an entry whose dir, hash, name and length are set and that is not there. Cannot fail:
 * without memory to grow, buckets just get longer. */
void dictionary_insert(struct arena *arena, struct dictionary *dictionary, struct entry *entry);

/* Takes out an entry that is there; the entry stays the caller's. */
void dictionary_remove(struct arena *arena, struct dictionary *dictionary, struct entry *entry);

/* Calls visit for every entry with its bucket's number and the number where it belongs. */
void dictionary_each(const struct dictionary *dictionary,
    void (*visit)(void *arg, const struct entry *entry, uint64_t bucket, uint64_t belongs),
    void *arg);

#endif
