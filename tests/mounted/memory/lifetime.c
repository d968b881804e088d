/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects in use by several processes: how long they live and are charged, and what they survive.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { PAGES = 16 };

static bool left_is(void *context)
{
	const unsigned long *want = context;

	return pages_left() == *want;
}

/* RELEASE is asynchronous, and the end of a mapping has to be found out by the daemon. */
static void expect_left_soon(unsigned long want)
{
	ck_assert_msg(within_a_second(left_is, &want),
	    "statfs f_bfree within a second: expected %lu, got %lu", want, pages_left());
}

START_TEST(an_unlinked_open_object_works_until_closed)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map;
	struct stat status;

	OK(unlink("a"));
	ck_assert(!exists("a"));
	OK(fstat(fd, &status));
	ck_assert_uint_eq(status.st_nlink, 0);
	ck_assert_int_eq(status.st_size, 2 * PAGE);
	write_pattern(fd, 0, 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
	FAILS(EFBIG, pwrite(fd, "x", 1, 2 * PAGE));
	OK(ftruncate(fd, 3 * PAGE));
	map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(map[PAGE], pattern_at(PAGE));
	map[2 * PAGE] = 9;
	OK(ftruncate(fd, 2 * PAGE));
	ck_assert(load_raises_sigbus(map + 2 * PAGE));
	OK(fchmod(fd, 0640));
	OK(fstat(fd, &status));
	ck_assert_int_eq(status.st_mode, S_IFREG | 0640);
}
END_TEST

START_TEST(a_new_object_of_the_same_name_is_another_one)
{
	int first = new_object("a", PAGE);
	int second;

	write_pattern(first, 0, PAGE);
	OK(unlink("a"));
	second = new_object("a", PAGE);
	expect_zeros(second, 0, PAGE);
	expect_pattern(first, 0, PAGE);
	OK(pwrite(second, "x", 1, 0));
	expect_pattern(first, 0, PAGE);
}
END_TEST

START_TEST(an_unlinked_object_is_charged_until_closed)
{
	unsigned long before = pages_left();
	int fd = new_object("a", PAGES * PAGE);
	int second = OK(open("a", O_RDONLY));

	ck_assert_uint_eq(pages_left(), before - PAGES);
	OK(unlink("a"));
	ck_assert_uint_eq(pages_left(), before - PAGES);
	OK(close(fd));
	pause_ms(50);
	ck_assert_uint_eq(pages_left(), before - PAGES);
	OK(close(second));
	expect_left_soon(before);
}
END_TEST

START_TEST(a_mapping_alone_keeps_an_unlinked_object_and_its_charge)
{
	unsigned long before = pages_left();
	int fd = new_object("a", PAGES * PAGE);
	unsigned char *map = map_object(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);
	unsigned char want[PAGES * PAGE];

	pattern(want, 0, sizeof(want));
	memcpy(map, want, sizeof(want));
	if (_i == 0)
		OK(unlink("a"));
	OK(close(fd));
	if (_i == 1)
		OK(unlink("a"));
	/* Longer than the daemon may take to notice that something was let go. */
	pause_ms(1200);
	ck_assert_uint_eq(pages_left(), before - PAGES);
	BYTES_EQUAL(want, map, sizeof(want));
	unmap(map, PAGES * PAGE);
	expect_left_soon(before);
}
END_TEST

static void hold_and_be_killed(void *context)
{
	int fd = OK(open("a", O_RDWR));
	unsigned char *map = map_object(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);

	(void)context;
	memset(map, 3, PAGES * PAGE);
	OK(kill(getpid(), SIGKILL));
}

START_TEST(the_charge_ends_with_the_process_that_held_it)
{
	unsigned long before = pages_left();
	int fd = new_object("a", PAGES * PAGE);
	int status = status_of_child(hold_and_be_killed, NULL);

	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	OK(unlink("a"));
	OK(close(fd));
	expect_left_soon(before);
}
END_TEST

START_TEST(what_a_named_object_holds_outlives_every_descriptor)
{
	unsigned long before = pages_left();
	int fd = new_object("a", PAGES * PAGE);
	unsigned char *map = map_object(fd, PAGES * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, PAGES * PAGE);
	unmap(map, PAGES * PAGE);
	OK(close(fd));
	pause_ms(50);
	ck_assert_uint_eq(pages_left(), before - PAGES);
	fd = OK(open("a", O_RDONLY));
	expect_pattern(fd, 0, PAGES * PAGE);
}
END_TEST

static void live_through_many_objects(void *context)
{
	char *name = context;

	for (int round = 0; round < 40; round++) {
		int fd = new_object(name, 4 * PAGE + round);
		unsigned char *map = map_object(fd, 4 * PAGE, PROT_READ | PROT_WRITE);

		write_pattern(fd, round, 3 * PAGE);
		ck_assert_int_eq(map[round], pattern_at(round));
		map[0] = (unsigned char)name[0];
		OK(ftruncate(fd, 2 * PAGE));
		expect_pattern(fd, round + 1, PAGE);
		ck_assert_int_eq(map[0], name[0]);
		unmap(map, 4 * PAGE);
		OK(close(fd));
		OK(unlink(name));
	}
}

START_TEST(processes_with_their_own_objects_do_not_disturb_each_other)
{
	char names[6][2] = {"a", "b", "c", "d", "e", "f"};
	pid_t children[6];

	for (int i = 0; i < 6; i++)
		children[i] = start_child(live_through_many_objects, names[i]);
	for (int i = 0; i < 6; i++)
		end_child(children[i]);
}
END_TEST

enum { BIG = 1024 * 1024 };

static void shrink_and_grow(void *context)
{
	(void)context;
	for (int round = 0; round < 400; round++) {
		OK(truncate("a", round % 3 == 0 ? 0 : round * 100));
		OK(truncate("a", BIG));
	}
}

static void transfer_once(int fd, unsigned char *data)
{
	ssize_t length = pwrite(fd, data, BIG, 0);

	if (length == -1)
		FAILS(EFBIG, length);
	length = OK(pread(fd, data, BIG, 0));
	for (ssize_t i = 0; i < length; i++)
		if (data[i] != 0 && data[i] != 0x55)
			ck_abort_msg("byte %zd: expected 0 or 0x55, got 0x%02x", i, data[i]);
	memset(data, 0x55, BIG);
}

/* The daemon copies while another process cuts the pages off under the copy. */
START_TEST(transfers_go_on_while_the_object_shrinks_and_grows)
{
	static unsigned char data[BIG];
	int fd = new_object("a", BIG);
	pid_t child;

	memset(data, 0x55, BIG);
	child = start_child(shrink_and_grow, NULL);
	for (int i = 0; i < 60; i++)
		transfer_once(fd, data);
	end_child(child);
	ck_assert_int_eq(size_of(fd), BIG);
}
END_TEST

void add_lifetime_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "lifetime", NULL);

	tcase_add_test(tcase, an_unlinked_open_object_works_until_closed);
	tcase_add_test(tcase, a_new_object_of_the_same_name_is_another_one);
	tcase_add_test(tcase, an_unlinked_object_is_charged_until_closed);
	tcase_add_loop_test(tcase, a_mapping_alone_keeps_an_unlinked_object_and_its_charge, 0, 2);
	tcase_add_test(tcase, the_charge_ends_with_the_process_that_held_it);
	tcase_add_test(tcase, what_a_named_object_holds_outlives_every_descriptor);
	tcase_add_test(tcase, processes_with_their_own_objects_do_not_disturb_each_other);
	tcase_add_test(tcase, transfers_go_on_while_the_object_shrinks_and_grows);
}
