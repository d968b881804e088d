/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the control sockets of mounts are: a directory of the system's, and one of each user's. */
#ifndef SHMFS_COMMON_SOCKET_PATH_H
#define SHMFS_COMMON_SOCKET_PATH_H

#include <limits.h>

enum socket_place {
	SOCKET_OF_SYSTEM, /* mounts of root */
	SOCKET_OF_USER,	  /* those that the user made who asks */
	SOCKET_PLACES,
};

/* Both 0 or a negative errno; -ENOENT: XDG_RUNTIME_DIR is not set, and a user's own are there. */
int socket_directory(enum socket_place place, char out[PATH_MAX]);

/* The socket of the mount with this device, "major:minor". */
int socket_path(enum socket_place place, const char *device, char out[PATH_MAX]);

#endif
