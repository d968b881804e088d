/* SPDX-License-Identifier: BSD-2-Clause */
/* What is asked of the policies by those for whom the way of an operation is gone. */
#include <errno.h>

#include "fs/mac/mac.h"
#include "fs/mac/subjects.h"

int shmfs_ask(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, enum shmfs_ask what)
{
	static const enum mac_entry as[] = {
	    [SHMFS_ASK_OBSERVE] = MAC_STAT,
	    [SHMFS_ASK_MODIFY] = MAC_MODIFYING,
	    [SHMFS_ASK_PIN] = MAC_PIN,
	};
	const struct node *node = node_get(fs, id);

	return node == NULL ? -ESTALE : mac_check(fs, cred, as[what], node);
}

unsigned shmfs_policies(const struct shmfs *fs)
{
	return fs->super->mac.policies;
}

bool shmfs_revokes(const struct shmfs *fs)
{
	return fs->super->mac.revoke;
}

bool shmfs_denied(const struct shmfs *fs, struct shmfs_denial *out)
{
	if (fs->denial.entry == NULL)
		return false;
	*out = fs->denial;
	return true;
}

int shmfs_set_subjects(struct shmfs *fs, const struct shmfs_mac_subject *subjects, size_t count)
{
	return mac_set_subjects(fs, subjects, count);
}
