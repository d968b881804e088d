/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that is kept for the next object.
 *
 * To make memory, register it with the kernel and let go of both takes longer than all else that
 * is done about an object that lives for a moment. So small memory is emptied when its object ends,
 * and a few of them are kept, with descriptor and backing id.
 *
 * What is kept is as good as new. It was proven that nobody has it open or mapped, and no page is
 * left in it, which is looked at once more before it is given out. It was never named, sealed, nor
 * handed out past the kernel (whoever was, may still know a way to it). Its times are not seen
 * before it has a size, which it gets with the time of that. What a process has told the kernel
 * about its pages by mbind(2) does stay, so where there is a choice of nodes none are kept
 * (shmfs_config.spare_memories). Objects of other pages than the mount's (user.shmfs.huge) have no
 * part in it.
 */
#ifndef SHMFS_SPARE_MEMORY_H
#define SHMFS_SPARE_MEMORY_H

#include <stdbool.h>

#include "fs/state/state.h"

/* Keeps the memory of an object, which has none from then on; false: it is to be closed. The node
 * is saved. */
bool spare_memory_keep(struct shmfs *fs, struct node *node);

/* Gives an object that has no memory one, and the backing id that this has; false: there is none.
 * The node is saved then. */
bool spare_memory_take(struct shmfs *fs, struct node *node);

/* Closes one, in a transaction of its own; false: there is none. */
bool spare_memory_close(struct shmfs *fs);

#endif
