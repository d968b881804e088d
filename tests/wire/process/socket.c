/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a control socket, of a device that no mount has. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/common/socket_path.h"
#include "daemon/control/socket.h"
#include "launch.h"
#include "suites.h"
#include "wire.h"

#define DEVICE "4095:1048575"
#define UNFINISHED ".4095:1048574"

static bool is_there(void)
{
	enum socket_place place = geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
	char path[PATH_MAX];
	struct stat st;

	GIVES(0, socket_path(place, DEVICE, path));
	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A mount is gone before its socket is, and its device number may be another's by then. */
START_TEST(the_socket_of_a_later_mount_stays)
{
	uint64_t first, second;
	int fds[2];

	fds[0] = control_listen(DEVICE, &first);
	if (fds[0] == -ENOENT) {
		ck_assert_int_ne(
		    skip_test("the_socket_of_a_later_mount_stays", "no XDG_RUNTIME_DIR"), 1);
		return;
	}
	ck_assert_int_ge(fds[0], 0);
	fds[1] = control_listen(DEVICE, &second);
	ck_assert_int_ge(fds[1], 0);
	control_remove(DEVICE, first);
	ck_assert(is_there());
	control_remove(DEVICE, second);
	ck_assert(!is_there());
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static bool exists(const char *device)
{
	enum socket_place place = geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
	char path[PATH_MAX];
	struct stat st;

	GIVES(0, socket_path(place, device, path));
	return lstat(path, &st) == 0;
}

/* As it is between bind(2) and listen(2). */
static int bind_unfinished(const char *name)
{
	enum socket_place place = geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char path[PATH_MAX];

	GIVES(0, socket_path(place, name, path));
	ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
	memcpy(address.sun_path, path, strlen(path) + 1);
	(void)unlink(path);
	GIVES(0, bind(fd, (struct sockaddr *)&address, sizeof address));
	return fd;
}

static void remove_socket(const char *name)
{
	enum socket_place place = geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
	char path[PATH_MAX];

	GIVES(0, socket_path(place, name, path));
	GIVES(0, unlink(path));
}

START_TEST(sockets_where_nobody_listens_any_more_are_removed)
{
	static const char *const devices[] = {"4095:1048571", "4095:1048572", "4095:1048573"};
	uint64_t inodes[3], inode;
	int fds[3], unfinished, fd;

	for (int i = 0; i < 3; i++) {
		fds[i] = control_listen(devices[i], &inodes[i]);
		if (fds[i] == -ENOENT) {
			ck_assert_int_ne(
			    skip_test("sockets_where_nobody_listens_any_more_are_removed",
				"no XDG_RUNTIME_DIR"),
			    1);
			return;
		}
		ck_assert_int_ge(fds[i], 0);
	}
	/* Two are left; one is used; another daemon is about to listen at one. */
	close(fds[0]);
	close(fds[1]);
	unfinished = bind_unfinished(UNFINISHED);
	fd = control_listen(DEVICE, &inode);
	ck_assert_int_ge(fd, 0);
	ck_assert(!exists(devices[0]));
	ck_assert(!exists(devices[1]));
	ck_assert(exists(devices[2]));
	ck_assert(exists(UNFINISHED));
	remove_socket(UNFINISHED);
	control_remove(devices[2], inodes[2]);
	control_remove(DEVICE, inode);
	close(unfinished);
	close(fds[2]);
	close(fd);
}
END_TEST

Suite *socket_suite(void)
{
	const TTest *const tests[] = {
	    the_socket_of_a_later_mount_stays, sockets_where_nobody_listens_any_more_are_removed};

	return suite_of("socket", tests, sizeof tests / sizeof tests[0]);
}
