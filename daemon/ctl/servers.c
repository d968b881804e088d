/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding servers; see servers.h. */
#include "servers.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/socket_path.h"

static bool is_trusted(uid_t uid)
{
	return uid == 0 || uid == geteuid();
}

static bool is_trusted_peer(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && is_trusted(peer.uid);
}

/* Whether nobody else can put sockets there. */
static bool is_trusted_place(enum socket_place place)
{
	char dir[PATH_MAX];
	struct stat st;

	return socket_directory(place, dir) == 0 && lstat(dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	       is_trusted(st.st_uid) && !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && is_trusted_peer(fd))
		return fd;
	close(fd);
	return -1;
}

static int connect_in(enum socket_place place, const char *name)
{
	char path[PATH_MAX];

	if (!is_trusted_place(place) || socket_path(place, name, path) < 0)
		return -1;
	return connect_to(path);
}

int servers_connect(const char *path)
{
	struct stat st;
	char name[64];

	if (stat(path, &st) < 0)
		return -1;
	snprintf(name, sizeof name, "%u:%u", major(st.st_dev), minor(st.st_dev));
	for (enum socket_place place = 0; place < SOCKET_PLACES; place++) {
		int fd = connect_in(place, name);

		if (fd >= 0)
			return fd;
	}
	errno = ENOENT;
	return -1;
}

static void each_in(enum socket_place place, void (*visit)(void *arg, int fd), void *arg)
{
	const struct dirent *entry;
	char dir[PATH_MAX];
	DIR *list = socket_directory(place, dir) == 0 ? opendir(dir) : NULL;

	while (list != NULL && (entry = readdir(list)) != NULL) {
		int fd = strchr(entry->d_name, ':') != NULL ? connect_in(place, entry->d_name) : -1;

		if (fd >= 0)
			visit(arg, fd);
	}
	if (list != NULL)
		closedir(list);
}

void servers_each(void (*visit)(void *arg, int fd), void *arg)
{
	for (enum socket_place place = 0; place < SOCKET_PLACES; place++)
		each_in(place, visit, arg);
}

struct only {
	int count, fd;
};

static void keep_first(void *arg, int fd)
{
	struct only *only = arg;

	if (only->count++ == 0)
		only->fd = fd;
	else
		close(fd);
}

int servers_connect_only(int *fd)
{
	struct only only = {.fd = -1};

	servers_each(keep_first, &only);
	if (only.count > 1) {
		close(only.fd);
		only.fd = -1;
	}
	*fd = only.fd;
	return only.count;
}
