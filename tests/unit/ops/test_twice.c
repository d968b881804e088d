/* SPDX-License-Identifier: BSD-2-Clause */
/* A request that is served again: what it has done to memory is not done a second time. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>

#include "harness.h"
#include "suites.h"

enum { LARGE = 100 };

static struct shmfs *fs;
static uint64_t id, handle;
static struct shmfs_done done;
static int mode; /* which of modes[] */

static void begin(const char *name, uint64_t size)
{
	struct shmfs_config config = small_config();

	config.deferred_free_min = 50 * PAGE;
	fs = open_with(config);
	done = (struct shmfs_done){0};
	id = new_object(fs, SHMFS_ROOT, name);
	resize(fs, id, size);
	handle = open_object(fs, id, O_RDWR);
}

/* A server that dies after this: nothing of it is final. */
#define DIES(request, result, call)                                                                \
	do {                                                                                       \
		shmfs_begin(fs);                                                                   \
		shmfs_set_done(fs, &done, (request));                                              \
		GIVES((result), (call));                                                           \
		shmfs_rollback(fs);                                                                \
		check_namespace(fs);                                                               \
	} while (0)

/* The same to its end. */
#define SERVED(request, result, call)                                                              \
	do {                                                                                       \
		shmfs_begin(fs);                                                                   \
		shmfs_set_done(fs, &done, (request));                                              \
		GIVES((result), end_transaction(fs, (call)));                                      \
	} while (0)

static int64_t write_b(size_t size, uint64_t offset)
{
	char bytes[20000];

	memset(bytes, 'b', sizeof bytes);
	return shmfs_write(fs, ALICE, handle, bytes, size, offset);
}

START_TEST(what_others_stored_behind_a_write_stays)
{
	begin("a", 5000);
	write_bytes(fs, handle, 'a', 5000, 0);
	DIES(7, 3000, write_b(3000, 1000));
	write_bytes(fs, handle, 'c', 10, 2000);
	SERVED(7, 3000, write_b(3000, 1000));
	expect_bytes(fs, handle, 'b', 1000, 1000);
	expect_bytes(fs, handle, 'c', 10, 2000);
	expect_bytes(fs, handle, 'b', 1990, 2010);
	/* Another request is another write. */
	SERVED(8, 3000, write_b(3000, 1000));
	expect_bytes(fs, handle, 'b', 3000, 1000);
	expect_bytes(fs, handle, 'a', 1000, 0);
	close_checked(fs);
}
END_TEST

START_TEST(of_a_write_that_came_half_way_the_rest_is_written)
{
	begin("a", 5000);
	outside->write_at_most = 1000;
	DIES(7, 1000, write_b(3000, 0));
	outside->write_at_most = 0;
	write_bytes(fs, handle, 'c', 10, 0);
	SERVED(7, 3000, write_b(3000, 0));
	expect_bytes(fs, handle, 'c', 10, 0);
	expect_bytes(fs, handle, 'b', 2990, 10);
	close_checked(fs);
}
END_TEST

/* A rollback takes the size back, and with it the bytes behind it, which nobody has seen. */
START_TEST(what_a_write_stored_behind_the_end_is_stored_again)
{
	begin("sem.a", 1000);
	DIES(7, 9000, write_b(9000, 500));
	REQUIRE_SAME(1000, attributes(fs, id).size);
	write_bytes(fs, handle, 'c', 10, 600);
	SERVED(7, 9000, write_b(9000, 500));
	expect_bytes(fs, handle, 'b', 100, 500);
	expect_bytes(fs, handle, 'c', 10, 600);
	expect_bytes(fs, handle, 'b', 8890, 610);
	SERVED(9, 100, write_b(100, 20000));
	DIES(10, 100, write_b(100, 30000));
	SERVED(10, 100, write_b(100, 30000));
	expect_bytes(fs, handle, 'b', 100, 30000);
	close_checked(fs);
}
END_TEST

START_TEST(a_write_that_failed_is_made)
{
	begin("a", 5000);
	outside_fail(1, ENOMEM, false);
	DIES(7, -ENOMEM, write_b(3000, 0));
	outside_fail(0, 0, false);
	SERVED(7, 3000, write_b(3000, 0));
	expect_bytes(fs, handle, 'b', 3000, 0);
	close_checked(fs);
}
END_TEST

static int64_t copy(uint64_t from, uint64_t to, size_t size)
{
	static char buffer[20000];

	return shmfs_copy(fs, ALICE, &(struct shmfs_range){handle, from},
	    &(struct shmfs_range){handle, to}, buffer, size);
}

START_TEST(what_others_stored_behind_a_copy_stays)
{
	begin("a", 5000);
	write_bytes(fs, handle, 'b', 1000, 0);
	DIES(7, 1000, copy(0, 2000, 1000));
	write_bytes(fs, handle, 'c', 10, 2100);
	SERVED(7, 1000, copy(0, 2000, 1000));
	expect_bytes(fs, handle, 'b', 100, 2000);
	expect_bytes(fs, handle, 'c', 10, 2100);
	expect_bytes(fs, handle, 'b', 890, 2110);
	close_checked(fs);
}
END_TEST

static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};

static int64_t zero(uint64_t from, uint64_t to)
{
	return shmfs_fallocate(fs, ALICE, handle, modes[mode], from, to - from);
}

START_TEST(what_others_stored_in_a_hole_stays)
{
	begin("a", 9 * PAGE);
	mode = _i;
	write_bytes(fs, handle, 'a', 9 * PAGE, 0);
	DIES(7, 0, zero(100, 8 * PAGE));
	write_bytes(fs, handle, 'c', 10, 200);
	write_bytes(fs, handle, 'c', 10, 3 * PAGE);
	SERVED(7, 0, zero(100, 8 * PAGE));
	expect_bytes(fs, handle, 'c', 10, 200);
	expect_bytes(fs, handle, 'c', 10, 3 * PAGE);
	expect_bytes(fs, handle, 0, 3 * PAGE - 210, 210);
	close_checked(fs);
}
END_TEST

static void fill(char byte)
{
	for (uint64_t page = 0; page < LARGE; page++)
		write_bytes(fs, handle, byte, PAGE, page * PAGE);
}

/* Its inner pages are freed later, by which time it is final; its ends are zeroed before. */
START_TEST(what_others_stored_at_the_ends_of_a_large_hole_stays)
{
	begin("a", LARGE * PAGE);
	mode = _i;
	fill('a');
	DIES(7, 0, zero(100, LARGE * PAGE - 100));
	write_bytes(fs, handle, 'c', 10, 200);
	write_bytes(fs, handle, 'c', 10, LARGE * PAGE - 200);
	SERVED(7, 0, zero(100, LARGE * PAGE - 100));
	while (shmfs_free_step(fs, LARGE))
		;
	expect_bytes(fs, handle, 'c', 10, 200);
	expect_bytes(fs, handle, 'c', 10, LARGE * PAGE - 200);
	expect_bytes(fs, handle, 0, PAGE, 50 * PAGE);
	expect_bytes(fs, handle, 'a', 100, LARGE * PAGE - 100);
	close_checked(fs);
}
END_TEST

/* The caller waits, and the server dies when half of it is free. */
START_TEST(a_large_hole_that_is_asked_for_again_goes_on_where_it_was)
{
	begin("a", LARGE * PAGE);
	mode = _i;
	fill('a');
	SERVED(7, 0, zero(0, LARGE * PAGE));
	ck_assert(shmfs_free_step(fs, 20));
	write_bytes(fs, handle, 'c', PAGE, 0);
	write_bytes(fs, handle, 'c', PAGE, 20 * PAGE);
	fs = take_up(fs);
	SERVED(7, 0, zero(0, LARGE * PAGE));
	shmfs_recovered(fs);
	ck_assert(shmfs_is_freeing(fs, id));
	while (shmfs_free_step(fs, 20))
		;
	expect_bytes(fs, handle, 'c', PAGE, 0);
	for (uint64_t page = 40; page < LARGE; page++)
		expect_bytes(fs, handle, 0, PAGE, page * PAGE);
	ck_assert(!shmfs_is_freeing(fs, id));
	close_checked(fs);
}
END_TEST

Suite *twice_suite(void)
{
	Suite *suite = suite_create("twice");
	TCase *tests = harness_case(suite, "twice");

	tcase_add_test(tests, what_others_stored_behind_a_write_stays);
	tcase_add_test(tests, of_a_write_that_came_half_way_the_rest_is_written);
	tcase_add_test(tests, what_a_write_stored_behind_the_end_is_stored_again);
	tcase_add_test(tests, a_write_that_failed_is_made);
	tcase_add_test(tests, what_others_stored_behind_a_copy_stays);
	tcase_add_loop_test(tests, what_others_stored_in_a_hole_stays, 0, 2);
	tcase_add_loop_test(tests, what_others_stored_at_the_ends_of_a_large_hole_stays, 0, 2);
	tcase_add_loop_test(tests, a_large_hole_that_is_asked_for_again_goes_on_where_it_was, 0, 2);
	return suite;
}
