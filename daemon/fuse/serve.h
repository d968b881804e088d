/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in: read one by one, checked, and handed to libfuse, which decodes them for ops. */
#ifndef SHMFS_FUSE_SERVE_H
#define SHMFS_FUSE_SERVE_H

#include "channel.h"

/*
 * Serves one request. 1: it was served; 0: there is none (the descriptor is non-blocking);
 * -ENODEV: the filesystem was unmounted or its connection ended; other errors of read(2).
 */
int channel_serve(struct channel *channel);

/* Serves the request that lies in the current slot, which is well-formed. */
void channel_serve_request(struct channel *channel);

#endif
