/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of objects that are asked about; see expiry.h. */
#include "expiry.h"

static int enlist(struct shmfs *fs, struct node *node)
{
	if (expiry_is_listed(node))
		return 0;
	return index_insert(fs->arena, &fs->super->expiring, node->id, node);
}

int expiry_set(struct shmfs *fs, struct node *node, bool expires)
{
	int rc = expires ? enlist(fs, node) : 0;

	if (rc < 0)
		return rc;
	if (!expires && node->object.expires && !node->object.exported)
		index_remove(fs->arena, &fs->super->expiring, node->id);
	node_change(fs, node);
	node->object.expires = expires;
	return 0;
}

int expiry_export(struct shmfs *fs, struct node *node)
{
	int rc = enlist(fs, node);

	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.exported = true;
	return 0;
}

void expiry_end(struct shmfs *fs, struct node *node)
{
	if (expiry_is_listed(node))
		index_remove(fs->arena, &fs->super->expiring, node->id);
}
