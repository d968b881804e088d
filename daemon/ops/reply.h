/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replies. Each operation ends with one of these, which takes what the namespace answered: where
 * that is a negative errno, the change is undone and the error sent. Only here the sign of an errno
 * turns, and only here a reference is taken back that the kernel did not want any more.
 *
 * After a reply the request is gone.
 */
#ifndef SHMFS_OPS_REPLY_H
#define SHMFS_OPS_REPLY_H

#include <fuse_lowlevel.h>

#include "process/server.h"

struct fuse_in_header;

/* rc alone: 0 or a negative errno. */
void reply_status(fuse_req_t req, int rc);

/* A named node, of which the kernel now holds one more reference. */
void reply_entry(fuse_req_t req, int rc, const struct shmfs_attr *attr);

void reply_attr(fuse_req_t req, int rc, const struct shmfs_attr *attr);

/* An opening with these flags of open(2); and the same with the node that was made for it. */
void reply_open(fuse_req_t req, int rc, int flags, const struct shmfs_opened *opened);
void reply_create(fuse_req_t req, int rc, int flags, const struct shmfs_attr *attr,
    const struct shmfs_opened *opened);

/* A directory, of which nothing is to be remembered. */
void reply_opened_directory(fuse_req_t req);

/* Of ioctl(2): what may be done through an opening. */
void reply_rights(fuse_req_t req, int rc, uint32_t rights);

/* count bytes of data; a count below 0 is an errno. */
void reply_data(fuse_req_t req, ssize_t count, const void *data);

/* How much was written; a count below 0 is an errno. */
void reply_written(fuse_req_t req, ssize_t count);

/* The length of an extended attribute. */
void reply_length(fuse_req_t req, size_t length);

void reply_offset(fuse_req_t req, int rc, uint64_t offset);

/* A target that is NUL-terminated. */
void reply_target(fuse_req_t req, int rc, const char *target);

static inline struct server *server_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

static inline struct shmfs_cred caller_of(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct shmfs_cred){
	    .uid = ctx->uid, .gid = ctx->gid, .umask = ctx->umask, .pid = ctx->pid};
}

/*
 * The same for requests that libfuse does not know, which have no fuse_req_t: those that open what
 * they make, and those whose payload is laid out already.
 */
void reply_newer_create(struct server *server, const struct fuse_in_header *header, int rc,
    int flags, const struct shmfs_attr *attr, const struct shmfs_opened *opened);
void reply_newer(
    struct server *server, const struct fuse_in_header *header, int rc, void *payload, size_t size);

/* Seconds for which the kernel may believe a node's attributes. */
double attr_timeout(const struct server *server, const struct shmfs_attr *attr);

/* For stat(2); what shmfs knows and struct stat has no place for is left out. */
struct stat attr_to_stat(const struct shmfs_attr *attr);

#endif
