/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a control socket is, and how it is made; see socket.h. */
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/socket_path.h"

/* Connections that wait to be accepted. */
#define BACKLOG 64

/* Root's mounts are everybody's. */
static enum socket_place place(void)
{
	return geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
}

/* Only its owner may put sockets there. */
static int make_directory(void)
{
	char dir[PATH_MAX];
	struct stat st;
	int rc = socket_directory(place(), dir);

	if (rc < 0)
		return rc;
	if (mkdir(dir, 0755) < 0 && errno != EEXIST)
		return -errno;
	if (lstat(dir, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & (S_IWGRP | S_IWOTH)))
		return -EACCES;
	return 0;
}

static int address_of(const char *device, struct sockaddr_un *out)
{
	char path[PATH_MAX];
	int rc = socket_path(place(), device, path);

	if (rc < 0)
		return rc;
	if (strlen(path) >= sizeof out->sun_path)
		return -ENAMETOOLONG;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, path, strlen(path) + 1);
	return 0;
}

static int bind_and_listen(int fd, const struct sockaddr_un *address, uint64_t *inode)
{
	struct stat st;

	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	/* Whoever may come in is decided call by call. */
	if (chmod(address->sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0 ||
	    lstat(address->sun_path, &st) < 0) {
		int error = errno;

		unlink(address->sun_path);
		return -error;
	}
	*inode = st.st_ino;
	return 0;
}

int control_listen(const char *device, uint64_t *inode)
{
	struct sockaddr_un address;
	int rc = address_of(device, &address), fd;

	if (rc == 0)
		rc = make_directory();
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = bind_and_listen(fd, &address, inode);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

void control_remove(const char *device, uint64_t inode)
{
	char path[PATH_MAX];
	struct stat st;

	if (socket_path(place(), device, path) == 0 && lstat(path, &st) == 0 && st.st_ino == inode)
		(void)unlink(path);
}
