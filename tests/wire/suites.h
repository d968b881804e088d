/* SPDX-License-Identifier: BSD-2-Clause */
/* The suites of the wire tests. */
#ifndef SHMFS_TESTS_WIRE_SUITES_H
#define SHMFS_TESTS_WIRE_SUITES_H

#include <check.h>

Suite *init_suite(void);
Suite *tier_suite(void);
Suite *transfer_suite(void);
Suite *pages_suite(void);
Suite *warnings_suite(void);
Suite *socket_suite(void);
Suite *names_suite(void);
Suite *any_name_suite(void);
Suite *rename_suite(void);
Suite *tenants_suite(void);
Suite *attributes_suite(void);
Suite *files_suite(void);
Suite *writing_suite(void);
Suite *allocate_suite(void);
Suite *listing_suite(void);
Suite *newer_suite(void);
Suite *xattrs_suite(void);
Suite *rules_suite(void);
Suite *mac_suite(void);
Suite *policy_suite(void);
Suite *lifetime_suite(void);
Suite *protocol_suite(void);
Suite *hostile_suite(void);
Suite *random_suite(void);
Suite *refused_suite(void);
Suite *recovery_suite(void);
Suite *waiting_suite(void);
Suite *memory_freed_suite(void);
Suite *room_suite(void);
Suite *request_suite(void);
Suite *turns_suite(void);
Suite *turns_left_suite(void);
Suite *foreign_suite(void);
Suite *memory_nodes_suite(void);
Suite *memory_room_suite(void);
Suite *options_suite(void);
Suite *refusals_suite(void);
Suite *printing_suite(void);
Suite *arguments_suite(void);
Suite *follower_suite(void);
Suite *busy_poll_suite(void);

/* A suite of one case that holds these tests. */
Suite *suite_of(const char *name, const TTest *const *tests, size_t count);

#endif
