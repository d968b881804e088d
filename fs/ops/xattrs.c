/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on extended attributes: what their names mean. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/mac/mac.h"
#include "fs/mac/subjects.h"
#include "fs/object/acl.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/seal.h"
#include "fs/state/expiry.h"
#include "fs/state/member.h"
#include "fs/state/xattr.h"

#define OWN "user.shmfs."
#define SEALS OWN "seals"
#define GROW OWN "grow"
#define HUGE OWN "huge"
#define LIFETIME OWN "lifetime"
#define LABEL OWN "label"

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0 && name[strlen(prefix)] != '\0';
}

static bool is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

/* Whether attributes of this name are kept here and mean nothing to us. */
static bool is_plain(const char *name)
{
	return has_prefix(name, "user.") || has_prefix(name, "trusted.") ||
	       has_prefix(name, "security.");
}

/*
 * Whether an attribute of this name can be: -EOPNOTSUPP for one in no namespace of ours, -EINVAL
 * for one that is a namespace's prefix alone.
 */
static int check_name(const char *name)
{
	static const char *const namespaces[] = {"user.", "trusted.", "security."};

	if (is_plain(name) || is_acl(name))
		return 0;
	for (size_t i = 0; i < sizeof namespaces / sizeof namespaces[0]; i++)
		if (strcmp(name, namespaces[i]) == 0)
			return -EINVAL;
	return -EOPNOTSUPP;
}

static int check_flags(const struct node *node, const char *name, int flags)
{
	bool exists = xattr_find(node, name) != NULL;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if ((flags & XATTR_CREATE) && exists)
		return -EEXIST;
	if ((flags & XATTR_REPLACE) && !exists)
		return -ENODATA;
	return 0;
}

/* Who changes a list of its own, or takes it away, is to be a member of the group for this bit. */
static void drop_foreign_set_gid(
    const struct shmfs *fs, struct node *node, const struct shmfs_cred *cred)
{
	if ((node->mode & S_ISGID) && cred->uid != 0 && !is_member(fs, cred, node->gid))
		node->mode &= ~(uint32_t)S_ISGID;
}

/* A list for the node itself also is its mode, and where it is no more than that, nothing else. */
static int set_access(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const void *acl, size_t size)
{
	node->mode = acl_to_mode(acl, size, node->mode);
	drop_foreign_set_gid(fs, node, cred);
	if (!acl_is_minimal(acl, size))
		return xattr_set(fs, node, cred->uid, ACL_ACCESS, acl, size);
	xattr_drop(fs, node, ACL_ACCESS);
	return 0;
}

static int set_acl(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const char *name, const void *acl, size_t size)
{
	bool access = strcmp(name, ACL_ACCESS) == 0;

	if (S_ISLNK(node->mode))
		return -EOPNOTSUPP;
	if (!access && !is_directory(node))
		return -EACCES;
	if (!acl_is_valid(acl, size))
		return -EINVAL;
	if (size > ACL_SIZE_MAX)
		return -ENOSPC;
	node_change(fs, node);
	return access ? set_access(fs, cred, node, acl, size)
		      : xattr_set(fs, node, cred->uid, name, acl, size);
}

static bool value_is(const char *value, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(value, word, size) == 0;
}

static bool is_owner(const struct shmfs_cred *cred, const struct node *node)
{
	return cred->uid == 0 || cred->uid == node->uid;
}

/* Whoever may write to an object must not be able to have it removed. */
static int set_lifetime(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const char *value, size_t size)
{
	bool holders = value_is(value, size, "holders");

	if (!holders && !value_is(value, size, "names"))
		return -EINVAL;
	return is_owner(cred, node) ? expiry_set(fs, node, holders) : -EPERM;
}

static int set_huge(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const char *value, size_t size)
{
	bool huge = value_is(value, size, "1");

	if (!huge && !value_is(value, size, "0"))
		return -EINVAL;
	if (!is_owner(cred, node))
		return -EPERM;
	return object_set_pages(fs, node, huge ? SHMFS_PAGES_HUGE : SHMFS_PAGES_SMALL);
}

static int set_grow(struct shmfs *fs, struct node *node, const char *value, size_t size)
{
	bool grows = value_is(value, size, "1");

	if (!grows && !value_is(value, size, "0"))
		return -EINVAL;
	node_change(fs, node);
	node->object.grows = grows;
	return 0;
}

/* Attributes that are not stored, but say something of an object. */
static int set_own(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const char *name, const char *value, size_t size)
{
	if (strcmp(name, LABEL) == 0)
		return -EPERM;
	if (!is_object(node))
		return -EOPNOTSUPP;
	if (strcmp(name, SEALS) == 0)
		return seal_add(fs, node, value, size);
	if (strcmp(name, LIFETIME) == 0)
		return set_lifetime(fs, cred, node, value, size);
	if (strcmp(name, HUGE) == 0)
		return set_huge(fs, cred, node, value, size);
	return strcmp(name, GROW) == 0 ? set_grow(fs, node, value, size) : -EPERM;
}

static int set_any(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node,
    const char *name, const void *value, size_t size, int flags)
{
	int rc;

	if (has_prefix(name, OWN))
		return set_own(fs, cred, node, name, value, size);
	rc = check_name(name);
	if (rc == 0)
		rc = check_flags(node, name, flags);
	if (rc < 0)
		return rc;
	if (is_acl(name))
		return set_acl(fs, cred, node, name, value, size);
	return xattr_set(fs, node, cred->uid, name, value, size);
}

static int find_node(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t id, const char *name, struct node **out)
{
	struct node *node = node_get(fs, id);
	int rc;

	if (node == NULL)
		return -ESTALE;
	rc = mac_check(fs, cred, entry, node);
	if (rc < 0)
		return rc;
	if (strnlen(name, SHMFS_NAME_MAX + 1) > SHMFS_NAME_MAX)
		return -ERANGE;
	*out = node;
	return 0;
}

int shmfs_setxattr(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, const char *name,
    const void *value, size_t size, int flags)
{
	struct node *node;
	int rc = find_node(fs, cred, MAC_SETXATTR, id, name, &node);

	if (rc < 0)
		return rc;
	/* What has ended must not come to cost anything again. */
	if (node->ended != NODE_ENDED_NOT)
		return -ESTALE;
	if (size > XATTR_VALUE_MAX)
		return -E2BIG;
	rc = set_any(fs, cred, node, name, value, size, flags);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	node_touch_ctime(fs, node);
	return 0;
}

/* How a value is handed out: with no room asked for, only its length. */
static ssize_t answer_size(size_t length, size_t size)
{
	if (size > 0 && length > size)
		return -ERANGE;
	return (ssize_t)length;
}

/* Which pages an object's memory has, or would have. */
static ssize_t print_huge(const struct shmfs *fs, const struct node *node, char *text)
{
	int pages = fs->os->pages(fs->os->arg, (enum shmfs_pages)node->object.pages);

	if (pages < 0)
		return pages;
	return sprintf(text, "%s",
	    pages == SHMFS_PAGES_HUGE	 ? "1"
	    : pages == SHMFS_PAGES_SMALL ? "0"
					 : "advise");
}

static ssize_t print_own(
    const struct shmfs *fs, const struct node *node, const char *name, char *text)
{
	if (strcmp(name, LABEL) == 0 && node->label != 0)
		return (ssize_t)shmfs_label_print(
		    fs->super->mac.policies, mac_label_of(fs, node), text);
	if (!is_object(node))
		return -ENODATA;
	if (strcmp(name, SEALS) == 0)
		return (ssize_t)seal_print(node, text);
	if (strcmp(name, GROW) == 0)
		return sprintf(text, "%d", node->object.grows);
	if (strcmp(name, LIFETIME) == 0)
		return sprintf(text, "%s", node->object.expires ? "holders" : "names");
	return strcmp(name, HUGE) == 0 ? print_huge(fs, node, text) : -ENODATA;
}

static ssize_t get_own(
    const struct shmfs *fs, const struct node *node, const char *name, char *out, size_t size)
{
	char text[SHMFS_LABEL_SIZE];
	ssize_t length = print_own(fs, node, name, text), rc;

	if (length < 0)
		return length;
	rc = answer_size((size_t)length, size);
	if (rc > 0 && size > 0)
		memcpy(out, text, (size_t)length);
	return rc;
}

ssize_t shmfs_getxattr(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id,
    const char *name, void *out, size_t size)
{
	const struct xattr *xattr;
	struct node *node;
	ssize_t rc = find_node(fs, cred, MAC_GETXATTR, id, name, &node);

	if (rc < 0)
		return rc;
	if (has_prefix(name, OWN))
		return get_own(fs, node, name, out, size);
	rc = check_name(name);
	if (rc < 0)
		return rc;
	xattr = xattr_find(node, name);
	if (xattr == NULL)
		return -ENODATA;
	rc = answer_size(xattr->size, size);
	if (rc > 0 && size > 0)
		xattr_copy(xattr, out);
	return rc;
}

ssize_t shmfs_listxattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, char *out, size_t size)
{
	const struct node *node = node_get(fs, id);
	size_t length = 0;
	int rc;

	if (node == NULL)
		return -ESTALE;
	rc = mac_check(fs, cred, MAC_GETXATTR, node);
	if (rc < 0)
		return rc;
	for (const struct xattr *xattr = node->xattrs; xattr != NULL; xattr = xattr->next) {
		size_t part = xattr->name_length + 1;

		if (cred->uid != 0 && has_prefix(xattr->name, "trusted."))
			continue;
		if (size > 0 && part > size - length)
			return -ERANGE;
		if (size > 0)
			memcpy(out + length, xattr->name, part);
		length += part;
	}
	return (ssize_t)length;
}

int shmfs_removexattr(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, const char *name)
{
	struct node *node;
	int rc = find_node(fs, cred, MAC_SETXATTR, id, name, &node);

	if (rc < 0)
		return rc;
	if (has_prefix(name, OWN))
		return -EPERM;
	rc = check_name(name);
	if (rc < 0)
		return rc;
	/* A node without a list has the one that its mode is, which can be taken away, too. */
	if (!is_acl(name) && xattr_find(node, name) == NULL)
		return -ENODATA;
	xattr_drop(fs, node, name);
	node_change(fs, node);
	if (strcmp(name, ACL_ACCESS) == 0)
		drop_foreign_set_gid(fs, node, cred);
	node_touch_ctime(fs, node);
	return 0;
}
