/* SPDX-License-Identifier: BSD-2-Clause */
/* Where control sockets are; see socket_path.h. */
#include "socket_path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

int socket_directory(enum socket_place place, char out[PATH_MAX])
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (place == SOCKET_OF_SYSTEM) {
		snprintf(out, PATH_MAX, "/run/shmfs");
		return 0;
	}
	if (runtime == NULL || runtime[0] != '/')
		return -ENOENT;
	return snprintf(out, PATH_MAX, "%s/shmfs", runtime) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int socket_path(enum socket_place place, const char *device, char out[PATH_MAX])
{
	char dir[PATH_MAX];
	int rc = socket_directory(place, dir);

	if (rc < 0)
		return rc;
	return snprintf(out, PATH_MAX, "%s/%s", dir, device) < PATH_MAX ? 0 : -ENAMETOOLONG;
}
