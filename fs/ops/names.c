/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on names: lookup, linking, removing, renaming, listing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fs/object/life.h"
#include "fs/object/node.h"
#include "fs/object/tenant.h"
#include "fs/state/charge.h"
#include "fs/state/rules.h"
#include "place.h"

static int find_self(struct shmfs *fs, uint64_t id, struct node **out)
{
	*out = node_get(fs, id);
	return *out == NULL || (*out)->ended != NODE_ENDED_NOT ? -ESTALE : 0;
}

static int find_parent(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, struct node **out)
{
	struct node *node = node_get(fs, id);
	int rc;

	if (node == NULL)
		return -ESTALE;
	if (!is_directory(node))
		return -ENOTDIR;
	rc = mac_check(fs, cred, MAC_LOOKUP, node);
	*out = node->directory.parent;
	return rc == 0 && *out == NULL ? -ESTALE : rc;
}

static int find_entry(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir,
    const char *name, struct node **out)
{
	struct place place;
	int rc = place_find(fs, cred, MAC_LOOKUP, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry == NULL)
		return -ENOENT;
	*out = place.entry->node;
	return 0;
}

/* The caller learns the node's attributes, so nothing can be looked up that may not be stat. */
int shmfs_lookup(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name,
    struct shmfs_attr *out)
{
	struct node *node = NULL;
	int rc;

	if (strcmp(name, ".") == 0)
		rc = find_self(fs, dir, &node);
	else if (strcmp(name, "..") == 0)
		rc = find_parent(fs, cred, dir, &node);
	else
		rc = find_entry(fs, cred, dir, name, &node);
	if (rc == 0)
		rc = mac_check(fs, cred, MAC_STAT, node);
	if (rc < 0)
		return rc;
	place_give(fs, node, out);
	return 0;
}

void shmfs_forget(struct shmfs *fs, uint64_t id, uint64_t count)
{
	struct node *node = node_get(fs, id);

	if (node == NULL)
		return;
	save(fs, &node->lookups, sizeof node->lookups);
	node->lookups -= count < node->lookups ? count : node->lookups;
	life_drop_unused(fs, node);
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
	struct name_charge charge = {.uid = cred->uid};
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
	rc = place_find_free(fs, cred, MAC_LINK, dir, name, &place);
	if (rc == 0 && !tenant_admits(fs, place.dir, node))
		rc = -EXDEV;
	/* The node is charged for its first name. */
	charge.counts = node->names > 0;
	if (rc == 0 && charge.counts)
		rc = charge_node(fs, cred->uid, node->tenant, name);
	if (rc == 0)
		rc = directory_add(fs, &place, node, charge);
	if (rc < 0)
		return rc;
	node->linkable = false;
	place_give(fs, node, out);
	return 0;
}

/* With FreeBSD's rules, an object's name goes only by whoever may read and write the object. */
static int may_unname(
    const struct shmfs *fs, const struct shmfs_cred *cred, const struct node *node)
{
	return rules_of(fs)->unlink_asks_object && !place_may_open(fs, node, cred, O_RDWR) ? -EACCES
											   : 0;
}

int shmfs_unlink(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, const char *name)
{
	struct place place;
	int rc = place_find_taken(fs, cred, MAC_UNLINK, dir, name, &place);

	if (rc < 0)
		return rc;
	if (is_directory(place.entry->node))
		return -EISDIR;
	rc = may_unname(fs, cred, place.entry->node);
	if (rc < 0)
		return rc;
	life_unname(fs, place.entry);
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
	int rc = place_find_taken(fs, cred, MAC_UNLINK, dir, name, &place);

	if (rc == 0)
		rc = may_remove(place.entry->node, true);
	if (rc < 0)
		return rc;
	life_unname(fs, place.entry);
	return 0;
}

/* Nobody is kept waiting for the way up from a directory: it takes some hundred microseconds. */
#define DEPTH_MAX 16384

/* -EINVAL where dir lies in the tree below node, or is it; -ENAMETOOLONG: too deep to tell. */
static int check_above(const struct node *dir, const struct node *node)
{
	unsigned steps = 0;

	while (dir != node && dir->directory.parent != dir && dir->directory.parent != NULL) {
		if (++steps > DEPTH_MAX)
			return -ENAMETOOLONG;
		dir = dir->directory.parent;
	}
	return dir == node ? -EINVAL : 0;
}

/* No directory comes to lie below itself. Below one without directories lies none, and its own
 * parent does not. */
static int may_move(const struct shmfs *fs, const struct entry *entry, const struct place *to)
{
	const struct node *node = entry->node;

	if (!tenant_admits(fs, to->dir, node))
		return -EXDEV;
	if (!is_directory(node) || to->dir == entry->dir)
		return 0;
	if (node->directory.subdirs == 0)
		return to->dir == node ? -EINVAL : 0;
	return check_above(to->dir, node);
}

static int exchange(struct shmfs *fs, const struct place *from, const struct place *to)
{
	struct name_charge charge = directory_charge(from->entry), other_charge;
	struct node *node = from->entry->node, *other;
	int rc = may_move(fs, from->entry, to);

	if (rc == 0 && to->entry == NULL)
		rc = -ENOENT;
	if (rc == 0)
		rc = may_move(fs, to->entry, from);
	if (rc < 0)
		return rc;
	other = to->entry->node;
	other_charge = directory_charge(to->entry);
	directory_rebind(fs, to->entry, node, charge);
	directory_rebind(fs, from->entry, other, other_charge);
	return 0;
}

static int replace(struct shmfs *fs, const struct place *from, const struct place *to)
{
	struct name_charge charge = directory_charge(from->entry),
			   lost = directory_charge(to->entry);
	struct node *node = from->entry->node, *replaced = to->entry->node;
	int rc = may_remove(replaced, is_directory(node));

	if (rc < 0)
		return rc;
	directory_rebind(fs, to->entry, node, charge);
	directory_remove(fs, from->entry);
	life_lost_name(fs, replaced, lost);
	return 0;
}

static int move(struct shmfs *fs, const struct place *from, const struct place *to)
{
	int rc;

	if (from->dir == to->dir)
		return directory_rename(fs, from->entry, to);
	rc = directory_add(fs, to, from->entry->node, directory_charge(from->entry));
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
	rc = place_find_taken(fs, cred, MAC_RENAME, from_dir, from_name, &from);
	if (rc == 0)
		rc = place_find(fs, cred, MAC_RENAME, to_dir, to_name, &to);
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
	rc = may_move(fs, from.entry, &to);
	if (rc < 0)
		return rc;
	return to.entry == NULL ? move(fs, &from, &to) : replace(fs, &from, &to);
}

static int visit_entry(int (*visit)(void *arg, const struct shmfs_entry *entry), void *arg,
    const char *name, const struct node *node, uint64_t cookie)
{
	struct shmfs_entry entry = {
	    .name = name,
	    .id = node->id,
	    .mode = node->mode,
	    .next = cookie,
	};

	return visit(arg, &entry);
}

/* A removed directory shows nothing, not even itself. */
int shmfs_readdir(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t dir, uint64_t from,
    int (*visit)(void *arg, const struct shmfs_entry *entry), void *arg)
{
	const struct node *node = node_get(fs, dir);
	const struct entry *entry;
	int rc;

	if (node == NULL)
		return -ESTALE;
	if (!is_directory(node))
		return -ENOTDIR;
	rc = mac_check(fs, cred, MAC_READDIR, node);
	if (rc < 0)
		return rc;
	if (node->directory.parent == NULL)
		return 0;
	if (from < COOKIE_SELF && visit_entry(visit, arg, ".", node, COOKIE_SELF) != 0)
		return 0;
	if (from < COOKIE_PARENT &&
	    visit_entry(visit, arg, "..", node->directory.parent, COOKIE_PARENT) != 0)
		return 0;
	if (from >= node->directory.next_cookie)
		return 0;
	from = from < COOKIE_FIRST ? UINT64_MAX : from - 1;
	for (; (entry = index_previous(&node->directory.entries, &from)) != NULL; from--) {
		if (mac_lists(fs, cred, entry->node) &&
		    visit_entry(visit, arg, entry->name, entry->node, from) != 0)
			return 0;
	}
	return 0;
}
