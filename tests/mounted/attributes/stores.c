/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Times and mappings: a store moves them where mappings are of the object's own pages, and what the
 * daemon does to these pages by itself does not.
 */
#include <check.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

/* More than a tick of the kernel's coarse clock; and longer than attributes are remembered. */
enum { TICK_MS = 15, REMEMBERED_MS = 1100 };

enum { PAGES = 16, SIZE = PAGES * PAGE, LARGE = 64 << 20 };

/* A mount on which large memory is freed some time after it was cut off. */
static void start_large_mount(void)
{
	shared_mount = mount_start("size=256m,grow=+grows*");
}

static struct statx status_by(const char *name, int how)
{
	struct statx status;

	OK(statx(AT_FDCWD, name, how, STATX_BASIC_STATS, &status));
	return status;
}

/* Not as the kernel remembers it. */
static struct statx look(const char *name)
{
	return status_by(name, AT_STATX_FORCE_SYNC);
}

static struct statx look_then_tick(const char *name)
{
	struct statx status = look(name);

	pause_ms(TICK_MS);
	return status;
}

static bool is_same(struct statx_timestamp left, struct statx_timestamp right)
{
	return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

static bool is_later(struct statx_timestamp left, struct statx_timestamp right)
{
	return left.tv_sec > right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec > right.tv_nsec);
}

static void expect_moved(const struct statx *before, const struct statx *after)
{
	if (!fixture_maps_natively()) {
		ck_assert(is_same(after->stx_mtime, before->stx_mtime));
		ck_assert(is_same(after->stx_ctime, before->stx_ctime));
		return;
	}
	ck_assert(is_later(after->stx_mtime, before->stx_mtime));
	ck_assert(is_later(after->stx_ctime, before->stx_ctime));
}

START_TEST(the_first_store_to_a_page_moves_mtime_and_ctime)
{
	unsigned char *map = map_object(new_object("a", SIZE), SIZE, PROT_READ | PROT_WRITE);

	for (int page = 0; page < PAGES; page++) {
		struct statx before = look_then_tick("a"), after;

		map[page * PAGE] = 1;
		after = look("a");
		expect_moved(&before, &after);
	}
	unmap(map, SIZE);
}
END_TEST

START_TEST(stat_tells_of_a_store_within_a_second)
{
	unsigned char *map = map_object(new_object("a", SIZE), SIZE, PROT_READ | PROT_WRITE);
	struct stat before = status_of("a"), after;

	pause_ms(TICK_MS);
	map[0] = 1;
	pause_ms(REMEMBERED_MS);
	after = status_of("a");
	ck_assert_int_eq(after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
			     after.st_mtim.tv_nsec != before.st_mtim.tv_nsec,
	    fixture_maps_natively());
	unmap(map, SIZE);
}
END_TEST

/* Until then, nobody could have stored anything. */
START_TEST(a_time_that_was_set_stays_when_the_object_is_opened)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000, .tv_nsec = 7}};
	struct statx status;

	OK(mknod("a", S_IFREG | 0600, 0));
	OK(truncate("a", SIZE));
	OK(utimensat(AT_FDCWD, "a", times, 0));
	for (int i = 0; i < 2; i++) {
		status = look("a");
		ck_assert_int_eq(status.stx_mtime.tv_sec, 1000);
		ck_assert_uint_eq(status.stx_mtime.tv_nsec, 7);
		OK(close(OK(open("a", O_RDWR))));
	}
}
END_TEST

START_TEST(a_time_that_was_set_stays_until_the_next_store)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000, .tv_nsec = 7}};
	int fd = new_object("a", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
	struct statx before, after;

	map[0] = 1;
	OK(futimens(fd, times));
	before = look_then_tick("a");
	ck_assert_int_eq(before.stx_mtime.tv_sec, 1000);
	ck_assert_uint_eq(before.stx_mtime.tv_nsec, 7);
	map[PAGE] = 1;
	after = look("a");
	expect_moved(&before, &after);
	unmap(map, SIZE);
}
END_TEST

START_TEST(loads_move_neither)
{
	volatile unsigned char *map = map_object(new_object("a", SIZE), SIZE, PROT_READ);
	struct statx before = look_then_tick("a"), after;

	for (int page = 0; page < PAGES; page++)
		(void)map[page * PAGE];
	after = look("a");
	ck_assert(is_same(after.stx_mtime, before.stx_mtime));
	ck_assert(is_same(after.stx_ctime, before.stx_ctime));
}
END_TEST

/* --- what is done to memory when nobody stores --------------------------------------------------
 */

static void shrink(int fd)
{
	OK(ftruncate(fd, PAGE));
}

static void shrink_into_a_page(int fd)
{
	OK(ftruncate(fd, LARGE - PAGE / 2));
}

static void empty_and_grow(int fd)
{
	OK(ftruncate(fd, 0));
	OK(ftruncate(fd, PAGE));
}

static void grow(int fd)
{
	OK(ftruncate(fd, LARGE + PAGE));
}

static void grow_by_write(int fd)
{
	GIVES(PAGE, pwrite(fd, (char[PAGE]){1}, PAGE, LARGE));
}

static void write_some(int fd)
{
	GIVES(PAGE, pwrite(fd, (char[PAGE]){1}, PAGE, PAGE));
}

static void punch_much(int fd)
{
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, LARGE - 10 * PAGE));
}

static void punch_little(int fd)
{
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, PAGE));
}

static void allocate(int fd)
{
	OK(fallocate(fd, 0, 0, LARGE + PAGE));
}

static void change_mode(int fd)
{
	OK(fchmod(fd, 0640));
}

static void open_once_more(int fd)
{
	char byte;
	int other = OK(open("grows", O_RDWR | O_CLOEXEC));

	(void)fd;
	GIVES(1, read(other, &byte, 1));
	OK(close(other));
}

static void (*const changes[])(int fd) = {shrink, shrink_into_a_page, empty_and_grow, grow,
    grow_by_write, write_some, punch_much, punch_little, allocate, change_mode, open_once_more};
enum { CHANGES = sizeof changes / sizeof changes[0] };

START_TEST(times_stay_once_a_change_is_made)
{
	int fd = new_object("grows", LARGE);
	unsigned char *map = map_object(fd, LARGE, PROT_READ | PROT_WRITE);
	struct statx before, after;

	memset(map, 1, LARGE);
	pause_ms(TICK_MS);
	changes[_i](fd);
	/* What the change was answered with is remembered. */
	before = status_by("grows", 0);
	for (int i = 0; i < 10; i++) {
		pause_ms(TICK_MS);
		after = look("grows");
		ck_assert(is_same(after.stx_mtime, before.stx_mtime));
		ck_assert(is_same(after.stx_ctime, before.stx_ctime));
	}
	unmap(map, LARGE);
}
END_TEST

void add_store_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "stores", start_large_mount);

	tcase_set_tags(tcase, "busy");
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, the_first_store_to_a_page_moves_mtime_and_ctime);
	tcase_add_test(tcase, stat_tells_of_a_store_within_a_second);
	tcase_add_test(tcase, a_time_that_was_set_stays_when_the_object_is_opened);
	tcase_add_test(tcase, a_time_that_was_set_stays_until_the_next_store);
	tcase_add_test(tcase, loads_move_neither);
	tcase_add_loop_test(tcase, times_stay_once_a_change_is_made, 0, CHANGES);
}
