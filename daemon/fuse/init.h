/* SPDX-License-Identifier: BSD-2-Clause */
/* What is agreed on with the kernel by INIT, beyond what libfuse 3.14 knows. */
#ifndef SHMFS_FUSE_INIT_H
#define SHMFS_FUSE_INIT_H

#include <stdbool.h>

#include "channel.h"

struct fuse_in_header;
struct iovec;

/* Remembers what the kernel offers, if this well-formed request is its greeting. */
void init_note(struct channel *channel, const struct fuse_in_header *header);

/*
 * Amends libfuse's reply to INIT, which is that of error and these parts, before it is sent. What
 * cannot be a greeting's reply ends the session.
 */
void init_amend(struct channel *channel, int error, struct iovec *iov, int count);

/* Whether the kernel and this one have agreed that mounts may be id-mapped. */
bool init_allows_idmap(const struct channel *channel);

#endif
