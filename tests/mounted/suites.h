/* SPDX-License-Identifier: BSD-2-Clause */
/* The suites of the mounted tests, and the files that add their cases to them. */
#ifndef SHMFS_TESTS_MOUNTED_SUITES_H
#define SHMFS_TESTS_MOUNTED_SUITES_H

#include <check.h>

/* memory */
void add_mapping_cases(Suite *suite);
void add_one_page_cases(Suite *suite);
void add_appending_cases(Suite *suite);
void add_lifetime_cases(Suite *suite);
void add_reuse_cases(Suite *suite);
void add_io_cases(Suite *suite);
void add_anonymous_cases(Suite *suite);
void add_seal_cases(Suite *suite);
void add_write_seal_cases(Suite *suite);
void add_huge_cases(Suite *suite);
void add_huge_object_cases(Suite *suite);
void add_growth_cases(Suite *suite);
void add_copy_cases(Suite *suite);
void add_splice_cases(Suite *suite);
void add_caveat_cases(Suite *suite);
void add_transfer_cases(Suite *suite);
void add_unlinked_cases(Suite *suite);
/* size */
void add_size_cases(Suite *suite);
void add_limit_cases(Suite *suite);
void add_account_cases(Suite *suite);
void add_other_cases(Suite *suite);
void add_racing_cases(Suite *suite);
void add_tenant_cases(Suite *suite);
void add_released_cases(Suite *suite);
/* names */
void add_name_cases(Suite *suite);
void add_link_cases(Suite *suite);
void add_rename_cases(Suite *suite);
void add_node_cases(Suite *suite);
void add_listing_cases(Suite *suite);
void add_handle_cases(Suite *suite);
void add_walking_cases(Suite *suite);
/* attributes */
void add_attribute_cases(Suite *suite);
void add_time_cases(Suite *suite);
void add_store_cases(Suite *suite);
void add_clock_cases(Suite *suite);
void add_statx_cases(Suite *suite);
void add_xattr_cases(Suite *suite);
void add_xattr_node_cases(Suite *suite);
void add_acl_cases(Suite *suite);
void add_acl_user_cases(Suite *suite);
/* locks */
void add_lock_cases(Suite *suite);
void add_watching_cases(Suite *suite);
/* rules=freebsd */
void add_freebsd_cases(Suite *suite);
void add_freebsd_memfd_cases(Suite *suite);
void add_freebsd_rule_cases(Suite *suite);
void add_freebsd_user_cases(Suite *suite);
/* policies */
void add_policy_cases(Suite *suite);
void add_label_cases(Suite *suite);
void add_right_cases(Suite *suite);
/* daemon */
void add_daemon_cases(Suite *suite);
void add_bad_input_cases(Suite *suite);
void add_descriptor_cases(Suite *suite);
void add_closed_memory_cases(Suite *suite);
void add_survival_cases(Suite *suite);
void add_succession_cases(Suite *suite);
void add_freeing_cases(Suite *suite);
void add_follow_cases(Suite *suite);
void add_quiet_cases(Suite *suite);
void add_expiry_cases(Suite *suite);
void add_many_cases(Suite *suite);
void add_many_memories_cases(Suite *suite);

#endif
