/* SPDX-License-Identifier: BSD-2-Clause */
/* Operations on attributes. */
#define FUSE_USE_VERSION 314
#include "deferred.h"
#include "ops.h"
#include "reply.h"
#include "room.h"

/* The opening of this node that a request is about; 0: none. */
static uint64_t opening_of(const struct shmfs *fs, uint64_t id, const struct fuse_file_info *fi)
{
	return fi != NULL && shmfs_is_open(fs, fi->fh, id) ? fi->fh : 0;
}

/*
 * The kernel names an opening where it needs the attributes itself, for a read, a write or lseek(2)
 * through it, and none for stat(2) and fstat(2). Who may use the opening was decided with it,
 * unless policies revoke. NULL: so nobody asks.
 */
static const struct shmfs_cred *asker(const struct shmfs *fs, uint64_t id,
    const struct fuse_file_info *fi, const struct shmfs_cred *cred)
{
	return opening_of(fs, id, fi) != 0 && !shmfs_revokes(fs) ? NULL : cred;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	struct shmfs *fs = fs_of(request);
	struct shmfs_attr attr;
	int rc = shmfs_getattr(fs, asker(fs, ino, fi, &request->cred), ino, &attr);

	reply_attr(request, rc, &attr);
}

static unsigned what_changes(int valid)
{
	static const struct {
		int from;
		unsigned to;
	} bits[] = {
	    {FUSE_SET_ATTR_MODE, SHMFS_CHANGE_MODE},
	    {FUSE_SET_ATTR_UID, SHMFS_CHANGE_UID},
	    {FUSE_SET_ATTR_GID, SHMFS_CHANGE_GID},
	    {FUSE_SET_ATTR_SIZE, SHMFS_CHANGE_SIZE},
	    {FUSE_SET_ATTR_ATIME, SHMFS_CHANGE_ATIME},
	    {FUSE_SET_ATTR_MTIME, SHMFS_CHANGE_MTIME},
	    {FUSE_SET_ATTR_CTIME, SHMFS_CHANGE_CTIME},
	    {FUSE_SET_ATTR_ATIME_NOW, SHMFS_CHANGE_ATIME_NOW},
	    {FUSE_SET_ATTR_MTIME_NOW, SHMFS_CHANGE_MTIME_NOW},
	};
	unsigned what = 0;

	for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++)
		what |= valid & bits[i].from ? bits[i].to : 0;
	return what;
}

void op_setattr(
    fuse_req_t req, fuse_ino_t ino, struct stat *st, int valid, struct fuse_file_info *fi)
{
	struct request *request = request_of(req);
	struct shmfs_change change = {
	    .what = what_changes(valid),
	    .mode = st->st_mode,
	    .uid = st->st_uid,
	    .gid = st->st_gid,
	    .size = (uint64_t)st->st_size,
	    .atime = st->st_atim,
	    .mtime = st->st_mtim,
	    .ctime = st->st_ctim,
	    .handle = opening_of(fs_of(request), ino, fi),
	    .by = request->cred,
	};
	struct shmfs_attr attr;
	int rc = shmfs_setattr(fs_of(request), ino, &change, &attr);

	struct deferred_reply reply = {
	    .kind = DEFERRED_ATTR, .id = ino, .owed = shmfs_take_owed(fs_of(request))};

	if (rc == 0 && (change.what & SHMFS_CHANGE_SIZE) && deferred_take(request, &reply))
		return;
	reply_attr(request, rc, &attr);
}

/* What the caller itself could get there, with what others have let go of. */
void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct request *request = request_of(req);
	struct shmfs_usage usage;

	if (room_wait(request, false))
		return;
	shmfs_user_usage(fs_of(request), request->cred.uid, ino, &usage);
	reply_statfs(request, &usage);
}
