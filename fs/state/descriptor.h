/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the descriptors of objects' memory.
 *
 * The namespace chooses them itself, before a descriptor is made: a process that dies between
 * making one and noting it would leave one that nobody knows of, were the number the system's
 * choice. As it is, the number is in the undo log, and whoever rolls back closes it. So numbers
 * from the first one up belong to the namespace alone.
 */
#ifndef SHMFS_DESCRIPTOR_H
#define SHMFS_DESCRIPTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "state.h"

void descriptor_init(struct shmfs *fs, int first, int limit);

/* For the memory of this node. -ENFILE: there is none; -ENOMEM. */
int descriptor_take(struct shmfs *fs, uint64_t node, int *out);

/* The number must not be taken again before the transaction ends and closes it. */
void descriptor_give_back(struct shmfs *fs, int fd);

bool descriptor_is_taken(const struct shmfs *fs, int fd);

/* Whether so many more can be taken. */
bool descriptor_has_room(const struct shmfs *fs, unsigned count);

/* Notes whose memory a number is of, as descriptor_take() does; 0: nothing that is to be found.
 * -ENOMEM. */
int descriptor_note_holder(struct shmfs *fs, int fd, uint64_t node);

/* The numbers in turn, with the node that was noted last, which may have given this one back. */
uint64_t descriptor_next_holder(struct shmfs *fs, int *fd);

/* How many are taken. For verification: it counts them. */
uint64_t descriptor_count(const struct shmfs *fs);

#endif
