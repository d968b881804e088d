/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of nodes; see life.h. */
#include "life.h"

#include <assert.h>

#include "directory.h"
#include "fs/mac/subjects.h"
#include "fs/state/charge.h"
#include "fs/state/expiry.h"
#include "fs/state/xattr.h"
#include "node.h"
#include "object.h"

static void end_charges(struct shmfs *fs, struct node *node)
{
	if (node->gone)
		return;
	if (is_object(node))
		object_end(fs, node);
	else if (S_ISLNK(node->mode))
		(void)charge_resize(fs, node, node_target_charge(node->symlink.length), 0);
	xattr_end(fs, node);
	charge_node_end(fs, node->creator);
	node_change(fs, node);
	node->gone = true;
	node->linkable = false;
}

void life_drop_unused(struct shmfs *fs, struct node *node)
{
	if (node->names > 0 || (is_object(node) && object_is_open(node)))
		return;
	if (node->lookups > 0) {
		if (!is_object(node) || object_is_unused(fs, node))
			end_charges(fs, node);
		return;
	}
	/* Whoever was handed the memory may have it still, and that is asked again (expiry.h). */
	if (is_object(node) && node->object.exported && !object_is_unused(fs, node))
		return;
	end_charges(fs, node);
	if (is_object(node))
		expiry_end(fs, node);
	if (S_ISLNK(node->mode))
		arena_free(fs->arena, node->symlink.target);
	else if (is_directory(node))
		assert(node->directory.entries.count == 0);
	mac_label_end(fs, node);
	index_remove(fs->arena, &fs->super->nodes, node->id);
	arena_free(fs->arena, node);
}

void life_lost_name(struct shmfs *fs, struct node *node)
{
	if (node->names > 0)
		charge_node_end(fs, node->creator);
	else
		life_drop_unused(fs, node);
}

void life_unname(struct shmfs *fs, struct entry *entry)
{
	struct node *node = entry->node;

	directory_remove(fs, entry);
	life_lost_name(fs, node);
}
