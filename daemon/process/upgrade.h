/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on with another program, under the mount and between two requests.
 *
 * The supervisor executes the program that is installed now in its own place: as the same process,
 * with the same arguments and descriptors. That program finds the handover by a descriptor that the
 * environment names, and in it all the rest. Before, it is tried in a process of its own, so that
 * one that does not know these layouts or options is never stepped into; and the program that ran
 * before is kept open until a server of the new one answers, to go back to.
 */
#ifndef SHMFS_PROCESS_UPGRADE_H
#define SHMFS_PROCESS_UPGRADE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "handover.h"

struct upgrade {
	char program[PATH_MAX]; /* where this one was found when it was started */
	char **argv;
	int handover_fd;
};

/* How this program was started. */
struct upgrade_start {
	int handover_fd; /* of the mount to go on with; -1: there is none, begin anew */
	int previous;	 /* descriptor of the program to go back to; -1: none */
	bool trial;	 /* only tell by the exit status whether that would be possible */
};

/* Reads and removes what an earlier program left in the environment. -EINVAL: nonsense. */
int upgrade_read_start(struct upgrade_start *out);

/* The arguments for the next program, which is to read the same: whoever reads them here moves them
 * about and cuts lists at their commas. The caller's to drop. NULL: no memory. */
char **upgrade_keep_arguments(int argc, char **argv);
void upgrade_drop_arguments(char **kept);

/* Notes this program. A negative errno where its file cannot be told. */
int upgrade_prepare(struct upgrade *upgrade, char **argv);

/*
 * Starts a trial of the installed program, whose process is the caller's to wait for; what it says
 * goes to a descriptor below. Failures are logged, and are a negative errno.
 */
struct upgrade_trial {
	pid_t pid; /* 0: there is none */
	int said;
};
int upgrade_try(
    const struct upgrade *upgrade, struct handover *handover, struct upgrade_trial *out);

/* Ends a trial whose process ended with this status. False, and logged: it was refused. */
bool upgrade_is_possible(const struct upgrade *upgrade, struct handover *handover,
    struct upgrade_trial *trial, int status);

/* Steps into the installed program. There is no server, and strays are closed. Returns on failure
 * alone, which is logged. */
void upgrade_run(const struct upgrade *upgrade, struct handover *handover);

/* A server of this program answers: lets go of the one before. */
void upgrade_done(struct handover *handover);

/* Steps back into the program before. Returns if there is none, or, logged, if it cannot be. */
void upgrade_go_back(const struct upgrade *upgrade, struct handover *handover);

/* Takes over the handover that an earlier program handed on: from now on, the handover says where
 * to go back to. */
void upgrade_take_over(struct upgrade_start *start, struct handover *handover);

/* The same as the last but one for a program that has not got as far as to have a handover. */
void upgrade_return(const struct upgrade_start *start, char **argv);

#endif
