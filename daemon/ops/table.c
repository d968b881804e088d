/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of operations, and what is agreed on with the kernel; see table.h. */
#define FUSE_USE_VERSION 314
#include "table.h"

#include <fuse_lowlevel.h>

#include "deferred.h"
#include "ops.h"
#include "room.h"
#include "transfer.h"

/*
 * Not wanted: O_TRUNC within OPEN (a truncation is a request of its own, with its own error), the
 * clearing of set-id bits (the kernel does it by SETATTR), and the dropping of cached pages when
 * attributes change (whatever changes them passes through this kernel). The bits for the latter are
 * in the lower half of the flags on purpose: libfuse 3.14 and later agree on them.
 */
static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = EXCHANGE_WRITE_MAX;
	conn->max_readahead = EXCHANGE_READ_MAX;
	conn->want &= ~(unsigned)(FUSE_CAP_ATOMIC_O_TRUNC | FUSE_CAP_HANDLE_KILLPRIV |
				  FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ);
	conn->want |= conn->capable & (FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_POSIX_ACL |
					  FUSE_CAP_DONT_MASK | FUSE_CAP_EXPORT_SUPPORT);
}

static const struct fuse_lowlevel_ops operations = {
    .init = op_init,
    .lookup = op_lookup,
    .forget = op_forget,
    .forget_multi = op_forget_multi,
    .getattr = op_getattr,
    .setattr = op_setattr,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .symlink = op_symlink,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .rename = op_rename,
    .link = op_link,
    .create = op_create,
    .open = op_open,
    .release = op_release,
    .fallocate = op_fallocate,
    .lseek = op_lseek,
    .ioctl = op_ioctl,
    .copy_file_range = op_copy_file_range,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .opendir = op_opendir,
    .readdir = op_readdir,
    .statfs = op_statfs,
};

static void interrupt(struct channel *channel, uint64_t unique)
{
	if (!transfer_interrupt(channel, unique) && !deferred_interrupt(channel, unique))
		room_interrupt(channel, unique);
}

const struct channel_operations ops_table = {
    .libfuse = &operations, .beside = ops_beside, .interrupt = interrupt};
