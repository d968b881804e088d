/* SPDX-License-Identifier: BSD-2-Clause */
/* /proc/PID/status; see process_user.h. */
#include "process_user.h"

#include <signal.h>
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

bool process_is_killed(pid_t pid)
{
	char path[64], line[256];
	unsigned long long own = 0, shared = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (fgets(line, sizeof line, file) != NULL) {
		(void)sscanf(line, "SigPnd: %llx", &own);
		(void)sscanf(line, "ShdPnd: %llx", &shared);
	}
	fclose(file);
	return ((own | shared) >> (SIGKILL - 1) & 1) != 0;
}
