/* SPDX-License-Identifier: BSD-2-Clause */
/* statx: the time of birth, and times to the nanosecond. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "kernel.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { TICK_MS = 15 };

/* What there is to be told. */
static unsigned all = STATX_BASIC_STATS;

static struct statx statx_of(const char *name)
{
	struct statx status;

	OK(statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, all, &status));
	ck_assert_msg((status.stx_mask & all) == all, "stx_mask of %s: expected 0x%x, got 0x%x",
	    name, all, status.stx_mask);
	return status;
}

static struct statx statx_of_descriptor(int fd)
{
	struct statx status;

	OK(statx(fd, "", AT_EMPTY_PATH, all, &status));
	ck_assert_uint_eq(status.stx_mask & all, all);
	return status;
}

static long long nanoseconds(const struct statx_timestamp *time)
{
	ck_assert_uint_lt(time->tv_nsec, 1000000000);
	return time->tv_sec * 1000000000LL + time->tv_nsec;
}

static long long now(void)
{
	struct timespec time;

	OK(clock_gettime(CLOCK_REALTIME, &time));
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void expect_born(const char *name, long long from, long long to)
{
	struct statx status = statx_of(name);
	long long born = nanoseconds(&status.stx_btime);

	ck_assert_msg(from <= born && born <= to,
	    "birth of %s: expected %lld to %lld, got %lld (ns)", name, from, to, born);
}

static void make_object_by_open(void)
{
	make_object("a", 0);
}

static void make_object_by_mknod(void)
{
	OK(mknod("a", S_IFREG | 0600, 0));
}

static void make_directory(void)
{
	OK(mkdir("a", 0755));
}

static void make_fifo(void)
{
	OK(mkfifo("a", 0600));
}

static void make_symlink(void)
{
	OK(symlink("x", "a"));
}

static void make_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "a"};

	OK(bind(OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof(address)));
}

static void make_anonymous_object(void)
{
	OK(linkat(OK(open(".", O_TMPFILE | O_RDWR, 0600)), "", AT_FDCWD, "a", AT_EMPTY_PATH));
}

static void (*const makers[])(void) = {make_object_by_open, make_object_by_mknod, make_directory,
    make_fifo, make_symlink, make_socket, make_anonymous_object};

START_TEST(every_node_is_born_when_it_is_made)
{
	long long before = now();
	struct statx status;

	pause_ms(TICK_MS);
	makers[_i]();
	expect_born("a", before + 1, now());
	status = statx_of("a");
	ck_assert_int_eq(nanoseconds(&status.stx_btime), nanoseconds(&status.stx_mtime));
}
END_TEST

START_TEST(the_root_was_born_with_the_mount)
{
	struct statx status = statx_of(shared_mount->dir);

	ck_assert_int_gt(nanoseconds(&status.stx_btime), 0);
	ck_assert_int_le(nanoseconds(&status.stx_btime), now());
}
END_TEST

static void expect_same_birth(const char *name, const struct statx *before, const char *after)
{
	struct statx status = statx_of(name);

	ck_assert_msg(nanoseconds(&status.stx_btime) == nanoseconds(&before->stx_btime),
	    "the birth of %s moves with %s", name, after);
	ck_assert_uint_eq(status.stx_ino, before->stx_ino);
}

START_TEST(nothing_moves_the_birth_of_an_object)
{
	static const struct timespec times[2] = {{1, 2}, {3, 4}};
	int fd = new_object("a", 100);
	struct statx before = statx_of("a");
	char byte;

	pause_ms(TICK_MS);
	OK(pwrite(fd, "x", 1, 0));
	expect_same_birth("a", &before, "write");
	OK(pread(fd, &byte, 1, 0));
	OK(ftruncate(fd, PAGE));
	OK(truncate("a", 0));
	expect_same_birth("a", &before, "truncate");
	OK(chmod("a", 0644));
	OK(chown("a", 1, 1));
	expect_same_birth("a", &before, "chmod and chown");
	OK(utimensat(AT_FDCWD, "a", times, 0));
	expect_same_birth("a", &before, "utimensat");
	OK(setxattr("a", "user.a", "x", 1, 0));
	OK(link("a", "b"));
	OK(unlink("a"));
	expect_same_birth("b", &before, "link and unlink");
	OK(mkdir("d", 0755));
	OK(rename("b", "d/c"));
	expect_same_birth("d/c", &before, "rename");
	OK(close(OK(open("d/c", O_RDWR | O_CREAT | O_TRUNC, 0600))));
	expect_same_birth("d/c", &before, "another opening");
}
END_TEST

START_TEST(nothing_moves_the_birth_of_a_directory)
{
	struct statx before;

	OK(mkdir("d", 0755));
	before = statx_of("d");
	pause_ms(TICK_MS);
	make_object("d/a", 0);
	OK(unlink("d/a"));
	OK(chmod("d", 0700));
	expect_same_birth("d", &before, "its entries");
	OK(rename("d", "e"));
	expect_same_birth("e", &before, "rename");
}
END_TEST

START_TEST(a_replaced_name_has_the_birth_of_the_new_object)
{
	struct statx before;

	make_object("a", 0);
	pause_ms(TICK_MS);
	make_object("b", 0);
	before = statx_of("b");
	OK(rename("b", "a"));
	expect_same_birth("a", &before, "rename");
	OK(unlink("a"));
	pause_ms(TICK_MS);
	make_object("a", 0);
	expect_born("a", nanoseconds(&before.stx_btime) + 1, now());
}
END_TEST

START_TEST(an_unlinked_object_keeps_its_birth)
{
	int fd = new_object("a", 100);
	struct statx before = statx_of("a");
	struct statx after;

	OK(unlink("a"));
	pause_ms(TICK_MS);
	OK(pwrite(fd, "x", 1, 0));
	after = statx_of_descriptor(fd);
	ck_assert_int_eq(nanoseconds(&after.stx_btime), nanoseconds(&before.stx_btime));
	ck_assert_uint_eq(after.stx_nlink, 0);
}
END_TEST

/* The kernel answers from what it knows, or asks by another request when birth is wanted. */
START_TEST(statx_and_stat_say_the_same)
{
	int fd = new_object("a", 3 * PAGE + 5);
	struct statx wide;
	struct stat narrow;

	OK(chown("a", 11, 12));
	OK(chmod("a", 0641));
	OK(link("a", "b"));
	write_pattern(fd, PAGE, 10);
	wide = statx_of("a");
	narrow = status_of("a");
	ck_assert_uint_eq(wide.stx_ino, narrow.st_ino);
	ck_assert_uint_eq(wide.stx_mode, narrow.st_mode);
	ck_assert_uint_eq(wide.stx_nlink, 2);
	ck_assert_uint_eq(wide.stx_uid, 11);
	ck_assert_uint_eq(wide.stx_gid, 12);
	ck_assert_uint_eq(wide.stx_size, 3 * PAGE + 5);
	ck_assert_uint_eq(wide.stx_blocks, (unsigned long long)narrow.st_blocks);
	ck_assert_uint_eq(wide.stx_blksize, PAGE);
	ck_assert_uint_eq(makedev(wide.stx_dev_major, wide.stx_dev_minor), narrow.st_dev);
	ck_assert_int_eq(wide.stx_mtime.tv_sec, narrow.st_mtim.tv_sec);
	ck_assert_int_eq(wide.stx_mtime.tv_nsec, narrow.st_mtim.tv_nsec);
	ck_assert_int_eq(wide.stx_ctime.tv_nsec, narrow.st_ctim.tv_nsec);
	ck_assert_int_eq(wide.stx_atime.tv_nsec, narrow.st_atim.tv_nsec);
}
END_TEST

static const int sync_flags[] = {AT_STATX_SYNC_AS_STAT, AT_STATX_FORCE_SYNC, AT_STATX_DONT_SYNC};

START_TEST(statx_sees_changes_whatever_its_flags)
{
	struct statx status;
	int fd = new_object("a", 0);

	for (int round = 1; round < 5; round++) {
		OK(ftruncate(fd, round * 1000));
		OK(statx(AT_FDCWD, "a", sync_flags[_i], all, &status));
		ck_assert_uint_eq(status.stx_size, (unsigned long long)round * 1000);
		OK(fchmod(fd, (mode_t)(0600 + round)));
		OK(statx(AT_FDCWD, "a", sync_flags[_i], STATX_MODE, &status));
		ck_assert_uint_eq(status.stx_mode, S_IFREG | (0600U + (unsigned)round));
	}
}
END_TEST

START_TEST(times_are_kept_to_the_nanosecond)
{
	static const struct timespec times[2] = {{1234567890, 123456789}, {4000000000, 999999999}};
	struct statx status;
	struct stat narrow;

	make_object("a", 10);
	OK(utimensat(AT_FDCWD, "a", times, 0));
	status = statx_of("a");
	narrow = status_of("a");
	ck_assert_int_eq(nanoseconds(&status.stx_atime), 1234567890123456789LL);
	ck_assert_int_eq(nanoseconds(&status.stx_mtime), 4000000000999999999LL);
	ck_assert_int_eq(narrow.st_atim.tv_nsec, 123456789);
	ck_assert_int_eq(narrow.st_mtim.tv_sec, 4000000000);
	ck_assert_int_eq(narrow.st_mtim.tv_nsec, 999999999);
}
END_TEST

/* The clock that nodes are stamped by, whose ticks may fall on whole milliseconds. */
static long long now_by_ticks(void)
{
	struct timespec time;

	OK(clock_gettime(CLOCK_REALTIME_COARSE, &time));
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

START_TEST(births_are_not_rounded)
{
	for (int i = 0; i < 5; i++) {
		long long before = now_by_ticks();
		char name[16];

		snprintf(name, sizeof(name), "a%d", i);
		make_object(name, 0);
		expect_born(name, before, now());
		pause_ms(TICK_MS);
	}
}
END_TEST

/* The kernel says 0 of what it does not ask for. */
START_TEST(no_birth_is_told_where_the_kernel_does_not_ask_for_it)
{
	struct statx status;

	make_object("a", 0);
	OK(statx(AT_FDCWD, "a", 0, STATX_BASIC_STATS | STATX_BTIME, &status));
	ck_assert_uint_eq(status.stx_mask & (STATX_BASIC_STATS | STATX_BTIME), STATX_BASIC_STATS);
}
END_TEST

static void add_births(TCase *tcase)
{
	all |= STATX_BTIME;
	tcase_add_loop_test(
	    tcase, every_node_is_born_when_it_is_made, 0, sizeof(makers) / sizeof(makers[0]));
	tcase_add_test(tcase, the_root_was_born_with_the_mount);
	tcase_add_test(tcase, nothing_moves_the_birth_of_an_object);
	tcase_add_test(tcase, nothing_moves_the_birth_of_a_directory);
	tcase_add_test(tcase, a_replaced_name_has_the_birth_of_the_new_object);
	tcase_add_test(tcase, an_unlinked_object_keeps_its_birth);
	tcase_add_test(tcase, births_are_not_rounded);
}

void add_statx_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "statx", NULL);

	if (fixture_is_tmpfs() || kernel_asks_statx())
		add_births(tcase);
	else
		tcase_add_test(tcase, no_birth_is_told_where_the_kernel_does_not_ask_for_it);
	tcase_add_test(tcase, statx_and_stat_say_the_same);
	tcase_add_loop_test(tcase, statx_sees_changes_whatever_its_flags, 0,
	    sizeof(sync_flags) / sizeof(sync_flags[0]));
	tcase_add_test(tcase, times_are_kept_to_the_nanosecond);
}
