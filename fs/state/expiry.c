/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of objects that are asked about; see expiry.h. */
#include "expiry.h"

static int watch(struct shmfs *fs, struct node *node)
{
	if (lifetime_is_watched(node))
		return 0;
	return index_insert(fs->arena, &fs->super->watched, node->id, node);
}

int lifetime_set(struct shmfs *fs, struct node *node, bool expires)
{
	int rc = expires ? watch(fs, node) : 0;

	if (rc < 0)
		return rc;
	if (!expires && node->object.expires && !node->object.exported)
		index_remove(fs->arena, &fs->super->watched, node->id);
	node_change(fs, node);
	node->object.expires = expires;
	return 0;
}

int lifetime_export(struct shmfs *fs, struct node *node)
{
	int rc = watch(fs, node);

	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.exported = true;
	return 0;
}

void lifetime_end(struct shmfs *fs, struct node *node)
{
	if (lifetime_is_watched(node))
		index_remove(fs->arena, &fs->super->watched, node->id);
}
