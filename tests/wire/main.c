/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon without a mount: its operations over a socket pair, and its options. */
#include <stdlib.h>

#include "suites.h"
#include "wire.h"

/* The slowest single test under sanitizers on a loaded machine, several times over. */
#define TIMEOUT 300

Suite *suite_of(const char *name, const TTest *const *tests, size_t count)
{
	Suite *suite = suite_create(name);
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, TIMEOUT);
	for (size_t i = 0; i < count; i++)
		tcase_add_test(tcase, tests[i]);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	static Suite *(*const suites[])(void) = {init_suite, tier_suite, names_suite,
	    any_name_suite, rename_suite, tenants_suite, attributes_suite, files_suite,
	    writing_suite, allocate_suite, listing_suite, newer_suite, xattrs_suite, rules_suite,
	    mac_suite, policy_suite, lifetime_suite, protocol_suite, hostile_suite, random_suite,
	    refused_suite, recovery_suite, waiting_suite, room_suite, turns_suite, turns_left_suite,
	    memory_freed_suite, request_suite, options_suite, foreign_suite, memory_nodes_suite,
	    memory_room_suite, refusals_suite, printing_suite, arguments_suite, follower_suite,
	    busy_poll_suite, transfer_suite, pages_suite, warnings_suite, socket_suite};
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		srunner_add_suite(runner, suites[i]());
	/* There each process of its own takes a tenth of a second to begin and to look for leaks.
	 */
	if (is_sanitized() && getenv("CK_FORK") == NULL)
		srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
