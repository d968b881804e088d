/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in: read one by one, checked, and handed to libfuse, which decodes them for ops. */
#ifndef SHMFS_FUSE_SERVE_H
#define SHMFS_FUSE_SERVE_H

#include <stddef.h>

#include "channel.h"

/*
 * Serves one request. 1: it was served; 0: there is none (the descriptor is non-blocking);
 * -ENODEV: the filesystem was unmounted or its connection ended; other errors of read(2).
 */
int channel_serve(struct channel *channel);

/* Serves what lies in the current slot: `length` bytes that claim to be one request, and a NUL. */
void channel_serve_received(struct channel *channel, size_t length);

#endif
