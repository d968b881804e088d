/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Empty objects that have kept their memory because it was in use when their last handle went.
 *
 * A client's mapping may use it for long. The kernel itself does so for a moment: it says that a
 * file is closed before it lets go of the memory behind it, and a client that is interrupted in
 * between does so late. Nobody tells when such a use ends. So they are remembered, and each time
 * that a last handle goes, the oldest is asked about again: descriptors that are not needed do not
 * become more and more.
 */
#ifndef SHMFS_IDLE_MEMORY_H
#define SHMFS_IDLE_MEMORY_H

#include "state.h"

/* Remembers an object, unless it is remembered, or the arena is full. The node is saved here. */
void idle_memory_add(struct shmfs *fs, struct node *node);

/* Forgets it, if it is remembered. The node is saved here. */
void idle_memory_remove(struct shmfs *fs, struct node *node);

/* Takes the oldest out; NULL: there is none. The node is saved here. */
struct node *idle_memory_take(struct shmfs *fs);

#endif
