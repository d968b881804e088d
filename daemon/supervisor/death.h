/* SPDX-License-Identifier: BSD-2-Clause */
/* What a child died of. */
#ifndef SHMFS_PROCESS_DEATH_H
#define SHMFS_PROCESS_DEATH_H

#include <stdbool.h>

#include "fuse/exchange.h"

/* Of a status of wait(2); whether it was killed for not answering, and whether the kernel has
 * killed for memory meanwhile. */
enum death death_of(int status, bool hung, bool memory_ran_short);

/* Logs it, and the system call for which it was, if it was one. */
void death_log(const char *who, int status, enum death death);

#endif
