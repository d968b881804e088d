/* SPDX-License-Identifier: BSD-2-Clause */
/* Every operation, left at some point by a process that died: the next one sets things right. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "operations.h"
#include "snapshot.h"
#include "suites.h"

static struct world world;

START_TEST(an_active_transaction_is_rolled_back)
{
	enum situation situation = (enum situation)_i;

	world_begin(&world, situation);
	for (size_t i = 0; i < operation_count; i++) {
		struct snapshot *before = snapshot_take(world.fs->arena);

		shmfs_begin(world.fs);
		(void)operation_run(&operations[i], &world);
		world.fs = take_up(world.fs);
		snapshot_expect(before, world.fs->arena, operation_text(&operations[i], situation));
		snapshot_free(before);
		ck_assert(!shmfs_active(world.fs));
		check_namespace(world.fs);
	}
	world_end(&world);
}
END_TEST

START_TEST(a_committed_transaction_is_completed)
{
	enum situation situation = (enum situation)_i;

	for (size_t i = 0; i < operation_count; i++) {
		struct snapshot *after;
		int64_t rc;

		world_begin(&world, situation);
		shmfs_begin(world.fs);
		rc = operation_run(&operations[i], &world);
		if (rc < 0) {
			shmfs_rollback(world.fs);
		} else {
			after = snapshot_take(world.fs->arena);
			world.fs->arena->txn.state = TXN_COMMITTED;
			world.fs = take_up(world.fs);
			check_namespace(world.fs);
			/* Only what is open may differ now: memory that was to be closed is. */
			snapshot_expect_arena(
			    after, world.fs->arena, operation_text(&operations[i], situation));
			snapshot_free(after);
		}
		world_end(&world);
	}
}
END_TEST

/* The mark tells whoever takes over whether the transaction in which it was set is final. */
START_TEST(a_mark_lives_and_dies_with_its_transaction)
{
	struct shmfs *fs;

	world_begin(&world, PLAIN);
	fs = world.fs;
	shmfs_begin(fs);
	ck_assert(!shmfs_changed(fs));
	shmfs_set_mark(fs, (struct shmfs_mark){.request = 7, .progress = 1});
	ck_assert(shmfs_changed(fs));
	shmfs_commit(fs);
	shmfs_begin(fs);
	shmfs_set_mark(fs, (struct shmfs_mark){.request = 8, .progress = 2});
	ck_assert_uint_eq(shmfs_mark(fs).request, 8);
	shmfs_rollback(fs);
	ck_assert_uint_eq(shmfs_mark(fs).request, 7);
	shmfs_begin(fs);
	shmfs_set_mark(fs, (struct shmfs_mark){.request = 9, .progress = 3});
	world.fs = take_up(fs);
	ck_assert_uint_eq(shmfs_mark(world.fs).request, 7);
	ck_assert_uint_eq(shmfs_mark(world.fs).progress, 1);
	world_end(&world);
}
END_TEST

START_TEST(taking_up_what_is_idle_changes_nothing)
{
	struct snapshot *before;

	world_begin(&world, BACKED);
	before = snapshot_take(world.fs->arena);
	for (int i = 0; i < 3; i++)
		world.fs = take_up(world.fs);
	snapshot_expect(before, world.fs->arena, "taking up");
	snapshot_free(before);
	world_end(&world);
}
END_TEST

/* --- a process that is killed --------------------------------------------------------------------
 */

/* Runs an operation to its end in a child, which is killed at its n-th call. False: it was not. */
static bool kill_at_call(const struct operation *operation, unsigned n, bool late)
{
	int status;
	pid_t child;

	outside_kill(n, late);
	child = fork_sharing_descriptors();
	REQUIRE(child >= 0, "clone: %s", strerror(errno));
	if (child == 0) {
		int64_t rc;

		shmfs_begin(world.fs);
		rc = operation_run(operation, &world);
		if (rc < 0)
			shmfs_rollback(world.fs);
		else
			shmfs_commit(world.fs);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		REQUIRE(errno == EINTR, "waitpid: %s", strerror(errno));
	outside->kill_at = 0;
	if (WIFEXITED(status)) {
		REQUIRE(WEXITSTATUS(status) == 0, "%s: the child fails",
		    operation_text(operation, BACKED));
		return false;
	}
	REQUIRE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ends by itself");
	return true;
}

/*
 * A backing id that was given out by the very call that killed the process is not noted yet, so no
 * node names it: whoever recovers closes it.
 */
static void close_the_stray(void)
{
	if (shmfs_last_backing(world.fs) != outside->last_backing)
		outside_os()->backing_close(outside, outside->last_backing);
}

static bool survive_one_kill(
    const struct operation *operation, enum situation situation, unsigned n, bool late)
{
	struct snapshot *before;
	uint32_t state;
	bool killed;

	world_begin(&world, situation);
	before = snapshot_take(world.fs->arena);
	killed = kill_at_call(operation, n, late);
	state = world.fs->arena->txn.state;
	/* Before memory goes that it stands for, as the books want it. */
	if (killed && outside->kill_late && outside->killed == OUTSIDE_BACKING_OPEN)
		close_the_stray();
	/* Some effects are taken for a second time. */
	outside->repeats_allowed = true;
	world.fs = take_up(world.fs);
	outside->repeats_allowed = false;
	REQUIRE(outside->asked == 0, "%s: what was asked about %d is left as it was",
	    operation_text(operation, situation), outside->asked);
	check_namespace(world.fs);
	if (killed && state == TXN_ACTIVE)
		snapshot_expect_arena(
		    before, world.fs->arena, operation_text(operation, situation));
	snapshot_free(before);
	world_end(&world);
	return killed;
}

START_TEST(a_process_may_die_at_every_call_outside)
{
	static const enum situation situations[] = {PLAIN, BACKED, CLOSED, SPARED};
	unsigned kills = 0;

	for (size_t i = 0; i < operation_count; i++) {
		for (unsigned n = 1;
		     survive_one_kill(&operations[i], situations[_i / 2], n, _i % 2 == 1); n++)
			kills++;
	}
	printf("survived %u kills\n", kills);
	fflush(stdout);
	ck_assert_uint_gt(kills, 20);
}
END_TEST

Suite *recovery_suite(void)
{
	Suite *suite = suite_create("recovery");
	TCase *tests = harness_case(suite, "recovery");

	tcase_add_loop_test(tests, an_active_transaction_is_rolled_back, 0, SITUATIONS);
	tcase_add_loop_test(tests, a_committed_transaction_is_completed, 0, SITUATIONS);
	tcase_add_test(tests, a_mark_lives_and_dies_with_its_transaction);
	tcase_add_test(tests, taking_up_what_is_idle_changes_nothing);
	tcase_add_loop_test(tests, a_process_may_die_at_every_call_outside, 0, 8);
	return suite;
}
