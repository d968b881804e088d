/* SPDX-License-Identifier: BSD-2-Clause */
/* Removing what nobody holds. */
#include <errno.h>
#include <stdio.h>

#include "fs/mac/mac.h"
#include "fs/object/access.h"
#include "fs/object/directory.h"
#include "fs/object/life.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/state/expiry.h"
#include "fs/state/rules.h"

/* Names of one object that are looked at: there can be any number that may not go. */
#define LOOKS_MAX 256

static bool is_held(const struct shmfs *fs, const struct node *node)
{
	return object_is_open(node) || !object_is_unused(fs, node);
}

int shmfs_held(const struct shmfs *fs, uint64_t id)
{
	const struct node *node = node_get(fs, id);

	if (node == NULL)
		return -ESTALE;
	return is_object(node) ? is_held(fs, node) : -EINVAL;
}

static struct shmfs_removal removal_of(const struct node *node)
{
	return (struct shmfs_removal){
	    .id = node->id,
	    .creator = node->creator,
	    .size = node->object.size,
	};
}

/*
 * The kernel, which did not ask for this, goes on knowing an object that has lost its last name: it
 * is looked at again, until the kernel has forgotten it.
 */
static int take_name(struct shmfs *fs, struct entry *entry, struct shmfs_removal *out)
{
	struct name_charge charge = directory_charge(entry);
	struct node *node = entry->node, *dir = entry->dir;
	struct timespec before = dir->mtime;
	bool lingers = node->names == 1 && node->lookups > 0;
	int rc = lingers ? expiry_set(fs, node, true) : 0;

	if (rc < 0)
		return rc;
	*out = removal_of(node);
	out->dir = dir->id;
	out->lingers = lingers;
	snprintf(out->name, sizeof out->name, "%s", entry->name);
	directory_remove(fs, entry);
	if (!lingers)
		life_lost_name(fs, node, charge);
	node_make_later(dir, &before);
	return 0;
}

/* Whoever may not come to a directory removes nothing there. */
static bool reaches(const struct shmfs *fs, const struct shmfs_subject *by, const struct node *dir)
{
	while (access_searches(fs, dir, by, false)) {
		if (dir == fs->super->root)
			return true;
		if (dir->entry == NULL)
			return false;
		dir = dir->entry->dir;
	}
	return false;
}

/* In a sticky directory names go by the owner of the node or of the directory. */
static bool sticks(const struct entry *entry, const struct shmfs_subject *by)
{
	return (entry->dir->mode & S_ISVTX) && by->uid != 0 && !by->exempt &&
	       by->uid != entry->node->uid && by->uid != entry->dir->uid;
}

/* What unlink(2) asks for: the kernel, the policies and the rules. */
static bool may_unlink(
    const struct shmfs *fs, const struct shmfs_subject *by, const struct entry *entry)
{
	struct shmfs_cred cred = access_cred(by);

	return access_grants(entry->dir, by, 2) && !sticks(entry, by) &&
	       reaches(fs, by, entry->dir) && mac_would(fs, &cred, MAC_UNLINK, entry->dir) == 0 &&
	       mac_would(fs, &cred, MAC_UNLINK, entry->node) == 0 &&
	       (!rules_of(fs)->unlink_asks_object || access_grants(entry->node, by, 6));
}

int shmfs_reap(
    struct shmfs *fs, const struct shmfs_subject *by, uint64_t id, struct shmfs_removal *out)
{
	struct node *node = node_get(fs, id);
	struct entry *entry;

	if (node == NULL)
		return -ESTALE;
	if (!is_object(node))
		return -EINVAL;
	if (node->entry == NULL)
		return -ENOENT;
	entry = node->entry;
	for (int looks = 1; entry != NULL && !may_unlink(fs, by, entry); looks++)
		entry = looks < LOOKS_MAX ? entry->older : NULL;
	if (entry == NULL)
		return -EACCES;
	if (is_held(fs, node))
		return -EBUSY;
	return take_name(fs, entry, out);
}

/* Whether a new object has had its time, or a user besides the one who made it. */
static bool is_old_enough(const struct shmfs *fs, const struct node *node)
{
	return node->object.openings >= 2 || object_age(fs, node) >= fs->super->lifetime_age;
}

/* Its memory came back, or its names went by themselves and the kernel knows it still. */
static bool expire_nameless(struct shmfs *fs, struct node *node, struct shmfs_removal *out)
{
	bool lingers = node->lookups > 0;

	if (node->linkable || (lingers && !node->object.expires) || is_held(fs, node))
		return false;
	*out = removal_of(node);
	out->lingers = lingers;
	life_drop_unused(fs, node);
	return true;
}

static bool expire(struct shmfs *fs, struct node *node, struct shmfs_removal *out)
{
	if (node->names == 0)
		return expire_nameless(fs, node, out);
	return node->object.expires && is_old_enough(fs, node) && !is_held(fs, node) &&
	       take_name(fs, node->entry, out) == 0;
}

void shmfs_end_memory(struct shmfs *fs, uint64_t id)
{
	struct node *node = node_get(fs, id);

	if (node == NULL || !is_object(node) || node->names > 0 || node->ended != NODE_ENDED_NOT ||
	    is_held(fs, node))
		return;
	life_end_memory(fs, node);
}

bool shmfs_has_expiring(const struct shmfs *fs)
{
	return fs->super->expiring.count > 0;
}

int shmfs_expire(struct shmfs *fs, uint64_t *from, unsigned most, struct shmfs_removal *out)
{
	struct node *node;

	for (; (node = index_next(&fs->super->expiring, from)) != NULL; (*from)++) {
		if (most-- == 0)
			return 0;
		if (expire(fs, node, out)) {
			/* One that lingers is there still, and has its turn in the next round. */
			*from += out->lingers;
			return 1;
		}
	}
	*from = 0;
	return 0;
}
