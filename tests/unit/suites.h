/* SPDX-License-Identifier: BSD-2-Clause */
/* The suites of the unit tests. */
#ifndef SHMFS_TESTS_UNIT_SUITES_H
#define SHMFS_TESTS_UNIT_SUITES_H

#include <check.h>

/* The parts that a namespace is made of. */
Suite *txn_suite(void);
Suite *arena_suite(void);
Suite *index_suite(void);
Suite *memory_suite(void);
Suite *name_suite(void);
Suite *siphash_suite(void);
Suite *dictionary_suite(void);

/* Behaviour behind the door, operation by operation. */
Suite *namespace_suite(void);
Suite *directory_suite(void);
Suite *closed_memory_suite(void);
Suite *pages_suite(void);
Suite *spare_memory_suite(void);
Suite *node_suite(void);
Suite *names_suite(void);
Suite *create_suite(void);
Suite *rename_suite(void);
Suite *attributes_suite(void);
Suite *times_suite(void);
Suite *io_suite(void);
Suite *allocate_suite(void);
Suite *twice_suite(void);
Suite *turns_suite(void);
Suite *charge_suite(void);
Suite *accounts_suite(void);
Suite *descriptors_suite(void);
Suite *deferred_free_suite(void);
Suite *xattr_suite(void);
Suite *seal_suite(void);
Suite *tmpfile_suite(void);
Suite *rules_suite(void);
Suite *access_suite(void);
Suite *listing_suite(void);
Suite *holding_suite(void);
Suite *lifetime_suite(void);
Suite *lingering_suite(void);
Suite *tenants_suite(void);
Suite *tenant_borders_suite(void);
Suite *mac_suite(void);
Suite *mac_policy_suite(void);
Suite *rights_suite(void);
Suite *mac_labels_suite(void);

/* Properties of all operations. */
Suite *verify_suite(void);
Suite *tree_suite(void);
Suite *rollback_suite(void);
Suite *failing_suite(void);
Suite *recovery_suite(void);
Suite *tiny_suite(void);
Suite *churn_suite(void);
Suite *tenant_life_suite(void);
Suite *persistence_suite(void);
Suite *cost_suite(void);
Suite *mac_flow_suite(void);

#endif
