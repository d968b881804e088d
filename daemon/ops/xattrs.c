/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on extended attributes; beside.c sets them. */
#define FUSE_USE_VERSION 314
#include "ops.h"
#include "reply.h"

/* The kernel asks for the length with size 0, else for the data. */
static void reply_xattr(struct request *request, ssize_t length, size_t size)
{
	if (length >= 0 && size == 0)
		reply_length(request, (size_t)length);
	else
		reply_data(request, length, request->channel->data);
}

static size_t room(size_t size)
{
	return size < EXCHANGE_READ_MAX ? size : EXCHANGE_READ_MAX;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct request *request = request_of(req);
	ssize_t length = shmfs_getxattr(
	    fs_of(request), &request->cred, ino, name, request->channel->data, room(size));

	reply_xattr(request, length, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct request *request = request_of(req);
	ssize_t length = shmfs_listxattr(
	    fs_of(request), &request->cred, ino, request->channel->data, room(size));

	reply_xattr(request, length, size);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct request *request = request_of(req);

	reply_status(request, shmfs_removexattr(fs_of(request), &request->cred, ino, name));
}
