/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The channel to the kernel: requests come in one by one and are handed to libfuse, which decodes
 * them and calls the operations (ops.h); replies go out through one place, where a transaction ends
 * before the caller can learn of its result.
 */
#ifndef SHMFS_FUSE_CHANNEL_H
#define SHMFS_FUSE_CHANNEL_H

#include <stdbool.h>

#include "process/server.h"

struct fuse_args;

/*
 * Makes a session on fd, which the session then owns: /dev/fuse of a mount that is there, or in
 * tests one end of a SOCK_SEQPACKET pair. -ENOMEM, -EINVAL.
 */
int channel_attach(struct server *server, int fd);

/*
 * Makes a session and mounts it at mountpoint with libfuse's mount options in args. On failure one
 * line is in why, and nothing is mounted. -EPERM stands for whatever the system refused.
 */
int channel_mount(struct server *server, struct fuse_args *args, const char *mountpoint, char *why,
    size_t why_size);

/* Ends the session and closes its descriptor, which ends the connection. */
void channel_close(struct server *server);

/*
 * Serves one request. 1: it was served; 0: there is none (the descriptor is non-blocking);
 * -ENODEV: the filesystem was unmounted or its connection ended; other errors of read(2).
 */
int channel_serve(struct server *server);

/* Whether the kernel sends unanswered requests again when it is asked to (Linux 6.9). */
bool channel_can_resend(const struct server *server);

/* The number of the request that is being served. */
uint64_t channel_unique(const struct server *server);

/* Serves the request that lies in the handover, which is well-formed. */
void channel_serve_request(struct server *server);

/*
 * Answers a READ: count bytes of data, or a negative errno. Touches nothing else, so any thread may
 * call it. An error of writev(2).
 */
int channel_answer_read(int fuse_fd, uint64_t unique, void *data, ssize_t count);

/*
 * Makes a session on the handover's descriptor of /dev/fuse, whose connection another program has
 * negotiated: it learns of that from the INIT request in the handover, and says nothing to the
 * kernel. -EPROTO: there is none; -ENOMEM, -EINVAL.
 */
int channel_repeat_init(struct server *server);

/*
 * Waits for the kernel's first request, INIT, and answers it. -ETIMEDOUT: none came;
 * -EPROTO: the kernel's protocol is none that this server speaks; -ENODEV.
 */
int channel_negotiate(struct server *server, int timeout_ms);

/*
 * Sends a reply that libfuse cannot: error is 0 or a negative errno, and then there is no payload.
 * What is true of every reply is true of this one. -ENOENT: the kernel gave the request up.
 */
int channel_reply(struct server *server, uint64_t unique, int error, void *payload, size_t size);

#endif
