/* SPDX-License-Identifier: BSD-2-Clause */
/* Hard and symbolic links. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

START_TEST(a_hard_link_is_another_name_of_the_same_object)
{
	int fd = new_object("a", PAGE);
	int other;

	OK(link("a", "b"));
	ck_assert_uint_eq(status_of("a").st_ino, status_of("b").st_ino);
	ck_assert_uint_eq(status_of("a").st_nlink, 2);
	ck_assert_uint_eq(status_of("b").st_nlink, 2);
	other = OK(open("b", O_RDWR));
	write_pattern(other, 0, PAGE);
	expect_pattern(fd, 0, PAGE);
	OK(truncate("b", 10));
	ck_assert_int_eq(size_of(fd), 10);
	OK(chmod("b", 0444));
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0444);
}
END_TEST

START_TEST(a_hard_link_survives_the_first_name)
{
	int fd = new_object("a", PAGE);

	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	OK(link("a", "b"));
	OK(unlink("a"));
	ck_assert(!exists("a"));
	ck_assert_uint_eq(status_of("b").st_nlink, 1);
	fd = OK(open("b", O_RDONLY));
	expect_pattern(fd, 0, PAGE);
	OK(link("b", "a"));
	OK(unlink("b"));
	ck_assert_uint_eq(status_of("a").st_nlink, 1);
}
END_TEST

START_TEST(an_object_can_have_many_names)
{
	char name[16];

	make_object("a", 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		OK(link("a", name));
	}
	ck_assert_uint_eq(status_of("l77").st_nlink, 201);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		OK(unlink(name));
	}
	ck_assert_uint_eq(status_of("a").st_nlink, 1);
}
END_TEST

START_TEST(a_hard_link_that_cannot_be_is_refused)
{
	OK(mkdir("d", 0755));
	make_object("a", 0);
	make_object("b", 0);
	FAILS(EPERM, link("d", "e"));
	FAILS(EEXIST, link("a", "b"));
	FAILS(EEXIST, link("a", "d"));
	FAILS(EEXIST, link("a", "a"));
	FAILS(ENOENT, link("missing", "c"));
	FAILS(ENOENT, link("a", "missing/c"));
	FAILS(EXDEV, link("/proc/self/status", "c"));
	ck_assert_uint_eq(status_of("a").st_nlink, 1);
}
END_TEST

START_TEST(a_hard_link_to_another_directory_works)
{
	OK(mkdir("d", 0755));
	make_object("a", 3);
	OK(link("a", "d/b"));
	OK(unlink("a"));
	ck_assert_int_eq(status_of("d/b").st_size, 3);
}
END_TEST

START_TEST(every_kind_of_node_can_be_linked)
{
	OK(symlink("target", "l"));
	OK(link("l", "m"));
	ck_assert_uint_eq(status_of("l").st_ino, status_of("m").st_ino);
	ck_assert_int_eq(status_of("m").st_mode & S_IFMT, S_IFLNK);
	OK(mknod("f", S_IFIFO | 0600, 0));
	OK(link("f", "g"));
	ck_assert_uint_eq(status_of("g").st_nlink, 2);
}
END_TEST

/* How glibc names a finished semaphore. */
START_TEST(link_and_unlink_gives_a_written_object_its_name)
{
	int fd = new_object("sem.Xa1b2c", 0);

	write_pattern(fd, 0, 32);
	OK(close(fd));
	OK(link("sem.Xa1b2c", "sem.real"));
	OK(unlink("sem.Xa1b2c"));
	fd = OK(open("sem.real", O_RDWR));
	expect_pattern(fd, 0, 32);
	ck_assert_uint_eq(status_of("sem.real").st_nlink, 1);
}
END_TEST

static void expect_target(const char *name, const char *want)
{
	char target[PATH_MAX];
	ssize_t length = readlink(name, target, sizeof(target));

	GIVES((long)strlen(want), length);
	ck_assert_msg(
	    memcmp(target, want, strlen(want)) == 0, "readlink %s: expected %s", name, want);
}

START_TEST(a_symlink_tells_its_target)
{
	struct stat status;
	char target[4];

	OK(symlink("some/where else", "l"));
	expect_target("l", "some/where else");
	status = status_of("l");
	ck_assert_int_eq(status.st_mode, S_IFLNK | 0777);
	ck_assert_int_eq(status.st_size, 15);
	ck_assert_uint_eq(status.st_nlink, 1);
	GIVES(4, readlink("l", target, sizeof(target)));
	make_object("a", 0);
	FAILS(EINVAL, readlink("a", target, sizeof(target)));
	FAILS(ENOENT, readlink("missing", target, sizeof(target)));
	FAILS(EEXIST, symlink("x", "a"));
	FAILS(EEXIST, symlink("x", "l"));
}
END_TEST

START_TEST(a_symlink_is_followed)
{
	struct stat status;
	int fd;

	OK(mkdir("d", 0755));
	make_object("d/a", 12);
	OK(symlink("d/a", "l"));
	OK(symlink("d", "m"));
	OK(stat("l", &status));
	ck_assert_uint_eq(status.st_ino, status_of("d/a").st_ino);
	ck_assert_int_eq(status_of("m/a").st_size, 12);
	OK(truncate("l", 20));
	ck_assert_int_eq(status_of("d/a").st_size, 20);
	fd = OK(open("l", O_RDWR));
	ck_assert_int_eq(size_of(fd), 20);
	FAILS(ELOOP, open("l", O_RDWR | O_NOFOLLOW));
	FAILS(ENOTDIR, rmdir("m"));
	OK(unlink("l"));
	ck_assert(exists("d/a"));
}
END_TEST

START_TEST(symlinks_in_a_circle_are_eloop)
{
	struct stat status;

	OK(symlink("b", "a"));
	OK(symlink("a", "b"));
	FAILS(ELOOP, stat("a", &status));
	FAILS(ELOOP, open("b", O_RDWR | O_CREAT, 0600));
}
END_TEST

START_TEST(a_dangling_symlink_is_enoent_and_creates_its_target)
{
	OK(symlink("target", "l"));
	FAILS(ENOENT, open("l", O_RDWR));
	OK(close(OK(open("l", O_RDWR | O_CREAT, 0600))));
	ck_assert_int_eq(status_of("target").st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(a_symlink_may_have_a_long_target)
{
	char target[PATH_MAX];

	memset(target, 't', sizeof(target));
	target[PATH_MAX - 1] = '\0';
	OK(symlink(target, "l"));
	expect_target("l", target);
	ck_assert_int_eq(status_of("l").st_size, PATH_MAX - 1);
	FAILS(ENOENT, symlink("", "m"));
}
END_TEST

void add_link_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "links", NULL);

	tcase_add_test(tcase, a_hard_link_is_another_name_of_the_same_object);
	tcase_add_test(tcase, a_hard_link_survives_the_first_name);
	tcase_add_test(tcase, an_object_can_have_many_names);
	tcase_add_test(tcase, a_hard_link_that_cannot_be_is_refused);
	tcase_add_test(tcase, a_hard_link_to_another_directory_works);
	tcase_add_test(tcase, every_kind_of_node_can_be_linked);
	tcase_add_test(tcase, link_and_unlink_gives_a_written_object_its_name);
	tcase_add_test(tcase, a_symlink_tells_its_target);
	tcase_add_test(tcase, a_symlink_is_followed);
	tcase_add_test(tcase, symlinks_in_a_circle_are_eloop);
	tcase_add_test(tcase, a_dangling_symlink_is_enoent_and_creates_its_target);
	tcase_add_test(tcase, a_symlink_may_have_a_long_target);
}
