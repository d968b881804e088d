/* SPDX-License-Identifier: BSD-2-Clause */
/* Extended attributes: which nodes have them, who may, and what they are charged. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"
#include "xattr_values.h"

enum { OTHER_USER = 65534, VALUE_MAX = 65536, TICK_MS = 15 };

START_TEST(directories_have_user_attributes)
{
	int fd;
	char value[10];

	OK(mkdir("d", 0755));
	OK(set_text("d", "user.a", "dir"));
	fd = OK(open("d", O_RDONLY | O_DIRECTORY));
	GIVES(3, fgetxattr(fd, "user.a", value, sizeof(value)));
	OK(fsetxattr(fd, "trusted.a", "t", 1, 0));
	expect_text("d", "trusted.a", "t");
}
END_TEST

/* user.* follows the permission bits of a file, and these have none that mean that: the kernel. */
START_TEST(only_objects_and_directories_have_user_attributes)
{
	make_object("a", 0);
	OK(mkfifo("fifo", 0666));
	OK(symlink("a", "link"));
	FAILS(EPERM, set_text("fifo", "user.a", "x"));
	FAILS(EPERM, set_text("link", "user.a", "x"));
	FAILS(ENODATA, getxattr("fifo", "user.a", NULL, 0));
	FAILS(ENODATA, lgetxattr("link", "user.a", NULL, 0));
	OK(set_text("fifo", "trusted.a", "fifo"));
	OK(set_text("link", "trusted.a", "link"));
	expect_text("fifo", "trusted.a", "fifo");
	expect_text("link", "trusted.a", "link");
}
END_TEST

START_TEST(only_the_l_calls_stop_at_a_symbolic_link)
{
	char value[10];

	make_object("a", 0);
	OK(symlink("a", "link"));
	OK(setxattr("link", "user.a", "object", 6, 0));
	OK(lsetxattr("link", "trusted.a", "link", 4, 0));
	expect_text("a", "user.a", "object");
	FAILS(ENODATA, getxattr("a", "trusted.a", value, sizeof(value)));
	GIVES(4, lgetxattr("link", "trusted.a", value, sizeof(value)));
	GIVES(7, listxattr("link", NULL, 0));
	GIVES(10, llistxattr("link", NULL, 0));
	OK(removexattr("link", "user.a"));
	OK(lremovexattr("link", "trusted.a"));
	GIVES(0, listxattr("a", NULL, 0));
}
END_TEST

static void expect_trusted_is_hidden(void *context)
{
	char value[10];

	(void)context;
	FAILS(EPERM, set_text("a", "trusted.b", "x"));
	FAILS(EPERM, removexattr("a", "trusted.a"));
	FAILS(ENODATA, getxattr("a", "trusted.a", value, sizeof(value)));
	ck_assert(!is_listed("a", "trusted.a"));
	ck_assert(is_listed("a", "user.a"));
	ck_assert(is_listed("a", "security.a"));
	GIVES(18, listxattr("a", NULL, 0));
}

START_TEST(trusted_attributes_are_for_root)
{
	make_object("a", 0);
	OK(chown("a", OTHER_USER, OTHER_USER));
	OK(set_text("a", "trusted.a", "x"));
	OK(set_text("a", "user.a", "y"));
	OK(set_text("a", "security.a", "z"));
	ck_assert(is_listed("a", "trusted.a"));
	in_child_as(OTHER_USER, expect_trusted_is_hidden, NULL);
	expect_text("a", "trusted.a", "x");
}
END_TEST

/* Debian's Linux 6.1 asks nobody for a capability, whatever the filesystem. */
static bool kernel_guards_security(void)
{
	int fd = OK(memfd_create("asked", MFD_CLOEXEC));
	bool guards = fsetxattr(fd, "security.a", "x", 1, 0) != 0;

	OK(close(fd));
	return guards;
}

static void expect_security_is_read_only(void *context)
{
	(void)context;
	expect_text("a", "security.a", "old");
	if (!kernel_guards_security())
		return;
	FAILS(EPERM, set_text("a", "security.a", "x"));
	FAILS(EPERM, set_text("a", "security.b", "x"));
	FAILS(EPERM, removexattr("a", "security.a"));
	expect_text("a", "security.a", "old");
}

START_TEST(security_attributes_are_set_by_root_and_read_by_all)
{
	OK(close(OK(open("a", O_RDWR | O_CREAT, 0666))));
	OK(set_text("a", "security.a", "old"));
	in_child_as(OTHER_USER, expect_security_is_read_only, NULL);
}
END_TEST

static void expect_permission_bits_decide(void *context)
{
	char value[10];

	(void)context;
	FAILS(EACCES, set_text("readable", "user.a", "x"));
	FAILS(EACCES, removexattr("readable", "user.a"));
	expect_text("readable", "user.a", "old");
	FAILS(EACCES, getxattr("writable", "user.a", value, sizeof(value)));
	OK(set_text("writable", "user.a", "new"));
	FAILS(EACCES, set_text("neither", "user.a", "x"));
	FAILS(EACCES, getxattr("neither", "user.a", value, sizeof(value)));
}

START_TEST(user_attributes_follow_the_permission_bits)
{
	make_object("readable", 0);
	make_object("writable", 0);
	make_object("neither", 0);
	OK(set_text("readable", "user.a", "old"));
	OK(chmod("readable", 0644));
	OK(chmod("writable", 0622));
	in_child_as(OTHER_USER, expect_permission_bits_decide, NULL);
	expect_text("writable", "user.a", "new");
}
END_TEST

static void expect_owner_only(void *context)
{
	(void)context;
	FAILS(EPERM, set_text("sticky", "user.a", "x"));
	OK(set_text("open", "user.a", "x"));
}

START_TEST(user_attributes_of_a_sticky_directory_are_its_owners)
{
	OK(mkdir("sticky", 0777));
	OK(mkdir("open", 0777));
	OK(chmod("sticky", 01777));
	OK(chmod("open", 0777));
	in_child_as(OTHER_USER, expect_owner_only, NULL);
	OK(set_text("sticky", "user.a", "x"));
}
END_TEST

START_TEST(attributes_belong_to_the_object_and_not_to_its_name)
{
	int fd = new_object("a", 0);
	char value[10];

	OK(set_text("a", "user.a", "value"));
	OK(link("a", "b"));
	expect_text("b", "user.a", "value");
	OK(set_text("b", "user.a", "other"));
	expect_text("a", "user.a", "other");
	OK(mkdir("d", 0755));
	OK(rename("a", "d/c"));
	expect_text("d/c", "user.a", "other");
	OK(unlink("b"));
	OK(unlink("d/c"));
	GIVES(5, fgetxattr(fd, "user.a", value, sizeof(value)));
	OK(fsetxattr(fd, "user.b", "late", 4, 0));
	GIVES(4, fgetxattr(fd, "user.b", value, sizeof(value)));
	make_object("a", 0);
	GIVES(0, listxattr("a", NULL, 0));
}
END_TEST

START_TEST(rename_exchange_swaps_attributes_with_the_objects)
{
	make_object("a", 0);
	make_object("b", 0);
	OK(set_text("a", "user.a", "of a"));
	OK(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_EXCHANGE));
	expect_text("b", "user.a", "of a");
	FAILS(ENODATA, getxattr("a", "user.a", NULL, 0));
	OK(rename("a", "b"));
	FAILS(ENODATA, getxattr("b", "user.a", NULL, 0));
}
END_TEST

START_TEST(attributes_outlive_every_other_change)
{
	int fd = new_object("a", 100);

	OK(set_text("a", "user.a", "stays"));
	OK(pwrite(fd, "x", 1, 0));
	OK(ftruncate(fd, 0));
	OK(chmod("a", 0640));
	OK(chown("a", 1, 2));
	OK(close(fd));
	expect_text("a", "user.a", "stays");
}
END_TEST

static bool later(struct timespec left, struct timespec right)
{
	return left.tv_sec > right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec > right.tv_nsec);
}

static void expect_ctime_alone_moved(const struct stat *before, bool want)
{
	struct stat after = status_of("a");

	ck_assert(later(after.st_ctim, before->st_ctim) == want);
	ck_assert(!later(after.st_mtim, before->st_mtim));
	ck_assert(!later(after.st_atim, before->st_atim));
}

START_TEST(a_change_of_attributes_moves_ctime_alone)
{
	struct stat before;

	make_object("a", 0);
	before = status_of("a");
	pause_ms(TICK_MS);
	OK(set_text("a", "user.a", "x"));
	expect_ctime_alone_moved(&before, true);
	before = status_of("a");
	pause_ms(TICK_MS);
	OK(removexattr("a", "user.a"));
	expect_ctime_alone_moved(&before, true);
}
END_TEST

START_TEST(reading_attributes_moves_no_time)
{
	struct stat before;

	make_object("a", 0);
	OK(set_text("a", "user.a", "x"));
	before = status_of("a");
	pause_ms(TICK_MS);
	expect_text("a", "user.a", "x");
	ck_assert(is_listed("a", "user.a"));
	FAILS(ENODATA, removexattr("a", "user.b"));
	FAILS(EEXIST, setxattr("a", "user.a", "y", 1, XATTR_CREATE));
	expect_ctime_alone_moved(&before, false);
}
END_TEST

static void give_capabilities(void)
{
	/* VFS_CAP_REVISION_2 with the effective bit, and CAP_CHOWN. */
	static const unsigned char capabilities[20] = {1, 0, 0, 2, 1};

	OK(setxattr("a", "security.capability", capabilities, sizeof(capabilities), 0));
	GIVES(20, getxattr("a", "security.capability", NULL, 0));
}

static void expect_capabilities_gone(void)
{
	FAILS(ENODATA, getxattr("a", "security.capability", NULL, 0));
}

static void write_once(void *context)
{
	int fd = OK(open("a", O_RDWR));

	(void)context;
	GIVES(1, pwrite(fd, "x", 1, 0));
}

START_TEST(capabilities_do_not_outlive_a_change_of_the_program)
{
	int fd = new_object("a", 100);
	int other = new_object("b", 100);

	OK(chmod("a", 0666));
	give_capabilities();
	GIVES(1, pwrite(fd, "x", 1, 0));
	expect_capabilities_gone();
	give_capabilities();
	in_child_as(OTHER_USER, write_once, NULL);
	expect_capabilities_gone();
	give_capabilities();
	OK(ftruncate(fd, 90));
	expect_capabilities_gone();
	give_capabilities();
	OK(fallocate(fd, 0, 0, 100));
	expect_capabilities_gone();
	give_capabilities();
	GIVES(10, copy_file_range(other, NULL, fd, NULL, 10, 0));
	expect_capabilities_gone();
	give_capabilities();
	OK(chown("a", OTHER_USER, OTHER_USER));
	expect_capabilities_gone();
}
END_TEST

static void change_attributes_for_a_while(void *context)
{
	const char *value = context;

	for (int i = 0; i < 500; i++)
		OK(setxattr("a", "user.a", value, strlen(value), 0));
}

/* Each reader sees one of the values whole. */
START_TEST(values_change_in_one_step)
{
	static char values[2][6001];
	static char found[6000];
	pid_t children[2];

	make_object("a", 0);
	memset(values[0], '0', 6000);
	memset(values[1], '1', 3000);
	OK(setxattr("a", "user.a", values[0], 6000, 0));
	for (int i = 0; i < 2; i++)
		children[i] = start_child(change_attributes_for_a_while, values[i]);
	for (int i = 0; i < 300; i++) {
		int length = OK(getxattr("a", "user.a", found, sizeof(found)));

		ck_assert_int_eq(length, found[0] == '0' ? 6000 : 3000);
		BYTES_ARE((unsigned char)found[0], found, (size_t)length);
	}
	for (int i = 0; i < 2; i++)
		end_child(children[i]);
}
END_TEST

START_TEST(one_node_has_at_most_128_kib)
{
	static char value[VALUE_MAX];

	make_object("a", 0);
	OK(setxattr("a", "user.a", value, VALUE_MAX, 0));
	FAILS(ENOSPC, setxattr("a", "user.b", value, VALUE_MAX, 0));
	FAILS(ENODATA, getxattr("a", "user.b", NULL, 0));
	/* Names count. */
	FAILS(ENOSPC, setxattr("a", "user.b", value, VALUE_MAX - 11, 0));
	OK(setxattr("a", "user.b", value, VALUE_MAX - 12, 0));
	FAILS(ENOSPC, set_text("a", "user.c", ""));
	OK(setxattr("a", "user.a", value, VALUE_MAX - 7, XATTR_REPLACE));
	OK(set_text("a", "user.c", "x"));
	make_object("other", 0);
	OK(setxattr("other", "user.a", value, VALUE_MAX, 0));
}
END_TEST

START_TEST(a_replacement_that_does_not_fit_leaves_the_old_value)
{
	static char value[VALUE_MAX];

	make_object("a", 0);
	OK(setxattr("a", "user.a", value, VALUE_MAX, 0));
	OK(setxattr("a", "user.b", value, VALUE_MAX - 100, 0));
	OK(set_text("a", "user.c", "old"));
	FAILS(ENOSPC, setxattr("a", "user.c", value, 200, 0));
	expect_text("a", "user.c", "old");
	GIVES(21, listxattr("a", NULL, 0));
}
END_TEST

START_TEST(attributes_are_charged_in_pages)
{
	static char value[VALUE_MAX];
	unsigned long before = pages_left();

	make_object("a", 0);
	OK(set_text("a", "user.a", "x"));
	ck_assert_uint_eq(pages_left(), before - 1);
	OK(set_text("a", "user.b", "y"));
	ck_assert_uint_eq(pages_left(), before - 1);
	OK(setxattr("a", "user.b", value, PAGE, 0));
	ck_assert_uint_eq(pages_left(), before - 2);
	OK(setxattr("a", "user.c", value, VALUE_MAX, 0));
	ck_assert_uint_eq(pages_left(), before - 18);
	OK(removexattr("a", "user.c"));
	ck_assert_uint_eq(pages_left(), before - 2);
	OK(removexattr("a", "user.b"));
	OK(removexattr("a", "user.a"));
	ck_assert_uint_eq(pages_left(), before);
}
END_TEST

START_TEST(the_charge_of_attributes_ends_with_their_node)
{
	static char value[VALUE_MAX];
	unsigned long before = pages_left();
	int fd = new_object("a", 0);

	OK(mkdir("d", 0755));
	OK(setxattr("a", "user.a", value, VALUE_MAX, 0));
	OK(setxattr("d", "user.a", value, VALUE_MAX, 0));
	OK(link("a", "b"));
	ck_assert_uint_eq(pages_left(), before - 34);
	OK(rmdir("d"));
	expect_pages_left_soon(before - 17);
	OK(unlink("a"));
	OK(unlink("b"));
	ck_assert_uint_eq(pages_left(), before - 17);
	OK(close(fd));
	expect_pages_left_soon(before);
}
END_TEST

static void start_small(void)
{
	shared_mount = mount_start("size=80k");
}

START_TEST(attributes_stop_at_the_limit_of_the_mount)
{
	static char value[VALUE_MAX];
	int fd = new_object("a", PAGE);

	OK(setxattr("a", "user.a", value, VALUE_MAX, 0));
	ck_assert_uint_eq(pages_left(), 2);
	FAILS(ENOSPC, setxattr("a", "user.b", value, 3 * PAGE, 0));
	FAILS(ENOSPC, ftruncate(fd, 4 * PAGE));
	OK(ftruncate(fd, 3 * PAGE));
	ck_assert_uint_eq(pages_left(), 0);
	OK(set_text("a", "user.b", "within the page"));
	OK(mkdir("d", 0755));
	FAILS(ENOSPC, set_text("d", "user.a", "x"));
	GIVES(0, listxattr("d", NULL, 0));
	OK(removexattr("a", "user.a"));
	OK(set_text("d", "user.a", "x"));
	OK(ftruncate(fd, 17 * PAGE));
	OK(unlink("a"));
	OK(close(fd));
	expect_pages_left_soon(19);
	expect_text("d", "user.a", "x");
}
END_TEST

void add_xattr_node_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "extended attributes of nodes", NULL);
	TCase *room = case_on_mount(suite, "extended attributes, room", NULL);
	TCase *limit = case_on_mount(suite, "extended attributes, size=80k", start_small);

	tcase_add_test(tcase, directories_have_user_attributes);
	tcase_add_test(tcase, only_objects_and_directories_have_user_attributes);
	tcase_add_test(tcase, only_the_l_calls_stop_at_a_symbolic_link);
	tcase_add_test(tcase, trusted_attributes_are_for_root);
	tcase_add_test(tcase, security_attributes_are_set_by_root_and_read_by_all);
	tcase_add_test(tcase, user_attributes_follow_the_permission_bits);
	tcase_add_test(tcase, user_attributes_of_a_sticky_directory_are_its_owners);
	tcase_add_test(tcase, attributes_belong_to_the_object_and_not_to_its_name);
	tcase_add_test(tcase, rename_exchange_swaps_attributes_with_the_objects);
	tcase_add_test(tcase, attributes_outlive_every_other_change);
	tcase_add_test(tcase, a_change_of_attributes_moves_ctime_alone);
	tcase_add_test(tcase, reading_attributes_moves_no_time);
	tcase_add_test(tcase, capabilities_do_not_outlive_a_change_of_the_program);
	tcase_add_test(tcase, values_change_in_one_step);
	tcase_add_test(room, one_node_has_at_most_128_kib);
	tcase_add_test(room, a_replacement_that_does_not_fit_leaves_the_old_value);
	tcase_add_test(room, attributes_are_charged_in_pages);
	tcase_add_test(room, the_charge_of_attributes_ends_with_their_node);
	tcase_add_test(limit, attributes_stop_at_the_limit_of_the_mount);
}
