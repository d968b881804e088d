/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions as the kernel decides them; see access.h. */
#include "access.h"

#include "acl.h"
#include "fs/mac/mac.h"
#include "fs/state/member.h"
#include "fs/state/xattr.h"

static bool list_grants(const struct xattr *list, const struct acl_question *question)
{
	char acl[ACL_SIZE_MAX];

	if (list->size > sizeof acl)
		return false;
	xattr_copy(list, acl);
	return acl_grants(acl, list->size, question);
}

static bool grants(const struct node *node, const struct acl_question *question)
{
	const struct xattr *list;
	unsigned shift = 0, want = question->want;

	/* To root, what nobody may execute is no program. */
	if (question->by == 0)
		return !(want & 1) || is_directory(node) || (node->mode & 0111);
	list = xattr_find(node, ACL_ACCESS);
	if (list != NULL)
		return list_grants(list, question);
	if (question->by == node->uid)
		shift = 6;
	else if (question->is_member(question->who, node->gid))
		shift = 3;
	return (node->mode >> shift & want) == want;
}

static bool subject_has(const void *who, gid_t gid)
{
	return subject_is_member(who, gid);
}

bool access_grants(const struct node *node, const struct shmfs_subject *by, unsigned want)
{
	const struct acl_question question = {by->uid, subject_has, by, node->uid, node->gid, want};

	return by->exempt || grants(node, &question);
}

struct shmfs_cred access_cred(const struct shmfs_subject *by)
{
	return (struct shmfs_cred){.uid = by->uid, .gid = by->gid, .pid = by->pid};
}

/* Entries of a list are looked at for each group; so many bytes and groups cost as much as a
 * directory. */
#define WORK_BYTES 64
#define WORK_GROUPS 32

static bool may_work(const struct node *dir, const struct shmfs_subject *by)
{
	size_t cost = 1 + dir->xattr_bytes / WORK_BYTES * (1 + by->group_count / WORK_GROUPS);

	if (by->work == NULL || by->exempt)
		return true;
	*by->work = cost < *by->work ? *by->work - (unsigned)cost : 0;
	return *by->work > 0;
}

bool access_searches(
    const struct shmfs *fs, const struct node *dir, const struct shmfs_subject *by, bool lists)
{
	struct shmfs_cred cred = access_cred(by);

	return may_work(dir, by) && access_grants(dir, by, lists ? 5 : 1) &&
	       mac_would(fs, &cred, MAC_LOOKUP, dir) == 0 &&
	       (!lists || mac_would(fs, &cred, MAC_READDIR, dir) == 0);
}

struct caller {
	const struct shmfs *fs;
	const struct shmfs_cred *cred;
};

static bool caller_has(const void *who, gid_t gid)
{
	const struct caller *caller = who;

	return is_member(caller->fs, caller->cred, gid);
}

bool access_grants_caller(
    const struct shmfs *fs, const struct node *node, const struct shmfs_cred *cred, unsigned want)
{
	const struct caller caller = {fs, cred};
	const struct acl_question question = {
	    cred->uid, caller_has, &caller, node->uid, node->gid, want};

	return grants(node, &question);
}
