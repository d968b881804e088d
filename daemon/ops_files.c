/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on open objects. */
#define FUSE_USE_VERSION 314
#include "ops.h"
#include "reply.h"

void op_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	int rc =
	    shmfs_create(server_of(req)->fs, &cred, parent, name, mode, fi->flags, &attr, &opened);

	reply_create(req, rc, fi->flags, &attr, &opened);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct shmfs_opened opened;
	int rc = shmfs_open(server_of(req)->fs, ino, fi->flags, &opened);

	reply_open(req, rc, fi->flags, &opened);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	shmfs_release(server_of(req)->fs, fi->fh);
	reply_status(req, 0);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct server *server = server_of(req);
	ssize_t count;

	(void)ino;
	if (size > SERVER_MAX_TRANSFER)
		size = SERVER_MAX_TRANSFER;
	count = shmfs_read(server->fs, fi->fh, server->data, size, (uint64_t)offset);
	reply_data(req, count, server->data);
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
    struct fuse_file_info *fi)
{
	struct shmfs *fs = server_of(req)->fs;
	struct shmfs_cred cred = caller_of(req);
	ssize_t count;

	(void)ino;
	if (fi->writepage)
		count = shmfs_write_back(fs, fi->fh, data, size, (uint64_t)offset);
	else
		count = shmfs_write(fs, &cred, fi->fh, data, size, (uint64_t)offset);
	reply_written(req, count);
}

void op_fallocate(
    fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	(void)ino;
	reply_status(req,
	    shmfs_fallocate(server_of(req)->fs, fi->fh, mode, (uint64_t)offset, (uint64_t)length));
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	uint64_t found = 0;
	int rc = shmfs_lseek(server_of(req)->fs, fi->fh, (uint64_t)offset, whence, &found);

	(void)ino;
	reply_offset(req, rc, found);
}
