/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies. Each operation ends with one of these, which takes what the namespace answered: where
 * that is a negative errno, the request fails (fuse/request.h), and who was refused stands in the
 * log, unless it is served again later (room.h); else the reply is laid out as the kernel wants it.
 * Only here a reference is taken back that the kernel did not want any more.
 *
 * After a reply the request is gone.
 */
#ifndef SHMFS_OPS_REPLY_H
#define SHMFS_OPS_REPLY_H

#include "fuse/channel.h"

/* rc alone: 0 or a negative errno. */
void reply_status(struct request *request, int rc);

/* A named node, of which the kernel now holds one more reference. */
void reply_entry(struct request *request, int rc, const struct shmfs_attr *attr);

/* Attributes: what stat(2) wants, and the time of birth as well. */
void reply_attr(struct request *request, int rc, const struct shmfs_attr *attr);
void reply_statx(struct request *request, int rc, const struct shmfs_attr *attr);

/* An opening with these flags of open(2); and the same with the node that was made for it. */
void reply_open(struct request *request, int rc, int flags, const struct shmfs_opened *opened);
void reply_create(struct request *request, int rc, int flags, const struct shmfs_attr *attr,
    const struct shmfs_opened *opened);

/* A directory, of which nothing is to be remembered. */
void reply_opened_directory(struct request *request);

/* Of ioctl(2): what may be done through an opening. */
void reply_rights(struct request *request, int rc, uint32_t rights);

/* count bytes of data; a count below 0 is an errno. */
void reply_data(struct request *request, ssize_t count, const void *data);

/* What an object's memory has, as pages or as a copy. */
void reply_memory(struct request *request, const struct shmfs_memory *memory);

/* How much was written; a count below 0 is an errno. And the same for an opcode with 64 bits. */
void reply_written(struct request *request, ssize_t count);
void reply_written_64(struct request *request, ssize_t count);

/* The length of an extended attribute. */
void reply_length(struct request *request, size_t length);

void reply_offset(struct request *request, int rc, uint64_t offset);

/* A target of so many bytes; a length below 0 is an errno. */
void reply_target(struct request *request, int length, const char *target);

void reply_statfs(struct request *request, const struct shmfs_usage *usage);

#endif
