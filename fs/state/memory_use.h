/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who else uses the memory of a descriptor.
 *
 * A question that is not asked to the end can leave memory in others' way (struct shmfs_os,
 * settle), so which memory it is about is noted first. The note is no part of a transaction:
 * whoever comes next finds it, whatever becomes of the change.
 */
#ifndef SHMFS_MEMORY_USE_H
#define SHMFS_MEMORY_USE_H

#include "state.h"

/* Whether nobody else has it open or mapped. */
bool memory_is_unused(const struct shmfs *fs, int fd);

/* -EBUSY: somebody may write it. Nobody frees parts of it meanwhile. */
int memory_seal_write(struct shmfs *fs, int fd);

/* Sets right what a process that died has left. */
void memory_settle(struct shmfs *fs);

#endif
