/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The operations: each decodes its arguments, makes one call of the namespace, and replies
 * (reply.h). They run within the transaction of their request, which the reply ends.
 */
#ifndef SHMFS_OPS_OPS_H
#define SHMFS_OPS_OPS_H

#include <fuse_lowlevel.h>

#include "fuse/channel.h"

/* The request that libfuse calls by this name. */
static inline struct request *request_of(fuse_req_t req)
{
	struct channel *channel = fuse_req_userdata(req);
	struct request *request = channel_request(channel);

	request->libfuse = req;
	return request;
}

/* Names: names.c. */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
    const char *new_name, unsigned flags);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi);

/* Attributes: attributes.c. */
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(
    fuse_req_t req, fuse_ino_t ino, struct stat *st, int valid, struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t ino);

/* Extended attributes: xattrs.c. */
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* Open objects: files.c. */
void op_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
    struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
    struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out, struct fuse_file_info *fi_out,
    size_t size, int flags);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi);
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg,
    struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size, size_t out_size);

/* What comes most often is decoded without libfuse, which takes memory for each request. */
void ops_read(struct request *request, const char *body);
void ops_write(struct request *request, const char *body);

/* Both opcodes of it: at most as much as one request transfers. */
ssize_t ops_copy(struct request *request, const struct shmfs_range *from,
    const struct shmfs_range *to, uint64_t size, uint64_t flags);

/*
 * Answers a request whose opcode libfuse 3.14 does not know, or that its later versions take
 * otherwise; false if this one is not among them: beside.c.
 */
bool ops_beside(struct request *request, const char *body);

#endif
