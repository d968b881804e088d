/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on names and directories. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <string.h>

#include "fuse/request.h"
#include "ops.h"
#include "reply.h"

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct request *request = request_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_lookup(fs_of(request), &request->cred, parent, name, &attr);

	/* Node 0 is a name that the kernel may remember as missing. */
	if (rc == -ENOENT) {
		attr = (struct shmfs_attr){.mode = S_IFDIR};
		rc = 0;
	}
	reply_entry(request, rc, &attr);
}

/*
 * One transaction for each, so that none grows with the number of them. The kernel never repeats a
 * FORGET: a server that finds one half done goes on behind what is done.
 */
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct request *request = request_of(req);

	for (uint64_t i = request_progress(request); i < count; i++) {
		shmfs_forget(fs_of(request), forgets[i].ino, forgets[i].nlookup);
		request_checkpoint(request, i + 1);
	}
	request_end(request);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct fuse_forget_data forget = {.ino = ino, .nlookup = count};

	op_forget_multi(req, 1, &forget);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct request *request = request_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_mknod(fs_of(request), &request->cred, parent, name, mode, &attr);

	(void)rdev;
	reply_entry(request, rc, &attr);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct request *request = request_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_mkdir(fs_of(request), &request->cred, parent, name, mode, &attr);

	reply_entry(request, rc, &attr);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct request *request = request_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_symlink(fs_of(request), &request->cred, parent, name, target, &attr);

	reply_entry(request, rc, &attr);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	char target[SHMFS_TARGET_MAX + 1];
	struct request *request = request_of(req);
	int rc = shmfs_readlink(fs_of(request), &request->cred, ino, target);

	reply_target(request, rc, target);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct request *request = request_of(req);
	struct shmfs_attr attr;
	int rc = shmfs_link(fs_of(request), &request->cred, ino, parent, name, &attr);

	reply_entry(request, rc, &attr);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct request *request = request_of(req);

	reply_status(request, shmfs_unlink(fs_of(request), &request->cred, parent, name));
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct request *request = request_of(req);

	reply_status(request, shmfs_rmdir(fs_of(request), &request->cred, parent, name));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
    const char *new_name, unsigned flags)
{
	struct request *request = request_of(req);

	reply_status(request, shmfs_rename(fs_of(request), &request->cred, parent, name, new_parent,
				  new_name, flags));
}

/*
 * Directories have no state of their own while they are open: cookies say all. ENOSYS makes the
 * kernel stop asking, for the whole mount, and keep listings in its cache. Where there are
 * policies, what it keeps for one caller is not for another.
 */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);

	(void)ino;
	(void)fi;
	if (shmfs_policies(fs_of(request)) != 0)
		reply_opened_directory(request);
	else
		reply_status(request, -ENOSYS);
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
	struct request *request = request_of(req);
	struct listing listing = {
	    .req = req,
	    .out = request->channel->data,
	    .size = size < EXCHANGE_READ_MAX ? size : EXCHANGE_READ_MAX,
	};
	int rc = shmfs_readdir(
	    fs_of(request), &request->cred, ino, (uint64_t)offset, add_to_listing, &listing);

	(void)fi;
	reply_data(request, rc < 0 ? rc : (ssize_t)listing.used, listing.out);
}
