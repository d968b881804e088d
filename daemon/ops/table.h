/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations, for a channel; and what they keep. */
#ifndef SHMFS_OPS_TABLE_H
#define SHMFS_OPS_TABLE_H

#include "deferred.h"
#include "denial_log.h"
#include "fuse/channel.h"

struct workers;

/* What the operations of a channel keep from one request to another. */
struct ops {
	struct denial_log log;
	struct deferred_list deferred;
	struct workers *workers; /* that move the bytes of large requests; NULL: there are none */
	unsigned transfers;	 /* under way */
};

extern const struct channel_operations ops_table;

#endif
