/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each process may do. The supervisor has what mounting and unmounting, starting children and
 * stepping into another program take; every child has its role's part of that, and gives the rest
 * up before it reads what a user sent.
 *
 *   capabilities    capabilities.c has each role's; the bounding, permitted, effective, inheritable
 *                   and ambient sets hold no other afterwards
 *   no_new_privs    no program that is executed has more
 *   system calls    calls.def has a child's; another one ends the child by SIGSYS, and who started
 *                   it starts the next one, and the supervisor logs the call
 *
 * A filter outlives execve(2), and is never widened. The supervisor steps into the program of an
 * upgrade, which may need calls that this version has never heard of; so the supervisor's list
 * names what none of its kind may do (denied.def), with EPERM, and everything else is allowed.
 * Children are not executed: theirs are lists of what they may do, and come with the version.
 */
#ifndef SHMFS_CONFINE_CONFINE_H
#define SHMFS_CONFINE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

#include "whose.h"

/*
 * Once, before the first child, in a process that is to have roles up to `last` from `first` on,
 * itself or in children: makes their filters, so that a child only has to load its own. -ENOMEM;
 * -EOPNOTSUPP where libseccomp does not know the machine. why has a line that names what failed and
 * what helps.
 */
int confine_prepare(enum confine_role first, enum confine_role last, char *why, size_t why_size);

/*
 * Takes away from the calling process, which has one thread, what its role does not need, for good.
 * Where the process has fewer capabilities, it stays at those. On failure, a negative errno and a
 * line as above; the process may have lost a part by then, and should end.
 */
int confine(enum confine_role role, char *why, size_t why_size);

/* The two parts of that: capabilities and no_new_privs, of a process that is yet to have children
 * of its role; and system calls, of those. */
int confine_privileges(enum confine_role role, char *why, size_t why_size);
int confine_calls(enum confine_role role, char *why, size_t why_size);

/* The number of the call for which the last child was ended; -1: none was since this was asked. For
 * whoever has prepared. */
int confine_denied(void);

/* What a child was ended for, as part of a line for the log: by such a number, or -1, where the
 * status of wait(2) says it. False: it was not ended for that. */
bool confine_tell(int status, int number, char *out, size_t size);

#endif
