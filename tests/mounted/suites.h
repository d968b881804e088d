/* SPDX-License-Identifier: BSD-2-Clause */
/* The suites of the mounted tests, and the files that add their cases to them. */
#ifndef SHMFS_TESTS_MOUNTED_SUITES_H
#define SHMFS_TESTS_MOUNTED_SUITES_H

#include <check.h>

/* memory */
void add_mapping_cases(Suite *suite);
void add_lifetime_cases(Suite *suite);
void add_io_cases(Suite *suite);
/* size */
void add_size_cases(Suite *suite);
void add_limit_cases(Suite *suite);
/* names */
void add_name_cases(Suite *suite);
void add_link_cases(Suite *suite);
void add_rename_cases(Suite *suite);
void add_node_cases(Suite *suite);
void add_listing_cases(Suite *suite);
/* attributes */
void add_attribute_cases(Suite *suite);
void add_time_cases(Suite *suite);
/* daemon */
void add_daemon_cases(Suite *suite);
void add_bad_input_cases(Suite *suite);
void add_descriptor_cases(Suite *suite);
void add_many_cases(Suite *suite);

#endif
