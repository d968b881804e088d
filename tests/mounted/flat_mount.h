/* SPDX-License-Identifier: BSD-2-Clause */
/* Test cases on a mount with rules=freebsd, whose only directory is the root. */
#ifndef SHMFS_TESTS_MOUNTED_FLAT_MOUNT_H
#define SHMFS_TESTS_MOUNTED_FLAT_MOUNT_H

#include <check.h>

/*
 * Like case_on_mount, but each test runs in the emptied root directory. `start` sets shared_mount;
 * NULL means rules=freebsd and limits that no test meets.
 */
TCase *case_on_flat_mount(Suite *suite, const char *name, void (*start)(void));

#endif
