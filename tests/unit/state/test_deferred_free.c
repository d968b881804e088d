/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is freed later: when, by whom, and what others see meanwhile. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/deferred_free.h"
#include "harness.h"
#include "suites.h"

enum { LARGE = 100, LEAST = 50, PIECE_PAGES = 64, LIMIT = 150 };

static uint64_t bytes(uint64_t pages)
{
	return pages * PAGE;
}

static struct shmfs *open_limited(uint64_t pages)
{
	struct shmfs_config config = small_config();

	test_memory_is_small();
	config.deferred_free_min = bytes(LEAST);
	config.size_limit = bytes(pages);
	return open_with(config);
}

/* An object with every page written, open for reading and writing, which the caller does not refer
 * to. */
static uint64_t written(struct shmfs *fs, const char *name, uint64_t pages, uint64_t *handle)
{
	uint64_t id = new_object(fs, SHMFS_ROOT, name);

	resize(fs, id, bytes(pages));
	*handle = open_object(fs, id, O_RDWR);
	for (uint64_t i = 0; i < pages; i++)
		write_bytes(fs, *handle, 'x', PAGE, bytes(i));
	forget(fs, id, 1);
	return id;
}

static uint64_t pages_of(const struct shmfs *fs, uint64_t id)
{
	struct stat st;

	ck_assert_int_eq(fstat(node_get(fs, id)->object.fd, &st), 0);
	return (uint64_t)st.st_blocks / (PAGE / 512);
}

static unsigned free_to_the_end(struct shmfs *fs)
{
	unsigned steps = 1;

	for (; shmfs_free_step(fs, PIECE_PAGES); steps++)
		check_namespace(fs);
	check_namespace(fs);
	return steps;
}

START_TEST(a_large_object_that_ends_is_freed_in_pieces)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	TX_VOID(fs, shmfs_forget(fs, id, 10));
	/* To everybody else it is gone. */
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	ck_assert_uint_eq(deferred_pages(fs), LARGE);
	ck_assert_uint_eq(outside->books.memories, 1);
	ck_assert(shmfs_free_step(fs, PIECE_PAGES));
	ck_assert_uint_eq(deferred_pages(fs), LARGE - PIECE_PAGES);
	ck_assert_uint_eq(free_to_the_end(fs), 2);
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert(!shmfs_free_step(fs, PIECE_PAGES));
	close_checked(fs);
}
END_TEST

START_TEST(a_small_one_is_freed_at_once)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle;

	(void)written(fs, "a", LEAST - 1, &handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert(!shmfs_free_step(fs, PIECE_PAGES));
	(void)written(fs, "b", LEAST, &handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	release(fs, handle);
	ck_assert_uint_eq(outside->books.memories, 1);
	(void)free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

/* Who has it mapped keeps what they see. */
START_TEST(memory_that_is_in_use_is_not_emptied)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);
	int fd = dup(node_get(fs, id)->object.fd);
	struct stat st;

	outside->in_use = true;
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	TX_VOID(fs, shmfs_forget(fs, id, 10));
	ck_assert(!shmfs_free_step(fs, PIECE_PAGES));
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq((uint64_t)st.st_blocks, bytes(LARGE) / 512);
	close(fd);
	outside->in_use = false;
	close_checked(fs);
}
END_TEST

START_TEST(a_shrink_is_done_when_its_pages_are_gone)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);
	struct stat st;

	resize(fs, id, 100);
	ck_assert(shmfs_is_freeing(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	ck_assert_uint_eq(pages_of(fs, id), LARGE);
	(void)free_to_the_end(fs);
	ck_assert(!shmfs_is_freeing(fs, id));
	ck_assert_uint_eq(pages_of(fs, id), 1);
	ck_assert_int_eq(fstat(node_get(fs, id)->object.fd, &st), 0);
	ck_assert_int_eq(st.st_size, 100);
	expect_bytes(fs, handle, 'x', 100, 0);
	resize(fs, id, bytes(2));
	expect_bytes(fs, handle, 0, bytes(2) - 100, 100);
	close_checked(fs);
}
END_TEST

/* As when the one who shrank it was killed, and its request with it. */
START_TEST(growing_in_the_midst_of_a_shrink_gives_zeros)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);

	resize(fs, id, 100);
	ck_assert(shmfs_free_step(fs, PIECE_PAGES));
	resize(fs, id, bytes(LARGE));
	ck_assert(!shmfs_is_freeing(fs, id));
	expect_bytes(fs, handle, 'x', 100, 0);
	for (int i = 1; i < LARGE; i++)
		expect_bytes(fs, handle, 0, PAGE, bytes((uint64_t)i));
	ck_assert(!shmfs_free_step(fs, PIECE_PAGES));
	close_checked(fs);
}
END_TEST

START_TEST(a_growth_that_is_undone_leaves_the_shrink_to_do)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);
	const struct shmfs_change change = {.what = SHMFS_CHANGE_SIZE, .size = bytes(20)};
	struct shmfs_attr attr;

	resize(fs, id, 100);
	shmfs_begin(fs);
	GIVES(0, shmfs_setattr(fs, id, &change, &attr));
	shmfs_rollback(fs);
	check_namespace(fs);
	ck_assert(shmfs_is_freeing(fs, id));
	(void)free_to_the_end(fs);
	ck_assert_uint_eq(pages_of(fs, id), 1);
	close_checked(fs);
}
END_TEST

START_TEST(an_object_that_ends_while_it_shrinks_is_freed_in_pieces)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);

	resize(fs, id, 0);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	TX_VOID(fs, shmfs_forget(fs, id, 10));
	ck_assert_uint_eq(deferred_pages(fs), LARGE);
	ck_assert_uint_eq(free_to_the_end(fs), 3);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

static const int hole_modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};

START_TEST(a_hole_is_exact_to_the_byte)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);
	uint64_t from = 5000, to = bytes(LARGE) - 5000;

	GIVES(0, TX(fs, shmfs_fallocate(fs, ALICE, handle, hole_modes[_i], from, to - from)));
	ck_assert(shmfs_is_freeing(fs, id));
	(void)free_to_the_end(fs);
	ck_assert(!shmfs_is_freeing(fs, id));
	expect_bytes(fs, handle, 'x', from, 0);
	for (uint64_t at = from; at < to; at += 1000)
		expect_bytes(fs, handle, 0, to - at < 1000 ? to - at : 1000, at);
	expect_bytes(fs, handle, 'x', 5000, to);
	ck_assert_uint_eq(pages_of(fs, id), 2 * PAGES(5000));
	close_checked(fs);
}
END_TEST

/* Nobody was told that it is there, and what is written from now on must stay. */
START_TEST(a_hole_that_nobody_asks_for_again_does_not_outlive_the_process)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, id = written(fs, "a", LARGE, &handle);

	GIVES(0, TX(fs, shmfs_fallocate(fs, ALICE, handle, hole_modes[0], 0, bytes(LARGE))));
	fs = take_up(fs);
	shmfs_recovered(fs);
	check_namespace(fs);
	ck_assert(!shmfs_is_freeing(fs, id));
	write_bytes(fs, handle, 'y', PAGE, bytes(50));
	ck_assert(!shmfs_free_step(fs, PIECE_PAGES));
	expect_bytes(fs, handle, 'y', PAGE, bytes(50));
	close_checked(fs);
}
END_TEST

START_TEST(ends_and_shrinks_outlive_it)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t a, b, id = written(fs, "a", 60, &a);

	(void)written(fs, "b", 70, &b);
	resize(fs, id, 1);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	release(fs, b);
	ck_assert(shmfs_free_step(fs, PIECE_PAGES));
	fs = take_up(fs);
	ck_assert(shmfs_is_freeing(fs, id));
	(void)free_to_the_end(fs);
	ck_assert_uint_eq(pages_of(fs, id), 1);
	ck_assert_uint_eq(outside->books.memories, 1);
	close_checked(fs);
}
END_TEST

/* --- with somebody else who frees ------------------------------------------------------------- */

/* What is done with a range, up to a page. */
static void free_up_to(const struct shmfs_free_range *range, uint64_t end)
{
	GIVES(0, shmfs_os_linux()->punch(NULL, range->fd, range->begin, bytes(end) - range->begin));
	*range->freed_to = bytes(end);
}

/* An object that was cut to so many bytes, in whose memory somebody else is at work. */
static uint64_t shrinking(
    struct shmfs **fs, uint64_t size, uint64_t *handle, struct shmfs_free_range *range)
{
	uint64_t id;

	*fs = open_limited(LIMIT);
	id = written(*fs, "a", LARGE, handle);
	ck_assert(!shmfs_free_begin(*fs, range));
	resize(*fs, id, size);
	ck_assert(shmfs_free_begin(*fs, range));
	return id;
}

static void end_shrinking(struct shmfs *fs)
{
	(void)free_to_the_end(fs);
	close_checked(fs);
}

START_TEST(somebody_else_may_free_it)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle, id = shrinking(&fs, 100, &handle, &range);

	ck_assert_int_eq(range.fd, node_get(fs, id)->object.fd);
	ck_assert_uint_eq(range.begin, bytes(1));
	ck_assert_uint_eq(range.end, bytes(LARGE));
	free_up_to(&range, 50);
	shmfs_free_end(fs);
	ck_assert(shmfs_is_freeing(fs, id));
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, bytes(50));
	free_up_to(&range, LARGE);
	shmfs_free_end(fs);
	ck_assert(!shmfs_free_begin(fs, &range));
	ck_assert(!shmfs_is_freeing(fs, id));
	ck_assert_uint_eq(pages_of(fs, id), 1);
	ck_assert_uint_eq(outside->quiesced, 0);
	close_checked(fs);
}
END_TEST

/* Who frees a part of one has it split. */
START_TEST(huge_pages_go_as_a_whole)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle;

	(void)shrinking(&fs, 100, &handle, &range);
	outside->piece = bytes(16);
	for (uint64_t end = 16; end < LARGE; end += 16) {
		ck_assert(shmfs_free_pages(outside_os(), &range, 1));
		ck_assert_uint_eq(range.begin, bytes(end));
	}
	shmfs_free_end(fs);
	end_shrinking(fs);
}
END_TEST

START_TEST(what_is_freed_already_is_passed_over)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle;

	(void)shrinking(&fs, 0, &handle, &range);
	free_up_to(&range, 70);
	/* It was killed, and the next one begins anew. */
	fs = take_up(fs);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, bytes(70));
	shmfs_free_end(fs);
	end_shrinking(fs);
}
END_TEST

START_TEST(growing_ends_his_work)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle, id = shrinking(&fs, 100, &handle, &range);

	free_up_to(&range, 5);
	resize(fs, id, bytes(10));
	ck_assert_uint_eq(outside->quiesced, 1);
	ck_assert(!shmfs_is_freeing(fs, id));
	for (int i = 1; i < 10; i++)
		expect_bytes(fs, handle, 0, PAGE, bytes((uint64_t)i));
	/* Word that comes late is about nothing any more. */
	shmfs_free_end(fs);
	ck_assert(!shmfs_free_pending(fs));
	close_checked(fs);
}
END_TEST

START_TEST(the_end_of_the_object_ends_his_work)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle;

	(void)shrinking(&fs, 100, &handle, &range);
	free_up_to(&range, 50);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	ck_assert_uint_eq(outside->quiesced, 1);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, 0);
	shmfs_free_end(fs);
	(void)free_to_the_end(fs);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(room_that_is_granted_ends_his_work)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, other;
	struct shmfs_free_range range;

	(void)written(fs, "a", LARGE, &handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	ck_assert(shmfs_free_begin(fs, &range));
	free_up_to(&range, 20);
	other = new_object(fs, SHMFS_ROOT, "b");
	resize(fs, other, bytes(LARGE));
	ck_assert_uint_eq(outside->quiesced, 1);
	ck_assert_uint_eq(deferred_pages(fs), 0);
	end_shrinking(fs);
}
END_TEST

START_TEST(who_frees_it_here_ends_his_work)
{
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle;

	(void)shrinking(&fs, 0, &handle, &range);
	ck_assert(shmfs_free_step(fs, PIECE_PAGES));
	ck_assert_uint_eq(outside->quiesced, 1);
	(void)free_to_the_end(fs);
	ck_assert_uint_eq(outside->quiesced, 1);
	close_checked(fs);
}
END_TEST

START_TEST(the_work_at_one_object_is_not_ended_for_another)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t a, b, first = written(fs, "a", 60, &a), second = written(fs, "b", 60, &b);
	struct shmfs_free_range range;

	resize(fs, first, 1);
	resize(fs, second, 1);
	ck_assert(shmfs_free_begin(fs, &range));
	resize(fs, second, bytes(10));
	ck_assert_uint_eq(outside->quiesced, 0);
	shmfs_free_end(fs);
	end_shrinking(fs);
}
END_TEST

START_TEST(what_is_granted_can_be_touched)
{
	struct shmfs *fs = open_limited(LIMIT);
	uint64_t handle, other;

	(void)written(fs, "a", LARGE, &handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	other = new_object(fs, SHMFS_ROOT, "b");
	resize(fs, other, bytes(LIMIT - LARGE));
	ck_assert_uint_eq(deferred_pages(fs), LARGE);
	resize(fs, other, bytes(LIMIT - LARGE + 1));
	ck_assert_uint_eq(deferred_pages(fs), 0);
	ck_assert_uint_eq(usage(fs).used_pages, LIMIT - LARGE + 1);
	(void)free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

/* Who is granted a little does not wait until all of something large is free. */
START_TEST(only_what_would_be_too_much_is_freed_first)
{
	enum { FREED = 3000, MOST = 3500, ASKED = 600 };
	struct shmfs *fs = open_limited(MOST);
	uint64_t handle, other;

	(void)written(fs, "a", FREED, &handle);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, handle);
	other = new_object(fs, SHMFS_ROOT, "b");
	resize(fs, other, bytes(ASKED));
	ck_assert_uint_le(deferred_pages(fs), MOST - ASKED);
	ck_assert_uint_gt(deferred_pages(fs), FREED / 2);
	(void)free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

Suite *deferred_free_suite(void)
{
	Suite *suite = suite_create("deferred free");
	TCase *tests = harness_case(suite, "deferred free");

	tcase_add_test(tests, a_large_object_that_ends_is_freed_in_pieces);
	tcase_add_test(tests, a_small_one_is_freed_at_once);
	tcase_add_test(tests, memory_that_is_in_use_is_not_emptied);
	tcase_add_test(tests, a_shrink_is_done_when_its_pages_are_gone);
	tcase_add_test(tests, growing_in_the_midst_of_a_shrink_gives_zeros);
	tcase_add_test(tests, a_growth_that_is_undone_leaves_the_shrink_to_do);
	tcase_add_test(tests, an_object_that_ends_while_it_shrinks_is_freed_in_pieces);
	tcase_add_loop_test(tests, a_hole_is_exact_to_the_byte, 0, 2);
	tcase_add_test(tests, a_hole_that_nobody_asks_for_again_does_not_outlive_the_process);
	tcase_add_test(tests, ends_and_shrinks_outlive_it);
	tcase_add_test(tests, somebody_else_may_free_it);
	tcase_add_test(tests, huge_pages_go_as_a_whole);
	tcase_add_test(tests, what_is_freed_already_is_passed_over);
	tcase_add_test(tests, growing_ends_his_work);
	tcase_add_test(tests, the_end_of_the_object_ends_his_work);
	tcase_add_test(tests, room_that_is_granted_ends_his_work);
	tcase_add_test(tests, who_frees_it_here_ends_his_work);
	tcase_add_test(tests, the_work_at_one_object_is_not_ended_for_another);
	tcase_add_test(tests, what_is_granted_can_be_touched);
	tcase_add_test(tests, only_what_would_be_too_much_is_freed_first);
	return suite;
}
