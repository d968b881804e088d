/* SPDX-License-Identifier: BSD-2-Clause */
/* Who else uses memory; see memory_use.h. */
#include "memory_use.h"

static void note(const struct shmfs *fs, int fd)
{
	*(volatile int32_t *)&fs->super->asked = fd;
}

bool memory_is_unused(const struct shmfs *fs, int fd)
{
	bool unused;

	note(fs, fd);
	unused = fs->os->unused(fs->os->arg, fd);
	note(fs, 0);
	return unused;
}

int memory_seal_write(struct shmfs *fs, int fd)
{
	int rc;

	note(fs, fd);
	rc = fs->os->seal_write(fs->os->arg, fd);
	note(fs, 0);
	return rc;
}

void memory_settle(struct shmfs *fs)
{
	if (fs->super->asked > 0)
		fs->os->settle(fs->os->arg, fs->super->asked);
	note(fs, 0);
}
