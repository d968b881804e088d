/* SPDX-License-Identifier: BSD-2-Clause */
/* Begin and end of the channel: mounting, INIT, and taking over what another program began. */
#ifndef SHMFS_FUSE_SESSION_H
#define SHMFS_FUSE_SESSION_H

#include "channel.h"

struct fuse_args;

/*
 * Makes a session on fd, which the session then owns: /dev/fuse of a mount that is there, or in
 * tests one end of a SOCK_SEQPACKET pair. -ENOMEM, -EINVAL.
 */
int channel_attach(struct channel *channel, int fd);

/*
 * Makes a session and mounts it at mountpoint with libfuse's mount options in args. On failure one
 * line is in why, and nothing is mounted. -EPERM stands for whatever the system refused.
 */
int channel_mount(struct channel *channel, struct fuse_args *args, const char *mountpoint,
    char *why, size_t why_size);

/* Ends the session and closes its descriptor, which ends the connection. */
void channel_close(struct channel *channel);

/*
 * Makes a session on the exchange's descriptor of /dev/fuse, whose connection another program has
 * negotiated: it learns of that from the INIT request in the exchange, and says nothing to the
 * kernel. -EPROTO: there is none; -ENOMEM, -EINVAL.
 */
int channel_repeat_init(struct channel *channel);

/*
 * Waits for the kernel's first request, INIT, and answers it. -ETIMEDOUT: none came;
 * -EPROTO: the kernel's protocol is none that this server speaks; -ENODEV.
 */
int channel_negotiate(struct channel *channel, int timeout_ms);

#endif
