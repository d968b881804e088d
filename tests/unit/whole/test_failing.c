/* SPDX-License-Identifier: BSD-2-Clause */
/* Every operation with every call outside failing: the exact errno, and nothing left behind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/state/state.h"
#include "harness.h"
#include "operations.h"
#include "snapshot.h"
#include "suites.h"

static struct world world;

/* Calls whose failure is no failure of the operation: the number of blocks is 0, stores go
 * unnoticed, memory is taken for used, and a close lets go of its number all the same. */
static bool is_tolerated(enum outside_call call)
{
	return call == OUTSIDE_LOOK || call == OUTSIDE_LOOK_BY_NAME ||
	       call == OUTSIDE_SET_WRITTEN || call == OUTSIDE_MEMORY_BORROW ||
	       call == OUTSIDE_MEMORY_NAME || call == OUTSIDE_MEMORY_UNNAME ||
	       call == OUTSIDE_UNUSED || call == OUTSIDE_CLOSE || call == OUTSIDE_SPLICE;
}

/* Memory that cannot be had because the table of descriptors is full: the system's, for a caller.
 */
static int wanted_errno(enum outside_call call, int error)
{
	bool opens = call == OUTSIDE_MEMORY_CREATE || call == OUTSIDE_MEMORY_OPEN;

	return opens && error == EMFILE ? ENFILE : error;
}

static void expect_failure(
    const struct operation *operation, enum situation situation, int64_t rc, int error)
{
	enum outside_call call = outside->failed;
	bool untold = call == OUTSIDE_UNUSED || call == OUTSIDE_MEMORY_BORROW;
	char got[32];

	if (is_tolerated(call)) {
		/* The same is asked where memory that goes may be freed later. */
		REQUIRE(rc == operation->want || (operation->alone && untold && rc == -EBUSY),
		    "%s: fails with %s", operation_text(operation, situation),
		    outside_call_name(call));
		return;
	}
	snprintf(got, sizeof got, "%s", result_text(rc));
	REQUIRE(rc == -wanted_errno(call, error), "%s: %s fails: expected %s, got %s",
	    operation_text(operation, situation), outside_call_name(call),
	    result_text(-wanted_errno(call, error)), got);
}

/* Whether the n-th call was reached. */
static bool fail_one_call(
    const struct operation *operation, enum situation situation, unsigned n, int error, bool late)
{
	struct snapshot *before = snapshot_take(world.fs->arena);
	bool reached;
	int64_t rc;

	outside_fail(n, error, late);
	shmfs_begin(world.fs);
	rc = operation_run(operation, &world);
	reached = outside->failed != OUTSIDE_NONE;
	outside->fail_at = 0;
	if (reached)
		expect_failure(operation, situation, rc, error);
	shmfs_rollback(world.fs);
	snapshot_expect(before, world.fs->arena, operation_text(operation, situation));
	snapshot_free(before);
	check_namespace(world.fs);
	return reached;
}

static void fail_every_call(enum situation situation, int error, bool late, unsigned *reached)
{
	for (size_t i = 0; i < operation_count; i++) {
		unsigned n = 1;

		while (fail_one_call(&operations[i], situation, n, error, late)) {
			reached[outside->failed]++;
			n++;
		}
	}
}

START_TEST(every_call_outside_may_fail)
{
	static const int errors[] = {EIO, EMFILE, ENOMEM, ENOSPC};
	unsigned reached[OUTSIDE_CALLS] = {0};

	for (int situation = 0; situation < FIRST_FULL; situation++) {
		world_begin(&world, (enum situation)situation);
		fail_every_call((enum situation)situation, errors[_i], false, reached);
		/* A call may have done its work, or part of it, and fail all the same. */
		fail_every_call((enum situation)situation, errors[_i], true, reached);
		world_end(&world);
	}
	ck_assert_uint_gt(reached[OUTSIDE_MEMORY_CREATE], 0);
	ck_assert_uint_gt(reached[OUTSIDE_MEMORY_OPEN], 0);
	ck_assert_uint_gt(reached[OUTSIDE_MEMORY_BORROW], 0);
	ck_assert_uint_gt(reached[OUTSIDE_LOOK_BY_NAME], 0);
	ck_assert_uint_gt(reached[OUTSIDE_TRUNCATE], 0);
	ck_assert_uint_gt(reached[OUTSIDE_PUNCH], 0);
	ck_assert_uint_gt(reached[OUTSIDE_READ], 0);
	ck_assert_uint_gt(reached[OUTSIDE_SPLICE], 0);
	ck_assert_uint_gt(reached[OUTSIDE_WRITE], 0);
	ck_assert_uint_gt(reached[OUTSIDE_LOOK], 0);
	ck_assert_uint_gt(reached[OUTSIDE_SET_WRITTEN], 0);
	ck_assert_uint_gt(reached[OUTSIDE_UNUSED], 0);
	ck_assert_uint_gt(reached[OUTSIDE_BACKING_OPEN], 0);
}
END_TEST

/* What a commit or rollback does outside cannot be refused; a close that reports an error has
 * closed. */
START_TEST(errors_of_closing_at_the_end_do_no_harm)
{
	for (size_t i = 0; i < operation_count; i++) {
		for (unsigned n = 1; n <= 4; n++) {
			int64_t rc;

			world_begin(&world, BACKED);
			shmfs_begin(world.fs);
			rc = operation_run(&operations[i], &world);
			outside_fail(n, EIO, true);
			if (rc < 0)
				shmfs_rollback(world.fs);
			else
				shmfs_commit(world.fs);
			outside->fail_at = 0;
			world_end(&world);
			if (outside->failed == OUTSIDE_NONE)
				break;
		}
	}
}
END_TEST

Suite *failing_suite(void)
{
	Suite *suite = suite_create("failing");
	TCase *tests = harness_case(suite, "failing");

	tcase_add_loop_test(tests, every_call_outside_may_fail, 0, 4);
	tcase_add_test(tests, errors_of_closing_at_the_end_do_no_harm);
	return suite;
}
