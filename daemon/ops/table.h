/* SPDX-License-Identifier: BSD-2-Clause */
/* The operations, for a channel. */
#ifndef SHMFS_OPS_TABLE_H
#define SHMFS_OPS_TABLE_H

#include "fuse/channel.h"

extern const struct channel_operations ops_table;

#endif
