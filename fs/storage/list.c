/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists; see list.h. */
#include "list.h"

/* Stores a pointer that is not saved yet. */
static void set(struct arena *arena, struct list_link **at, struct list_link *value)
{
	txn_save(&arena->txn, at, sizeof *at);
	*at = value;
}

void list_append(struct arena *arena, struct list *list, struct list_link *link)
{
	txn_save(&arena->txn, list, sizeof *list);
	link->next = NULL;
	link->prev = list->last;
	if (list->last != NULL)
		set(arena, &list->last->next, link);
	else
		list->first = link;
	list->last = link;
	list->count++;
}

void list_take_out(struct arena *arena, struct list *list, struct list_link *link)
{
	txn_save(&arena->txn, list, sizeof *list);
	if (link->prev != NULL)
		set(arena, &link->prev->next, link->next);
	else
		list->first = link->next;
	if (link->next != NULL)
		set(arena, &link->next->prev, link->prev);
	else
		list->last = link->prev;
	list->count--;
}
