/* SPDX-License-Identifier: BSD-2-Clause */
/* Empty objects with memory; see idle_memory.h. */
#include "idle_memory.h"

void vacant_add(struct shmfs *fs, struct node *node)
{
	struct vacant *new;

	if (node->object.vacant != NULL)
		return;
	new = arena_alloc(fs->arena, sizeof *new);
	if (new == NULL)
		return;
	new->node = node;
	list_append(fs->arena, &fs->super->vacant, &new->link);
	node_change(fs, node);
	node->object.vacant = new;
}

void vacant_remove(struct shmfs *fs, struct node *node)
{
	struct vacant *old = node->object.vacant;

	if (old == NULL)
		return;
	list_take_out(fs->arena, &fs->super->vacant, &old->link);
	node_change(fs, node);
	node->object.vacant = NULL;
	arena_free(fs->arena, old);
}

struct node *vacant_take(struct shmfs *fs)
{
	struct vacant *oldest = vacant_at(fs->super->vacant.first);
	struct node *node = oldest != NULL ? oldest->node : NULL;

	if (node != NULL)
		vacant_remove(fs, node);
	return node;
}
