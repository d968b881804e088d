/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a control socket, of a device that no mount has. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/common/socket_path.h"
#include "daemon/control/socket.h"
#include "launch.h"
#include "suites.h"
#include "wire.h"

#define DEVICE "4095:1048575"

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

/* As if it had been made an hour ago. */
static void make_old(const char *device)
{
	enum socket_place place = geteuid() == 0 ? SOCKET_OF_SYSTEM : SOCKET_OF_USER;
	const struct timespec hour_ago[] = {{time(NULL) - 3600, 0}, {time(NULL) - 3600, 0}};
	char path[PATH_MAX];

	GIVES(0, socket_path(place, device, path));
	GIVES(0, utimensat(AT_FDCWD, path, hour_ago, 0));
}

START_TEST(sockets_where_nobody_listens_any_more_are_removed)
{
	static const char *const devices[] = {"4095:1048571", "4095:1048572", "4095:1048573"};
	uint64_t inodes[3], inode;
	int fds[3], fd;

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
	/* One is old and left; one is left, and may be about to be listened at; one is used. */
	close(fds[0]);
	close(fds[1]);
	make_old(devices[0]);
	make_old(devices[2]);
	fd = control_listen(DEVICE, &inode);
	ck_assert_int_ge(fd, 0);
	ck_assert(!exists(devices[0]));
	ck_assert(exists(devices[1]));
	ck_assert(exists(devices[2]));
	control_remove(devices[1], inodes[1]);
	control_remove(devices[2], inodes[2]);
	control_remove(DEVICE, inode);
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
