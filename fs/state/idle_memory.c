/* SPDX-License-Identifier: BSD-2-Clause */
/* Empty objects with memory; see idle_memory.h. */
#include "idle_memory.h"

void vacant_add(struct shmfs *fs, struct node *node)
{
	struct vacant_list *list = &fs->super->vacant;
	struct vacant *new;

	if (node->object.vacant != NULL)
		return;
	new = arena_alloc(fs->arena, sizeof *new);
	if (new == NULL)
		return;
	*new = (struct vacant){.prev = list->last, .node = node};
	save(fs, list, sizeof *list);
	if (list->last != NULL) {
		save(fs, &list->last->next, sizeof list->last->next);
		list->last->next = new;
	} else {
		list->first = new;
	}
	list->last = new;
	list->count++;
	node_change(fs, node);
	node->object.vacant = new;
}

void vacant_remove(struct shmfs *fs, struct node *node)
{
	struct vacant_list *list = &fs->super->vacant;
	struct vacant *old = node->object.vacant;

	if (old == NULL)
		return;
	save(fs, list, sizeof *list);
	if (old->prev != NULL) {
		save(fs, &old->prev->next, sizeof old->prev->next);
		old->prev->next = old->next;
	} else {
		list->first = old->next;
	}
	if (old->next != NULL) {
		save(fs, &old->next->prev, sizeof old->next->prev);
		old->next->prev = old->prev;
	} else {
		list->last = old->prev;
	}
	list->count--;
	node_change(fs, node);
	node->object.vacant = NULL;
	arena_free(fs->arena, old);
}

struct node *vacant_take(struct shmfs *fs)
{
	struct node *node = fs->super->vacant.first != NULL ? fs->super->vacant.first->node : NULL;

	if (node != NULL)
		vacant_remove(fs, node);
	return node;
}
