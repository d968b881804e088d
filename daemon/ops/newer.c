/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations that libfuse 3.14 does not know, or not as every later version does. */
#define FUSE_USE_VERSION 314
#include <string.h>

#include "fuse/abi.h"
#include "ops.h"
#include "reply.h"

static void op_tmpfile(struct server *server, const struct fuse_in_header *header, const char *body)
{
	struct shmfs_cred cred = {
	    .uid = header->uid, .gid = header->gid, .pid = (pid_t)header->pid};
	struct fuse_create_in in;
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	int rc;

	memcpy(&in, body, sizeof in);
	cred.umask = in.umask;
	rc = shmfs_tmpfile(
	    server->fs, &cred, header->nodeid, in.mode, (int)in.flags, &attr, &opened);
	reply_newer_create(server, header, rc, (int)in.flags, &attr, &opened);
}

static struct abi_sx_time sx_time(const struct timespec *time)
{
	return (struct abi_sx_time){.sec = time->tv_sec, .nsec = (uint32_t)time->tv_nsec};
}

/* What is told beside the basic set is the time of birth. */
static void op_statx(struct server *server, const struct fuse_in_header *header)
{
	struct shmfs_cred cred = {.uid = header->uid, .gid = header->gid};
	struct abi_statx_out out = {0};
	struct shmfs_attr attr;
	int rc = shmfs_getattr(server->fs, &cred, header->nodeid, &attr);

	if (rc == 0)
		out = (struct abi_statx_out){
		    .attr_valid = (uint64_t)attr_timeout(server, &attr),
		    .mask = STATX_BASIC_STATS | STATX_BTIME,
		    .blksize = SHMFS_PAGE_SIZE,
		    .nlink = attr.nlink,
		    .uid = attr.uid,
		    .gid = attr.gid,
		    .mode = (uint16_t)attr.mode,
		    .ino = attr.id,
		    .size = attr.size,
		    .blocks = attr.blocks,
		    .atime = sx_time(&attr.atime),
		    .btime = sx_time(&attr.btime),
		    .ctime = sx_time(&attr.ctime),
		    .mtime = sx_time(&attr.mtime),
		};
	reply_newer(server, header, rc, &out, sizeof out);
}

/*
 * The kernel (Linux 6.18) must not be told that there is no such opcode: two callers who learn that
 * at the same time have it believe that there is no copy_file_range at all.
 */
static void op_copy_file_range_64(
    struct server *server, const struct fuse_in_header *header, const char *body)
{
	struct shmfs_cred cred = {
	    .uid = header->uid, .gid = header->gid, .pid = (pid_t)header->pid};
	struct fuse_copy_file_range_in in;
	struct shmfs_range from, to;
	uint64_t copied;
	ssize_t count;

	memcpy(&in, body, sizeof in);
	from = (struct shmfs_range){in.fh_in, in.off_in};
	to = (struct shmfs_range){in.fh_out, in.off_out};
	count = ops_copy(server, &cred, &from, &to, in.len, in.flags);
	copied = (uint64_t)count;
	reply_newer(server, header, count < 0 ? (int)count : 0, &copied, sizeof copied);
}

bool ops_newer(struct server *server, const char *request)
{
	struct fuse_in_header header;

	memcpy(&header, request, sizeof header);
	switch (header.opcode) {
	case ABI_TMPFILE:
		op_tmpfile(server, &header, request + sizeof header);
		return true;
	case ABI_STATX:
		op_statx(server, &header);
		return true;
	/* Some versions of libfuse then begin anew, and refuse what is not a greeting: a FORGET by
	 * an answer, even. The kernel sends it for block devices only. */
	case FUSE_DESTROY:
		reply_newer(server, &header, 0, NULL, 0);
		return true;
	case ABI_COPY_FILE_RANGE_64:
		op_copy_file_range_64(server, &header, request + sizeof header);
		return true;
	default:
		return false;
	}
}
