/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The FUSE protocol as the kernel speaks it, where it is newer than installed headers or where the
 * server answers without libfuse's help. Facts of include/uapi/linux/fuse.h, protocol 7.45.
 */
#ifndef SHMFS_FUSE_ABI_H
#define SHMFS_FUSE_ABI_H

#include <linux/fuse.h>
#include <linux/ioctl.h>
#include <stdint.h>

/* Version that the INIT reply names; the kernel uses what both know. */
#define ABI_MINOR 40

/* Bits of the 64-bit set of INIT flags, whose upper half travels in flags2. */
#define ABI_INIT_PARALLEL_DIROPS (UINT64_C(1) << 18)
#define ABI_INIT_EXT (UINT64_C(1) << 30)
#define ABI_INIT_PASSTHROUGH (UINT64_C(1) << 37)
#define ABI_INIT_ALLOW_IDMAP (UINT64_C(1) << 40)

/* Flags of the reply to OPEN and CREATE. */
#define ABI_OPEN_DIRECT_IO (1u << 0)
#define ABI_OPEN_KEEP_CACHE (1u << 1)
#define ABI_OPEN_NOFLUSH (1u << 5)
#define ABI_OPEN_PASSTHROUGH (1u << 7)

/* struct fuse_init_out up to what is set here. */
struct abi_init_out {
	uint32_t major, minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background, congestion_threshold;
	uint32_t max_write, time_gran;
	uint16_t max_pages, map_alignment;
	uint32_t flags2, max_stack_depth;
	uint16_t request_timeout, unused[11];
};
_Static_assert(sizeof(struct abi_init_out) == 64, "as the kernel has it");

/* struct fuse_open_out, whose last word was padding up to protocol 7.39. */
struct abi_open_out {
	uint64_t fh;
	uint32_t open_flags;
	int32_t backing_id;
};
_Static_assert(sizeof(struct abi_open_out) == sizeof(struct fuse_open_out), "as the kernel has it");

struct abi_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

/* Since protocol 7.44: all names that the kernel knows are to be looked up again. */
#define ABI_NOTIFY_INC_EPOCH 8

/* Since protocol 7.45: names of nodes, whose ids follow, go from the kernel's memory, and with them
 * what nobody uses. */
#define ABI_NOTIFY_PRUNE 9

struct abi_notify_prune_out {
	uint32_t count, padding;
	uint64_t spare;
};

/* Opcodes that libfuse 3.14 does not know. */
#define ABI_TMPFILE 51
#define ABI_STATX 52
#define ABI_COPY_FILE_RANGE_64 53

/* SETXATTR, where INIT did not agree on FUSE_SETXATTR_EXT. */
struct abi_setxattr_in {
	uint32_t size, flags;
};

/* STATX, since protocol 7.39. */
struct abi_statx_in {
	uint32_t getattr_flags, reserved;
	uint64_t fh;
	uint32_t sx_flags, sx_mask;
};

struct abi_sx_time {
	int64_t sec;
	uint32_t nsec;
	int32_t reserved;
};

struct abi_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec, flags;
	uint64_t spare[2];
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare0;
	uint64_t ino, size, blocks, attributes_mask;
	struct abi_sx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};
_Static_assert(sizeof(struct abi_statx_out) == 288, "as the kernel has it");

#define ABI_BACKING_OPEN _IOW(229, 1, struct abi_backing_map)
#define ABI_BACKING_CLOSE _IOW(229, 2, uint32_t)

#endif
