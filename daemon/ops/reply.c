/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to the kernel; see reply.h. */
#include "reply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "denial_log.h"
#include "fuse/abi.h"
#include "fuse/request.h"
#include "room.h"
#include "state.h"

/*
 * Names and attributes change by requests of this kernel alone, which drops what it remembers when
 * it makes one. Only the pages of an object come without a request, by touching a mapping: so what
 * is said of an object is asked again after a second, for the sake of st_blocks. An empty object
 * has no pages to touch until a request changes its size. Set-id bits, which a write takes away,
 * are asked for each time, so that the kernel never runs a program by a mode that it had.
 *
 * Where policies decide who may look at what, the kernel must not answer one caller with what it
 * asked for another: it remembers nothing.
 */
#define TIMEOUT 86400
#define OBJECT_TIMEOUT 1

/* For names that may go without a request; the kernel is told of that, but not every kernel listens
 * (fuse/notify.h). */
#define NAME_TIMEOUT 1

/* Seconds for which the kernel may believe a node's attributes. */
static uint64_t attr_timeout(const struct shmfs *fs, const struct shmfs_attr *attr)
{
	if (shmfs_policies(fs) != 0)
		return 0;
	if (!S_ISREG(attr->mode))
		return TIMEOUT;
	if (attr->mode & (S_ISUID | S_ISGID))
		return 0;
	return attr->size > 0 ? OBJECT_TIMEOUT : TIMEOUT;
}

static uint64_t entry_timeout(const struct shmfs *fs, const struct shmfs_attr *attr)
{
	if (shmfs_policies(fs) != 0)
		return 0;
	return attr->expires ? NAME_TIMEOUT : TIMEOUT;
}

static struct fuse_attr to_attr(const struct shmfs_attr *attr)
{
	return (struct fuse_attr){
	    .ino = attr->id,
	    .size = attr->size,
	    .blocks = attr->blocks,
	    .atime = (uint64_t)attr->atime.tv_sec,
	    .mtime = (uint64_t)attr->mtime.tv_sec,
	    .ctime = (uint64_t)attr->ctime.tv_sec,
	    .atimensec = (uint32_t)attr->atime.tv_nsec,
	    .mtimensec = (uint32_t)attr->mtime.tv_nsec,
	    .ctimensec = (uint32_t)attr->ctime.tv_nsec,
	    .mode = attr->mode,
	    .nlink = attr->nlink,
	    .uid = attr->uid,
	    .gid = attr->gid,
	    .blksize = attr->page_size,
	};
}

static struct fuse_entry_out to_entry(const struct shmfs *fs, const struct shmfs_attr *attr)
{
	return (struct fuse_entry_out){
	    .nodeid = attr->id,
	    .entry_valid = entry_timeout(fs, attr),
	    .attr_valid = attr_timeout(fs, attr),
	    .attr = to_attr(attr),
	};
}

/* A refusal for want of room is one once nothing is on its way that may have made some. */
static void reply_error(struct request *request, int rc)
{
	if (room_is_wanted(rc) || rc == -EAGAIN) {
		request_identify(request);
		if (room_wait(request, rc == -EAGAIN))
			return;
	}
	/* There are too many who wait for memory. */
	if (rc == -EAGAIN)
		rc = -ENOSPC;
	denial_log(&request->channel->ops->log, request->channel, &request->cred);
	request_fail(request, rc);
}

/* The payload of success, or the error. */
static int reply(struct request *request, int rc, const void *payload, size_t size)
{
	if (rc >= 0)
		return request_answer(request, payload, size);
	reply_error(request, rc);
	return 0;
}

void reply_status(struct request *request, int rc)
{
	(void)reply(request, rc, NULL, 0);
}

void reply_entry(struct request *request, int rc, const struct shmfs_attr *attr)
{
	struct channel *channel = request->channel;
	struct fuse_entry_out out = {0};

	if (rc == 0)
		out = to_entry(channel->fs, attr);
	if (reply(request, rc, &out, sizeof out) == -ENOENT)
		request_take_back(channel, attr->id, 0);
}

void reply_attr(struct request *request, int rc, const struct shmfs_attr *attr)
{
	struct fuse_attr_out out = {0};

	if (rc == 0)
		out = (struct fuse_attr_out){
		    .attr_valid = attr_timeout(fs_of(request), attr), .attr = to_attr(attr)};
	(void)reply(request, rc, &out, sizeof out);
}

static struct abi_sx_time sx_time(const struct timespec *time)
{
	return (struct abi_sx_time){.sec = time->tv_sec, .nsec = (uint32_t)time->tv_nsec};
}

/* What is told beside the basic set is the time of birth. */
static struct abi_statx_out to_statx(const struct shmfs *fs, const struct shmfs_attr *attr)
{
	return (struct abi_statx_out){
	    .attr_valid = attr_timeout(fs, attr),
	    .mask = STATX_BASIC_STATS | STATX_BTIME,
	    .blksize = attr->page_size,
	    .nlink = attr->nlink,
	    .uid = attr->uid,
	    .gid = attr->gid,
	    .mode = (uint16_t)attr->mode,
	    .ino = attr->id,
	    .size = attr->size,
	    .blocks = attr->blocks,
	    .atime = sx_time(&attr->atime),
	    .btime = sx_time(&attr->btime),
	    .ctime = sx_time(&attr->ctime),
	    .mtime = sx_time(&attr->mtime),
	};
}

void reply_statx(struct request *request, int rc, const struct shmfs_attr *attr)
{
	struct abi_statx_out out = {0};

	if (rc == 0)
		out = to_statx(fs_of(request), attr);
	(void)reply(request, rc, &out, sizeof out);
}

static struct abi_open_out to_open(
    const struct channel *channel, int flags, const struct shmfs_opened *opened)
{
	return (struct abi_open_out){
	    .fh = opened->handle,
	    .open_flags = tier_open_flags(channel->tier, flags, shmfs_revokes(channel->fs)),
	    .backing_id = opened->backing,
	};
}

void reply_open(struct request *request, int rc, int flags, const struct shmfs_opened *opened)
{
	struct channel *channel = request->channel;
	struct abi_open_out out = {0};

	if (rc == 0)
		out = to_open(channel, flags, opened);
	if (reply(request, rc, &out, sizeof out) == -ENOENT)
		request_take_back(channel, 0, opened->handle);
}

void reply_create(struct request *request, int rc, int flags, const struct shmfs_attr *attr,
    const struct shmfs_opened *opened)
{
	struct channel *channel = request->channel;
	struct {
		struct fuse_entry_out entry;
		struct abi_open_out open;
	} out = {0};

	if (rc == 0) {
		out.entry = to_entry(channel->fs, attr);
		out.open = to_open(channel, flags, opened);
	}
	if (reply(request, rc, &out, sizeof out) == -ENOENT)
		request_take_back(channel, attr->id, opened->handle);
}

void reply_opened_directory(struct request *request)
{
	struct abi_open_out out = {0};

	(void)reply(request, 0, &out, sizeof out);
}

void reply_rights(struct request *request, int rc, uint32_t rights)
{
	struct {
		struct fuse_ioctl_out ioctl;
		uint32_t rights;
	} out = {.rights = rights};

	_Static_assert(sizeof out == sizeof(struct fuse_ioctl_out) + sizeof rights, "no padding");
	(void)reply(request, rc, &out, sizeof out);
}

void reply_data(struct request *request, ssize_t count, const void *data)
{
	(void)reply(request, count < 0 ? (int)count : 0, data, count < 0 ? 0 : (size_t)count);
}

void reply_memory(struct request *request, const struct shmfs_memory *memory)
{
	struct channel *channel = request->channel;

	if (memory->size >= REPLY_PIPE_MIN && reply_pipe_open(&channel->pipe) &&
	    reply_pipe_fill(&channel->pipe, channel->fs, request->unique, memory) &&
	    request_answer_pages(request, &channel->pipe, memory->size))
		return;
	reply_data(request, shmfs_memory_read(channel->fs, memory, channel->data), channel->data);
}

static void count_written(const struct request *request, ssize_t count)
{
	if (count > 0)
		request->channel->counters->written += (uint64_t)count;
}

void reply_written(struct request *request, ssize_t count)
{
	struct fuse_write_out out = {.size = (uint32_t)count};

	count_written(request, count);
	(void)reply(request, count < 0 ? (int)count : 0, &out, sizeof out);
}

void reply_written_64(struct request *request, ssize_t count)
{
	uint64_t out = (uint64_t)count;

	count_written(request, count);
	(void)reply(request, count < 0 ? (int)count : 0, &out, sizeof out);
}

void reply_length(struct request *request, size_t length)
{
	struct fuse_getxattr_out out = {.size = (uint32_t)length};

	(void)reply(request, 0, &out, sizeof out);
}

void reply_offset(struct request *request, int rc, uint64_t offset)
{
	struct fuse_lseek_out out = {.offset = offset};

	(void)reply(request, rc, &out, sizeof out);
}

void reply_target(struct request *request, int length, const char *target)
{
	(void)reply(request, length, target, length < 0 ? 0 : (size_t)length);
}

/* What is left of a limit; nothing once it is used up, or was set below what is in use. */
static uint64_t left(uint64_t limit, uint64_t used)
{
	return limit > used ? limit - used : 0;
}

/* As on tmpfs, a filesystem without a limit says 0. */
void reply_statfs(struct request *request, const struct shmfs_usage *usage)
{
	uint64_t free_pages = left(usage->limit_pages, usage->used_pages);
	struct fuse_statfs_out out = {.st = {
					  .blocks = usage->limit_pages,
					  .bfree = free_pages,
					  .bavail = free_pages,
					  .files = usage->limit_nodes,
					  .ffree = left(usage->limit_nodes, usage->used_nodes),
					  .bsize = usage->page_size,
					  .namelen = (uint32_t)usage->name_max,
					  .frsize = usage->page_size,
				      }};

	(void)reply(request, 0, &out, sizeof out);
}
