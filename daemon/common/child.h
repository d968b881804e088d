/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a child. */
#ifndef SHMFS_COMMON_CHILD_H
#define SHMFS_COMMON_CHILD_H

#include <sys/types.h>

/* Kills it and waits for its end; one that cannot be killed is not waited for. */
void child_end(pid_t pid);

#endif
