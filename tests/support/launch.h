/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests that start the daemon have in common: which one, where, how it begins, and its log.
 *
 * Environment: SHMFS_BIN is the daemon (./shmfs), SHMFS_TEST_IO the tier (auto), SHMFS_TEST_HUGE
 * the option huge=, or memfd for a system on which a private tmpfs cannot be made,
 * SHMFS_TEST_DESCRIPTORS how many descriptors the daemon may have, TMPDIR where folders are made
 * (/tmp), SHMFS_TEST_SLOW how many times slower than others this machine is (1).
 */
#ifndef SHMFS_TESTS_SUPPORT_LAUNCH_H
#define SHMFS_TESTS_SUPPORT_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { STATUS_SKIP = 77 };

struct launch {
	const char *binary;
	const char *options;   /* as after -o */
	const char *dir;       /* the mount point */
	const char *log;       /* a file that gets its standard error at its end */
	const char *notify;    /* NOTIFY_SOCKET, or NULL */
	void (*prepare)(void); /* in the process that becomes the daemon, or NULL */
};

const char *launch_binary(void);
const char *launch_io(void);
/* The value of huge=; NULL: it is not given. */
const char *launch_huge(void);
bool launch_has_memfds(void);

/* From now on, fsopen(2) is a system call that does not exist. False: that cannot be had. */
bool launch_without_store(void);

/* From now on, a program has so many descriptors at most, and cannot raise that. */
bool launch_with_descriptors(unsigned most);

/* By what limits of time are multiplied that are there to end a test that does not go on. */
int launch_slowness(void);

/* A mount namespace of this process's own. NULL, or the reason why it cannot be had. */
const char *launch_privately(void);
/* Makes a folder shmfs-NAME.XXXXXX that all may enter. */
bool launch_directory(char *path, size_t size, const char *name);

/* Starts the daemon in the foreground; it ends with this process. -1 with errno. */
pid_t launch(const struct launch *how);
/* Waits until something of FUSE is mounted there; false: not within ten seconds, or `ended` said
 * that there is nobody to wait for. */
bool launch_is_mounted(const char *dir, bool (*ended)(void));

/* How many lines of the log have this text. */
unsigned log_count(const char *log, const char *text);
/* Its last bytes (0: all of it) to stderr, each line with this before it. */
void log_show(const char *log, const char *before, long last);

/* Says that a test cannot run here, and returns the status to end with: that of a failure where
 * SHMFS_TESTS_MUST_RUN=1. */
int skip_test(const char *test, const char *reason);

#endif
