/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the program under test to its end and keeps what it said. */
#ifndef SHMFS_TESTS_MOUNTED_RUN_SHMFS_H
#define SHMFS_TESTS_MOUNTED_RUN_SHMFS_H

#include <stdbool.h>
#include <sys/types.h>

struct run {
	int status; /* of wait(2) */
	char out[8192];
	char err[8192];
};

enum { MAX_ARGUMENTS = 12 };

struct launch {
	const char *arguments[MAX_ARGUMENTS]; /* without the program's name, up to the first NULL */
	void (*prepare)(void);		      /* in the new process, still as root */
	uid_t uid;			      /* 0 stays root */
};

/* A program that is not done after ten seconds is killed and fails the test. */
void run_shmfs(struct run *run, const struct launch *launch);
bool exited_with(const struct run *run, int code);
/* One line on standard error, nothing on standard output, a non-zero exit status. */
void expect_refusal(const struct run *run);
/* One of the words that `words` separates by '|' stands in what was said on standard error. */
void expect_mention(const struct run *run, const char *words);

/* Within two seconds no child of this process is left but `known` (0 for none). */
void expect_no_process_but(pid_t known);
/* The only child, started in the background by a run. */
pid_t background_daemon(void);
int count_fuse_mounts(void);

#endif
