/* SPDX-License-Identifier: BSD-2-Clause */
/* Executing another program of ours; see sibling.h. */
#include "sibling.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sibling_exec(const char *name, const char *folder, char *const argv[])
{
	char self[PATH_MAX], path[2 * PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	if (length > 0) {
		self[length] = '\0';
		*strrchr(self, '/') = '\0';
		snprintf(path, sizeof path, "%s/%s", self, name);
		execv(path, argv);
		snprintf(path, sizeof path, "%s/%s/%s", self, folder, name);
		execv(path, argv);
	}
	execvp(name, argv);
}
