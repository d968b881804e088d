/* SPDX-License-Identifier: BSD-2-Clause */
/* The undo log and the effects of transactions, without an arena. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/storage/txn.h"
#include "harness.h"
#include "suites.h"

/* What the effects did, in their order, like "close 3, unback 2, ". */
static char trace[512];
/* Memory that is to be back already when effects are taken. */
static const char *expiring, *wanted;

static void note(const char *what, int id, long size)
{
	size_t used = strlen(trace);

	snprintf(trace + used, sizeof trace - used, "%s %d:%ld, ", what, id, size);
	if (expiring != NULL)
		ck_assert_str_eq(expiring, wanted);
}

static int note_close(void *arg, int fd)
{
	ck_assert_ptr_eq(arg, trace);
	note("close", fd, 0);
	return -5;
}

static int note_truncate(void *arg, int fd, uint64_t size)
{
	ck_assert_ptr_eq(arg, trace);
	note("truncate", fd, (long)size);
	return -5;
}

static void note_backing_close(void *arg, int backing)
{
	ck_assert_ptr_eq(arg, trace);
	note("unback", backing, 0);
}

static const struct shmfs_os noting_os = {
    .arg = trace,
    .close = note_close,
    .cut = note_truncate,
    .backing_close = note_backing_close,
};

static struct txn txn;

static void setup(void)
{
	txn = (struct txn){.log = malloc(TXN_LOG_SIZE)};
	trace[0] = '\0';
	expiring = NULL;
}

static void teardown(void)
{
	free(txn.log);
}

static void note_one_effect_of_each_kind(void)
{
	txn_effect(&txn, TXN_CLOSE_ON_COMMIT, 1, 0);
	txn_effect(&txn, TXN_CLOSE_ON_ROLLBACK, 2, 0);
	txn_effect(&txn, TXN_SIZE_ON_COMMIT, 3, 30);
	txn_effect(&txn, TXN_SIZE_ON_ROLLBACK, 4, 40);
	txn_effect(&txn, TXN_UNBACK_ON_COMMIT, 5, 0);
	txn_effect(&txn, TXN_UNBACK_ON_ROLLBACK, 6, 0);
}

#define COMMIT_TRACE "close 1:0, truncate 3:30, unback 5:0, "
#define ROLLBACK_TRACE "unback 6:0, truncate 4:40, close 2:0, "

START_TEST(rollback_puts_back_the_oldest_bytes)
{
	char memory[] = "0123456789";

	txn_begin(&txn);
	txn_save(&txn, memory, 10);
	memcpy(memory, "abcdefghij", 10);
	txn_save(&txn, memory + 3, 4);
	memcpy(memory + 3, "....", 4);
	txn_save(&txn, memory + 6, 4);
	memcpy(memory + 6, "----", 4);
	txn_rollback(&txn, &noting_os);
	ck_assert_str_eq(memory, "0123456789");
	ck_assert_uint_eq(txn.state, TXN_IDLE);
	ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(rollback_restores_any_length_and_nothing_beside_it)
{
	unsigned char memory[80], want[80];

	for (size_t size = 0; size <= 40; size++) {
		txn_begin(&txn);
		memset(memory, 'a', sizeof memory);
		txn_save(&txn, memory + 17, size);
		memset(memory, 'b', sizeof memory);
		memset(want, 'b', sizeof want);
		memset(want + 17, 'a', size);
		txn_rollback(&txn, &noting_os);
		ck_assert_mem_eq(memory, want, sizeof want);
	}
}
END_TEST

START_TEST(commit_keeps_what_was_stored)
{
	char memory[] = "old";

	txn_begin(&txn);
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	txn_commit(&txn, &noting_os);
	ck_assert_str_eq(memory, "new");
	ck_assert_uint_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(begin_forgets_the_transaction_before)
{
	char memory[] = "old";

	txn_begin(&txn);
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	note_one_effect_of_each_kind();
	txn_commit(&txn, &noting_os);
	trace[0] = '\0';
	txn_begin(&txn);
	ck_assert_uint_eq(txn.log_used, 0);
	txn_rollback(&txn, &noting_os);
	ck_assert_str_eq(memory, "new");
	ck_assert_str_eq(trace, "");
}
END_TEST

START_TEST(commit_takes_its_effects_in_order)
{
	txn_begin(&txn);
	note_one_effect_of_each_kind();
	txn_commit(&txn, &noting_os);
	ck_assert_str_eq(trace, COMMIT_TRACE);
}
END_TEST

START_TEST(rollback_takes_its_effects_backwards_after_the_memory)
{
	char memory[] = "old";

	txn_begin(&txn);
	note_one_effect_of_each_kind();
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	expiring = memory;
	wanted = "old";
	txn_rollback(&txn, &noting_os);
	ck_assert_str_eq(trace, ROLLBACK_TRACE);
}
END_TEST

START_TEST(recovery_rolls_back_what_is_active)
{
	char memory[] = "old";

	txn_begin(&txn);
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	note_one_effect_of_each_kind();
	txn_recover(&txn, &noting_os);
	ck_assert_str_eq(memory, "old");
	ck_assert_str_eq(trace, ROLLBACK_TRACE);
	ck_assert_uint_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(recovery_completes_what_is_committed)
{
	char memory[] = "old";

	txn_begin(&txn);
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	note_one_effect_of_each_kind();
	txn.state = TXN_COMMITTED;
	txn_recover(&txn, &noting_os);
	ck_assert_str_eq(memory, "new");
	ck_assert_str_eq(trace, COMMIT_TRACE);
	ck_assert_uint_eq(txn.state, TXN_IDLE);
}
END_TEST

START_TEST(recovery_leaves_alone_what_is_idle)
{
	char memory[] = "old";

	txn_begin(&txn);
	txn_save(&txn, memory, sizeof memory);
	memcpy(memory, "new", sizeof memory);
	note_one_effect_of_each_kind();
	txn_commit(&txn, &noting_os);
	trace[0] = '\0';
	txn_recover(&txn, &noting_os);
	ck_assert_str_eq(memory, "new");
	ck_assert_str_eq(trace, "");
}
END_TEST

/* The log shrinks record by record, so a rollback that died halfway goes on where it was. */
START_TEST(an_interrupted_rollback_can_be_started_over)
{
	char memory[] = "0000";

	txn_begin(&txn);
	for (size_t i = 0; i < 4; i++) {
		txn_save(&txn, memory + i, 4 - i);
		memset(memory + i, '1' + (int)i, 4 - i);
	}
	ck_assert_str_eq(memory, "1234");
	/* As after two of four records: the bytes are back, and then a third, but not its record.
	 */
	memcpy(memory, "1222", 4);
	txn.log_used -= 2 * (sizeof(uint64_t) + 2 * sizeof(uint64_t));
	memcpy(memory + 1, "111", 3);
	txn_recover(&txn, &noting_os);
	ck_assert_str_eq(memory, "0000");
}
END_TEST

START_TEST(the_log_takes_as_much_as_it_says)
{
	static char memory[TXN_LOG_SIZE];

	txn_begin(&txn);
	memset(memory, 'a', sizeof memory);
	txn_save(&txn, memory, TXN_LOG_SIZE - 2 * sizeof(uint64_t));
	ck_assert_uint_eq(txn.log_used, TXN_LOG_SIZE);
	memset(memory, 'b', sizeof memory);
	txn_rollback(&txn, &noting_os);
	ck_assert_int_eq(memory[0], 'a');
	ck_assert_int_eq(memory[TXN_LOG_SIZE - 2 * sizeof(uint64_t)], 'b');
}
END_TEST

START_TEST(more_than_the_log_takes_ends_the_process)
{
	static char memory[TXN_LOG_SIZE];

	txn_begin(&txn);
	txn_save(&txn, memory, TXN_LOG_SIZE - 2 * sizeof(uint64_t) + 1);
}
END_TEST

START_TEST(one_effect_too_many_ends_the_process)
{
	txn_begin(&txn);
	for (int i = 0; i < TXN_EFFECTS; i++)
		txn_effect(&txn, TXN_CLOSE_ON_COMMIT, i, 0);
	ck_assert_uint_eq(txn.effect_count, TXN_EFFECTS);
	txn_effect(&txn, TXN_CLOSE_ON_COMMIT, TXN_EFFECTS, 0);
}
END_TEST

Suite *txn_suite(void)
{
	Suite *suite = suite_create("txn");
	TCase *tests = tcase_create("txn");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, rollback_puts_back_the_oldest_bytes);
	tcase_add_test(tests, rollback_restores_any_length_and_nothing_beside_it);
	tcase_add_test(tests, commit_keeps_what_was_stored);
	tcase_add_test(tests, begin_forgets_the_transaction_before);
	tcase_add_test(tests, commit_takes_its_effects_in_order);
	tcase_add_test(tests, rollback_takes_its_effects_backwards_after_the_memory);
	tcase_add_test(tests, recovery_rolls_back_what_is_active);
	tcase_add_test(tests, recovery_completes_what_is_committed);
	tcase_add_test(tests, recovery_leaves_alone_what_is_idle);
	tcase_add_test(tests, an_interrupted_rollback_can_be_started_over);
	tcase_add_test(tests, the_log_takes_as_much_as_it_says);
	tcase_add_test_raise_signal(tests, more_than_the_log_takes_ends_the_process, SIGABRT);
	tcase_add_test_raise_signal(tests, one_effect_too_many_ends_the_process, SIGABRT);
	suite_add_tcase(suite, tests);
	return suite;
}
