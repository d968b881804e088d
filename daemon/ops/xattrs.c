/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on extended attributes. */
#define FUSE_USE_VERSION 314
#include "ops.h"
#include "reply.h"

void op_setxattr(
    fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct shmfs_cred cred = caller_of(req);

	reply_status(req, shmfs_setxattr(server_of(req)->fs, &cred, ino, name, value, size, flags));
}

/* The kernel asks for the length with size 0, else for the data. */
static void reply_xattr(fuse_req_t req, ssize_t length, size_t size)
{
	if (length >= 0 && size == 0)
		reply_length(req, (size_t)length);
	else
		reply_data(req, length, server_of(req)->data);
}

static size_t room(size_t size)
{
	return size < SERVER_MAX_TRANSFER ? size : SERVER_MAX_TRANSFER;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct server *server = server_of(req);
	struct shmfs_cred cred = caller_of(req);

	reply_xattr(
	    req, shmfs_getxattr(server->fs, &cred, ino, name, server->data, room(size)), size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct server *server = server_of(req);
	struct shmfs_cred cred = caller_of(req);

	reply_xattr(req, shmfs_listxattr(server->fs, &cred, ino, server->data, room(size)), size);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct shmfs_cred cred = caller_of(req);

	reply_status(req, shmfs_removexattr(server_of(req)->fs, &cred, ino, name));
}
