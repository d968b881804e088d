/* SPDX-License-Identifier: BSD-2-Clause */
/* The shapes of requests; see request.h. */
#include "shape.h"

#include <errno.h>
#include <string.h>

#include "abi.h"

struct shape {
	uint16_t fixed;	 /* bytes behind the header */
	uint8_t strings; /* NUL-terminated strings behind that, each of at least one byte */
	bool known;
};

#define SHAPE(opcode, size, count) [opcode] = {.fixed = (size), .strings = (count), .known = true}

/* The smallest form that each opcode has had since protocol 7.9. */
static const struct shape shapes[] = {
    SHAPE(FUSE_LOOKUP, 0, 1),
    SHAPE(FUSE_FORGET, sizeof(struct fuse_forget_in), 0),
    SHAPE(FUSE_GETATTR, sizeof(struct fuse_getattr_in), 0),
    SHAPE(FUSE_SETATTR, sizeof(struct fuse_setattr_in), 0),
    SHAPE(FUSE_READLINK, 0, 0),
    SHAPE(FUSE_SYMLINK, 0, 2),
    SHAPE(FUSE_MKNOD, sizeof(struct fuse_mknod_in), 1),
    SHAPE(FUSE_MKDIR, sizeof(struct fuse_mkdir_in), 1),
    SHAPE(FUSE_UNLINK, 0, 1),
    SHAPE(FUSE_RMDIR, 0, 1),
    SHAPE(FUSE_RENAME, sizeof(struct fuse_rename_in), 2),
    SHAPE(FUSE_LINK, sizeof(struct fuse_link_in), 1),
    SHAPE(FUSE_OPEN, sizeof(struct fuse_open_in), 0),
    SHAPE(FUSE_READ, sizeof(struct fuse_read_in), 0),
    SHAPE(FUSE_WRITE, sizeof(struct fuse_write_in), 0),
    SHAPE(FUSE_STATFS, 0, 0),
    SHAPE(FUSE_RELEASE, sizeof(struct fuse_release_in), 0),
    SHAPE(FUSE_FSYNC, sizeof(struct fuse_fsync_in), 0),
    SHAPE(FUSE_SETXATTR, sizeof(struct abi_setxattr_in), 1),
    SHAPE(FUSE_GETXATTR, sizeof(struct fuse_getxattr_in), 1),
    SHAPE(FUSE_LISTXATTR, sizeof(struct fuse_getxattr_in), 0),
    SHAPE(FUSE_REMOVEXATTR, 0, 1),
    SHAPE(FUSE_FLUSH, sizeof(struct fuse_flush_in), 0),
    SHAPE(FUSE_INIT, 16, 0),
    SHAPE(FUSE_OPENDIR, sizeof(struct fuse_open_in), 0),
    SHAPE(FUSE_READDIR, sizeof(struct fuse_read_in), 0),
    SHAPE(FUSE_RELEASEDIR, sizeof(struct fuse_release_in), 0),
    SHAPE(FUSE_FSYNCDIR, sizeof(struct fuse_fsync_in), 0),
    SHAPE(FUSE_GETLK, sizeof(struct fuse_lk_in), 0),
    SHAPE(FUSE_SETLK, sizeof(struct fuse_lk_in), 0),
    SHAPE(FUSE_SETLKW, sizeof(struct fuse_lk_in), 0),
    SHAPE(FUSE_ACCESS, sizeof(struct fuse_access_in), 0),
    SHAPE(FUSE_CREATE, sizeof(struct fuse_create_in), 1),
    SHAPE(FUSE_INTERRUPT, sizeof(struct fuse_interrupt_in), 0),
    SHAPE(FUSE_BMAP, sizeof(struct fuse_bmap_in), 0),
    SHAPE(FUSE_DESTROY, 0, 0),
    SHAPE(FUSE_IOCTL, sizeof(struct fuse_ioctl_in), 0),
    SHAPE(FUSE_POLL, sizeof(struct fuse_poll_in), 0),
    SHAPE(FUSE_BATCH_FORGET, sizeof(struct fuse_batch_forget_in), 0),
    SHAPE(FUSE_FALLOCATE, sizeof(struct fuse_fallocate_in), 0),
    SHAPE(FUSE_READDIRPLUS, sizeof(struct fuse_read_in), 0),
    SHAPE(FUSE_RENAME2, sizeof(struct fuse_rename2_in), 2),
    SHAPE(FUSE_LSEEK, sizeof(struct fuse_lseek_in), 0),
    SHAPE(FUSE_COPY_FILE_RANGE, sizeof(struct fuse_copy_file_range_in), 0),
    SHAPE(ABI_COPY_FILE_RANGE_64, sizeof(struct fuse_copy_file_range_in), 0),
    SHAPE(ABI_TMPFILE, sizeof(struct fuse_create_in), 1),
    SHAPE(ABI_STATX, sizeof(struct abi_statx_in), 0),
};

static bool has_strings(const char *at, size_t left, unsigned count)
{
	while (count-- > 0) {
		size_t length = strnlen(at, left);

		if (length == left)
			return false;
		at += length + 1;
		left -= length + 1;
	}
	return true;
}

/* Counts in the fixed part that say how much follows it, and its strings, which are there. */
static bool has_payload(uint32_t opcode, const char *body, size_t size)
{
	struct fuse_write_in write;
	struct fuse_batch_forget_in forget;
	struct fuse_ioctl_in ioctl;
	struct abi_setxattr_in setxattr;

	switch (opcode) {
	case FUSE_WRITE:
		memcpy(&write, body, sizeof write);
		return write.size <= size - sizeof write;
	case FUSE_IOCTL:
		memcpy(&ioctl, body, sizeof ioctl);
		return ioctl.in_size <= size - sizeof ioctl;
	case FUSE_BATCH_FORGET:
		memcpy(&forget, body, sizeof forget);
		return forget.count <= (size - sizeof forget) / sizeof(struct fuse_forget_one);
	case FUSE_SETXATTR:
		memcpy(&setxattr, body, sizeof setxattr);
		body += sizeof setxattr;
		size -= sizeof setxattr;
		return setxattr.size <= size - (strlen(body) + 1);
	default:
		return true;
	}
}

int shape_check(const char *request, size_t length)
{
	struct fuse_in_header header;
	const struct shape *shape;
	const char *body = request + sizeof header;

	if (length < sizeof header)
		return -EINVAL;
	memcpy(&header, request, sizeof header);
	if (header.len != length)
		return -EINVAL;
	length -= sizeof header;
	/* libfuse answers opcodes that it does not know, and looks no further into them. */
	if (header.opcode >= sizeof shapes / sizeof shapes[0] || !shapes[header.opcode].known)
		return 0;
	shape = &shapes[header.opcode];
	if (length < shape->fixed ||
	    !has_strings(body + shape->fixed, length - shape->fixed, shape->strings))
		return -EINVAL;
	return has_payload(header.opcode, body, length) ? 0 : -EINVAL;
}

bool shape_has_reply(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && !shape_is_moot(opcode);
}

bool shape_asks_who(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_STATFS:
	case FUSE_SETATTR:
	case FUSE_FALLOCATE:
	case FUSE_SETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_LINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return true;
	default:
		return false;
	}
}

bool shape_takes_memory(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_CREATE:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_TMPFILE:
	case FUSE_SETXATTR:
	case FUSE_WRITE:
	case FUSE_COPY_FILE_RANGE:
	case ABI_COPY_FILE_RANGE_64:
		return true;
	default:
		return false;
	}
}

bool shape_is_moot(uint32_t opcode)
{
	return opcode == FUSE_INTERRUPT || opcode == FUSE_NOTIFY_REPLY;
}
