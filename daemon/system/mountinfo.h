/* SPDX-License-Identifier: BSD-2-Clause */
/* What is mounted, by /proc/self/mountinfo. */
#ifndef SHMFS_SYSTEM_MOUNTINFO_H
#define SHMFS_SYSTEM_MOUNTINFO_H

#include <limits.h>
#include <stdbool.h>

struct mountinfo {
	char path[PATH_MAX];
	char device[32]; /* "major:minor" */
	bool is_shmfs;
};

/* What is mounted on top at a path. 1: it was found; 0: nothing is; a negative errno: who knows. */
int mountinfo_find_path(const char *path, struct mountinfo *out);

/* The last place at which a device is mounted. 1: it is; 0: it is not; a negative errno. */
int mountinfo_find_device(const char *device, struct mountinfo *out);

#endif
