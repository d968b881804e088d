/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that are made without a name by O_TMPFILE, and may get one by linkat. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

enum { OTHER_USER = 65534, DIRECTORY_GROUP = 4001, PAGES = 16 };

static int new_anonymous(off_t size)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));

	if (size > 0)
		OK(ftruncate(fd, size));
	return fd;
}

static nlink_t links_of(int fd)
{
	struct stat status;

	OK(fstat(fd, &status));
	return status.st_nlink;
}

/* The two ways to name an object by its descriptor; the second needs no capability. */
static int name_by_descriptor(int fd, const char *name)
{
	return linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH);
}

static int name_by_proc(int fd, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

static int (*const ways_to_name[])(int, const char *) = {name_by_descriptor, name_by_proc};

START_TEST(an_anonymous_object_is_new_and_in_no_directory)
{
	int fd = new_anonymous(0);
	int other = new_anonymous(0);
	struct stat status;
	struct stat of_other;

	OK(fstat(fd, &status));
	OK(fstat(other, &of_other));
	ck_assert_uint_eq(status.st_nlink, 0);
	ck_assert_int_eq(status.st_size, 0);
	ck_assert_int_eq(status.st_mode, S_IFREG | 0600);
	ck_assert_uint_eq(status.st_dev, status_of(".").st_dev);
	ck_assert_uint_ne(status.st_ino, of_other.st_ino);
	OK(mkdir("empty", 0755));
	OK(open("empty", O_TMPFILE | O_RDWR, 0600));
	OK(rmdir("empty"));
}
END_TEST

START_TEST(an_anonymous_object_works_like_any_other)
{
	int fd = new_anonymous(2 * PAGE + 10);
	unsigned char data[100] = {0};
	unsigned char *map;

	ck_assert_int_eq(size_of(fd), 2 * PAGE + 10);
	write_pattern(fd, 0, 2 * PAGE + 10);
	GIVES(10, pwrite(fd, data, sizeof(data), 2 * PAGE));
	FAILS(EFBIG, pwrite(fd, data, 1, 2 * PAGE + 10));
	expect_pattern(fd, 0, 2 * PAGE);
	map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(map[PAGE], pattern_at(PAGE));
	map[PAGE] = 77;
	GIVES(1, pread(fd, data, 1, PAGE));
	ck_assert_int_eq(data[0], 77);
	OK(ftruncate(fd, PAGE));
	ck_assert(load_raises_sigbus(map + PAGE));
	OK(fallocate(fd, 0, 0, 2 * PAGE));
	ck_assert_int_eq(map[PAGE], 0);
	OK(fchmod(fd, 0640));
}
END_TEST

START_TEST(an_anonymous_object_keeps_its_size_whatever_its_later_name)
{
	int fd = new_anonymous(0);

	FAILS(EFBIG, pwrite(fd, "x", 1, 0));
	OK(name_by_descriptor(fd, "tmp-1"));
	FAILS(EFBIG, pwrite(fd, "x", 1, 0));
}
END_TEST

START_TEST(an_anonymous_object_can_be_opened_again)
{
	int fd = new_anonymous(PAGE);
	unsigned char *map;
	char path[64];
	int reader;

	write_pattern(fd, 0, PAGE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	reader = OK(open(path, O_RDONLY));
	expect_pattern(reader, 0, PAGE);
	map = map_object(reader, PAGE, PROT_READ);
	OK(pwrite(fd, "\377", 1, 7));
	ck_assert_int_eq(map[7], 0xff);
	OK(close(fd));
	ck_assert_int_eq(size_of(reader), PAGE);
	ck_assert_int_eq(map[8], pattern_at(8));
}
END_TEST

START_TEST(flags_decide_what_an_anonymous_opening_can_do)
{
	char byte;
	int fd;

	FAILS(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0600));
	FAILS(EINVAL, open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600));
	fd = OK(open(".", O_TMPFILE | O_WRONLY, 0600));
	OK(ftruncate(fd, 10));
	GIVES(1, pwrite(fd, "x", 1, 0));
	FAILS(EBADF, pread(fd, &byte, 1, 0));
}
END_TEST

static mode_t mode_made_with(mode_t mode, mode_t mask)
{
	struct stat status;
	mode_t old = umask(mask);
	int fd = OK(open(".", O_TMPFILE | O_RDWR, mode));

	umask(old);
	OK(fstat(fd, &status));
	OK(close(fd));
	return status.st_mode;
}

START_TEST(mode_and_umask_are_as_for_a_name)
{
	ck_assert_int_eq(mode_made_with(0666, 0), S_IFREG | 0666);
	ck_assert_int_eq(mode_made_with(0666, 027), S_IFREG | 0640);
	ck_assert_int_eq(mode_made_with(04711, 0), S_IFREG | 04711);
	ck_assert_int_eq(mode_made_with(0, 0), S_IFREG);
}
END_TEST

static void expect_own_anonymous(void *context)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0));
	struct stat status;

	(void)context;
	OK(fstat(fd, &status));
	ck_assert_uint_eq(status.st_uid, OTHER_USER);
	ck_assert_uint_eq(status.st_gid, OTHER_USER);
	OK(ftruncate(fd, 10));
	GIVES(1, write(fd, "x", 1));
}

START_TEST(an_anonymous_object_belongs_to_its_maker)
{
	OK(chmod(".", 0777));
	in_child_as(OTHER_USER, expect_own_anonymous, NULL);
}
END_TEST

START_TEST(a_set_group_id_directory_hands_down_its_group)
{
	struct stat status;

	OK(chown(".", 0, DIRECTORY_GROUP));
	OK(chmod(".", 02755));
	OK(fstat(new_anonymous(0), &status));
	ck_assert_uint_eq(status.st_gid, DIRECTORY_GROUP);
}
END_TEST

static void expect_no_permission(void *context)
{
	(void)context;
	FAILS(EACCES, open(".", O_TMPFILE | O_RDWR, 0600));
}

START_TEST(making_one_needs_permission_to_write_the_directory)
{
	in_child_as(OTHER_USER, expect_no_permission, NULL);
}
END_TEST

START_TEST(an_anonymous_object_needs_a_living_directory)
{
	int directory;

	make_object("file", 0);
	FAILS(ENOTDIR, open("file", O_TMPFILE | O_RDWR, 0600));
	FAILS(ENOENT, open("missing", O_TMPFILE | O_RDWR, 0600));
	OK(mkdir("gone", 0755));
	directory = OK(open("gone", O_RDONLY | O_DIRECTORY));
	OK(rmdir("gone"));
	FAILS(ENOENT, openat(directory, ".", O_TMPFILE | O_RDWR, 0600));
}
END_TEST

START_TEST(linkat_gives_an_anonymous_object_a_name)
{
	int fd = new_anonymous(PAGE);
	struct stat status;

	write_pattern(fd, 0, PAGE);
	OK(fstat(fd, &status));
	OK(ways_to_name[_i](fd, "a"));
	ck_assert_uint_eq(links_of(fd), 1);
	ck_assert_uint_eq(status_of("a").st_ino, status.st_ino);
	ck_assert_uint_eq(status_of("a").st_nlink, 1);
	OK(close(fd));
	fd = OK(open("a", O_RDWR));
	expect_pattern(fd, 0, PAGE);
	FAILS(EFBIG, pwrite(fd, "x", 1, PAGE));
}
END_TEST

START_TEST(linkat_over_an_existing_name_is_eexist_and_may_be_tried_again)
{
	int fd = new_anonymous(0);

	make_object("a", 10);
	FAILS(EEXIST, ways_to_name[_i](fd, "a"));
	FAILS(ENOENT, ways_to_name[_i](fd, "missing/a"));
	FAILS(
	    ENAMETOOLONG, ways_to_name[_i](fd,
			      "0123456789012345678901234567890123456789012345678901234567890123"
			      "4567890123456789012345678901234567890123456789012345678901234567"
			      "8901234567890123456789012345678901234567890123456789012345678901"
			      "2345678901234567890123456789012345678901234567890123456789012345"));
	ck_assert_uint_eq(links_of(fd), 0);
	OK(ways_to_name[_i](fd, "b"));
	ck_assert_int_eq(status_of("a").st_size, 10);
}
END_TEST

/* It is an ordinary object once it has a name: with further names, and gone after the last. */
START_TEST(what_lost_its_last_name_gets_none_any_more)
{
	int fd = new_anonymous(10);

	OK(ways_to_name[_i](fd, "a"));
	OK(ways_to_name[_i](fd, "b"));
	ck_assert_uint_eq(links_of(fd), 2);
	OK(unlink("a"));
	OK(ways_to_name[_i](fd, "c"));
	OK(unlink("b"));
	OK(unlink("c"));
	ck_assert_uint_eq(links_of(fd), 0);
	FAILS(ENOENT, ways_to_name[_i](fd, "d"));
	ck_assert(!exists("d"));
	GIVES(1, pwrite(fd, "x", 1, 0));
}
END_TEST

START_TEST(an_unlinked_object_cannot_be_named_again)
{
	int fd = new_object("a", 0);

	OK(unlink("a"));
	FAILS(ENOENT, ways_to_name[_i](fd, "b"));
}
END_TEST

START_TEST(o_excl_forbids_a_name_for_ever)
{
	int fd = OK(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));

	OK(ftruncate(fd, PAGE));
	FAILS(ENOENT, ways_to_name[_i](fd, "a"));
	ck_assert(!exists("a"));
	write_pattern(fd, 0, PAGE);
	expect_pattern(fd, 0, PAGE);
	ck_assert_uint_eq(links_of(fd), 0);
}
END_TEST

START_TEST(one_made_in_a_directory_can_be_named_in_another)
{
	int fd;

	OK(mkdir("from", 0755));
	OK(mkdir("to", 0755));
	fd = OK(open("from", O_TMPFILE | O_RDWR, 0600));
	OK(rmdir("from"));
	OK(ways_to_name[_i](fd, "to/a"));
	ck_assert_uint_eq(status_of("to/a").st_nlink, 1);
	FAILS(ENOTEMPTY, rmdir("to"));
}
END_TEST

START_TEST(an_anonymous_object_is_charged_until_closed)
{
	unsigned long pages = pages_left();
	unsigned long nodes = nodes_left();
	int fd = new_anonymous(PAGES * PAGE);

	ck_assert_uint_eq(pages_left(), pages - PAGES);
	ck_assert_uint_eq(nodes_left(), nodes - 1);
	OK(close(fd));
	expect_pages_left_soon(pages);
	expect_nodes_left_soon(nodes);
}
END_TEST

START_TEST(a_mapping_alone_keeps_an_anonymous_object_and_its_charge)
{
	unsigned long pages = pages_left();
	int fd = new_anonymous(PAGES * PAGE);
	unsigned char *map = map_object(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, PAGES * PAGE);
	OK(close(fd));
	/* Longer than the daemon may take to notice that something was let go. */
	pause_ms(1200);
	ck_assert_uint_eq(pages_left(), pages - PAGES);
	ck_assert_int_eq(map[5 * PAGE], pattern_at(5 * PAGE));
	unmap(map, PAGES * PAGE);
	expect_pages_left_soon(pages);
}
END_TEST

static void hold_and_be_killed(void *context)
{
	int fd = new_anonymous(PAGES * PAGE);
	unsigned char *map = map_object(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);

	(void)context;
	map[0] = 1;
	OK(kill(getpid(), SIGKILL));
}

START_TEST(nothing_is_left_of_a_killed_process)
{
	unsigned long pages = pages_left();
	unsigned long nodes = nodes_left();
	int status = status_of_child(hold_and_be_killed, NULL);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	expect_pages_left_soon(pages);
	expect_nodes_left_soon(nodes);
}
END_TEST

START_TEST(a_name_makes_the_charge_stay)
{
	unsigned long pages = pages_left();
	unsigned long nodes = nodes_left();
	int fd = new_anonymous(PAGES * PAGE);

	OK(name_by_descriptor(fd, "a"));
	ck_assert_uint_eq(nodes_left(), nodes - 1);
	OK(close(fd));
	pause_ms(50);
	ck_assert_uint_eq(pages_left(), pages - PAGES);
	OK(unlink("a"));
	expect_pages_left_soon(pages);
	expect_nodes_left_soon(nodes);
}
END_TEST

static void start_small(void)
{
	shared_mount = mount_start("size=1m,nr_inodes=10");
}

START_TEST(the_limits_of_the_mount_hold)
{
	int fd = new_anonymous(0);

	FAILS(ENOSPC, ftruncate(fd, 1024 * 1024 + 1));
	OK(ftruncate(fd, 1024 * 1024));
	while (nodes_left() > 0)
		new_anonymous(0);
	FAILS(ENOSPC, open(".", O_TMPFILE | O_RDWR, 0600));
	/* The first name comes with the node. */
	OK(name_by_descriptor(fd, "a"));
	FAILS(ENOSPC, name_by_descriptor(fd, "b"));
}
END_TEST

/* As many as a service makes in some time: nothing may stay behind. */
START_TEST(thousands_come_and_go)
{
	for (int round = 0; round < 2000; round++) {
		int fd = new_anonymous(round % 100);

		if (round % 10 == 0) {
			OK(name_by_descriptor(fd, "a"));
			OK(unlink("a"));
		}
		OK(close(fd));
		/* What a close frees is counted free a moment later. */
		if (nodes_left() < 3)
			pause_ms(10);
	}
	expect_pages_left_soon(256);
}
END_TEST

static void add_naming(TCase *tcase)
{
	tcase_add_loop_test(tcase, linkat_gives_an_anonymous_object_a_name, 0, 2);
	tcase_add_loop_test(
	    tcase, linkat_over_an_existing_name_is_eexist_and_may_be_tried_again, 0, 2);
	tcase_add_loop_test(tcase, what_lost_its_last_name_gets_none_any_more, 0, 2);
	tcase_add_loop_test(tcase, an_unlinked_object_cannot_be_named_again, 0, 2);
	tcase_add_loop_test(tcase, o_excl_forbids_a_name_for_ever, 0, 2);
	tcase_add_loop_test(tcase, one_made_in_a_directory_can_be_named_in_another, 0, 2);
}

void add_anonymous_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "anonymous", NULL);
	TCase *limits = case_on_mount(suite, "anonymous, limits", start_small);

	tcase_add_test(tcase, an_anonymous_object_is_new_and_in_no_directory);
	tcase_add_test(tcase, an_anonymous_object_works_like_any_other);
	tcase_add_test(tcase, an_anonymous_object_keeps_its_size_whatever_its_later_name);
	tcase_add_test(tcase, an_anonymous_object_can_be_opened_again);
	tcase_add_test(tcase, flags_decide_what_an_anonymous_opening_can_do);
	tcase_add_test(tcase, mode_and_umask_are_as_for_a_name);
	tcase_add_test(tcase, an_anonymous_object_belongs_to_its_maker);
	tcase_add_test(tcase, a_set_group_id_directory_hands_down_its_group);
	tcase_add_test(tcase, making_one_needs_permission_to_write_the_directory);
	tcase_add_test(tcase, an_anonymous_object_needs_a_living_directory);
	add_naming(tcase);
	tcase_add_test(tcase, an_anonymous_object_is_charged_until_closed);
	tcase_add_test(tcase, a_mapping_alone_keeps_an_anonymous_object_and_its_charge);
	tcase_add_test(tcase, nothing_is_left_of_a_killed_process);
	tcase_add_test(tcase, a_name_makes_the_charge_stay);
	tcase_add_test(limits, the_limits_of_the_mount_hold);
	tcase_add_test(limits, thousands_come_and_go);
}
