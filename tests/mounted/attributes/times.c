/* SPDX-License-Identifier: BSD-2-Clause */
/* Times: what sets them, and which of them an operation moves. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

/* More than a tick of the kernel's coarse clock, with which some filesystems stamp. */
enum { TICK_MS = 15 };

static bool later(struct timespec left, struct timespec right)
{
	return left.tv_sec > right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec > right.tv_nsec);
}

static bool same(struct timespec left, struct timespec right)
{
	return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

enum moves { MOVES_NOTHING, MOVES_CTIME, MOVES_BOTH };

/* Compares the times of the node before and now; the tick has to lie between. */
static void expect_moves(
    const char *name, const struct stat *before, enum moves want, const char *operation)
{
	struct stat after = status_of(name);
	bool ctime_moved = later(after.st_ctim, before->st_ctim);
	bool mtime_moved = later(after.st_mtim, before->st_mtim);

	ck_assert_msg(ctime_moved == (want != MOVES_NOTHING), "%s: ctime of %s %s", operation, name,
	    ctime_moved ? "moves" : "stays");
	ck_assert_msg(mtime_moved == (want == MOVES_BOTH), "%s: mtime of %s %s", operation, name,
	    mtime_moved ? "moves" : "stays");
	ck_assert_msg(mtime_moved || same(after.st_mtim, before->st_mtim),
	    "%s: mtime of %s goes back", operation, name);
}

static struct stat status_then_tick(const char *name)
{
	struct stat status = status_of(name);

	pause_ms(TICK_MS);
	return status;
}

START_TEST(a_new_node_has_the_time_of_its_creation)
{
	struct timespec before;
	struct timespec after;
	struct stat status;

	OK(clock_gettime(CLOCK_REALTIME, &before));
	pause_ms(TICK_MS);
	make_object("a", 0);
	pause_ms(TICK_MS);
	OK(clock_gettime(CLOCK_REALTIME, &after));
	status = status_of("a");
	ck_assert(later(status.st_mtim, before) && later(after, status.st_mtim));
	ck_assert(later(status.st_ctim, before) && later(after, status.st_ctim));
	ck_assert(later(status.st_atim, before) && later(after, status.st_atim));
}
END_TEST

START_TEST(write_moves_mtime_and_ctime)
{
	int fd = new_object("a", 100);
	struct stat before = status_then_tick("a");

	GIVES(1, pwrite(fd, "x", 1, 0));
	expect_moves("a", &before, MOVES_BOTH, "pwrite");
}
END_TEST

START_TEST(a_change_of_size_moves_mtime_and_ctime)
{
	int fd = new_object("a", 100);
	struct stat before = status_then_tick("a");

	OK(ftruncate(fd, 200));
	expect_moves("a", &before, MOVES_BOTH, "ftruncate");
	before = status_then_tick("a");
	OK(truncate("a", 10));
	expect_moves("a", &before, MOVES_BOTH, "truncate");
	before = status_then_tick("a");
	OK(fallocate(fd, 0, 0, 1000));
	expect_moves("a", &before, MOVES_BOTH, "fallocate");
	before = status_then_tick("a");
	OK(close(OK(open("a", O_WRONLY | O_TRUNC))));
	expect_moves("a", &before, MOVES_BOTH, "open with O_TRUNC");
}
END_TEST

START_TEST(a_refused_write_moves_nothing)
{
	int fd = new_object("a", 100);
	struct stat before = status_then_tick("a");

	FAILS(EFBIG, pwrite(fd, "x", 1, 100));
	FAILS(EINVAL, ftruncate(fd, -1));
	expect_moves("a", &before, MOVES_NOTHING, "pwrite without room");
}
END_TEST

START_TEST(a_change_of_the_node_moves_ctime)
{
	struct stat before;

	make_object("a", 100);
	before = status_then_tick("a");
	OK(chmod("a", 0640));
	expect_moves("a", &before, MOVES_CTIME, "chmod");
	before = status_then_tick("a");
	OK(chown("a", 1, 1));
	expect_moves("a", &before, MOVES_CTIME, "chown");
	before = status_then_tick("a");
	OK(link("a", "b"));
	expect_moves("a", &before, MOVES_CTIME, "link");
	before = status_then_tick("a");
	OK(unlink("b"));
	expect_moves("a", &before, MOVES_CTIME, "unlink of another name");
	before = status_then_tick("a");
	OK(rename("a", "c"));
	expect_moves("c", &before, MOVES_CTIME, "rename");
}
END_TEST

START_TEST(reading_moves_neither_mtime_nor_ctime)
{
	int fd = new_object("a", 100);
	struct stat before = status_then_tick("a");
	char data[10];

	GIVES(10, pread(fd, data, 10, 0));
	OK(close(OK(open("a", O_RDONLY))));
	OK(access("a", R_OK));
	expect_moves("a", &before, MOVES_NOTHING, "pread");
}
END_TEST

START_TEST(a_change_of_the_names_moves_the_directorys_times)
{
	struct stat before;

	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	before = status_then_tick("d");
	make_object("d/a", 0);
	expect_moves("d", &before, MOVES_BOTH, "create");
	before = status_then_tick("d");
	OK(rename("d/a", "d/b"));
	expect_moves("d", &before, MOVES_BOTH, "rename");
	before = status_then_tick("d");
	OK(link("d/b", "e/b"));
	expect_moves("d", &before, MOVES_NOTHING, "link to another directory");
	OK(unlink("d/b"));
	expect_moves("d", &before, MOVES_BOTH, "unlink");
	before = status_then_tick("d");
	OK(mkdir("d/f", 0755));
	expect_moves("d", &before, MOVES_BOTH, "mkdir");
	before = status_then_tick("d");
	OK(rmdir("d/f"));
	expect_moves("d", &before, MOVES_BOTH, "rmdir");
	before = status_then_tick("d");
	OK(symlink("x", "d/l"));
	expect_moves("d", &before, MOVES_BOTH, "symlink");
	before = status_then_tick("e");
	OK(rename("d/l", "e/l"));
	expect_moves("e", &before, MOVES_BOTH, "rename from another directory");
}
END_TEST

START_TEST(a_refused_change_of_names_moves_nothing)
{
	struct stat before;

	OK(mkdir("d", 0755));
	make_object("d/a", 0);
	before = status_then_tick("d");
	FAILS(EEXIST, mkdir("d/a", 0755));
	FAILS(ENOENT, unlink("d/b"));
	FAILS(EPERM, mknod("d/c", S_IFCHR | 0600, 0));
	expect_moves("d", &before, MOVES_NOTHING, "a refused change");
}
END_TEST

static void expect_time(struct timespec got, time_t seconds, long nanoseconds)
{
	ck_assert_msg(got.tv_sec == seconds && got.tv_nsec == nanoseconds,
	    "expected %lld.%09ld, got %lld.%09ld", (long long)seconds, nanoseconds,
	    (long long)got.tv_sec, got.tv_nsec);
}

START_TEST(utimensat_sets_exact_nanoseconds)
{
	static const struct timespec wanted[][2] = {{{1000000000, 123456789}, {1234567890, 1}},
	    {{0, 0}, {0, 999999999}}, {{-1, 5}, {-100, 7}}, {{5000000000, 3}, {8000000000, 4}}};
	int fd = new_object("a", 0);

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		OK(i % 2 ? futimens(fd, wanted[i]) : utimensat(AT_FDCWD, "a", wanted[i], 0));
		expect_time(status_of("a").st_atim, wanted[i][0].tv_sec, wanted[i][0].tv_nsec);
		expect_time(status_of("a").st_mtim, wanted[i][1].tv_sec, wanted[i][1].tv_nsec);
	}
}
END_TEST

START_TEST(utimensat_moves_ctime)
{
	struct timespec times[2] = {{1, 2}, {3, 4}};
	struct stat before;

	make_object("a", 0);
	before = status_then_tick("a");
	OK(utimensat(AT_FDCWD, "a", times, 0));
	ck_assert(later(status_of("a").st_ctim, before.st_ctim));
}
END_TEST

START_TEST(utime_now_and_utime_omit)
{
	struct timespec old[2] = {{1, 2}, {3, 4}};
	struct timespec now_and_omit[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
	struct timespec omit_and_now[2] = {{0, UTIME_OMIT}, {0, UTIME_NOW}};
	struct stat before;

	make_object("a", 0);
	before = status_then_tick("a");
	OK(utimensat(AT_FDCWD, "a", old, 0));
	OK(utimensat(AT_FDCWD, "a", now_and_omit, 0));
	ck_assert(later(status_of("a").st_atim, before.st_atim));
	expect_time(status_of("a").st_mtim, 3, 4);
	OK(utimensat(AT_FDCWD, "a", old, 0));
	OK(utimensat(AT_FDCWD, "a", omit_and_now, 0));
	expect_time(status_of("a").st_atim, 1, 2);
	ck_assert(later(status_of("a").st_mtim, before.st_mtim));
	OK(utimensat(AT_FDCWD, "a", NULL, 0));
	ck_assert(later(status_of("a").st_atim, before.st_atim));
}
END_TEST

START_TEST(utimensat_sets_times_of_directories_and_symlinks)
{
	struct timespec times[2] = {{11, 22}, {33, 44}};

	OK(mkdir("d", 0755));
	OK(symlink("d", "l"));
	OK(utimensat(AT_FDCWD, "l", times, AT_SYMLINK_NOFOLLOW));
	expect_time(status_of("l").st_mtim, 33, 44);
	ck_assert(status_of("d").st_mtim.tv_sec > 33);
	OK(utimensat(AT_FDCWD, "d", times, 0));
	expect_time(status_of("d").st_mtim, 33, 44);
}
END_TEST

void add_time_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "times", NULL);

	tcase_add_test(tcase, a_new_node_has_the_time_of_its_creation);
	tcase_add_test(tcase, write_moves_mtime_and_ctime);
	tcase_add_test(tcase, a_change_of_size_moves_mtime_and_ctime);
	tcase_add_test(tcase, a_refused_write_moves_nothing);
	tcase_add_test(tcase, a_change_of_the_node_moves_ctime);
	tcase_add_test(tcase, reading_moves_neither_mtime_nor_ctime);
	tcase_add_test(tcase, a_change_of_the_names_moves_the_directorys_times);
	tcase_add_test(tcase, a_refused_change_of_names_moves_nothing);
	tcase_add_test(tcase, utimensat_sets_exact_nanoseconds);
	tcase_add_test(tcase, utimensat_moves_ctime);
	tcase_add_test(tcase, utime_now_and_utime_omit);
	tcase_add_test(tcase, utimensat_sets_times_of_directories_and_symlinks);
}
