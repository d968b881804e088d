/* SPDX-License-Identifier: BSD-2-Clause */
/* Empty objects with memory; see idle_memory.h. */
#include "idle_memory.h"

void idle_memory_add(struct shmfs *fs, struct node *node)
{
	struct idle_memory *new;

	if (node->object.idle != NULL)
		return;
	new = arena_alloc(fs->arena, sizeof *new);
	if (new == NULL)
		return;
	new->node = node;
	list_append(fs->arena, &fs->super->idle, &new->link);
	node_change(fs, node);
	node->object.idle = new;
}

void idle_memory_remove(struct shmfs *fs, struct node *node)
{
	struct idle_memory *old = node->object.idle;

	if (old == NULL)
		return;
	list_take_out(fs->arena, &fs->super->idle, &old->link);
	node_change(fs, node);
	node->object.idle = NULL;
	arena_free(fs->arena, old);
}

struct node *idle_memory_take(struct shmfs *fs)
{
	struct idle_memory *oldest = idle_memory_at(fs->super->idle.first);
	struct node *node = oldest != NULL ? oldest->node : NULL;

	if (node != NULL)
		idle_memory_remove(fs, node);
	return node;
}
