/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is in which group. */
#ifndef SHMFS_MEMBER_H
#define SHMFS_MEMBER_H

#include "state.h"

static inline bool is_member(const struct shmfs *fs, const struct shmfs_cred *cred, gid_t gid)
{
	return cred->gid == gid ||
	       (cred->pid != 0 && fs->os->in_group(fs->os->arg, cred->pid, gid));
}

static inline bool subject_is_member(const struct shmfs_subject *by, gid_t gid)
{
	if (by->gid == gid)
		return true;
	for (size_t i = 0; i < by->group_count; i++) {
		if (by->groups[i] == gid)
			return true;
	}
	return false;
}

#endif
