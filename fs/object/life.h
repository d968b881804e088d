/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long nodes live.
 *
 * A node lives, whole and charged, while anything wants it: a name, the caller (who counts its
 * references, "lookups"), an open handle or a pin, and memory that was handed out. The last of them
 * to go frees it. The kernel keeps its reference of a node for as long as a descriptor of any kind,
 * a mount, an event or a mapping leads to it, so such a node lives as well, although nobody tells
 * when a mapping ends. When the last of these goes and the node has no name, the kernel gives its
 * reference back at once: it is queued when close(2), munmap(2) or unlink(2) returns.
 *
 * The kernel also remembers a name that nobody uses, and so the node behind it, until it is asked
 * to remove the name, or is told that others have (expiry.h).
 */
#ifndef SHMFS_LIFE_H
#define SHMFS_LIFE_H

#include <stdbool.h>

#include "directory.h"
#include "fs/state/state.h"

/* Whether anything wants the node. */
bool life_is_wanted(const struct shmfs *fs, const struct node *node);

/* To be called whenever something has let go of a node: frees one that nothing wants any more. */
void life_drop_unused(struct shmfs *fs, struct node *node);

/*
 * Of an object without a name that the caller alone knows, and cannot be made to forget: memory and
 * attributes end, with their charge. What is left of the node cannot be opened.
 */
void life_end_memory(struct shmfs *fs, struct node *node);

/* A node has lost a name by a request, which was charged so: one of several, or its last. */
void life_lost_name(struct shmfs *fs, struct node *node, struct name_charge lost);

/* Removes an entry, and its node where that was the last that knew it. */
void life_unname(struct shmfs *fs, struct entry *entry);

#endif
