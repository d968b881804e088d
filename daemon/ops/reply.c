/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies to the kernel; see reply.h. */
#define FUSE_USE_VERSION 314
#include "reply.h"

#include <errno.h>
#include <string.h>

#include "denial_log.h"
#include "fuse/abi.h"
#include "fuse/channel.h"

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
#define TIMEOUT 86400.0
#define OBJECT_TIMEOUT 1.0

/* For names that may go without a request; the kernel is told of that, but not every kernel listens
 * (notify.h). */
#define NAME_TIMEOUT 1.0

double attr_timeout(const struct server *server, const struct shmfs_attr *attr)
{
	if (shmfs_policies(server->fs) != 0)
		return 0;
	if (!S_ISREG(attr->mode))
		return TIMEOUT;
	if (attr->mode & (S_ISUID | S_ISGID))
		return 0;
	return attr->size > 0 ? OBJECT_TIMEOUT : TIMEOUT;
}

struct stat attr_to_stat(const struct shmfs_attr *attr)
{
	return (struct stat){
	    .st_ino = attr->id,
	    .st_mode = attr->mode,
	    .st_nlink = attr->nlink,
	    .st_uid = attr->uid,
	    .st_gid = attr->gid,
	    .st_size = (off_t)attr->size,
	    .st_blksize = SHMFS_PAGE_SIZE,
	    .st_blocks = (blkcnt_t)attr->blocks,
	    .st_atim = attr->atime,
	    .st_mtim = attr->mtime,
	    .st_ctim = attr->ctime,
	};
}

static double entry_timeout(const struct server *server, const struct shmfs_attr *attr)
{
	if (shmfs_policies(server->fs) != 0)
		return 0;
	return attr->expires ? NAME_TIMEOUT : TIMEOUT;
}

static struct fuse_entry_param attr_to_entry(
    const struct server *server, const struct shmfs_attr *attr)
{
	return (struct fuse_entry_param){
	    .ino = attr->id,
	    .attr = attr_to_stat(attr),
	    .attr_timeout = attr_timeout(server, attr),
	    .entry_timeout = entry_timeout(server, attr),
	};
}

/* The same for a reply that libfuse does not lay out. */
static struct fuse_entry_out attr_to_entry_out(
    const struct server *server, const struct shmfs_attr *attr)
{
	return (struct fuse_entry_out){
	    .nodeid = attr->id,
	    .entry_valid = (uint64_t)entry_timeout(server, attr),
	    .attr_valid = (uint64_t)attr_timeout(server, attr),
	    .attr =
		{
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
		    .blksize = SHMFS_PAGE_SIZE,
		},
	};
}

static void reply_error(fuse_req_t req, int rc)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	struct shmfs_cred cred = caller_of(req);
	struct server *server = server_of(req);

	denial_log(server, &cred, ctx->pid);
	shmfs_rollback(server->fs);
	fuse_reply_err(req, -rc);
}

void reply_status(fuse_req_t req, int rc)
{
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_err(req, 0);
}

/*
 * The kernel answers ENOENT to a reply whose request it has given up, and then knows nothing of the
 * reference in it. The change itself is final by then and stays.
 */
static void take_back(struct server *server, uint64_t id, uint64_t handle)
{
	shmfs_begin(server->fs);
	if (handle != 0)
		shmfs_release(server->fs, handle);
	if (id != 0)
		shmfs_forget(server->fs, id, 1);
	shmfs_commit(server->fs);
}

void reply_entry(fuse_req_t req, int rc, const struct shmfs_attr *attr)
{
	struct server *server = server_of(req);
	struct fuse_entry_param entry;

	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	entry = attr_to_entry(server, attr);
	if (fuse_reply_entry(req, &entry) == -ENOENT)
		take_back(server, attr->id, 0);
}

void reply_attr(fuse_req_t req, int rc, const struct shmfs_attr *attr)
{
	struct stat st;

	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	st = attr_to_stat(attr);
	fuse_reply_attr(req, &st, attr_timeout(server_of(req), attr));
}

static struct abi_open_out open_out(
    const struct server *server, int flags, const struct shmfs_opened *opened)
{
	return (struct abi_open_out){
	    .fh = opened->handle,
	    .open_flags = tier_open_flags(server->tier, flags, shmfs_revokes(server->fs)),
	    .backing_id = opened->backing,
	};
}

void reply_open(fuse_req_t req, int rc, int flags, const struct shmfs_opened *opened)
{
	struct server *server = server_of(req);
	struct abi_open_out out;

	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	out = open_out(server, flags, opened);
	if (fuse_reply_buf(req, (const char *)&out, sizeof out) == -ENOENT)
		take_back(server, 0, opened->handle);
}

struct create_out {
	struct fuse_entry_out entry;
	struct abi_open_out open;
};

static struct create_out create_out(const struct server *server, int flags,
    const struct shmfs_attr *attr, const struct shmfs_opened *opened)
{
	return (struct create_out){
	    .entry = attr_to_entry_out(server, attr),
	    .open = open_out(server, flags, opened),
	};
}

void reply_create(fuse_req_t req, int rc, int flags, const struct shmfs_attr *attr,
    const struct shmfs_opened *opened)
{
	struct server *server = server_of(req);
	struct create_out out;

	if (rc < 0) {
		reply_error(req, rc);
		return;
	}
	out = create_out(server, flags, attr, opened);
	if (fuse_reply_buf(req, (const char *)&out, sizeof out) == -ENOENT)
		take_back(server, attr->id, opened->handle);
}

void reply_opened_directory(fuse_req_t req)
{
	fuse_reply_open(req, &(struct fuse_file_info){.fh = 0});
}

void reply_rights(fuse_req_t req, int rc, uint32_t rights)
{
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_ioctl(req, 0, &rights, sizeof rights);
}

void reply_data(fuse_req_t req, ssize_t count, const void *data)
{
	if (count < 0)
		reply_error(req, (int)count);
	else
		fuse_reply_buf(req, data, (size_t)count);
}

void reply_written(fuse_req_t req, ssize_t count)
{
	if (count < 0)
		reply_error(req, (int)count);
	else
		fuse_reply_write(req, (size_t)count);
}

void reply_length(fuse_req_t req, size_t length)
{
	fuse_reply_xattr(req, length);
}

void reply_offset(fuse_req_t req, int rc, uint64_t offset)
{
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_lseek(req, (off_t)offset);
}

void reply_target(fuse_req_t req, int rc, const char *target)
{
	if (rc < 0)
		reply_error(req, rc);
	else
		fuse_reply_readlink(req, target);
}

void reply_newer(
    struct server *server, const struct fuse_in_header *header, int rc, void *payload, size_t size)
{
	struct shmfs_cred cred = {.uid = header->uid, .gid = header->gid};

	if (rc < 0) {
		denial_log(server, &cred, (pid_t)header->pid);
		shmfs_rollback(server->fs);
	}
	(void)channel_reply(server, header->unique, rc, payload, size);
}

void reply_newer_create(struct server *server, const struct fuse_in_header *header, int rc,
    int flags, const struct shmfs_attr *attr, const struct shmfs_opened *opened)
{
	struct create_out out;

	if (rc < 0) {
		reply_newer(server, header, rc, NULL, 0);
		return;
	}
	out = create_out(server, flags, attr, opened);
	if (channel_reply(server, header->unique, 0, &out, sizeof out) == -ENOENT)
		take_back(server, attr->id, opened->handle);
}
