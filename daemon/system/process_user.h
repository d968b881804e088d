/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose a process is. */
#ifndef SHMFS_SYSTEM_PROCESS_USER_H
#define SHMFS_SYSTEM_PROCESS_USER_H

#include <stdbool.h>
#include <sys/types.h>

/* User and group by which files are opened, of a process or thread. False: it is gone. */
bool process_user(pid_t pid, uid_t *uid, gid_t *gid);

/* Whether a signal is on its way to a thread that nothing can keep it from ending by. */
bool process_is_killed(pid_t pid);

#endif
