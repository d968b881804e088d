/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits of users who make names of other users' objects, and make those larger. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

enum {
	USER = 65534,
	OTHER = 65533,
	USER_PAGES = 16,
	USER_NODES = 12,
};

static const off_t user_size = (off_t)USER_PAGES * PAGE;

static void start_with_user_limits(void)
{
	shared_mount = mount_start("size=256k,user_size=64k,user_inodes=12");
}

static void make_one_page(void *context)
{
	(void)context;
	make_object("shared", PAGE);
}

/* An object of one user that all may write, in the root directory. */
static void make_shared(void)
{
	OK(chdir(mount_path(shared_mount, "")));
	in_child_as(OTHER, make_one_page, NULL);
	OK(chmod("shared", 0666));
}

static void link_to_the_limit(void *context)
{
	char name[16];

	(void)context;
	for (int i = 0; i < USER_NODES; i++) {
		snprintf(name, sizeof name, "l%d", i);
		OK(link("shared", name));
	}
	FAILS(EDQUOT, link("shared", "more"));
	ck_assert_uint_eq(nodes_left(), 0);
}

static void fail_to_link(void *context)
{
	(void)context;
	FAILS(EDQUOT, link("shared", "more"));
}

static void look_at_full_nodes(void *context)
{
	(void)context;
	ck_assert_uint_eq(nodes_left(), USER_NODES - 1);
}

static void look_at_all_nodes(void *context)
{
	(void)context;
	expect_nodes_left_soon(USER_NODES);
}

START_TEST(a_name_is_charged_to_who_makes_it_and_given_back_there)
{
	char name[16];

	make_shared();
	in_child_as(USER, link_to_the_limit, NULL);
	in_child_as(OTHER, look_at_full_nodes, NULL);
	OK(rename("l0", "renamed"));
	in_child_as(USER, fail_to_link, NULL);
	OK(unlink("renamed"));
	for (int i = 1; i < USER_NODES; i++) {
		snprintf(name, sizeof name, "l%d", i);
		OK(unlink(name));
	}
	OK(unlink("shared"));
	in_child_as(USER, look_at_all_nodes, NULL);
}
END_TEST

static void grow_without_room(void *context)
{
	static const char value[2 * PAGE];
	int fd = OK(open("shared", O_RDWR));

	(void)context;
	make_object("full", user_size - PAGE);
	FAILS(EDQUOT, ftruncate(fd, 3 * PAGE));
	FAILS(EDQUOT, fallocate(fd, 0, 0, 3 * PAGE));
	FAILS(EDQUOT, fsetxattr(fd, "user.a", value, sizeof value, 0));
	OK(ftruncate(fd, 2 * PAGE));
	OK(unlink("full"));
	OK(ftruncate(fd, 3 * PAGE));
}

START_TEST(who_grows_somebody_elses_object_needs_room_of_their_own)
{
	make_shared();
	in_child_as(USER, grow_without_room, NULL);
	OK(truncate("shared", user_size));
	OK(unlink("shared"));
}
END_TEST

void add_other_cases(Suite *suite)
{
	TCase *tests = case_on_mount(suite, "others", start_with_user_limits);

	tcase_add_test(tests, a_name_is_charged_to_who_makes_it_and_given_back_there);
	tcase_add_test(tests, who_grows_somebody_elses_object_needs_room_of_their_own);
}
