/* SPDX-License-Identifier: BSD-2-Clause */
/* rename(2) and renameat2(2) with their flags. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

static int rename_flags(const char *from, const char *to, unsigned flags)
{
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

START_TEST(rename_changes_the_name_only)
{
	int fd = new_object("a", 10);
	ino_t ino = status_of("a").st_ino;

	write_pattern(fd, 0, 10);
	OK(rename("a", "b"));
	ck_assert(!exists("a"));
	ck_assert_uint_eq(status_of("b").st_ino, ino);
	ck_assert_uint_eq(status_of("b").st_nlink, 1);
	expect_pattern(fd, 0, 10);
	expect_pattern(OK(open("b", O_RDONLY)), 0, 10);
	FAILS(ENOENT, rename("a", "c"));
	FAILS(ENOENT, rename("b", "missing/c"));
}
END_TEST

START_TEST(rename_replaces_a_file)
{
	int replaced;
	ino_t ino;

	make_object("a", 10);
	ino = status_of("a").st_ino;
	replaced = new_object("b", 20);
	write_pattern(replaced, 0, 20);
	OK(rename("a", "b"));
	ck_assert(!exists("a"));
	ck_assert_uint_eq(status_of("b").st_ino, ino);
	ck_assert_int_eq(status_of("b").st_size, 10);
	ck_assert_int_eq(size_of(replaced), 20);
	expect_pattern(replaced, 0, 20);
}
END_TEST

START_TEST(rename_replaces_one_of_several_names)
{
	make_object("a", 10);
	make_object("b", 20);
	OK(link("b", "c"));
	OK(rename("a", "b"));
	ck_assert_uint_eq(status_of("c").st_nlink, 1);
	ck_assert_int_eq(status_of("c").st_size, 20);
	ck_assert_int_eq(status_of("b").st_size, 10);
}
END_TEST

START_TEST(rename_replaces_an_empty_directory)
{
	ino_t ino;

	OK(mkdir("d", 0755));
	make_object("d/a", 1);
	OK(mkdir("e", 0755));
	ino = status_of("d").st_ino;
	OK(rename("d", "e"));
	ck_assert(!exists("d"));
	ck_assert_uint_eq(status_of("e").st_ino, ino);
	ck_assert(exists("e/a"));
	ck_assert_uint_eq(status_of(".").st_nlink, 3);
}
END_TEST

START_TEST(rename_does_not_replace_what_does_not_fit)
{
	OK(mkdir("d", 0755));
	OK(mkdir("full", 0755));
	make_object("full/a", 0);
	make_object("a", 0);
	FAILS(ENOTEMPTY, rename("d", "full"));
	FAILS(EISDIR, rename("a", "d"));
	FAILS(EISDIR, rename("a", "full"));
	FAILS(ENOTDIR, rename("d", "a"));
	FAILS(EXDEV, rename("a", "/proc/shmfs-test"));
	ck_assert(exists("a") && exists("d") && exists("full/a"));
}
END_TEST

START_TEST(rename_into_the_own_subdirectory_is_einval)
{
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	FAILS(EINVAL, rename("d", "d/x"));
	FAILS(EINVAL, rename("d", "d/e/x"));
	FAILS(EINVAL, rename("d", "d/e"));
	FAILS(ENOTEMPTY, rename("d/e", "d"));
	ck_assert(exists("d/e"));
}
END_TEST

START_TEST(rename_onto_itself_does_nothing)
{
	make_object("a", 10);
	OK(rename("a", "a"));
	OK(link("a", "b"));
	OK(rename("a", "b"));
	ck_assert(exists("a"));
	ck_assert(exists("b"));
	ck_assert_uint_eq(status_of("a").st_nlink, 2);
	OK(mkdir("d", 0755));
	OK(rename("d", "d"));
	ck_assert(exists("d"));
}
END_TEST

START_TEST(a_moved_directory_follows_its_new_parent)
{
	OK(mkdir("from", 0755));
	OK(mkdir("to", 0755));
	OK(mkdir("from/d", 0755));
	make_object("from/d/a", 3);
	ck_assert_uint_eq(status_of("from").st_nlink, 3);
	OK(rename("from/d", "to/e"));
	ck_assert_uint_eq(status_of("from").st_nlink, 2);
	ck_assert_uint_eq(status_of("to").st_nlink, 3);
	ck_assert_uint_eq(status_of("to/e/..").st_ino, status_of("to").st_ino);
	ck_assert_int_eq(status_of("to/e/a").st_size, 3);
	OK(rmdir("from"));
}
END_TEST

START_TEST(a_file_moves_between_directories)
{
	OK(mkdir("from", 0755));
	OK(mkdir("to", 0755));
	make_object("from/a", 3);
	make_object("to/a", 4);
	OK(rename("from/a", "to/a"));
	ck_assert_int_eq(status_of("to/a").st_size, 3);
	OK(rmdir("from"));
	FAILS(ENOTEMPTY, rmdir("to"));
}
END_TEST

START_TEST(every_kind_of_node_can_be_renamed)
{
	OK(symlink("target", "l"));
	OK(mknod("f", S_IFIFO | 0600, 0));
	OK(rename("l", "m"));
	OK(rename("f", "g"));
	ck_assert_int_eq(status_of("m").st_mode & S_IFMT, S_IFLNK);
	ck_assert_int_eq(status_of("g").st_mode & S_IFMT, S_IFIFO);
	OK(rename("g", "m"));
	ck_assert_int_eq(status_of("m").st_mode & S_IFMT, S_IFIFO);
}
END_TEST

START_TEST(noreplace_does_not_replace)
{
	make_object("a", 1);
	make_object("b", 2);
	OK(mkdir("d", 0755));
	FAILS(EEXIST, rename_flags("a", "b", RENAME_NOREPLACE));
	FAILS(EEXIST, rename_flags("a", "d", RENAME_NOREPLACE));
	FAILS(EEXIST, rename_flags("a", "a", RENAME_NOREPLACE));
	FAILS(ENOENT, rename_flags("missing", "c", RENAME_NOREPLACE));
	ck_assert_int_eq(status_of("b").st_size, 2);
	OK(rename_flags("a", "c", RENAME_NOREPLACE));
	ck_assert_int_eq(status_of("c").st_size, 1);
	ck_assert(!exists("a"));
}
END_TEST

START_TEST(exchange_swaps_two_files)
{
	int fd = new_object("a", 1);

	make_object("b", 2);
	OK(rename_flags("a", "b", RENAME_EXCHANGE));
	ck_assert_int_eq(status_of("a").st_size, 2);
	ck_assert_int_eq(status_of("b").st_size, 1);
	ck_assert_int_eq(size_of(fd), 1);
	OK(unlink("a"));
	ck_assert_int_eq(status_of("b").st_size, 1);
	OK(rename_flags("b", "b", RENAME_EXCHANGE));
	ck_assert_int_eq(status_of("b").st_size, 1);
}
END_TEST

START_TEST(exchange_swaps_a_file_with_a_directory)
{
	OK(mkdir("p", 0755));
	OK(mkdir("q", 0755));
	OK(mkdir("p/d", 0755));
	make_object("p/d/x", 0);
	make_object("q/a", 2);
	OK(rename_flags("p/d", "q/a", RENAME_EXCHANGE));
	ck_assert_int_eq(status_of("p/d").st_size, 2);
	ck_assert(exists("q/a/x"));
	ck_assert_uint_eq(status_of("p").st_nlink, 2);
	ck_assert_uint_eq(status_of("q").st_nlink, 3);
	ck_assert_uint_eq(status_of("q/a/..").st_ino, status_of("q").st_ino);
}
END_TEST

START_TEST(exchange_swaps_full_directories)
{
	OK(mkdir("p", 0755));
	OK(mkdir("q", 0755));
	make_object("p/a", 1);
	make_object("q/b", 2);
	OK(rename_flags("p", "q", RENAME_EXCHANGE));
	ck_assert(exists("p/b"));
	ck_assert(exists("q/a"));
	OK(mkdir("p/sub", 0755));
	FAILS(EINVAL, rename_flags("p", "p/sub", RENAME_EXCHANGE));
	FAILS(EINVAL, rename_flags("p/sub", "p", RENAME_EXCHANGE));
}
END_TEST

START_TEST(exchange_needs_both)
{
	make_object("a", 1);
	FAILS(ENOENT, rename_flags("a", "missing", RENAME_EXCHANGE));
	FAILS(ENOENT, rename_flags("missing", "a", RENAME_EXCHANGE));
	ck_assert(exists("a"));
	ck_assert(!exists("missing"));
}
END_TEST

START_TEST(other_flags_of_rename_are_einval)
{
	make_object("a", 1);
	FAILS(EINVAL, rename_flags("a", "b", RENAME_WHITEOUT));
	FAILS(EINVAL, rename_flags("a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE));
	FAILS(EINVAL, rename_flags("a", "b", 1U << 20));
	ck_assert(exists("a"));
	ck_assert(!exists("b"));
}
END_TEST

static void swap_for_a_while(void *context)
{
	(void)context;
	for (int i = 0; i < 300; i++) {
		OK(rename("a", "b"));
		OK(rename("b", "a"));
		OK(rename_flags("x", "y", RENAME_EXCHANGE));
	}
}

/* A name that is always taken by something must never be seen missing. */
START_TEST(exchange_never_shows_a_missing_name)
{
	pid_t child;

	make_object("a", 1);
	make_object("x", 1);
	make_object("y", 2);
	child = start_child(swap_for_a_while, NULL);
	for (int i = 0; i < 600; i++) {
		int fd = OK(open(i % 2 ? "x" : "y", O_RDONLY));
		off_t size = size_of(fd);

		ck_assert(size == 1 || size == 2);
		OK(close(fd));
	}
	end_child(child);
}
END_TEST

void add_rename_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "rename", NULL);

	tcase_add_test(tcase, rename_changes_the_name_only);
	tcase_add_test(tcase, rename_replaces_a_file);
	tcase_add_test(tcase, rename_replaces_one_of_several_names);
	tcase_add_test(tcase, rename_replaces_an_empty_directory);
	tcase_add_test(tcase, rename_does_not_replace_what_does_not_fit);
	tcase_add_test(tcase, rename_into_the_own_subdirectory_is_einval);
	tcase_add_test(tcase, rename_onto_itself_does_nothing);
	tcase_add_test(tcase, a_moved_directory_follows_its_new_parent);
	tcase_add_test(tcase, a_file_moves_between_directories);
	tcase_add_test(tcase, every_kind_of_node_can_be_renamed);
	tcase_add_test(tcase, noreplace_does_not_replace);
	tcase_add_test(tcase, exchange_swaps_two_files);
	tcase_add_test(tcase, exchange_swaps_a_file_with_a_directory);
	tcase_add_test(tcase, exchange_swaps_full_directories);
	tcase_add_test(tcase, exchange_needs_both);
	tcase_add_test(tcase, other_flags_of_rename_are_einval);
	tcase_add_test(tcase, exchange_never_shows_a_missing_name);
}
