/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on open objects. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <string.h>

#include "deferred.h"
#include "fuse/abi.h"
#include "ops.h"
#include "reply.h"
#include "shmfs_ioctl.h"
#include "transfer.h"

void op_create(
    fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	int rc = shmfs_create(
	    fs_of(request), &request->cred, parent, name, mode, fi->flags, &attr, &opened);

	reply_create(request, rc, fi->flags, &attr, &opened);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	struct shmfs_opened opened;
	int rc = shmfs_open(fs_of(request), &request->cred, ino, fi->flags, &opened);

	reply_open(request, rc, fi->flags, &opened);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);

	(void)ino;
	shmfs_release(fs_of(request), fi->fh);
	reply_status(request, 0);
}

/*
 * sendfile and splice from a direct opening fill FUSE's page cache (Linux 6.5 to 6.18 at least).
 * Under passthrough, mappings store to other pages, so that what is cached once is stale from then
 * on, and nobody is asked before it is sent. Dropping it after the reply would leave a moment in
 * which it is sent again, and no reply fills a page for one reader alone. The kernel goes around
 * its cache for openings with O_DIRECT, which only their program can set, and for those that read
 * past the daemon, which then write past it too, and past all limits. EINVAL is what sendfile(2)
 * says of a file that cannot be mapped, and what programs take as the sign to read and write
 * instead.
 *
 * A read on behalf of a caller names it as the owner of locks; one that fills the cache does not.
 */
static bool is_stale_splice(const struct channel *channel, const struct fuse_read_in *in)
{
	return channel->tier == TIER_PASSTHROUGH && in->lock_owner == 0;
}

void ops_read(struct request *request, const char *body)
{
	struct shmfs_read_request what;
	struct shmfs_memory memory;
	struct fuse_read_in in;
	int rc;

	memcpy(&in, body, sizeof in);
	what = (struct shmfs_read_request){
	    .handle = in.fh,
	    .offset = in.offset,
	    .size = in.size < EXCHANGE_READ_MAX ? in.size : EXCHANGE_READ_MAX,
	    .flags = (int)in.flags,
	};
	if (is_stale_splice(request->channel, &in)) {
		reply_data(request, -EINVAL, NULL);
		return;
	}
	rc = shmfs_read_begin(fs_of(request), &request->cred, &what, &memory);
	if (rc != 0)
		reply_data(request, rc < 0 ? rc : 0, NULL);
	else if (!transfer_read(request, &memory))
		reply_memory(request, &memory);
}

/* Through the page cache, the kernel takes 0 for a broken server and says EIO. */
static ssize_t no_room(const struct channel *channel, ssize_t count, size_t size)
{
	return count == 0 && size > 0 && channel->tier == TIER_CACHED ? -EFBIG : count;
}

void ops_write(struct request *request, const char *body)
{
	const char *data = body + sizeof(struct fuse_write_in);
	struct fuse_write_in in;
	struct deferred_reply reply = {.kind = DEFERRED_WRITTEN};
	struct shmfs_range to;
	ssize_t count;

	memcpy(&in, body, sizeof in);
	to = (struct shmfs_range){in.fh, in.offset};
	if (!(in.write_flags & FUSE_WRITE_CACHE) && transfer_write(request, &to, data, in.size))
		return;
	if (in.write_flags & FUSE_WRITE_CACHE)
		count = shmfs_write_back(fs_of(request), in.fh, data, in.size, in.offset);
	else
		count =
		    shmfs_write(fs_of(request), &request->cred, in.fh, data, in.size, in.offset);
	reply.count = no_room(request->channel, count, in.size);
	reply.owed = shmfs_take_owed(fs_of(request));
	deferred_send(request, &reply);
}

void op_fallocate(
    fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	int rc = shmfs_fallocate(
	    fs_of(request), &request->cred, fi->fh, mode, (uint64_t)offset, (uint64_t)length);

	struct deferred_reply reply = {
	    .kind = DEFERRED_STATUS, .id = ino, .owed = shmfs_take_owed(fs_of(request))};

	if (rc == 0 && deferred_take(request, &reply))
		return;
	reply_status(request, rc);
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	struct shmfs_memory memory;
	uint64_t found = 0;
	int rc = shmfs_lseek_begin(
	    fs_of(request), &request->cred, fi->fh, (uint64_t)offset, whence, &memory);

	(void)ino;
	if (rc == 0 && transfer_seek(request, &memory, whence))
		return;
	if (rc == 0)
		rc = shmfs_memory_seek(fs_of(request), &memory, whence, &found);
	reply_offset(request, rc, found);
}

/*
 * Through the page cache, the kernel writes back what mappings have stored, asks, and then drops
 * the pages, with what was stored in them meanwhile. If it is told that there is no such thing, it
 * reads and writes, which loses nothing.
 */
ssize_t ops_copy(struct request *request, const struct shmfs_range *from,
    const struct shmfs_range *to, uint64_t size, uint64_t flags)
{
	if (request->channel->tier == TIER_CACHED)
		return -EOPNOTSUPP;
	if (flags != 0)
		return -EINVAL;
	if (size > EXCHANGE_READ_MAX)
		size = EXCHANGE_READ_MAX;
	return shmfs_copy(
	    fs_of(request), &request->cred, from, to, request->channel->data, (size_t)size);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
    struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out, struct fuse_file_info *fi_out,
    size_t size, int flags)
{
	struct request *request = request_of(req);
	struct shmfs_range from = {fi_in->fh, (uint64_t)off_in};
	struct shmfs_range to = {fi_out->fh, (uint64_t)off_out};
	struct deferred_reply reply = {.kind = DEFERRED_WRITTEN,
	    .count = ops_copy(request, &from, &to, size, (uint64_t)flags)};

	(void)ino_in;
	(void)ino_out;
	reply.owed = shmfs_take_owed(fs_of(request));
	deferred_send(request, &reply);
}

_Static_assert(SHMFS_MAY_READ == SHMFS_RIGHT_READ && SHMFS_MAY_WRITE == SHMFS_RIGHT_WRITE &&
		   SHMFS_MAY_TRUNCATE == SHMFS_RIGHT_TRUNCATE &&
		   SHMFS_MAY_ALLOCATE == SHMFS_RIGHT_ALLOCATE && SHMFS_MAY_MMAP == SHMFS_RIGHT_MMAP,
    "programs and the namespace mean the same");

static int drop_rights(const struct request *request, uint64_t handle, const void *in, size_t size)
{
	struct shmfs *fs = fs_of(request);
	uint32_t rights;

	if (size != sizeof rights)
		return -EINVAL;
	memcpy(&rights, in, sizeof rights);
	return shmfs_drop_rights(
	    fs, handle, rights, tier_native_reads(request->channel->tier, shmfs_revokes(fs)));
}

/* Both commands answer with what is left. Directories are not opened, so they have no handle. */
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned command, void *arg,
    struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size, size_t out_size)
{
	struct request *request = request_of(req);
	unsigned rights = 0;
	int rc = 0;

	(void)arg;
	if ((command != SHMFS_IOC_DROP_RIGHTS && command != SHMFS_IOC_GET_RIGHTS) ||
	    (flags & FUSE_IOCTL_DIR))
		rc = -ENOTTY;
	else if (!shmfs_is_open(fs_of(request), fi->fh, ino))
		rc = -EBADF;
	else if (out_size < sizeof(uint32_t))
		rc = -EINVAL;
	else if (command == SHMFS_IOC_DROP_RIGHTS)
		rc = drop_rights(request, fi->fh, in, in_size);
	if (rc == 0)
		rc = shmfs_rights(fs_of(request), fi->fh, &rights);
	reply_rights(request, rc, rights);
}
