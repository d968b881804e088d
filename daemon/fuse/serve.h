/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests in: read one by one, checked, and handed to libfuse, which decodes them for ops. */
#ifndef SHMFS_FUSE_SERVE_H
#define SHMFS_FUSE_SERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel.h"

/*
 * Serves one request, that whose turn it is (turns/queue.h). 1: it was served; 0: there is none
 * (the descriptor is non-blocking); -ENODEV: the filesystem was unmounted or its connection ended;
 * other errors of read(2).
 */
int channel_serve(struct channel *channel);

/* Whether a request waits for its turn: nobody may sleep then. */
bool channel_has_queued(const struct channel *channel);

/* Whether a request waits to be served: for its turn, in the kernel, or as a server before this one
 * has left it. */
bool channel_has_more(const struct channel *channel);

/* Serves what lies in the current slot: `length` bytes that claim to be one request, and a NUL. */
void channel_serve_received(struct channel *channel, size_t length);

/* Serves the request in a slot, which was left or postponed there, as if it had just been received.
 */
void channel_serve_again(struct channel *channel, uint32_t slot);

#endif
