/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions as the kernel decides them; see access.h. */
#include "access.h"

#include <errno.h>
#include <unistd.h>

#include "acl.h"
#include "fs.h"

bool access_is_member(const struct shmfs_subject *by, gid_t gid)
{
	if (by->gid == gid)
		return true;
	for (size_t i = 0; i < by->group_count; i++) {
		if (by->groups[i] == gid)
			return true;
	}
	return false;
}

static bool list_grants(const struct xattr *list, const struct node *node,
    const struct shmfs_subject *by, unsigned want)
{
	const struct acl_question question = {by, node->uid, node->gid, want};
	char acl[ACL_SIZE_MAX];

	if (list->size > sizeof acl)
		return false;
	xattr_copy(list, acl);
	return acl_grants(acl, list->size, &question);
}

bool access_grants(const struct node *node, const struct shmfs_subject *by, unsigned want)
{
	const struct xattr *list;
	unsigned shift = 0;

	/* To root, what nobody may execute is no program. */
	if (by->uid == 0)
		return !(want & 1) || is_directory(node) || (node->mode & 0111);
	list = xattr_find(node, ACL_ACCESS);
	if (list != NULL)
		return list_grants(list, node, by, want);
	if (by->uid == node->uid)
		shift = 6;
	else if (access_is_member(by, node->gid))
		shift = 3;
	return (node->mode >> shift & want) == want;
}

int shmfs_access(const struct shmfs *fs, const struct shmfs_subject *by, uint64_t id, int mask)
{
	const struct node *node = node_get(fs, id);
	unsigned want = 0;

	if (node == NULL)
		return -ESTALE;
	want |= mask & R_OK ? 4 : 0;
	want |= mask & W_OK ? 2 : 0;
	want |= mask & X_OK ? 1 : 0;
	return access_grants(node, by, want) ? 0 : -EACCES;
}
