/* SPDX-License-Identifier: BSD-2-Clause */
/* Directories: the entries of one directory and their order. */
#ifndef SHMFS_DIRECTORY_H
#define SHMFS_DIRECTORY_H

#include <stddef.h>
#include <stdint.h>

#include "fs/state/state.h"

/* A place for a name: a directory that is there, and the entry that has the name now, if any. */
struct place {
	struct node *dir;
	const char *name;
	size_t length;
	struct entry *entry; /* NULL: the name is free */
};

/* Who is charged for a name. It does not count where the node is charged for it. */
struct name_charge {
	uint32_t uid; /* the maker of the name */
	bool counts;
};

static inline struct name_charge directory_charge(const struct entry *entry)
{
	return (struct name_charge){.uid = entry->maker, .counts = entry->charged};
}

/* -ESTALE, -ENOTDIR, -ENOENT (a removed directory), or an error of name_length(). */
int directory_find(const struct shmfs *fs, uint64_t dir, const char *name, struct place *out);

/*
 * The four ways to change a directory. Each counts the node's names, sets the times of directory
 * and node, and saves whatever it changes. A node that loses its last name stays; the caller drops
 * it. What charges add up to is the caller's too.
 */

/* Enters a node under a name that is free. -ENOSPC: too many names collide with it; -ENOMEM. */
int directory_add(
    struct shmfs *fs, const struct place *place, struct node *node, struct name_charge charge);

/* Takes out an entry and frees it. */
void directory_remove(struct shmfs *fs, struct entry *entry);

/* Gives an entry another name in its directory, which is free, and leaves it its charge and its
 * place in the order. The errors of directory_add(). */
int directory_rename(struct shmfs *fs, struct entry *entry, const struct place *place);

/* Gives an entry's name and place to another node, which brings the charge of its name. */
void directory_rebind(
    struct shmfs *fs, struct entry *entry, struct node *node, struct name_charge charge);

/*
 * The order in which a directory is read: ".", "..", then the newest entry first. The cookie of the
 * last that was read is where to go on, 0 the beginning. What comes into being stands in front of
 * every reader, so none can be kept reading without an end; and as an entry keeps its cookie under
 * every name that it gets in its directory, none that stays is passed over or comes twice.
 */
#define COOKIE_SELF 1
#define COOKIE_PARENT 2
#define COOKIE_FIRST 3

#endif
