/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that libfuse 3.14 does not decode, or not as every later version does, or not fast
 * enough. */
#define FUSE_USE_VERSION 314
#include <string.h>

#include "deferred.h"
#include "fuse/abi.h"
#include "ops.h"
#include "reply.h"

static void op_tmpfile(struct request *request, const char *body)
{
	struct fuse_create_in in;
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	int rc;

	memcpy(&in, body, sizeof in);
	rc = shmfs_tmpfile(
	    fs_of(request), &request->cred, request->node, in.mode, (int)in.flags, &attr, &opened);
	reply_create(request, rc, (int)in.flags, &attr, &opened);
}

static void op_statx(struct request *request, const char *body)
{
	struct shmfs_attr attr;
	int rc = shmfs_getattr(fs_of(request), &request->cred, request->node, &attr);

	(void)body;
	reply_statx(request, rc, &attr);
}

/*
 * The kernel (Linux 6.18) must not be told that there is no such opcode: two callers who learn that
 * at the same time have it believe that there is no copy_file_range at all.
 */
static void op_copy_file_range_64(struct request *request, const char *body)
{
	struct fuse_copy_file_range_in in;
	struct deferred_reply reply = {.kind = DEFERRED_WRITTEN_64};
	struct shmfs_range from, to;

	memcpy(&in, body, sizeof in);
	from = (struct shmfs_range){in.fh_in, in.off_in};
	to = (struct shmfs_range){in.fh_out, in.off_out};
	reply.count = ops_copy(request, &from, &to, in.len, in.flags);
	reply.owed = shmfs_take_owed(fs_of(request));
	deferred_send(request, &reply);
}

/*
 * libfuse 3.14.0, but for Debian's, looks for the name behind the structure of FUSE_SETXATTR_EXT,
 * which it never asks the kernel for.
 */
static void op_setxattr(struct request *request, const char *body)
{
	struct abi_setxattr_in in;
	const char *name = body + sizeof in;
	const char *value = name + strlen(name) + 1;

	memcpy(&in, body, sizeof in);
	reply_status(request, shmfs_setxattr(fs_of(request), &request->cred, request->node, name,
				  value, in.size, (int)in.flags));
}

/* Some versions of libfuse then begin anew, and refuse what is not a greeting: a FORGET by an
 * answer, even. The kernel sends it for block devices only. */
static void op_destroy(struct request *request, const char *body)
{
	(void)body;
	reply_status(request, 0);
}

bool ops_beside(struct request *request, const char *body)
{
	static const struct {
		uint32_t opcode;
		void (*run)(struct request *request, const char *body);
	} operations[] = {
	    {FUSE_READ, ops_read},
	    {FUSE_WRITE, ops_write},
	    {ABI_TMPFILE, op_tmpfile},
	    {ABI_STATX, op_statx},
	    {FUSE_SETXATTR, op_setxattr},
	    {FUSE_DESTROY, op_destroy},
	    {ABI_COPY_FILE_RANGE_64, op_copy_file_range_64},
	};

	for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
		if (operations[i].opcode == request->opcode) {
			operations[i].run(request, body);
			return true;
		}
	}
	return false;
}
