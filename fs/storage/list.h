/* SPDX-License-Identifier: BSD-2-Clause */
/* A list of structures in the arena, each of which begins with its link. */
#ifndef SHMFS_LIST_H
#define SHMFS_LIST_H

#include "arena.h"

struct list_link {
	struct list_link *next, *prev;
};

struct list {
	struct list_link *first, *last;
	uint64_t count;
};

/* Adds one at the end; the new structure is saved already. */
void list_append(struct arena *arena, struct list *list, struct list_link *link);

/* Takes one out, which stays the caller's. */
void list_take_out(struct arena *arena, struct list *list, struct list_link *link);

#endif
