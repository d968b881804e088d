/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes that follow what becomes of their node; see xattr_follow.h. */
#include "xattr_follow.h"

#include "acl.h"
#include "fs/state/xattr.h"

int xattrs_follow_mode(struct shmfs *fs, struct node *node)
{
	const struct xattr *access = xattr_find(node, ACL_ACCESS);
	size_t size;

	if (access == NULL)
		return 0;
	size = access->size;
	xattr_copy(access, fs->scratch);
	acl_set_mode(fs->scratch, size, node->mode);
	return xattr_set(fs, node, node->creator, ACL_ACCESS, fs->scratch, size);
}

void xattrs_follow_write(struct shmfs *fs, struct node *node)
{
	xattr_drop(fs, node, "security.capability");
}

int xattrs_inherit(struct shmfs *fs, const struct node *dir, struct node *node, mode_t umask)
{
	const struct xattr *inherited = xattr_find(dir, ACL_DEFAULT);
	size_t size;
	int rc = 0;

	if (S_ISLNK(node->mode))
		return 0;
	node_change(fs, node);
	if (inherited == NULL) {
		node->mode &= ~((uint32_t)umask & 0777);
		return 0;
	}
	size = inherited->size;
	xattr_copy(inherited, fs->scratch);
	if (is_directory(node))
		rc = xattr_set(fs, node, node->creator, ACL_DEFAULT, fs->scratch, size);
	acl_restrict(fs->scratch, size, node->mode);
	node->mode = acl_to_mode(fs->scratch, size, node->mode);
	if (rc == 0 && !acl_is_minimal(fs->scratch, size))
		rc = xattr_set(fs, node, node->creator, ACL_ACCESS, fs->scratch, size);
	return rc;
}
