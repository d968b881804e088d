/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that make nodes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "fs/mac/subjects.h"
#include "fs/object/handle.h"
#include "fs/object/node.h"
#include "fs/object/xattr_follow.h"
#include "fs/state/charge.h"
#include "fs/state/expiry.h"
#include "fs/state/name.h"
#include "fs/state/rules.h"
#include "place.h"

static inline mode_t with_type(mode_t mode, mode_t type)
{
	return (mode & 07777) | type;
}

/* Makes a node as it is made in this directory under this name. A set-group-id directory hands
 * down its group, and the bit to directories. */
static int make_in(struct shmfs *fs, const struct shmfs_cred *cred, const struct node *dir,
    const char *name, mode_t mode, struct node **out)
{
	gid_t gid = cred->gid;
	struct node *node;
	int rc;

	if (S_ISREG(mode))
		mode &= S_IFMT | rules_of(fs)->mode_bits;
	else if (rules_of(fs)->flat)
		return -EPERM;
	if (dir->mode & S_ISGID) {
		gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
	}
	rc = node_create(fs, name, mode, cred->uid, gid, dir->tenant, &node);
	if (rc < 0)
		return rc;
	mac_label_new(fs, cred, node);
	if (is_object(node))
		node->object.grows = name_matches(fs->super->grow_patterns, name);
	else if (is_directory(node))
		node->directory.next_cookie = COOKIE_FIRST;
	if (is_object(node) && name_matches(fs->super->lifetime_patterns, name))
		rc = expiry_set(fs, node, true);
	if (rc == 0)
		rc = xattrs_inherit(fs, dir, node, cred->umask);
	if (rc < 0)
		return rc;
	*out = node;
	return 0;
}

/* Makes a node and enters it. */
static int make(struct shmfs *fs, const struct shmfs_cred *cred, const struct place *place,
    mode_t mode, struct node **out)
{
	struct node *node;
	int rc = make_in(fs, cred, place->dir, place->name, mode, &node);

	if (rc == 0)
		rc = directory_add(fs, place, node, (struct name_charge){.uid = cred->uid});
	if (rc < 0)
		return rc;
	*out = node;
	return 0;
}

static int open_existing(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    int flags, struct shmfs_opened *opened)
{
	if (flags & O_EXCL)
		return -EEXIST;
	if (is_object(node) && !place_may_open(fs, node, cred, flags))
		return -EACCES;
	return shmfs_open(fs, cred, node->id, flags, opened);
}

int shmfs_create(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, int flags, struct shmfs_attr *out, struct shmfs_opened *opened)
{
	struct shmfs_opened handle;
	struct place place;
	struct node *node = NULL;
	int rc = directory_find(fs, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry != NULL) {
		node = place.entry->node;
		rc = open_existing(fs, cred, node, flags, &handle);
	} else {
		rc = mac_check(fs, cred, MAC_CREATE, place.dir);
		if (rc == 0)
			rc = make(fs, cred, &place, with_type(mode, S_IFREG), &node);
		if (rc == 0)
			rc = handle_create(fs, node, flags, &handle);
	}
	if (rc < 0)
		return rc;
	place_give(fs, node, out);
	*opened = handle;
	return 0;
}

int shmfs_tmpfile(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, mode_t mode,
    int flags, struct shmfs_attr *out, struct shmfs_opened *opened)
{
	struct node *parent = node_get(fs, dir), *node;
	struct shmfs_opened handle;
	int rc;

	if (parent == NULL)
		return -ESTALE;
	if (!is_directory(parent))
		return -ENOTDIR;
	if (parent->directory.parent == NULL)
		return -ENOENT;
	rc = make_in(fs, cred, parent, "", with_type(mode, S_IFREG), &node);
	if (rc == 0)
		rc = handle_create(fs, node, flags, &handle);
	if (rc < 0)
		return rc;
	node->linkable = !(flags & O_EXCL);
	place_give(fs, node, out);
	*opened = handle;
	return 0;
}

/* Makes a node of this mode and type under a free name. */
static int make_named(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir,
    const char *name, mode_t mode, struct node **out)
{
	struct place place;
	int rc = place_find_free(fs, cred, MAC_CREATE, dir, name, &place);

	return rc < 0 ? rc : make(fs, cred, &place, mode, out);
}

int shmfs_mknod(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, struct shmfs_attr *out)
{
	mode_t type = mode & S_IFMT;
	struct node *node;
	int rc;

	if (type == S_IFCHR || type == S_IFBLK)
		return -EPERM;
	if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	rc = make_named(fs, cred, dir, name, with_type(mode, type), &node);
	if (rc < 0)
		return rc;
	place_give(fs, node, out);
	return 0;
}

int shmfs_mkdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, struct shmfs_attr *out)
{
	struct node *node;
	int rc = make_named(fs, cred, dir, name, with_type(mode, S_IFDIR), &node);

	if (rc < 0)
		return rc;
	place_give(fs, node, out);
	return 0;
}

int shmfs_symlink(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    const char *target, struct shmfs_attr *out)
{
	size_t length = strnlen(target, SHMFS_TARGET_MAX + 1);
	struct node *node;
	int rc;

	if (length == 0)
		return -ENOENT;
	if (length > SHMFS_TARGET_MAX)
		return -ENAMETOOLONG;
	rc = make_named(fs, cred, dir, name, S_IFLNK | 0777, &node);
	if (rc < 0)
		return rc;
	rc = charge_resize(fs, node, cred->uid, 0, node_target_charge(length));
	if (rc < 0)
		return rc;
	node->symlink.target = arena_alloc(fs->arena, length + 1);
	if (node->symlink.target == NULL)
		return -ENOMEM;
	memcpy(node->symlink.target, target, length);
	node->symlink.length = length;
	place_give(fs, node, out);
	return 0;
}
