/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server does first: it sets right whatever the one before it left behind. */
#ifndef SHMFS_FUSE_RECOVERY_H
#define SHMFS_FUSE_RECOVERY_H

#include "channel.h"

/*
 * Ends the unfinished transaction, closes a backing id that nobody knows, finishes the request in
 * the exchange's current slot, and has the kernel send again what got no reply. Costs the same
 * however many objects there are. A negative errno where the channel to the kernel fails; -ENODEV:
 * the filesystem is gone.
 */
int recovery_run(struct channel *channel);

#endif
