/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of nodes; see life.h. */
#include "life.h"

#include <assert.h>

#include "fs/mac/subjects.h"
#include "fs/state/charge.h"
#include "fs/state/expiry.h"
#include "fs/state/xattr.h"
#include "node.h"
#include "object.h"

bool life_is_wanted(const struct shmfs *fs, const struct node *node)
{
	if (node->names > 0 || node->lookups > 0)
		return true;
	if (!is_object(node))
		return false;
	/* Whoever was handed the memory may have it still, and that is asked again (expiry.h). */
	return object_is_open(node) || (node->object.exported && !object_is_unused(fs, node));
}

static void end_symlink(struct shmfs *fs, struct node *node)
{
	if (node->ended != NODE_ENDED_UNCHARGED)
		charge_reduce(fs, node, node_target_charge(node->symlink.length), 0);
	arena_free(fs->arena, node->symlink.target);
}

static void end_object(struct shmfs *fs, struct node *node)
{
	object_end(fs, node);
	expiry_end(fs, node);
}

static void end(struct shmfs *fs, struct node *node)
{
	if (is_object(node))
		end_object(fs, node);
	else if (S_ISLNK(node->mode))
		end_symlink(fs, node);
	else if (is_directory(node))
		assert(node->directory.entries.count == 0);
	xattr_end(fs, node);
	if (node->ended != NODE_ENDED_UNCHARGED)
		charge_node_end(fs, node->creator, node->tenant);
	mac_label_end(fs, node);
	index_remove(fs->arena, &fs->super->nodes, node->id);
	arena_free(fs->arena, node);
}

void life_drop_unused(struct shmfs *fs, struct node *node)
{
	if (!life_is_wanted(fs, node))
		end(fs, node);
}

void life_end_memory(struct shmfs *fs, struct node *node)
{
	end_object(fs, node);
	xattr_end(fs, node);
	node_change(fs, node);
	node->object.expires = node->object.exported = false;
	node->ended = NODE_ENDED_MEMORY;
}

/* The newest of the names that are left stands for a lost one that the node was charged for. */
static void give_back_name(struct shmfs *fs, struct node *node, struct name_charge lost)
{
	if (!lost.counts) {
		lost.uid = node->entry->maker;
		save(fs, node->entry, sizeof *node->entry);
		node->entry->charged = false;
	}
	charge_node_end(fs, lost.uid, node->tenant);
}

void life_lost_name(struct shmfs *fs, struct node *node, struct name_charge lost)
{
	if (node->names > 0) {
		give_back_name(fs, node, lost);
		return;
	}
	/* Without one, it has no names to lose. Taking it off the list does not fail. */
	if (is_object(node))
		(void)expiry_set(fs, node, false);
	life_drop_unused(fs, node);
}

void life_unname(struct shmfs *fs, struct entry *entry)
{
	struct name_charge charge = directory_charge(entry);
	struct node *node = entry->node;

	directory_remove(fs, entry);
	life_lost_name(fs, node, charge);
}
