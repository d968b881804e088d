/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Expiry: objects whose names go once nobody has them open, mapped or pinned.
 *
 * Nobody says when a mapping ends, so such objects are listed, and asked from time to time. So are
 * those whose memory was handed out by a pin: whoever has it keeps it beyond the life of the node,
 * unless the node waits for that. An object whose last name went so is listed on, until the kernel,
 * which did not ask for it, has forgotten the object.
 */
#ifndef SHMFS_EXPIRY_H
#define SHMFS_EXPIRY_H

#include <stdbool.h>

#include "state.h"

/* Whether an object is listed. */
static inline bool expiry_is_listed(const struct node *node)
{
	return node->object.expires || node->object.exported;
}

/* Lets an object's names go when nobody holds it, or not. The node is saved here. -ENOMEM. */
int expiry_set(struct shmfs *fs, struct node *node, bool expires);

/* The object's memory will be handed out. The node is saved here. -ENOMEM. */
int expiry_export(struct shmfs *fs, struct node *node);

/* The object ends. */
void expiry_end(struct shmfs *fs, struct node *node);

#endif
