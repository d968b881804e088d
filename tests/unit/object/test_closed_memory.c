/* SPDX-License-Identifier: BSD-2-Clause */
/* More memories than descriptors: those that are not used close, and nothing is lost by it. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

/* Room is made for 8 before each transaction. */
enum { FIRST = 100, NUMBERS = 12, MANY = 60, OPEN_MOST = NUMBERS - 7 };

static uint64_t ids[MANY], handles[MANY];

static struct shmfs *open_scarce(void)
{
	struct shmfs_config config = small_config();

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + NUMBERS;
	config.backing = true;
	return open_with(config);
}

static char byte_of(unsigned i)
{
	return (char)('A' + i % 50);
}

static void make_one(struct shmfs *fs, unsigned i)
{
	char name[16];

	snprintf(name, sizeof name, "o%u", i);
	ids[i] = new_object_of(fs, SHMFS_ROOT, name, 1000);
	handles[i] = open_object(fs, ids[i], O_RDWR);
	write_bytes(fs, handles[i], byte_of(i), 1000, 0);
}

static void remove_one(struct shmfs *fs, unsigned i)
{
	char name[16];

	snprintf(name, sizeof name, "o%u", i);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
	release(fs, handles[i]);
	forget(fs, ids[i], 1);
	ck_assert(!exists(fs, ids[i]));
}

static struct shmfs *open_with_many(void)
{
	struct shmfs *fs = open_scarce();

	for (unsigned i = 0; i < MANY; i++)
		make_one(fs, i);
	return fs;
}

static bool is_open(const struct shmfs *fs, unsigned i)
{
	return node_get(fs, ids[i])->object.fd >= 0;
}

START_TEST(bytes_of_closed_memory_are_there)
{
	struct shmfs *fs = open_with_many();

	for (unsigned round = 0; round < 500; round++) {
		unsigned i = (unsigned)(round * 7919) % MANY;

		expect_bytes(fs, handles[i], byte_of(i), 1000, 0);
		ck_assert_uint_le(outside->books.memories, OPEN_MOST);
	}
	ck_assert_uint_ge(outside->books.names, MANY - OPEN_MOST);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq(attributes(fs, ids[i]).blocks, PAGE / 512);
		write_bytes(fs, handles[i], 'z', 10, 990);
		resize(fs, ids[i], 995);
		resize(fs, ids[i], 2000);
		expect_bytes(fs, handles[i], 'z', 5, 990);
		expect_bytes(fs, handles[i], '\0', 1005, 995);
	}
	close_checked(fs);
}
END_TEST

START_TEST(names_go_with_their_objects)
{
	struct shmfs *fs = open_with_many();

	for (unsigned i = 0; i < MANY; i++)
		remove_one(fs, i);
	ck_assert_uint_eq(outside->books.names, 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	ck_assert_uint_eq(outside->books.backings, 0);
	close_checked(fs);
}
END_TEST

/* Of twenty that are open, five that are used again and again; others come and go. */
START_TEST(what_is_used_stays_open)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + 28;
	fs = open_with(config);
	for (unsigned i = 0; i < MANY; i++) {
		make_one(fs, i);
		for (unsigned hot = 0; hot < 5 && hot < i; hot++)
			expect_bytes(fs, handles[hot], byte_of(hot), 1000, 0);
	}
	ck_assert_uint_lt(outside->calls[OUTSIDE_MEMORY_OPEN], 10);
	close_checked(fs);
}
END_TEST

START_TEST(large_memory_has_a_name_at_once_and_small_memory_none)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", (1 << 20) - 1);

	ck_assert_uint_eq(outside->books.names, 0);
	resize(fs, id, 1 << 20);
	ck_assert_uint_eq(outside->books.names, 1);
	resize(fs, id, 1 << 21);
	ck_assert_uint_eq(outside->books.names, 1);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, id, 1);
	ck_assert_uint_eq(outside->books.names, 0);
	close_checked(fs);
}
END_TEST

/* The queue has the numbers of descriptors. */
START_TEST(what_is_freed_later_stays_open)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + NUMBERS;
	config.deferred_free_min = PAGE;
	fs = open_with(config);
	ids[0] = new_object_of(fs, SHMFS_ROOT, "first", 9 * PAGE);
	resize(fs, ids[0], 1);
	for (unsigned i = 1; i < MANY; i++)
		make_one(fs, i);
	ck_assert(is_open(fs, 0));
	while (shmfs_free_step(fs, 1))
		;
	for (unsigned i = 1; i < MANY; i++)
		expect_bytes(fs, handles[i], byte_of(i), 1000, 0);
	ck_assert(!is_open(fs, 0));
	close_checked(fs);
}
END_TEST

START_TEST(closed_memory_that_ends_is_freed_later_too)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + NUMBERS;
	config.deferred_free_min = 8 * PAGE;
	fs = open_with(config);
	ids[0] = new_object_of(fs, SHMFS_ROOT, "first", 9 * PAGE);
	for (unsigned i = 1; i < MANY; i++)
		make_one(fs, i);
	ck_assert(!is_open(fs, 0));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "first")));
	forget(fs, ids[0], 1);
	ck_assert(shmfs_free_pending(fs));
	while (shmfs_free_step(fs, 1))
		;
	close_checked(fs);
}
END_TEST

/* However much is to be freed, none of the descriptors that the queue keeps open is missed. */
START_TEST(what_is_freed_later_leaves_room)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + NUMBERS;
	config.deferred_free_min = PAGE;
	fs = open_with(config);
	for (unsigned i = 0; i < MANY; i++) {
		make_one(fs, i);
		resize(fs, ids[i], 9 * PAGE);
		if (i % 2 == 0)
			remove_one(fs, i);
		else
			resize(fs, ids[i], 1000);
	}
	ck_assert(shmfs_free_pending(fs));
	while (shmfs_free_step(fs, 1))
		;
	for (unsigned i = 1; i < MANY; i += 2)
		expect_bytes(fs, handles[i], byte_of(i), 1000, 0);
	close_checked(fs);
}
END_TEST

START_TEST(memory_that_gets_no_name_stays_open)
{
	struct shmfs *fs = open_scarce();

	for (unsigned i = 0; i < NUMBERS; i++) {
		outside->nameless = i == 0 || i == 2;
		make_one(fs, i);
	}
	outside->nameless = true;
	for (unsigned i = 0; i < 20; i++)
		expect_bytes(fs, handles[0], byte_of(0), 1000, 0);
	for (unsigned i = 0; i < NUMBERS; i++)
		expect_bytes(fs, handles[i], byte_of(i), 1000, 0);
	/* Nor is it tried again before each transaction. */
	ck_assert_uint_lt(outside->calls[OUTSIDE_MEMORY_NAME], 4 * NUMBERS);
	close_checked(fs);
}
END_TEST

/* --- a process that is killed ----------------------------------------------------------------- */

/* What makes room, opens, and ends memory. */
static void churn(struct shmfs *fs)
{
	for (unsigned i = 0; i < 6; i++)
		expect_bytes(fs, handles[i * 9], byte_of(i * 9), 1000, 0);
	remove_one(fs, 1);
	remove_one(fs, 59);
}

/* False: it came to its end before the n-th call. */
static bool kill_at_call(struct shmfs *fs, unsigned n, bool late)
{
	int status;
	pid_t child;

	outside_kill(n, late);
	child = fork_sharing_descriptors();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		churn(fs);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	outside->kill_at = 0;
	ck_assert(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL);
	return WIFSIGNALED(status);
}

START_TEST(a_process_may_die_wherever_memory_closes_opens_and_ends)
{
	bool late = _i == 1, killed = true;

	for (unsigned n = 1; killed; n++) {
		struct shmfs *fs = open_with_many();

		/* The books are shared; what else a process knows is not. */
		check_every_transaction(false);
		killed = kill_at_call(fs, n, late);
		outside->repeats_allowed = true;
		fs = take_up(fs);
		outside->repeats_allowed = false;
		check_every_transaction(true);
		check_namespace(fs);
		for (unsigned i = 0; i < MANY; i++)
			if (exists(fs, ids[i]) && i != 1 && i != 59)
				expect_bytes(fs, handles[i], byte_of(i), 1000, 0);
		close_checked(fs);
		ck_assert_uint_lt(n, 1000);
		if (!killed)
			ck_assert_uint_gt(n, 20);
	}
}
END_TEST

Suite *closed_memory_suite(void)
{
	Suite *suite = suite_create("closed_memory");
	TCase *tests = harness_case(suite, "closed_memory");

	tcase_add_test(tests, bytes_of_closed_memory_are_there);
	tcase_add_test(tests, names_go_with_their_objects);
	tcase_add_test(tests, what_is_used_stays_open);
	tcase_add_test(tests, large_memory_has_a_name_at_once_and_small_memory_none);
	tcase_add_test(tests, what_is_freed_later_stays_open);
	tcase_add_test(tests, closed_memory_that_ends_is_freed_later_too);
	tcase_add_test(tests, what_is_freed_later_leaves_room);
	tcase_add_test(tests, memory_that_gets_no_name_stays_open);
	tcase_add_loop_test(tests, a_process_may_die_wherever_memory_closes_opens_and_ends, 0, 2);
	return suite;
}
