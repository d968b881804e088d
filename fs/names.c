/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on names: lookup, making, linking, removing, renaming. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "directory.h"
#include "fs.h"
#include "handle.h"
#include "lifetime.h"
#include "name.h"
#include "names.h"
#include "object.h"
#include "xattrs.h"

/* One more reference of the caller, who learns the node's attributes. */
static void give(struct shmfs *fs, struct node *node, struct shmfs_attr *out)
{
	save(fs, &node->lookups, sizeof node->lookups);
	node->lookups++;
	node_attributes(fs, node, out);
}

/* A place that the caller wants for something, which is the directory's to allow. */
static int find(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, uint64_t dir,
    const char *name, struct place *out)
{
	struct place place;
	int rc = directory_find(fs, dir, name, &place);

	if (rc == 0)
		rc = mac_check(fs, cred, entry, place.dir);
	if (rc < 0)
		return rc;
	*out = place;
	return 0;
}

/* The caller learns the node's attributes, so that he can look nothing up that he may not stat. */
int shmfs_lookup(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    struct shmfs_attr *out)
{
	struct place place;
	int rc = find(fs, cred, MAC_LOOKUP, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry == NULL)
		return -ENOENT;
	rc = mac_check(fs, cred, MAC_STAT, place.entry->node);
	if (rc < 0)
		return rc;
	give(fs, place.entry->node, out);
	return 0;
}

void shmfs_forget(struct shmfs *fs, uint64_t id, uint64_t count)
{
	struct node *node = node_get(fs, id);

	if (node == NULL)
		return;
	save(fs, &node->lookups, sizeof node->lookups);
	node->lookups -= count < node->lookups ? count : node->lookups;
	node_drop_unused(fs, node);
}

/* A place whose name must be free. */
static int find_free(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out)
{
	struct place place;
	int rc = find(fs, cred, entry, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry != NULL)
		return -EEXIST;
	*out = place;
	return 0;
}

/* A place whose name must be taken, by a node that also allows it. */
static int find_taken(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out)
{
	struct place place;
	int rc = find(fs, cred, entry, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry == NULL)
		return -ENOENT;
	rc = mac_check(fs, cred, entry, place.entry->node);
	if (rc < 0)
		return rc;
	*out = place;
	return 0;
}

static inline mode_t with_type(mode_t mode, mode_t type)
{
	return (mode & 07777) | type;
}

/*
 * The kernel checks permissions against attributes it has asked for, but a name that came up since
 * is opened here without its knowing.
 */
static bool may_open(
    const struct shmfs *fs, const struct node *node, const struct shmfs_cred *cred, int flags)
{
	static const unsigned needs[] = {[O_RDONLY] = 4, [O_WRONLY] = 2, [O_RDWR] = 6};
	int access = flags & O_ACCMODE;
	unsigned need = access <= O_RDWR ? needs[access] : 6;
	unsigned shift;

	if (flags & O_TRUNC)
		need |= 2;
	if (cred->uid == 0)
		return true;
	shift = node->uid == cred->uid ? 6 : is_member(fs, cred, node->gid) ? 3 : 0;
	return ((node->mode >> shift) & need) == need;
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
	rc = node_create(fs, name, mode, cred->uid, gid, &node);
	if (rc < 0)
		return rc;
	mac_label_new(fs, cred, node);
	if (is_object(node))
		node->object.grows = name_matches(fs->super->grow_patterns, name);
	else if (is_directory(node))
		node->directory.next_cookie = COOKIE_FIRST;
	if (is_object(node) && name_matches(fs->super->lifetime_patterns, name))
		rc = lifetime_set(fs, node, true);
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
		rc = directory_add(fs, place, node);
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
	if (is_object(node) && !may_open(fs, node, cred, flags))
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
	give(fs, node, out);
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
	give(fs, node, out);
	*opened = handle;
	return 0;
}

/* Makes a node of this mode and type under a free name. */
static int make_named(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir,
    const char *name, mode_t mode, struct node **out)
{
	struct place place;
	int rc = find_free(fs, cred, MAC_CREATE, dir, name, &place);

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
	give(fs, node, out);
	return 0;
}

int shmfs_mkdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    mode_t mode, struct shmfs_attr *out)
{
	struct node *node;
	int rc = make_named(fs, cred, dir, name, with_type(mode, S_IFDIR), &node);

	if (rc < 0)
		return rc;
	give(fs, node, out);
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
	rc = charge_resize(fs, node, 0, node_target_charge(length));
	if (rc < 0)
		return rc;
	node->symlink.target = arena_alloc(fs->arena, length + 1);
	if (node->symlink.target == NULL)
		return -ENOMEM;
	memcpy(node->symlink.target, target, length);
	node->symlink.length = length;
	give(fs, node, out);
	return 0;
}

int shmfs_readlink(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, char out[SHMFS_TARGET_MAX + 1])
{
	const struct node *node = node_get(fs, id);
	int rc;

	if (node == NULL)
		return -ESTALE;
	if (!S_ISLNK(node->mode))
		return -EINVAL;
	rc = mac_check(fs, cred, MAC_READLINK, node);
	if (rc < 0)
		return rc;
	memcpy(out, node->symlink.target, node->symlink.length + 1);
	return (int)node->symlink.length;
}

int shmfs_link(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, uint64_t dir,
    const char *name, struct shmfs_attr *out)
{
	struct node *node = node_get(fs, id);
	struct place place;
	int rc;

	if (node == NULL)
		return -ESTALE;
	rc = mac_check(fs, cred, MAC_LINK, node);
	if (rc < 0)
		return rc;
	if (is_directory(node) || (rules_of(fs)->flat && node->names > 0))
		return -EPERM;
	if (node->names == 0 && !node->linkable)
		return -ENOENT;
	if (node->names == UINT32_MAX)
		return -EMLINK;
	rc = find_free(fs, cred, MAC_LINK, dir, name, &place);
	/* The first name is paid for by the node. */
	if (rc == 0 && node->names > 0)
		rc = charge_node(fs, node->creator, name);
	if (rc == 0)
		rc = directory_add(fs, &place, node);
	if (rc < 0)
		return rc;
	node->linkable = false;
	give(fs, node, out);
	return 0;
}

/* A node has lost a name: one of several, which were charged, or its last. */
static void lost_name(struct shmfs *fs, struct node *node)
{
	if (node->names > 0)
		charge_node_end(fs, node->creator);
	else
		node_drop_unused(fs, node);
}

void names_remove(struct shmfs *fs, struct entry *entry)
{
	struct node *node = entry->node;

	directory_remove(fs, entry);
	lost_name(fs, node);
}

/* Whether the caller may take this object's name away, where that is the object's to say. */
static int may_unname(
    const struct shmfs *fs, const struct shmfs_cred *cred, const struct node *node)
{
	return rules_of(fs)->unlink_asks_object && !may_open(fs, node, cred, O_RDWR) ? -EACCES : 0;
}

int shmfs_unlink(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name)
{
	struct place place;
	int rc = find_taken(fs, cred, MAC_UNLINK, dir, name, &place);

	if (rc < 0)
		return rc;
	if (is_directory(place.entry->node))
		return -EISDIR;
	rc = may_unname(fs, cred, place.entry->node);
	if (rc < 0)
		return rc;
	names_remove(fs, place.entry);
	return 0;
}

/* Whether this node can be removed, or replaced by one that is a directory or not. */
static int may_remove(const struct node *node, bool for_directory)
{
	if (!for_directory)
		return is_directory(node) ? -EISDIR : 0;
	if (!is_directory(node))
		return -ENOTDIR;
	return node->directory.entries.count > 0 ? -ENOTEMPTY : 0;
}

int shmfs_rmdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name)
{
	struct place place;
	int rc = find_taken(fs, cred, MAC_UNLINK, dir, name, &place);

	if (rc == 0)
		rc = may_remove(place.entry->node, true);
	if (rc < 0)
		return rc;
	names_remove(fs, place.entry);
	return 0;
}

/* Whether dir lies in the tree below node, or is it. */
static bool is_below(const struct node *dir, const struct node *node)
{
	while (dir != node && dir->directory.parent != dir && dir->directory.parent != NULL)
		dir = dir->directory.parent;
	return dir == node;
}

/* -EINVAL where an entry's directory would come to lie below itself. */
static int may_move(const struct entry *entry, const struct place *to)
{
	return is_directory(entry->node) && is_below(to->dir, entry->node) ? -EINVAL : 0;
}

static int exchange(struct shmfs *fs, const struct place *from, const struct place *to)
{
	struct node *node = from->entry->node, *other;
	int rc = may_move(from->entry, to);

	if (rc == 0 && to->entry == NULL)
		rc = -ENOENT;
	if (rc == 0)
		rc = may_move(to->entry, from);
	if (rc < 0)
		return rc;
	other = to->entry->node;
	directory_rebind(fs, to->entry, node);
	directory_rebind(fs, from->entry, other);
	return 0;
}

static int replace(struct shmfs *fs, const struct place *from, const struct place *to)
{
	struct node *node = from->entry->node, *replaced = to->entry->node;
	int rc = may_remove(replaced, is_directory(node));

	if (rc < 0)
		return rc;
	directory_rebind(fs, to->entry, node);
	directory_remove(fs, from->entry);
	lost_name(fs, replaced);
	return 0;
}

static int move(struct shmfs *fs, const struct place *from, const struct place *to)
{
	int rc = directory_add(fs, to, from->entry->node);

	if (rc == 0)
		directory_remove(fs, from->entry);
	return rc;
}

int shmfs_rename(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t from_dir,
    const char *from_name, uint64_t to_dir, const char *to_name, unsigned flags)
{
	struct place from, to;
	int rc;

	if (flags != 0 && flags != RENAME_NOREPLACE && flags != RENAME_EXCHANGE)
		return -EINVAL;
	rc = find_taken(fs, cred, MAC_RENAME, from_dir, from_name, &from);
	if (rc == 0)
		rc = find(fs, cred, MAC_RENAME, to_dir, to_name, &to);
	if (rc == 0 && to.entry != NULL)
		rc = mac_check(fs, cred, MAC_RENAME, to.entry->node);
	if (rc < 0)
		return rc;
	rc = may_unname(fs, cred, from.entry->node);
	if (rc == 0 && to.entry != NULL)
		rc = may_unname(fs, cred, to.entry->node);
	if (rc < 0)
		return rc;
	if (to.entry != NULL && flags == RENAME_NOREPLACE)
		return -EEXIST;
	if (to.entry != NULL && to.entry->node == from.entry->node)
		return 0;
	if (flags == RENAME_EXCHANGE)
		return exchange(fs, &from, &to);
	rc = may_move(from.entry, &to);
	if (rc < 0)
		return rc;
	return to.entry == NULL ? move(fs, &from, &to) : replace(fs, &from, &to);
}
