/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a control socket is, and how it is made; see socket.h. */
#include "socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

static bool is_left_over(int dir, const char *name, const struct stat *st)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, length;
	bool refused;

	length =
	    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", dir, name);
	if (length < 0 || (size_t)length >= sizeof address.sun_path)
		return false;
	if (!S_ISSOCK(st->st_mode) || st->st_uid != geteuid())
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused =
	    connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

/* Sockets of daemons that were killed, supervisor and all: nobody listens any more. */
static void remove_left_over(void)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	struct stat st;
	DIR *dir = socket_directory(place(), path) == 0 ? opendir(path) : NULL;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.' && strchr(entry->d_name, ':') != NULL &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_left_over(dirfd(dir), entry->d_name, &st))
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir != NULL)
		closedir(dir);
}

/*
 * A socket gets its name when it is listened at: before, between bind(2) and listen(2), it looks
 * like one that was left. What is left of this name the next mount of the device replaces.
 */
static int unfinished_address(const char *device, struct sockaddr_un *out)
{
	char dir[PATH_MAX];
	int rc = socket_directory(place(), dir), length;

	if (rc < 0)
		return rc;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = snprintf(out->sun_path, sizeof out->sun_path, "%s/.%s", dir, device);
	return length >= 0 && (size_t)length < sizeof out->sun_path ? 0 : -ENAMETOOLONG;
}

static int bind_and_listen(
    int fd, const struct sockaddr_un *address, const char *path, uint64_t *inode)
{
	struct stat st;

	if (unlink(address->sun_path) < 0 && errno != ENOENT)
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, sizeof *address) < 0)
		return -errno;
	/* Whoever may come in is decided call by call. */
	if (chmod(address->sun_path, 0666) < 0 || listen(fd, BACKLOG) < 0 ||
	    lstat(address->sun_path, &st) < 0 || rename(address->sun_path, path) < 0) {
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
	char path[PATH_MAX];
	int rc = socket_path(place(), device, path), fd;

	if (rc == 0)
		rc = unfinished_address(device, &address);
	if (rc == 0)
		rc = make_directory();
	if (rc < 0)
		return rc;
	remove_left_over();
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	rc = bind_and_listen(fd, &address, path, inode);
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
