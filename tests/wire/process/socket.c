/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a control socket, of a device that no mount has. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

Suite *socket_suite(void)
{
	const TTest *const tests[] = {the_socket_of_a_later_mount_stays};

	return suite_of("socket", tests, sizeof tests / sizeof tests[0]);
}
