/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is freed later: in whose turn. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>

#include "fs/state/deferred_free.h"
#include "harness.h"
#include "suites.h"

enum { LEAST = 50, TURN = 64 << 20 };

static struct shmfs *open_in_pieces(void)
{
	struct shmfs_config config = small_config();

	config.deferred_free_min = LEAST * PAGE;
	return open_with(config);
}

static void free_to_the_end(struct shmfs *fs)
{
	while (shmfs_free_step(fs, LEAST))
		check_namespace(fs);
}

static uint64_t written_by(
    struct shmfs *fs, const struct shmfs_cred *cred, const char *name, uint64_t *handle)
{
	struct shmfs_attr attr;
	struct shmfs_opened opened;
	const struct shmfs_change change = {
	    .what = SHMFS_CHANGE_SIZE, .by = *cred, .size = LEAST * PAGE};

	GIVES(0, TX(fs, shmfs_create(fs, cred, SHMFS_ROOT, name, 0600, O_RDWR, &attr, &opened)));
	*handle = opened.handle;
	GIVES(0, TX(fs, shmfs_setattr(fs, attr.id, &change, &attr)));
	for (uint64_t i = 0; i < LEAST; i++)
		write_bytes(fs, *handle, 'x', PAGE, i * PAGE);
	return attr.id;
}

static void shrink(struct shmfs *fs, uint64_t id)
{
	resize(fs, id, 0);
	ck_assert(shmfs_is_freeing(fs, id));
}

/* One with many objects, and another who comes later with one. */
START_TEST(users_take_turns)
{
	struct shmfs *fs = open_in_pieces();
	uint64_t id[5], handle[5];

	for (int i = 0; i < 4; i++)
		id[i] = written_by(fs, ALICE, (const char *[]){"a", "b", "c", "d"}[i], &handle[i]);
	id[4] = written_by(fs, BOB, "e", &handle[4]);
	for (int i = 0; i < 5; i++)
		shrink(fs, id[i]);
	for (unsigned steps = 0; shmfs_is_freeing(fs, id[4]); steps++) {
		ck_assert_uint_lt(steps, 2 * (LEAST / 10) + 4);
		ck_assert(shmfs_free_step(fs, 10));
	}
	ck_assert(shmfs_is_freeing(fs, id[1]));
	ck_assert(shmfs_is_freeing(fs, id[3]));
	free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

START_TEST(who_waits_comes_before_what_ended)
{
	struct shmfs *fs = open_in_pieces();
	uint64_t a, b, id;

	forget(fs, written_by(fs, ALICE, "a", &a), 1);
	id = written_by(fs, ALICE, "b", &b);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, a);
	shrink(fs, id);
	ck_assert(shmfs_free_step(fs, LEAST));
	ck_assert(shmfs_free_step(fs, LEAST));
	ck_assert(!shmfs_is_freeing(fs, id));
	ck_assert(shmfs_free_pending(fs));
	free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

/* Else whoever shrinks objects all the time would keep all others' memory. */
START_TEST(what_ended_has_its_turn_beside_what_others_wait_for)
{
	struct shmfs *fs = open_in_pieces();
	uint64_t a, b;

	forget(fs, written_by(fs, ALICE, "a", &a), 1);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	release(fs, a);
	for (int i = 0; i < 4; i++)
		shrink(fs, written_by(fs, BOB, (const char *[]){"b", "c", "d", "e"}[i], &b));
	while (shmfs_is_freeing_of(fs, ALICE->uid))
		ck_assert(shmfs_free_step(fs, 10));
	ck_assert(shmfs_is_freeing_of(fs, BOB->uid));
	free_to_the_end(fs);
	ck_assert(!shmfs_is_freeing_of(fs, BOB->uid));
	close_checked(fs);
}
END_TEST

/* Nobody has the worker for longer than one turn. */
START_TEST(a_range_is_of_one_turn)
{
	struct shmfs *fs = open_in_pieces();
	struct shmfs_free_range range;
	uint64_t id, handle, other;

	id = new_object_of(fs, SHMFS_ROOT, "a", 3 * (uint64_t)TURN);
	handle = open_object(fs, id, O_RDWR);
	write_bytes(fs, handle, 'x', PAGE, 0);
	write_bytes(fs, handle, 'x', PAGE, TURN);
	other = written_by(fs, BOB, "b", &(uint64_t){0});
	shrink(fs, id);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, 0);
	ck_assert_uint_eq(range.end, TURN);
	while (shmfs_free_pages(outside_os(), &range, 1))
		;
	shmfs_free_end(fs);
	shrink(fs, other);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_int_eq(range.fd, node_get(fs, other)->object.fd);
	while (shmfs_free_pages(outside_os(), &range, LEAST))
		;
	shmfs_free_end(fs);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, TURN);
	while (shmfs_free_pages(outside_os(), &range, 1))
		;
	shmfs_free_end(fs);
	ck_assert(!shmfs_free_begin(fs, &range));
	close_checked(fs);
}
END_TEST

/* A huge page that begins there is not cut. */
START_TEST(a_step_ends_at_a_multiple_of_its_size)
{
	enum { STEP = 16 };
	struct shmfs_free_range range;
	struct shmfs *fs;
	uint64_t handle, id;

	test_memory_is_small();
	fs = open_in_pieces();
	id = written_by(fs, ALICE, "a", &handle);
	write_bytes(fs, handle, 'x', PAGE, 0);
	resize(fs, id, 100 * PAGE);
	write_bytes(fs, handle, 'x', PAGE, STEP * PAGE);
	resize(fs, id, 1);
	ck_assert(shmfs_free_begin(fs, &range));
	ck_assert_uint_eq(range.begin, PAGE);
	ck_assert(shmfs_free_pages(outside_os(), &range, STEP));
	ck_assert_uint_eq(range.begin, STEP * PAGE);
	ck_assert(shmfs_free_pages(outside_os(), &range, STEP));
	ck_assert_uint_eq(range.begin, 2 * STEP * PAGE);
	shmfs_free_end(fs);
	free_to_the_end(fs);
	close_checked(fs);
}
END_TEST

/* The queue is bounded, whoever fills it: sparse objects cost nothing but their entry. What would
 * hold everybody up is queued all the same. */
START_TEST(a_full_queue_means_freeing_at_once)
{
	enum { ENTRIES = 1024 };
	const struct rlimit enough = {2 * ENTRIES, 2 * ENTRIES};
	struct rlimit limit;
	struct shmfs *fs;
	unsigned steps;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < enough.rlim_cur && setrlimit(RLIMIT_NOFILE, &enough) < 0) {
		printf("skip: there are too few descriptors for a full queue\n");
		return;
	}
	fs = open_in_pieces();

	check_every_transaction(false);
	for (int i = 0; i < ENTRIES + 100; i++) {
		forget(fs, new_object_of(fs, SHMFS_ROOT, "a", LEAST * PAGE), 1);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	}
	ck_assert_uint_eq(outside->books.memories, ENTRIES);
	for (int i = 0; i < 2; i++) {
		forget(fs, new_object_of(fs, SHMFS_ROOT, "a", TURN - (uint64_t)i), 1);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	}
	ck_assert_uint_eq(outside->books.memories, ENTRIES + 1);
	check_every_transaction(true);
	for (steps = 1; shmfs_free_step(fs, LEAST); steps++)
		;
	ck_assert_uint_eq(steps, ENTRIES + 1);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

Suite *turns_suite(void)
{
	Suite *suite = suite_create("turns");
	TCase *tests = harness_case(suite, "turns");

	tcase_add_test(tests, users_take_turns);
	tcase_add_test(tests, who_waits_comes_before_what_ended);
	tcase_add_test(tests, what_ended_has_its_turn_beside_what_others_wait_for);
	tcase_add_test(tests, a_range_is_of_one_turn);
	tcase_add_test(tests, a_step_ends_at_a_multiple_of_its_size);
	tcase_add_test(tests, a_full_queue_means_freeing_at_once);
	return suite;
}
