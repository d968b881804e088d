/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of rules; see rules.h. Sources: POSIX and tmpfs(5); shm_open(2) of FreeBSD 13. */
#include "rules.h"

#include <errno.h>

#include "state.h"

static const struct rules table[] = {
    [SHMFS_RULES_LINUX] =
	{
	    .flat = false,
	    .full_write_is_0 = false,
	    .shm_open_flags = false,
	    .unlink_asks_object = false,
	    .times_by_size = false,
	    .mode_bits = 07777,
	    .name_max = SHMFS_NAME_MAX,
	    .no_room = ENOSPC,
	    .over_user_limit = EDQUOT,
	},
    [SHMFS_RULES_FREEBSD] =
	{
	    .flat = true,
	    .full_write_is_0 = true,
	    .shm_open_flags = true,
	    .unlink_asks_object = true,
	    .times_by_size = true,
	    .mode_bits = 0777,
	    .name_max = SHMFS_NAME_MAX_FREEBSD,
	    .no_room = ENOMEM,
	    .over_user_limit = ENOSPC,
	},
};

const struct rules *rules_of(const struct shmfs *fs)
{
	return &table[fs->super->rules];
}
