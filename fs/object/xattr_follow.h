/* SPDX-License-Identifier: BSD-2-Clause */
/* What attributes have to do with the rest of a node's life. */
#ifndef SHMFS_XATTRS_H
#define SHMFS_XATTRS_H

#include <sys/types.h>

#include "fs/state/state.h"

/* Brings a node's access list into step with its mode, which was changed. -ENOSPC, -ENOMEM. */
int xattrs_follow_mode(struct shmfs *fs, struct node *node);

/* Capabilities of a program do not outlive a change of the program, whoever makes it. */
void xattrs_follow_write(struct shmfs *fs, struct node *node);

/*
 * Completes the mode of a new node: by its directory's default list, which it inherits, or where
 * there is none by the mask of whoever made it. -ENOSPC, -ENOMEM.
 */
int xattrs_inherit(struct shmfs *fs, const struct node *dir, struct node *node, mode_t umask);

#endif
