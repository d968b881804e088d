/* SPDX-License-Identifier: BSD-2-Clause */
/* Allocating, zeroing and punching holes through an open handle. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "fs/failpoint.h"
#include "fs/mac/mac.h"
#include "fs/object/handle.h"
#include "fs/object/memory.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/seal.h"
#include "fs/state/charge.h"
#include "fs/state/deferred_free.h"
#include "fs/storage/arith.h"

/* Zeroing fewer pages than this is not worth a queue. */
#define ZERO_AT_ONCE 16

/* The parts of a range that are zeroed while the caller waits. */
enum part { PART_FIRST = 1, PART_LAST };

static int zero_part(
    struct shmfs *fs, const struct node *node, enum part part, uint64_t offset, uint64_t end)
{
	const struct shmfs_os *os = fs->os;
	int fd = node->object.fd, rc;
	struct shmfs_memory_state before;
	bool known;

	if (done_so_far(fs) >= part)
		return 0;
	known = os->look(os->arg, fd, &before) == 0;
	rc = offset < end ? os->punch(os->arg, fd, offset, end - offset) : 0;
	if (rc == 0)
		note_done(fs, part);
	failpoint("bytes zeroed");
	/* What moves the object's times is the operation. */
	if (known)
		(void)os->set_written(os->arg, fd, &before.written);
	return rc;
}

static bool zero_later(struct shmfs *fs, struct node *node, uint64_t from, uint64_t to)
{
	return deferred_resume_hole(fs, node) ||
	       (deferred_wants(fs, to - from) &&
		   deferred_add_range(fs, node, FREE_HOLE, from, to) == 0);
}

/*
 * Frees the whole pages and zeroes the partial ones of a range, as far as the object reaches. The
 * last page is whole although the size may end within it: what lies behind the size is zero.
 */
static int zero(struct shmfs *fs, struct node *node, uint64_t offset, uint64_t length)
{
	uint64_t end = charge_bytes_of(fs, node->object.size);
	uint64_t unit = ZERO_AT_ONCE * page_bytes(fs), from, to;
	int fd, rc;

	if (offset >= node->object.size)
		return 0;
	fd = memory_need(fs, node);
	if (fd < 0)
		return fd;
	length = smaller(length, end - offset);
	/* The first and the last part hold the partial pages. */
	from = (offset / unit + 1) * unit;
	to = (offset + length) / unit * unit;
	if (from >= to || !zero_later(fs, node, from, to))
		from = to = offset + length;
	rc = zero_part(fs, node, PART_FIRST, offset, from);
	return rc < 0 ? rc : zero_part(fs, node, PART_LAST, to, offset + length);
}

/*
 * Extending comes first, as it alone can fail for lack of room. The bytes between the old size and
 * the new one are zero already.
 */
int shmfs_fallocate(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, int mode,
    uint64_t offset, uint64_t length)
{
	struct handle *handle = handle_get_writing(fs, id);
	struct node *node;
	uint64_t end;
	unsigned needs = SHMFS_RIGHT_ALLOCATE;
	int rc;

	if (handle == NULL)
		return -EBADF;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		needs |= SHMFS_RIGHT_WRITE;
	if ((handle->rights & needs) != needs)
		return -EPERM;
	rc = mac_check(fs, cred, MAC_TRUNCATE, handle->node);
	if (rc < 0)
		return rc;
	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE && mode != FALLOC_FL_ZERO_RANGE &&
	    mode != (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE) &&
	    mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (length == 0)
		return -EINVAL;
	if (__builtin_add_overflow(offset, length, &end) || end > OBJECT_SIZE_MAX)
		return -EFBIG;
	node = handle->node;
	if (mode != 0 && (node->object.seals & SEAL_WRITE))
		return -EPERM;
	if (!(mode & FALLOC_FL_KEEP_SIZE) && end > node->object.size)
		rc = object_resize(fs, node, cred->uid, end);
	if (rc == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		rc = zero(fs, node, offset, length);
	if (rc < 0)
		return rc;
	/* As on tmpfs, whatever the mode and even where nothing was to do. */
	node_change(fs, node);
	node_touch_mtime(fs, node);
	/* It is a change of data also for the bits that let a program run as somebody else. */
	if (cred->uid != 0)
		node_drop_set_id(fs, node, cred);
	return 0;
}
