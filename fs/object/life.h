/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long nodes live.
 *
 * A node lives while anything knows it: a name, the caller (who counts its references, "lookups"),
 * or an open handle. The last of them to go frees it. The kernel keeps its reference of a node for
 * as long as a descriptor or a mapping of it exists, so a node whose memory is mapped lives as
 * well, although nobody says a word when the mapping ends.
 */
#ifndef SHMFS_LIFE_H
#define SHMFS_LIFE_H

#include "fs/state/state.h"

/*
 * To be called whenever something has let go of a node: frees one that nothing knows any more. Of
 * one that the caller alone knows, and whose memory nobody uses, the memory and the charge end
 * here: the kernel gives its last reference back at some time after an unlink, and who has made
 * room must find it at once.
 */
void life_drop_unused(struct shmfs *fs, struct node *node);

/* A node has lost a name: one of several, which were charged, or its last. */
void life_lost_name(struct shmfs *fs, struct node *node);

/* Removes an entry, and its node where that was the last that knew it. */
void life_unname(struct shmfs *fs, struct entry *entry);

#endif
