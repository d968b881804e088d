/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions as the kernel decides them; see access.h. */
#include "access.h"

#include "acl.h"
#include "fs/state/member.h"
#include "fs/state/xattr.h"

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
	else if (subject_is_member(by, node->gid))
		shift = 3;
	return (node->mode >> shift & want) == want;
}
