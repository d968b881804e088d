/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading, writing and allocating through an open handle. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <unistd.h>

#include "fs/failpoint.h"
#include "fs/mac/mac.h"
#include "fs/object/handle.h"
#include "fs/object/memory.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/seal.h"
#include "fs/object/xattr_follow.h"
#include "fs/state/charge.h"
#include "fs/state/deferred_free.h"
#include "fs/state/rules.h"
#include "fs/storage/arith.h"

/* relatime: a read is noted if it is the first since a change, or since a day. */
static void note_read(struct shmfs *fs, struct node *node)
{
	struct timespec now;

	if (rules_of(fs)->times_by_size)
		return;
	node_settle_times(fs, node);
	fs->os->now(fs->os->arg, &now);
	/* Users set times as far away as the type goes, so it is the clock that is computed with.
	 */
	if (is_earlier(&node->mtime, &node->atime) && is_earlier(&node->ctime, &node->atime) &&
	    node->atime.tv_sec > now.tv_sec - 24 * 60 * 60)
		return;
	save(fs, &node->atime, sizeof node->atime);
	node->atime = node_now(fs);
}

/* A read as far as the data: how much there is, and of which node. */
static ssize_t begin_read(struct shmfs *fs, const struct shmfs_cred *cred, struct handle *handle,
    size_t size, uint64_t offset, struct node **out)
{
	struct node *node;
	int rc;

	if (handle == NULL || !handle->reads)
		return -EBADF;
	if (!(handle->rights & SHMFS_RIGHT_READ))
		return -EPERM;
	node = handle->node;
	rc = mac_check(fs, cred, MAC_READ, node);
	if (rc < 0)
		return rc;
	if (offset > OBJECT_SIZE_MAX)
		return -EINVAL;
	if (!handle->noatime)
		note_read(fs, node);
	if (offset >= node->object.size)
		return 0;
	*out = node;
	return (ssize_t)smaller(size, node->object.size - offset);
}

ssize_t shmfs_read(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, void *buffer,
    size_t size, uint64_t offset)
{
	struct node *node;
	ssize_t count = begin_read(fs, cred, handle_get(fs, id), size, offset, &node);
	int fd;

	if (count <= 0)
		return count;
	fd = memory_need(fs, node);
	return fd < 0 ? fd : fs->os->read(fs->os->arg, fd, buffer, (size_t)count, offset);
}

int shmfs_read_begin(struct shmfs *fs, const struct shmfs_cred *cred,
    const struct shmfs_read_request *what, struct shmfs_memory *out)
{
	struct handle *handle = handle_get(fs, what->handle);
	struct node *node;
	ssize_t count;
	int fd;

	if (handle != NULL)
		handle_set_flags(fs, handle, what->flags);
	count = begin_read(fs, cred, handle, what->size, what->offset, &node);
	if (count < 0)
		return (int)count;
	if (count == 0)
		return 1;
	fd = memory_need(fs, node);
	if (fd < 0)
		return fd;
	*out = (struct shmfs_memory){.fd = fd, .size = (size_t)count, .offset = what->offset};
	return 0;
}

ssize_t shmfs_memory_read(const struct shmfs *fs, const struct shmfs_memory *memory, void *buffer)
{
	return fs->os->read(fs->os->arg, memory->fd, buffer, memory->size, memory->offset);
}

ssize_t shmfs_memory_splice(const struct shmfs *fs, const struct shmfs_memory *memory, int pipe)
{
	return fs->os->splice(fs->os->arg, memory->fd, pipe, memory->size, memory->offset);
}

/* Makes room for a write that ends at `end`. */
static int extend_for_write(
    struct shmfs *fs, struct node *node, const struct shmfs_cred *cred, uint64_t end)
{
	int rc;

	if (!node->object.grows)
		return 0;
	rc = object_extend_for_write(fs, node, cred->uid, end);
	return rc == -ENOSPC ? -rules_of(fs)->no_room : rc;
}

/* What changes with an object's bytes. */
static void note_write(struct shmfs *fs, struct node *node, const struct shmfs_cred *cred)
{
	node_change(fs, node);
	node_touch_written(fs, node, memory_need(fs, node));
	if (cred->uid != 0)
		node_drop_set_id(fs, node, cred);
	xattrs_follow_write(fs, node);
}

/* Whether a handle may write, and to which node. */
static int begin_write(
    struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, struct node **out)
{
	const struct handle *handle = handle_get_writing(fs, id);
	int rc;

	if (handle == NULL)
		return -EBADF;
	if (!(handle->rights & SHMFS_RIGHT_WRITE))
		return -EPERM;
	rc = mac_check(fs, cred, MAC_WRITE, handle->node);
	if (rc < 0)
		return rc;
	*out = handle->node;
	return 0;
}

int shmfs_write_begin(struct shmfs *fs, const struct shmfs_cred *cred, const struct shmfs_range *to,
    size_t size, struct shmfs_memory *out)
{
	const struct object *object;
	struct node *node;
	int rc = begin_write(fs, cred, to->handle, &node), fd;

	if (rc < 0)
		return rc;
	object = &node->object;
	if (object->seals & SEAL_WRITE)
		return -EPERM;
	if (size == 0 || to->offset >= object->size || size > object->size - to->offset)
		return 1;
	fd = memory_need(fs, node);
	if (fd < 0)
		return fd;
	*out = (struct shmfs_memory){.fd = fd, .size = size, .offset = to->offset};
	return 0;
}

ssize_t shmfs_write_end(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, size_t count)
{
	const struct handle *handle = handle_get_writing(fs, id);

	if (handle == NULL)
		return -EBADF;
	note_write(fs, handle->node, cred);
	return (ssize_t)count;
}

/*
 * Stores what is not stored yet. What lies behind the size that is final, a rollback cuts off
 * again, and nobody has seen it: that does not count.
 */
static ssize_t store(struct shmfs *fs, const struct node *node, const char *data, size_t size,
    uint64_t offset, uint64_t final_size)
{
	size_t before = (size_t)smaller(done_so_far(fs), size);
	ssize_t count = 0;

	if (before < size)
		count = fs->os->write(
		    fs->os->arg, node->object.fd, data + before, size - before, offset + before);
	if (count < 0 && before == 0)
		return count;
	count = (ssize_t)before + (count > 0 ? count : 0);
	if (offset < final_size)
		note_done(fs, smaller((uint64_t)count, final_size - offset));
	failpoint("bytes written");
	return count;
}

ssize_t shmfs_write(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id,
    const void *buffer, size_t size, uint64_t offset)
{
	uint64_t old_size;
	struct node *node;
	ssize_t count;
	int rc = begin_write(fs, cred, id, &node);

	if (rc < 0)
		return rc;
	if (size == 0)
		return 0;
	if (offset >= OBJECT_SIZE_MAX)
		return -EFBIG;
	size = (size_t)smaller(size, OBJECT_SIZE_MAX - offset);
	if (node->object.seals & SEAL_WRITE)
		return -EPERM;
	old_size = node->object.size;
	rc = extend_for_write(fs, node, cred, offset + size);
	if (rc < 0)
		return rc;
	if (offset >= node->object.size)
		return rules_of(fs)->full_write_is_0 ? 0 : -EFBIG;
	size = (size_t)smaller(size, node->object.size - offset);
	rc = memory_need(fs, node);
	if (rc < 0)
		return rc;
	count = store(fs, node, buffer, size, offset, old_size);
	if (count < 0)
		return count;
	/* What the system had no memory for does not count as written, so not as size either. */
	if ((uint64_t)count < size && node->object.size > old_size) {
		rc = object_resize(fs, node, cred->uid,
		    offset + (uint64_t)count > old_size ? offset + (uint64_t)count : old_size);
		if (rc < 0)
			return rc;
	}
	note_write(fs, node, cred);
	return count;
}

ssize_t shmfs_write_back(
    struct shmfs *fs, uint64_t id, const void *buffer, size_t size, uint64_t offset)
{
	struct handle *handle = handle_get_writing(fs, id);
	struct node *node;
	ssize_t count;
	int fd;

	if (handle == NULL)
		return -EBADF;
	node = handle->node;
	if (offset >= node->object.size)
		return (ssize_t)size;
	fd = memory_need(fs, node);
	if (fd < 0)
		return fd;
	count = fs->os->write(
	    fs->os->arg, fd, buffer, (size_t)smaller(size, node->object.size - offset), offset);
	return count < 0 ? count : (ssize_t)size;
}

static bool overlap(const struct handle *from, uint64_t from_offset, const struct handle *to,
    uint64_t to_offset, size_t size)
{
	uint64_t apart =
	    from_offset < to_offset ? to_offset - from_offset : from_offset - to_offset;

	return from->node == to->node && apart < size;
}

ssize_t shmfs_copy(struct shmfs *fs, const struct shmfs_cred *cred, const struct shmfs_range *from,
    const struct shmfs_range *to, void *buffer, size_t size)
{
	const struct handle *source = handle_get(fs, from->handle);
	const struct handle *target = handle_get_writing(fs, to->handle);
	ssize_t count;

	if (source == NULL || target == NULL)
		return -EBADF;
	if (overlap(source, from->offset, target, to->offset, size))
		return -EINVAL;
	count = shmfs_read(fs, cred, from->handle, buffer, size, from->offset);
	if (count <= 0)
		return count;
	return shmfs_write(fs, cred, to->handle, buffer, (size_t)count, to->offset);
}

int shmfs_lseek_begin(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, uint64_t offset,
    int whence, struct shmfs_memory *out)
{
	const struct handle *handle = handle_get(fs, id);
	int rc;

	if (handle == NULL)
		return -EBADF;
	rc = mac_check(fs, cred, MAC_READ, handle->node);
	if (rc < 0)
		return rc;
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset >= handle->node->object.size)
		return -ENXIO;
	rc = memory_need(fs, handle->node);
	if (rc < 0)
		return rc;
	*out = (struct shmfs_memory){
	    .fd = rc,
	    .size = (size_t)(handle->node->object.size - offset),
	    .offset = offset,
	};
	return 0;
}

int shmfs_memory_seek(
    const struct shmfs *fs, const struct shmfs_memory *memory, int whence, uint64_t *out)
{
	return fs->os->seek(fs->os->arg, memory->fd, memory->offset, whence, out);
}

int shmfs_lseek(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, uint64_t offset,
    int whence, uint64_t *out)
{
	struct shmfs_memory memory;
	int rc = shmfs_lseek_begin(fs, cred, id, offset, whence, &memory);

	return rc < 0 ? rc : shmfs_memory_seek(fs, &memory, whence, out);
}
