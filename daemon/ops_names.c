/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on names and directories. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <string.h>

#include "../fs/failpoint.h"
#include "channel.h"
#include "ops.h"
#include "reply.h"

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_lookup(server_of(req)->fs, &cred, parent, name, &attr);

	/* Node 0 is a name that the kernel may remember as missing. */
	if (rc == -ENOENT) {
		attr = (struct shmfs_attr){.mode = S_IFDIR};
		rc = 0;
	}
	reply_entry(req, rc, &attr);
}

/*
 * One transaction for each, so that none grows with the number of them. The kernel never repeats a
 * FORGET, so the mark says how many are done: a server that finds one half done goes on behind
 * them.
 */
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct server *server = server_of(req);
	struct shmfs_mark mark = shmfs_mark(server->fs);

	if (mark.request != channel_unique(server))
		mark = (struct shmfs_mark){.request = channel_unique(server)};
	for (; mark.progress < count; shmfs_begin(server->fs)) {
		const struct fuse_forget_data *forget = &forgets[mark.progress];

		shmfs_forget(server->fs, forget->ino, forget->nlookup);
		mark.progress++;
		shmfs_set_mark(server->fs, mark);
		shmfs_commit(server->fs);
		failpoint("forgotten");
	}
	fuse_reply_none(req);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct fuse_forget_data forget = {.ino = ino, .nlookup = count};

	op_forget_multi(req, 1, &forget);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_mknod(server_of(req)->fs, &cred, parent, name, mode, &attr);

	(void)rdev;
	reply_entry(req, rc, &attr);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_mkdir(server_of(req)->fs, &cred, parent, name, mode, &attr);

	reply_entry(req, rc, &attr);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_symlink(server_of(req)->fs, &cred, parent, name, target, &attr);

	reply_entry(req, rc, &attr);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[SHMFS_TARGET_MAX + 1];
	struct shmfs_cred cred = caller_of(req);
	int rc = shmfs_readlink(server_of(req)->fs, &cred, ino, target);

	reply_target(req, rc, target);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct shmfs_cred cred = caller_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_link(server_of(req)->fs, &cred, ino, parent, name, &attr);

	reply_entry(req, rc, &attr);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct shmfs_cred cred = caller_of(req);

	reply_status(req, shmfs_unlink(server_of(req)->fs, &cred, parent, name));
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct shmfs_cred cred = caller_of(req);

	reply_status(req, shmfs_rmdir(server_of(req)->fs, &cred, parent, name));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
    const char *new_name, unsigned flags)
{
	struct shmfs_cred cred = caller_of(req);

	reply_status(req,
	    shmfs_rename(server_of(req)->fs, &cred, parent, name, new_parent, new_name, flags));
}

/*
 * Directories have no state of their own while they are open: cookies say all. ENOSYS makes the
 * kernel stop asking, for the whole mount, and keep listings in its cache. Where there are
 * policies, what it keeps for one caller is not for another.
 */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	(void)fi;
	if (shmfs_policies(server_of(req)->fs) != 0)
		reply_opened_directory(req);
	else
		reply_status(req, -ENOSYS);
}

struct listing {
	fuse_req_t req;
	char *out;
	size_t size, used;
};

static int add_to_listing(void *arg, const struct shmfs_entry *entry)
{
	struct listing *listing = arg;
	struct stat st = {.st_ino = entry->id, .st_mode = entry->mode};
	size_t left = listing->size - listing->used;
	size_t needed = fuse_add_direntry(
	    listing->req, listing->out + listing->used, left, entry->name, &st, (off_t)entry->next);

	if (needed > left)
		return 1;
	listing->used += needed;
	return 0;
}

void op_readdir(
    fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct server *server = server_of(req);
	struct shmfs_cred cred = caller_of(req);
	struct listing listing = {
	    .req = req,
	    .out = server->data,
	    .size = size < SERVER_MAX_TRANSFER ? size : SERVER_MAX_TRANSFER,
	};
	int rc = shmfs_readdir(server->fs, &cred, ino, (uint64_t)offset, add_to_listing, &listing);

	(void)fi;
	reply_data(req, rc < 0 ? rc : (ssize_t)listing.used, listing.out);
}
