/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server does first: it sets right whatever the one before it left behind. */
#ifndef SHMFS_FUSE_RECOVERY_H
#define SHMFS_FUSE_RECOVERY_H

#include "channel.h"

/*
 * Ends the unfinished transaction, closes a backing id that nobody knows, sends the reply of the
 * last change, and serves what is left in the slots, in the order in which it came; what waited for
 * its turn in cells waits for that again. Costs the same however many objects there are. A negative
 * errno where the channel to the kernel fails; -ENODEV: the filesystem is gone.
 */
int recovery_run(struct channel *channel);

#endif
