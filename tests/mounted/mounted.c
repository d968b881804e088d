/* SPDX-License-Identifier: BSD-2-Clause */
/* Real system calls on a real mount; run once per tier with SHMFS_TEST_IO. */
#include <stdio.h>
#include <stdlib.h>

#include "launch.h"
#include "mount_fixture.h"
#include "suites.h"

static Suite *memory_suite(void)
{
	Suite *suite = suite_create("memory");

	add_mapping_cases(suite);
	add_one_page_cases(suite);
	add_appending_cases(suite);
	add_lifetime_cases(suite);
	add_reuse_cases(suite);
	add_io_cases(suite);
	add_anonymous_cases(suite);
	add_seal_cases(suite);
	add_write_seal_cases(suite);
	add_growth_cases(suite);
	add_copy_cases(suite);
	add_splice_cases(suite);
	add_caveat_cases(suite);
	add_transfer_cases(suite);
	add_unlinked_cases(suite);
	if (!fixture_is_tmpfs())
		add_huge_cases(suite);
	add_huge_object_cases(suite);
	return suite;
}

static Suite *size_suite(void)
{
	Suite *suite = suite_create("size");

	add_size_cases(suite);
	add_limit_cases(suite);
	add_released_cases(suite);
	if (!fixture_is_tmpfs()) {
		add_account_cases(suite);
		add_other_cases(suite);
		add_racing_cases(suite);
		add_tenant_cases(suite);
	}
	return suite;
}

static Suite *names_suite(void)
{
	Suite *suite = suite_create("names");

	add_name_cases(suite);
	add_link_cases(suite);
	add_rename_cases(suite);
	add_node_cases(suite);
	add_listing_cases(suite);
	add_handle_cases(suite);
	add_walking_cases(suite);
	return suite;
}

static Suite *attributes_suite(void)
{
	Suite *suite = suite_create("attributes");

	add_attribute_cases(suite);
	add_time_cases(suite);
	add_clock_cases(suite);
	add_store_cases(suite);
	add_statx_cases(suite);
	add_xattr_cases(suite);
	add_xattr_node_cases(suite);
	add_acl_cases(suite);
	add_acl_user_cases(suite);
	return suite;
}

static Suite *locks_suite(void)
{
	Suite *suite = suite_create("locks");

	add_lock_cases(suite);
	add_watching_cases(suite);
	return suite;
}

static Suite *freebsd_suite(void)
{
	Suite *suite = suite_create("freebsd");

	add_freebsd_cases(suite);
	add_freebsd_memfd_cases(suite);
	add_freebsd_rule_cases(suite);
	add_freebsd_user_cases(suite);
	return suite;
}

static Suite *policies_suite(void)
{
	Suite *suite = suite_create("policies");

	add_policy_cases(suite);
	add_label_cases(suite);
	add_right_cases(suite);
	return suite;
}

static Suite *daemon_suite(void)
{
	Suite *suite = suite_create("daemon");

	add_daemon_cases(suite);
	add_bad_input_cases(suite);
	add_descriptor_cases(suite);
	add_closed_memory_cases(suite);
	add_survival_cases(suite);
	add_succession_cases(suite);
	add_freeing_cases(suite);
	add_follow_cases(suite);
	add_quiet_cases(suite);
	add_expiry_cases(suite);
	add_many_cases(suite);
	add_many_memories_cases(suite);
	return suite;
}

static void add_suites(SRunner *runner)
{
	srunner_add_suite(runner, memory_suite());
	srunner_add_suite(runner, size_suite());
	srunner_add_suite(runner, names_suite());
	srunner_add_suite(runner, attributes_suite());
	srunner_add_suite(runner, locks_suite());
	if (!fixture_is_tmpfs()) {
		srunner_add_suite(runner, freebsd_suite());
		srunner_add_suite(runner, policies_suite());
		srunner_add_suite(runner, daemon_suite());
	}
}

int main(void)
{
	SRunner *runner = srunner_create(NULL);
	const char *reason;
	bool clean;
	int failed;

	if (!fixture_find_binary()) {
		fprintf(stderr, "mounted: SHMFS_BIN (./shmfs) is not a program\n");
		srunner_free(runner);
		return EXIT_FAILURE;
	}
	if (!fixture_begin(runner, &reason)) {
		srunner_free(runner);
		return skip_test("mounted", reason);
	}
	if (!fixture_find_tier()) {
		fprintf(stderr, "mounted: no mount that says its tier\n");
		fixture_end();
		srunner_free(runner);
		return EXIT_FAILURE;
	}
	/* Which cases there are depends on what this machine has. */
	add_suites(runner);
	/* Processes of the tests report through libcheck's file, which needs each test in its own.
	 */
	srunner_set_fork_status(runner, CK_FORK);
	printf("io=%s: %s\n", fixture_io(), fixture_tier());
	fflush(stdout);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	clean = fixture_end();
	srunner_free(runner);
	return failed == 0 && clean ? EXIT_SUCCESS : EXIT_FAILURE;
}
