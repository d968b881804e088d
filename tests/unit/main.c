/* SPDX-License-Identifier: BSD-2-Clause */
/* The namespace library by itself: every module, every operation, and properties of all of them. */
#include <stdlib.h>

#include "suites.h"

int main(void)
{
	static Suite *(*const suites[])(void) = {txn_suite, arena_suite, index_suite, memory_suite,
	    name_suite, siphash_suite, dictionary_suite, namespace_suite, directory_suite,
	    closed_memory_suite, spare_memory_suite, pages_suite, node_suite, names_suite,
	    create_suite, rename_suite, attributes_suite, times_suite, io_suite, allocate_suite,
	    twice_suite, turns_suite, charge_suite, accounts_suite, descriptors_suite,
	    deferred_free_suite, xattr_suite, seal_suite, tmpfile_suite, rules_suite, access_suite,
	    listing_suite, holding_suite, lifetime_suite, lingering_suite, tenants_suite,
	    tenant_borders_suite, mac_suite, mac_policy_suite, rights_suite, mac_labels_suite,
	    verify_suite, tree_suite, rollback_suite, failing_suite, recovery_suite, tiny_suite,
	    churn_suite, tenant_life_suite, persistence_suite, cost_suite, mac_flow_suite};
	SRunner *runner = srunner_create(NULL);
	int failed;

	for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++)
		srunner_add_suite(runner, suites[i]());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
