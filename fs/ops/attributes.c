/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and changing the attributes of a node. */
#include <errno.h>

#include "fs/mac/mac.h"
#include "fs/object/handle.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/xattr_follow.h"
#include "fs/state/rules.h"

int shmfs_getattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, struct shmfs_attr *out)
{
	const struct node *node = node_get(fs, id);
	int rc;

	if (node == NULL)
		return -ESTALE;
	rc = mac_check(fs, cred, MAC_STAT, node);
	if (rc < 0)
		return rc;
	node_attributes(fs, node, out);
	return 0;
}

/* Whether the opening through which a size is set, if any, still has that right. */
static int may_set_size(const struct shmfs *fs, const struct node *node, uint64_t id)
{
	const struct handle *handle = handle_get(fs, id);

	if (id == 0)
		return 0;
	if (handle == NULL || handle->node != node)
		return -EBADF;
	return handle->rights & SHMFS_RIGHT_TRUNCATE ? 0 : -EPERM;
}

static int set_size(struct shmfs *fs, struct node *node, const struct shmfs_change *change)
{
	if (is_directory(node))
		return -EISDIR;
	if (!is_object(node))
		return -EINVAL;
	if (node->ended != NODE_ENDED_NOT)
		return -ESTALE;
	return object_truncate(fs, node, change->by.uid, change->size, true);
}

static void set_owner(struct node *node, const struct shmfs_change *change)
{
	if (change->what & SHMFS_CHANGE_UID)
		node->uid = change->uid;
	if (change->what & SHMFS_CHANGE_GID)
		node->gid = change->gid;
}

/*
 * The bits that make a program run as somebody else go with a new owner, and with a new size unless
 * root asks. The kernel asks for that too, but by a mode that an access control list may have
 * changed since; and it leaves the set-group-id bit where the group may not execute, which only
 * members may keep. No change at all is chown(-1, -1).
 */
static void drop_set_id(
    const struct shmfs *fs, struct node *node, const struct shmfs_change *change)
{
	bool owner = change->what == 0 || (change->what & (SHMFS_CHANGE_UID | SHMFS_CHANGE_GID));
	bool root = change->by.uid == 0;

	if (is_directory(node) || (!owner && (root || !(change->what & SHMFS_CHANGE_SIZE))))
		return;
	node_drop_set_id(fs, node, &change->by);
}

static void set_times(struct shmfs *fs, struct node *node, const struct shmfs_change *change)
{
	struct timespec now = node_now(fs);

	if (change->what & (SHMFS_CHANGE_ATIME | SHMFS_CHANGE_ATIME_NOW))
		node->atime = change->what & SHMFS_CHANGE_ATIME_NOW ? now : change->atime;
	if (change->what & SHMFS_CHANGE_MTIME_NOW)
		node->mtime = now;
	else if (change->what & SHMFS_CHANGE_MTIME)
		node_set_mtime(fs, node, &change->mtime);
	node_touch_ctime(fs, node);
	if (change->what & SHMFS_CHANGE_CTIME)
		node->ctime = change->ctime;
}

/* Each of them modifies, so the first decides. No change at all is chown(-1, -1). */
static int may_change(struct shmfs *fs, const struct node *node, const struct shmfs_change *change)
{
	static const struct {
		unsigned what;
		enum mac_entry entry;
	} entries[] = {
	    {SHMFS_CHANGE_SIZE, MAC_TRUNCATE},
	    {SHMFS_CHANGE_MODE, MAC_SETMODE},
	    {SHMFS_CHANGE_UID | SHMFS_CHANGE_GID, MAC_SETOWNER},
	};

	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		if (change->what & entries[i].what)
			return mac_check(fs, &change->by, entries[i].entry, node);
	}
	return mac_check(fs, &change->by, change->what == 0 ? MAC_SETOWNER : MAC_SETTIMES, node);
}

int shmfs_setattr(
    struct shmfs *fs, uint64_t id, const struct shmfs_change *change, struct shmfs_attr *out)
{
	struct node *node = node_get(fs, id);
	mode_t mode_bits = 07777;
	int rc;

	if (node == NULL)
		return -ESTALE;
	rc = may_change(fs, node, change);
	if (rc < 0)
		return rc;
	if (is_object(node))
		mode_bits = rules_of(fs)->mode_bits;
	node_change(fs, node);
	if (change->what & SHMFS_CHANGE_SIZE) {
		rc = may_set_size(fs, node, change->handle);
		if (rc == 0)
			rc = set_size(fs, node, change);
		if (rc < 0)
			return rc;
	}
	if (change->what & SHMFS_CHANGE_MODE) {
		node->mode = (node->mode & S_IFMT) | (change->mode & mode_bits);
		rc = xattrs_follow_mode(fs, node);
		if (rc < 0)
			return rc;
	}
	drop_set_id(fs, node, change);
	set_owner(node, change);
	/* chown(-1, -1) changes nothing but the time of change. */
	if (change->what != SHMFS_CHANGE_SIZE)
		set_times(fs, node, change);
	node_attributes(fs, node, out);
	return 0;
}
