/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two mounts, in a mount namespace of their own.
 *
 * Environment: that of launch.h, and SHMFS_TEST_FS: tmpfs mounts a second tmpfs in its place, to
 * check the test itself.
 */
#ifndef SHMFS_TESTS_DIFFERENTIAL_MOUNTS_H
#define SHMFS_TESTS_DIFFERENTIAL_MOUNTS_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/* NULL, or why this machine cannot mount. */
const char *mounts_begin(void);
/* Removes all that was made. False when the daemon did not end as it should. */
bool mounts_end(void);

/* Both put the mount point's path in dir and end the program when they fail. */
void mount_tmpfs(char dir[PATH_MAX], const char *huge);
void mount_shmfs(char dir[PATH_MAX], const char *options);

/* The daemon has ended: what it said goes to stderr. */
bool daemon_has_ended(void);
bool daemon_log_mentions(const char *text);

#endif
