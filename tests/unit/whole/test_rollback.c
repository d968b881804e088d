/* SPDX-License-Identifier: BSD-2-Clause */
/* Every operation, executed and rolled back: the arena is as before, byte for byte. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "operations.h"
#include "snapshot.h"
#include "suites.h"

static struct world world;

static void expect_wanted(const struct operation *operation, enum situation situation, int64_t rc)
{
	int64_t want = operation->alone && situation == IN_USE ? -EBUSY : operation->want;
	char got[32];

	snprintf(got, sizeof got, "%s", result_text(rc));
	if (situation < FIRST_FULL)
		REQUIRE(rc == want, "%s: expected %s, got %s", operation_text(operation, situation),
		    result_text(want), got);
	else
		REQUIRE(rc == operation->want || rc == -ENOSPC || rc == -ENOMEM,
		    "%s: expected %s, -ENOSPC or -ENOMEM, got %s",
		    operation_text(operation, situation), result_text(operation->want), got);
}

/* Data that a rolled back shrink or removal must not have touched. */
static void expect_data(struct world *w)
{
	char buffer[10000];

	shmfs_begin(w->fs);
	GIVES(10000, shmfs_read(w->fs, ALICE, w->id[READER], buffer, sizeof buffer, 0));
	REQUIRE(buffer[0] != '\0' && buffer[9999] != '\0', "data was lost by a rollback");
	shmfs_rollback(w->fs);
}

/* Reports what would destroy data already before the commit; punching is allowed to. */
static bool may_change_data(const struct operation *operation)
{
	return operation->action == WRITE || operation->action == WRITE_BACK ||
	       operation->action == FALLOCATE || operation->action == COPY;
}

START_TEST(execute_and_roll_back)
{
	enum situation situation = (enum situation)_i;

	world_begin(&world, situation);
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		struct snapshot *before = snapshot_take(world.fs->arena);
		int64_t rc;

		shmfs_begin(world.fs);
		rc = operation_run(operation, &world);
		expect_wanted(operation, situation, rc);
		shmfs_rollback(world.fs);
		snapshot_expect(before, world.fs->arena, operation_text(operation, situation));
		snapshot_free(before);
		check_namespace(world.fs);
		if (may_change_data(operation))
			write_bytes(world.fs, world.id[WRITER], 'a', 10000, 0);
		expect_data(&world);
	}
	world_end(&world);
}
END_TEST

/* The way on: each operation on a world of its own, committed, and the namespace is sound. */
START_TEST(execute_and_commit)
{
	enum situation situation = (enum situation)_i;

	for (size_t i = 0; i < operation_count; i++) {
		int64_t rc;

		world_begin(&world, situation);
		shmfs_begin(world.fs);
		rc = operation_run(&operations[i], &world);
		expect_wanted(&operations[i], situation, rc);
		(void)end_transaction(world.fs, rc);
		world_end(&world);
	}
}
END_TEST

/* Rolled back and then done again, an operation gives the same, ids included. */
START_TEST(what_was_rolled_back_can_be_done_again)
{
	test_memory_is_small();
	for (size_t i = 0; i < operation_count; i++) {
		const struct operation *operation = &operations[i];
		struct shmfs_attr first;
		int64_t rc;

		world_begin(&world, PLAIN);
		shmfs_begin(world.fs);
		rc = operation_run(operation, &world);
		first = world.attr;
		shmfs_rollback(world.fs);
		shmfs_begin(world.fs);
		REQUIRE(operation_run(operation, &world) == rc, "%s: another result",
		    operation_text(operation, PLAIN));
		REQUIRE(memcmp(&first, &world.attr, sizeof first) == 0, "%s: another answer",
		    operation_text(operation, PLAIN));
		(void)end_transaction(world.fs, rc);
		world_end(&world);
	}
}
END_TEST

/* Far below the bounds of txn.h, whatever the operation. */
START_TEST(no_operation_comes_near_the_bounds_of_a_transaction)
{
	uint64_t most_log = 0;
	uint32_t most_effects = 0;

	for (int situation = 0; situation < SITUATIONS; situation++) {
		world_begin(&world, (enum situation)situation);
		for (size_t i = 0; i < operation_count; i++) {
			const struct txn *txn = &world.fs->arena->txn;

			shmfs_begin(world.fs);
			(void)operation_run(&operations[i], &world);
			most_log = txn->log_used > most_log ? txn->log_used : most_log;
			if (txn->effect_count > most_effects)
				most_effects = txn->effect_count;
			shmfs_rollback(world.fs);
		}
		world_end(&world);
	}
	printf("an operation saves at most %" PRIu64 " of %d bytes and notes %" PRIu32
	       " of %d effects\n",
	    most_log, TXN_LOG_SIZE, most_effects, TXN_EFFECTS);
	fflush(stdout);
	ck_assert_uint_le(most_log, TXN_LOG_SIZE / 2);
	ck_assert_uint_le(most_effects, TXN_EFFECTS / 2);
}
END_TEST

Suite *rollback_suite(void)
{
	Suite *suite = suite_create("rollback");
	TCase *tests = harness_case(suite, "rollback");

	tcase_add_loop_test(tests, execute_and_roll_back, 0, SITUATIONS);
	tcase_add_loop_test(tests, execute_and_commit, 0, SITUATIONS);
	tcase_add_test(tests, what_was_rolled_back_can_be_done_again);
	tcase_add_test(tests, no_operation_comes_near_the_bounds_of_a_transaction);
	return suite;
}
