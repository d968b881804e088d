/* SPDX-License-Identifier: BSD-2-Clause */
/* Names and directories: what can be made, found and removed. */
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

enum { OTHER_USER = 65534, THIRD_USER = 65533 };

START_TEST(creating_gives_an_empty_object_of_the_caller)
{
	struct stat status;

	OK(close(OK(open("a", O_RDWR | O_CREAT, 0640))));
	status = status_of("a");
	ck_assert_int_eq(status.st_mode, S_IFREG | 0640);
	ck_assert_int_eq(status.st_size, 0);
	ck_assert_uint_eq(status.st_nlink, 1);
	ck_assert_int_eq(status.st_uid, geteuid());
	ck_assert_int_eq(status.st_gid, getegid());
}
END_TEST

START_TEST(creating_what_exists_opens_it)
{
	int fd = new_object("a", 10);

	write_pattern(fd, 0, 10);
	fd = OK(open("a", O_RDWR | O_CREAT, 0777));
	expect_pattern(fd, 0, 10);
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0600);
}
END_TEST

START_TEST(exclusive_creation_of_what_exists_is_eexist)
{
	make_object("a", 0);
	OK(mkdir("d", 0755));
	OK(symlink("nowhere", "l"));
	FAILS(EEXIST, open("a", O_RDWR | O_CREAT | O_EXCL, 0600));
	FAILS(EEXIST, open("d", O_RDWR | O_CREAT | O_EXCL, 0600));
	FAILS(EEXIST, open("l", O_RDWR | O_CREAT | O_EXCL, 0600));
	ck_assert(!exists("nowhere"));
}
END_TEST

static void race_to_create(void *context)
{
	struct turn *won = context;

	for (int i = 0; i < 100; i++) {
		char name[16];
		int fd;

		snprintf(name, sizeof(name), "r%d", i);
		fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		if (fd >= 0) {
			turn_give(won);
			close(fd);
		} else {
			FAILS(EEXIST, fd);
		}
	}
}

START_TEST(exclusive_creation_has_one_winner)
{
	struct turn won;
	pid_t children[3];
	char marks[301];

	turn_init(&won);
	for (int i = 0; i < 3; i++)
		children[i] = start_child(race_to_create, &won);
	for (int i = 0; i < 3; i++)
		end_child(children[i]);
	GIVES(100, read(won.pipe[0], marks, sizeof(marks)));
}
END_TEST

START_TEST(what_does_not_exist_is_enoent)
{
	struct stat status;

	FAILS(ENOENT, open("a", O_RDWR));
	FAILS(ENOENT, open("d/a", O_RDWR | O_CREAT, 0600));
	FAILS(ENOENT, stat("a", &status));
	FAILS(ENOENT, unlink("a"));
	FAILS(ENOENT, rmdir("a"));
	FAILS(ENOENT, truncate("a", 0));
	FAILS(ENOENT, chmod("a", 0600));
	FAILS(ENOENT, mkdir("d/e", 0755));
	make_object("a", 0);
	FAILS(ENOTDIR, open("a/b", O_RDWR | O_CREAT, 0600));
}
END_TEST

START_TEST(a_name_appears_and_disappears_at_once)
{
	for (int round = 0; round < 50; round++) {
		ck_assert(!exists("a"));
		make_object("a", 10);
		ck_assert(exists("a"));
		ck_assert_int_eq(status_of("a").st_size, 10);
		OK(unlink("a"));
	}
}
END_TEST

START_TEST(unlink_of_a_directory_is_eisdir)
{
	OK(mkdir("d", 0755));
	FAILS(EISDIR, unlink("d"));
	ck_assert(exists("d"));
}
END_TEST

START_TEST(rmdir_takes_empty_directories_only)
{
	OK(mkdir("d", 0755));
	make_object("d/a", 0);
	FAILS(ENOTEMPTY, rmdir("d"));
	FAILS(ENOTDIR, rmdir("d/a"));
	OK(unlink("d/a"));
	OK(mkdir("d/e", 0755));
	FAILS(ENOTEMPTY, rmdir("d"));
	OK(rmdir("d/e"));
	FAILS(EINVAL, rmdir("d/."));
	OK(rmdir("d"));
	ck_assert(!exists("d"));
}
END_TEST

START_TEST(mkdir_of_what_exists_is_eexist)
{
	OK(mkdir("d", 0755));
	make_object("a", 0);
	OK(symlink("nowhere", "l"));
	FAILS(EEXIST, mkdir("d", 0755));
	FAILS(EEXIST, mkdir("a", 0755));
	FAILS(EEXIST, mkdir("l", 0755));
}
END_TEST

START_TEST(a_directory_counts_its_subdirectories)
{
	OK(mkdir("d", 0750));
	ck_assert_int_eq(status_of("d").st_mode, S_IFDIR | 0750);
	ck_assert_uint_eq(status_of("d").st_nlink, 2);
	OK(mkdir("d/e", 0755));
	OK(mkdir("d/f", 0755));
	make_object("d/a", 0);
	ck_assert_uint_eq(status_of("d").st_nlink, 4);
	ck_assert_uint_eq(status_of("d/e").st_nlink, 2);
	OK(rmdir("d/e"));
	ck_assert_uint_eq(status_of("d").st_nlink, 3);
	ck_assert_uint_eq(status_of("d/f/..").st_ino, status_of("d").st_ino);
}
END_TEST

START_TEST(a_directory_cannot_be_opened_for_writing)
{
	OK(mkdir("d", 0755));
	FAILS(EISDIR, open("d", O_RDWR));
	FAILS(EISDIR, open("d", O_WRONLY));
	FAILS(EISDIR, open("d", O_RDWR | O_CREAT, 0600));
	make_object("a", 0);
	FAILS(ENOTDIR, open("a", O_RDONLY | O_DIRECTORY));
}
END_TEST

START_TEST(directories_nest)
{
	char path[600] = "d";
	struct stat status;

	for (int depth = 0; depth < 100; depth++) {
		OK(mkdir(path, 0755));
		strcat(path, "/dir");
	}
	make_object(path, 5);
	ck_assert_int_eq(status_of(path).st_size, 5);
	OK(stat(path, &status));
}
END_TEST

START_TEST(nothing_is_made_in_a_removed_directory)
{
	int dir;

	OK(mkdir("d", 0755));
	dir = OK(open("d", O_RDONLY | O_DIRECTORY));
	OK(rmdir("d"));
	FAILS(ENOENT, openat(dir, "a", O_RDWR | O_CREAT, 0600));
	FAILS(ENOENT, mkdirat(dir, "e", 0755));
	FAILS(ENOENT, symlinkat("x", dir, "l"));
	FAILS(ENOENT, mknodat(dir, "f", S_IFIFO | 0600, 0));
	make_object("o", 0);
	FAILS(ENOENT, linkat(AT_FDCWD, "o", dir, "o", 0));
	FAILS(ENOENT, renameat(AT_FDCWD, "o", dir, "o"));
}
END_TEST

START_TEST(a_name_has_at_most_255_bytes)
{
	char name[NAME_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	FAILS(ENAMETOOLONG, open(name, O_RDWR | O_CREAT, 0600));
	FAILS(ENAMETOOLONG, open(name, O_RDONLY));
	FAILS(ENAMETOOLONG, mkdir(name, 0755));
	FAILS(ENAMETOOLONG, symlink("x", name));
	FAILS(ENAMETOOLONG, mknod(name, S_IFIFO | 0600, 0));
	make_object("a", 0);
	FAILS(ENAMETOOLONG, link("a", name));
	FAILS(ENAMETOOLONG, rename("a", name));
	name[NAME_MAX] = '\0';
	OK(rename("a", name));
	OK(unlink(name));
	make_object(name, 7);
	ck_assert_int_eq(status_of(name).st_size, 7);
	OK(unlink(name));
	OK(mkdir(name, 0755));
	OK(rmdir(name));
}
END_TEST

START_TEST(a_name_may_have_any_bytes)
{
	static const char *const names[] = {"new\nline", "\xff", "\xff\xfe\x80", ".hidden", "...",
	    " ", "\\", "*", "\001", "-f", "a b", "\xc3\xa4", "%s%n"};
	int count = sizeof(names) / sizeof(names[0]);

	for (int i = 0; i < count; i++)
		make_object(names[i], i + 1);
	for (int i = 0; i < count; i++) {
		ck_assert_int_eq(status_of(names[i]).st_size, i + 1);
		OK(unlink(names[i]));
		ck_assert(!exists(names[i]));
	}
}
END_TEST

START_TEST(names_differ_by_case_and_by_length)
{
	make_object("a", 1);
	make_object("A", 2);
	make_object("aa", 3);
	make_object("a ", 4);
	ck_assert_int_eq(status_of("a").st_size, 1);
	ck_assert_int_eq(status_of("A").st_size, 2);
	ck_assert_int_eq(status_of("aa").st_size, 3);
	ck_assert_int_eq(status_of("a ").st_size, 4);
}
END_TEST

static void remove_in_sticky_directory(void *context)
{
	(void)context;
	FAILS(EPERM, unlink("theirs"));
	FAILS(EPERM, rename("theirs", "mine"));
	make_object("own", 0);
	FAILS(EPERM, rename("own", "theirs"));
	OK(rename("own", "mine"));
	OK(unlink("mine"));
}

START_TEST(a_sticky_directory_protects_other_users_objects)
{
	OK(chmod(".", 01777));
	make_object("theirs", 0);
	OK(chmod("theirs", 0666));
	OK(chown("theirs", THIRD_USER, THIRD_USER));
	in_child_as(OTHER_USER, remove_in_sticky_directory, NULL);
	ck_assert(exists("theirs"));
}
END_TEST

static void remove_in_root_directory(void *context)
{
	(void)context;
	FAILS(EPERM, unlink(mount_path(shared_mount, "theirs")));
	FAILS(EPERM, rename(mount_path(shared_mount, "theirs"), mount_path(shared_mount, "b")));
	make_object(mount_path(shared_mount, "own"), 0);
	OK(unlink(mount_path(shared_mount, "own")));
}

START_TEST(the_root_directory_is_open_to_all_and_sticky)
{
	ck_assert_int_eq(status_of(shared_mount->dir).st_mode, S_IFDIR | 01777);
	make_object(mount_path(shared_mount, "theirs"), 0);
	in_child_as(OTHER_USER, remove_in_root_directory, NULL);
	OK(unlink(mount_path(shared_mount, "theirs")));
}
END_TEST

static void change_a_directory_without_permission(void *context)
{
	(void)context;
	FAILS(EACCES, open("new", O_RDWR | O_CREAT, 0600));
	FAILS(EACCES, mkdir("new", 0755));
	FAILS(EACCES, unlink("a"));
	FAILS(EACCES, rename("a", "b"));
	FAILS(EACCES, link("a", "b"));
	FAILS(EACCES, open("closed/a", O_RDONLY));
}

START_TEST(changing_a_directory_needs_permission)
{
	make_object("a", 0);
	OK(chmod("a", 0666));
	OK(mkdir("closed", 0700));
	make_object("closed/a", 0);
	OK(chmod("closed/a", 0666));
	in_child_as(OTHER_USER, change_a_directory_without_permission, NULL);
}
END_TEST

static void make_in_setgid_directory(void *context)
{
	(void)context;
	make_object("d/a", 0);
	OK(mkdir("d/e", 0755));
	OK(mknod("d/f", S_IFIFO | 0600, 0));
	OK(symlink("x", "d/l"));
}

START_TEST(a_setgid_directory_hands_its_group_down)
{
	static const char *const names[] = {"d/a", "d/e", "d/f", "d/l"};

	OK(mkdir("d", 0755));
	OK(chown("d", 0, 1234));
	OK(chmod("d", 02777));
	in_child_as(OTHER_USER, make_in_setgid_directory, NULL);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(status_of(names[i]).st_uid, OTHER_USER);
		ck_assert_int_eq(status_of(names[i]).st_gid, 1234);
	}
	ck_assert_int_eq(status_of("d/a").st_mode, S_IFREG | 0600);
	ck_assert_int_eq(status_of("d/e").st_mode, S_IFDIR | 02755);
}
END_TEST

void add_name_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "names", NULL);

	tcase_add_test(tcase, creating_gives_an_empty_object_of_the_caller);
	tcase_add_test(tcase, creating_what_exists_opens_it);
	tcase_add_test(tcase, exclusive_creation_of_what_exists_is_eexist);
	tcase_add_test(tcase, exclusive_creation_has_one_winner);
	tcase_add_test(tcase, what_does_not_exist_is_enoent);
	tcase_add_test(tcase, a_name_appears_and_disappears_at_once);
	tcase_add_test(tcase, unlink_of_a_directory_is_eisdir);
	tcase_add_test(tcase, rmdir_takes_empty_directories_only);
	tcase_add_test(tcase, mkdir_of_what_exists_is_eexist);
	tcase_add_test(tcase, a_directory_counts_its_subdirectories);
	tcase_add_test(tcase, a_directory_cannot_be_opened_for_writing);
	tcase_add_test(tcase, directories_nest);
	tcase_add_test(tcase, nothing_is_made_in_a_removed_directory);
	tcase_add_test(tcase, a_name_has_at_most_255_bytes);
	tcase_add_test(tcase, a_name_may_have_any_bytes);
	tcase_add_test(tcase, names_differ_by_case_and_by_length);
	tcase_add_test(tcase, a_sticky_directory_protects_other_users_objects);
	tcase_add_test(tcase, the_root_directory_is_open_to_all_and_sticky);
	tcase_add_test(tcase, changing_a_directory_needs_permission);
	tcase_add_test(tcase, a_setgid_directory_hands_its_group_down);
}
