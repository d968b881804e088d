/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/status; see process_user.h. */
#include "process_user.h"

#include <stdio.h>

bool process_user(pid_t pid, uid_t *uid, gid_t *gid)
{
	char path[64], line[256];
	bool has_uid = false, has_gid = false;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	/* Real, effective, saved, and that for files. */
	while (fgets(line, sizeof line, file) != NULL) {
		has_uid = has_uid || sscanf(line, "Uid: %*u %*u %*u %u", uid) == 1;
		has_gid = has_gid || sscanf(line, "Gid: %*u %*u %*u %u", gid) == 1;
	}
	fclose(file);
	return has_uid && has_gid;
}
