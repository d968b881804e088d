/* SPDX-License-Identifier: BSD-2-Clause */
/* POSIX access control lists: in step with the mode, inherited, and obeyed. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "acl_list.h"
#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"
#include "xattr_values.h"

enum { TICK_MS = 15 };

static void expect_no_acl(const char *file, const char *attribute)
{
	FAILS(ENODATA, lgetxattr(file, attribute, NULL, 0));
	ck_assert(!is_listed(file, attribute));
}

START_TEST(an_access_list_is_the_mode_too)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	expect_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-");
	ck_assert(is_listed("a", ACL_ACCESS));
	expect_mode("a", 0640);
	OK(set_acl("a", ACL_ACCESS, "u::rwx u:65001:r u:65002:rw g::rw g:65010:x m::rwx o::x"));
	expect_acl("a", ACL_ACCESS, "u::rwx u:65001:r u:65002:rw g::rw g:65010:x m::rwx o::x");
	expect_mode("a", 0771);
	OK(set_acl("a", ACL_ACCESS, "u::r g::rw m::x o::w"));
	expect_mode("a", 0412);
}
END_TEST

START_TEST(chmod_changes_the_list)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:rw g::r m::rw o::-"));
	OK(chmod("a", 0751));
	expect_acl("a", ACL_ACCESS, "u::rwx u:65001:rw g::r m::rx o::x");
	expect_mode("a", 0751);
	OK(chmod("a", 0));
	expect_acl("a", ACL_ACCESS, "u::- u:65001:rw g::r m::- o::-");
	OK(chmod("a", 0666));
	expect_acl("a", ACL_ACCESS, "u::rw u:65001:rw g::r m::rw o::rw");
}
END_TEST

START_TEST(without_a_mask_chmod_changes_the_group)
{
	int fd = new_object("a", 0);

	OK(set_acl("a", ACL_ACCESS, "u::rw g::rw m::r o::-"));
	OK(fchmod(fd, 0660));
	expect_acl("a", ACL_ACCESS, "u::rw g::rw m::rw o::-");
	OK(set_acl("a", ACL_ACCESS, "u::rw g::r o::r"));
	expect_mode("a", 0644);
	OK(fchmod(fd, 0600));
	expect_no_acl("a", ACL_ACCESS);
}
END_TEST

START_TEST(a_list_of_three_entries_is_a_mode_and_nothing_else)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rwx g::rx o::x"));
	expect_mode("a", 0751);
	expect_no_acl("a", ACL_ACCESS);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	OK(set_acl("a", ACL_ACCESS, "u::r g::- o::-"));
	expect_mode("a", 0400);
	expect_no_acl("a", ACL_ACCESS);
}
END_TEST

START_TEST(a_list_leaves_the_other_bits_of_the_mode)
{
	OK(mkdir("d", 0755));
	OK(chmod("d", 03755));
	OK(set_acl("d", ACL_ACCESS, "u::rwx u:65001:r g::- m::r o::-"));
	expect_mode("d", 03740);
	make_object("a", 0);
	OK(chmod("a", 06755));
	OK(set_acl("a", ACL_ACCESS, "u::rwx u:65001:r g::- m::r o::-"));
	expect_mode("a", 06740);
}
END_TEST

START_TEST(removing_the_access_list_keeps_the_mode)
{
	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	OK(removexattr("a", ACL_ACCESS));
	expect_no_acl("a", ACL_ACCESS);
	expect_mode("a", 0640);
	OK(chmod("a", 0600));
	expect_mode("a", 0600);
}
END_TEST

START_TEST(removing_a_list_that_is_not_there_succeeds)
{
	make_object("a", 0);
	OK(mkdir("d", 0750));
	OK(removexattr("a", ACL_ACCESS));
	OK(removexattr("a", ACL_DEFAULT));
	OK(removexattr("d", ACL_ACCESS));
	OK(removexattr("d", ACL_DEFAULT));
	expect_mode("a", 0600);
	expect_mode("d", 0750);
}
END_TEST

START_TEST(a_list_without_entries_removes)
{
	struct acl_list empty = {.version = 2};

	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	OK(setxattr("a", ACL_ACCESS, &empty, sizeof(empty.version), 0));
	expect_no_acl("a", ACL_ACCESS);
	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx g::- o::-"));
	OK(setxattr("d", ACL_DEFAULT, &empty, sizeof(empty.version), 0));
	expect_no_acl("d", ACL_DEFAULT);
}
END_TEST

START_TEST(lists_work_by_descriptor_and_on_every_kind_of_node)
{
	struct acl_list list;
	size_t size = acl_parse("u::rw u:65001:r g::- m::r o::-", &list);
	int fd = new_object("a", 0);

	OK(fsetxattr(fd, ACL_ACCESS, &list, size, 0));
	GIVES((long)size, fgetxattr(fd, ACL_ACCESS, NULL, 0));
	FAILS(ERANGE, fgetxattr(fd, ACL_ACCESS, &list, size - 1));
	OK(fremovexattr(fd, ACL_ACCESS));
	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_ACCESS, "u::rwx u:65001:rx g::- m::rx o::-"));
	expect_mode("d", 0750);
	OK(mkfifo("f", 0600));
	OK(set_acl("f", ACL_ACCESS, "u::rw u:65001:w g::- m::w o::-"));
	expect_mode("f", 0620);
	OK(symlink("a", "link"));
	FAILS(EOPNOTSUPP, lsetxattr("link", ACL_ACCESS, &list, size, 0));
	OK(setxattr("link", ACL_ACCESS, &list, size, 0));
	expect_mode("a", 0640);
}
END_TEST

START_TEST(a_list_belongs_to_the_object)
{
	make_object("a", 0);
	OK(link("a", "b"));
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	expect_acl("b", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-");
	OK(rename("b", "c"));
	OK(chmod("c", 0600));
	expect_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::- o::-");
}
END_TEST

START_TEST(setting_a_list_moves_ctime_alone)
{
	struct stat before;
	struct stat after;

	make_object("a", 0);
	before = status_of("a");
	pause_ms(TICK_MS);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	after = status_of("a");
	ck_assert(memcmp(&after.st_ctim, &before.st_ctim, sizeof(after.st_ctim)) != 0);
	ck_assert_int_eq(memcmp(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim)), 0);
}
END_TEST

START_TEST(a_list_is_charged)
{
	unsigned long before = pages_left();

	make_object("a", 0);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	ck_assert_uint_eq(pages_left(), before - 1);
	OK(set_acl("a", ACL_ACCESS, "u::rw g::- o::-"));
	ck_assert_uint_eq(pages_left(), before);
	OK(set_acl("a", ACL_ACCESS, "u::rw u:65001:r g::- m::r o::-"));
	OK(unlink("a"));
	expect_pages_left_soon(before);
}
END_TEST

/* The kernel refuses these before anybody is asked; what gets by it is a matter of the daemon. */
static const char *const incomplete[] = {"u::rw g::r", "u::rw o::r", "g::r o::r",
    "u::rw u:65001:r g::r o::r", "u::rw g::r g:65010:r o::r", "u::rw u::rw g::r o::r",
    "u::rw g::r g::r o::r", "u::rw g::r m::r m::r o::r", "u::rw g::r o::r o::r", "g::r u::rw o::r",
    "u::rw o::r g::r", "u::rw g::r u:65001:r m::r o::r"};

START_TEST(an_incomplete_or_unordered_list_is_einval)
{
	OK(mkdir("d", 0750));
	FAILS(EINVAL, set_acl("d", ACL_ACCESS, incomplete[_i]));
	FAILS(EINVAL, set_acl("d", ACL_DEFAULT, incomplete[_i]));
	expect_no_acl("d", ACL_ACCESS);
	expect_no_acl("d", ACL_DEFAULT);
	expect_mode("d", 0750);
}
END_TEST

START_TEST(a_malformed_list_is_einval)
{
	struct acl_list list;
	size_t size = acl_parse("u::rw g::r o::r", &list);

	make_object("a", 0);
	FAILS(EINVAL, setxattr("a", ACL_ACCESS, &list, size - 1, 0));
	FAILS(EINVAL, setxattr("a", ACL_ACCESS, &list, size + 1, 0));
	FAILS(EINVAL, setxattr("a", ACL_ACCESS, &list, 3, 0));
	list.entries[1].permissions = 8;
	FAILS(EINVAL, setxattr("a", ACL_ACCESS, &list, size, 0));
	list.entries[1].permissions = 4;
	list.entries[1].tag = 3;
	FAILS(EINVAL, setxattr("a", ACL_ACCESS, &list, size, 0));
	list.entries[1].tag = ACL_GROUP_OBJ;
	list.version = 3;
	FAILS(EOPNOTSUPP, setxattr("a", ACL_ACCESS, &list, size, 0));
	expect_mode("a", 0600);
}
END_TEST

START_TEST(only_directories_have_a_default_list)
{
	make_object("a", 0);
	OK(mkfifo("f", 0600));
	FAILS(EACCES, set_acl("a", ACL_DEFAULT, "u::rw g::r o::r"));
	FAILS(EACCES, set_acl("f", ACL_DEFAULT, "u::rw g::r o::r"));
	expect_no_acl("a", ACL_DEFAULT);
	FAILS(ENODATA, getxattr("a", ACL_DEFAULT, NULL, 0));
}
END_TEST

START_TEST(a_default_list_does_not_change_its_directory)
{
	OK(mkdir("d", 0711));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx u:65001:rwx g::rwx m::rwx o::rwx"));
	expect_mode("d", 0711);
	expect_no_acl("d", ACL_ACCESS);
	OK(chmod("d", 0700));
	expect_acl("d", ACL_DEFAULT, "u::rwx u:65001:rwx g::rwx m::rwx o::rwx");
	OK(set_acl("d", ACL_DEFAULT, "u::rwx g::- o::-"));
	expect_acl("d", ACL_DEFAULT, "u::rwx g::- o::-");
	OK(removexattr("d", ACL_DEFAULT));
	expect_no_acl("d", ACL_DEFAULT);
}
END_TEST

/* Made with the widest umask, which must not count beside a default list. */
static void make_all_kinds(const char *directory)
{
	mode_t old = umask(0777);

	OK(chdir(directory));
	OK(close(OK(open("object", O_RDWR | O_CREAT, 0666))));
	OK(mknod("node", S_IFREG | 0666, 0));
	OK(mkfifo("fifo", 0666));
	OK(mkdir("directory", 0777));
	OK(symlink("object", "link"));
	umask(old);
}

START_TEST(a_default_list_is_inherited_instead_of_the_umask)
{
	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx u:65001:rw g::rx m::rwx o::r"));
	make_all_kinds("d");
	expect_mode("object", 0664);
	expect_acl("object", ACL_ACCESS, "u::rw u:65001:rw g::rx m::rw o::r");
	expect_no_acl("object", ACL_DEFAULT);
	expect_acl("node", ACL_ACCESS, "u::rw u:65001:rw g::rx m::rw o::r");
	expect_acl("fifo", ACL_ACCESS, "u::rw u:65001:rw g::rx m::rw o::r");
	expect_mode("directory", 0774);
	expect_acl("directory", ACL_ACCESS, "u::rwx u:65001:rw g::rx m::rwx o::r");
	expect_acl("directory", ACL_DEFAULT, "u::rwx u:65001:rw g::rx m::rwx o::r");
	expect_mode("link", 0777);
	GIVES(0, llistxattr("link", NULL, 0));
}
END_TEST

START_TEST(what_is_inherited_is_restricted_by_the_mode_asked_for)
{
	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx u:65001:rwx g::rx m::rwx o::rwx"));
	OK(close(OK(open("d/a", O_RDWR | O_CREAT, 0640))));
	expect_acl("d/a", ACL_ACCESS, "u::rw u:65001:rwx g::rx m::r o::-");
	expect_mode("d/a", 0640);
	OK(mkdir("d/e", 0700));
	expect_acl("d/e", ACL_ACCESS, "u::rwx u:65001:rwx g::rx m::- o::-");
	expect_acl("d/e", ACL_DEFAULT, "u::rwx u:65001:rwx g::rx m::rwx o::rwx");
	OK(mkdir("d/e/f", 0777));
	expect_acl("d/e/f", ACL_ACCESS, "u::rwx u:65001:rwx g::rx m::rwx o::rwx");
}
END_TEST

START_TEST(a_default_list_of_three_entries_gives_modes_alone)
{
	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx g::rx o::-"));
	make_all_kinds("d");
	expect_mode("object", 0640);
	expect_no_acl("object", ACL_ACCESS);
	expect_mode("directory", 0750);
	expect_no_acl("directory", ACL_ACCESS);
	expect_acl("directory", ACL_DEFAULT, "u::rwx g::rx o::-");
}
END_TEST

START_TEST(an_anonymous_object_inherits_too)
{
	struct acl_list list;
	struct stat status;
	int fd;

	OK(mkdir("d", 0755));
	OK(set_acl("d", ACL_DEFAULT, "u::rwx u:65001:rw g::- m::rwx o::-"));
	umask(077);
	fd = OK(open("d", O_TMPFILE | O_RDWR, 0666));
	OK(fstat(fd, &status));
	ck_assert_int_eq(status.st_mode, S_IFREG | 0660);
	GIVES(44, fgetxattr(fd, ACL_ACCESS, &list, sizeof(list)));
}
END_TEST

START_TEST(the_umask_counts_without_a_default_list)
{
	umask(027);
	OK(mkdir("d", 0777));
	expect_mode("d", 0750);
	OK(set_acl("d", ACL_ACCESS, "u::rwx u:65001:rwx g::rwx m::rwx o::rwx"));
	OK(close(OK(open("d/a", O_RDWR | O_CREAT, 0666))));
	expect_mode("d/a", 0640);
	expect_no_acl("d/a", ACL_ACCESS);
	OK(set_acl("d", ACL_DEFAULT, "u::rwx g::rwx o::rwx"));
	OK(close(OK(open("d/b", O_RDWR | O_CREAT, 0666))));
	expect_mode("d/b", 0666);
	OK(removexattr("d", ACL_DEFAULT));
	OK(close(OK(open("d/c", O_RDWR | O_CREAT, 0666))));
	expect_mode("d/c", 0640);
}
END_TEST

static void add_lists(TCase *tcase)
{
	tcase_add_test(tcase, an_access_list_is_the_mode_too);
	tcase_add_test(tcase, chmod_changes_the_list);
	tcase_add_test(tcase, without_a_mask_chmod_changes_the_group);
	tcase_add_test(tcase, a_list_of_three_entries_is_a_mode_and_nothing_else);
	tcase_add_test(tcase, a_list_leaves_the_other_bits_of_the_mode);
	tcase_add_test(tcase, removing_the_access_list_keeps_the_mode);
	tcase_add_test(tcase, removing_a_list_that_is_not_there_succeeds);
	tcase_add_test(tcase, a_list_without_entries_removes);
	tcase_add_test(tcase, lists_work_by_descriptor_and_on_every_kind_of_node);
	tcase_add_test(tcase, a_list_belongs_to_the_object);
	tcase_add_test(tcase, setting_a_list_moves_ctime_alone);
	tcase_add_test(tcase, a_list_is_charged);
	tcase_add_loop_test(tcase, an_incomplete_or_unordered_list_is_einval, 0,
	    sizeof(incomplete) / sizeof(incomplete[0]));
	tcase_add_test(tcase, a_malformed_list_is_einval);
	tcase_add_test(tcase, only_directories_have_a_default_list);
}

static void add_default_lists(TCase *tcase)
{
	tcase_add_test(tcase, a_default_list_does_not_change_its_directory);
	tcase_add_test(tcase, a_default_list_is_inherited_instead_of_the_umask);
	tcase_add_test(tcase, what_is_inherited_is_restricted_by_the_mode_asked_for);
	tcase_add_test(tcase, a_default_list_of_three_entries_gives_modes_alone);
	tcase_add_test(tcase, an_anonymous_object_inherits_too);
	tcase_add_test(tcase, the_umask_counts_without_a_default_list);
}

void add_acl_cases(Suite *suite)
{
	TCase *lists = case_on_mount(suite, "access control lists", NULL);

	add_lists(lists);
	add_default_lists(lists);
}
