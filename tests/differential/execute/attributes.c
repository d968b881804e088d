/* SPDX-License-Identifier: BSD-2-Clause */
/* Attributes, extended attributes and access control lists. */
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

#include "acl.h"
#include "execute.h"
#include "listing.h"
#include "times.h"

static void give_stat(struct worker *worker, struct result *result, int ret, const struct stat *st)
{
	give(result, ret);
	if (ret == 0)
		give_view(worker, result, st, NULL);
}

void do_stat(struct worker *worker, const struct call *call, struct result *result)
{
	struct stat st;
	int ret = stat(call->path, &st);

	give_stat(worker, result, ret, &st);
}

void do_lstat(struct worker *worker, const struct call *call, struct result *result)
{
	struct stat st;
	int ret = lstat(call->path, &st);

	give_stat(worker, result, ret, &st);
}

void do_fstat(struct worker *worker, const struct call *call, struct result *result)
{
	struct stat st;
	int ret = fstat(fd_of(worker, call->slot), &st);

	give_stat(worker, result, ret, &st);
}

/*
 * What stat does not tell: that there is a birth time, and that it is not after the last change.
 * More than was asked for may be told or not.
 */
void do_statx(struct worker *worker, const struct call *call, struct result *result)
{
	struct statx stx;
	unsigned asked = (unsigned)call->choice;

	(void)worker;
	give(result, statx(AT_FDCWD, call->path, call->bits, asked, &stx));
	if (result->ret != 0)
		return;
	result->words[0] = stx.stx_mask & asked;
	if ((stx.stx_mask & asked & (STATX_BTIME | STATX_CTIME)) != (STATX_BTIME | STATX_CTIME))
		return;
	result->words[1] = stx.stx_btime.tv_sec > stx.stx_ctime.tv_sec ||
			   (stx.stx_btime.tv_sec == stx.stx_ctime.tv_sec &&
			       stx.stx_btime.tv_nsec > stx.stx_ctime.tv_nsec);
}

void do_access(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, faccessat(AT_FDCWD, call->path, call->choice, call->bits));
}

void do_chmod(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, chmod(call->path, call->mode));
}

void do_fchmod(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fchmod(fd_of(worker, call->slot), call->mode));
}

/*
 * Whether a stranger may ask for no change at all depends on the set-group-id bit, and is found out
 * before a FUSE kernel looks at that bit.
 */
static bool asks_for_nothing(const struct call *call, struct result *result)
{
	if (call->worker == 0 || call->uid != (uid_t)-1 || call->gid != (gid_t)-1)
		return false;
	fail_with(result, ERROR_SKIPPED);
	return true;
}

void do_chown(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	if (!asks_for_nothing(call, result))
		give(result, chown(call->path, call->uid, call->gid));
}

void do_lchown(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	if (!asks_for_nothing(call, result))
		give(result, lchown(call->path, call->uid, call->gid));
}

void do_fchown(struct worker *worker, const struct call *call, struct result *result)
{
	if (!asks_for_nothing(call, result))
		give(result, fchown(fd_of(worker, call->slot), call->uid, call->gid));
}

static void note_times(struct result *result, const struct call *call, uint64_t ino)
{
	/* Only given values are known to both sides. */
	if (result->ret == 0 && times_are_given(call->data))
		note_touch(result, ino, TOUCH_TIMES);
}

void do_utimensat(struct worker *worker, const struct call *call, struct result *result)
{
	struct timespec times[2];
	struct stat st = {0};

	(void)worker;
	times_make(call->data, times);
	give(result, utimensat(AT_FDCWD, call->path, times, call->bits));
	if (worker->side->reference && fstatat(AT_FDCWD, call->path, &st, call->bits) == 0)
		note_times(result, call, st.st_ino);
}

void do_futimens(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);
	struct timespec times[2];

	times_make(call->data, times);
	give(result, futimens(slot->fd, times));
	note_times(result, call, slot->ino);
}

/* A mask of everything would end what can be done in this round. */
void do_umask(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, umask(call->mode & 027));
}

/* How much is in use is told apart: tmpfs counts touched pages and extended attributes. */
void do_statfs(struct worker *worker, const struct call *call, struct result *result)
{
	struct statfs st;

	(void)worker;
	give(result, statfs(call->path, &st));
	if (result->ret != 0)
		return;
	result->words[0] = (uint64_t)st.f_bsize << 32 | (uint64_t)st.f_frsize;
	result->words[1] = st.f_blocks;
	result->words[2] = (uint64_t)st.f_files << 32 | (uint64_t)st.f_namelen;
}

enum { BY_PATH, BY_LINK, BY_DESCRIPTOR };

/* Which of the three forms of the call. */
static int form_of(const struct call *call)
{
	return (int)(call->data >> 40) % 3;
}

static int set_xattr(struct worker *worker, const struct call *call, const char *name,
    const void *value, size_t size)
{
	switch (form_of(call)) {
	case BY_PATH:
		return setxattr(call->path, name, value, size, call->bits);
	case BY_LINK:
		return lsetxattr(call->path, name, value, size, call->bits);
	default:
		return fsetxattr(fd_of(worker, call->slot), name, value, size, call->bits);
	}
}

static size_t value_size(const struct call *call)
{
	static const size_t sizes[] = {0, 1, 7, 100, 1000, 4096, 65536, 65537};
	size_t which = (call->data >> 32) % 64;

	/* All attributes of a node may have 128 KiB together. */
	if (which == 6 && strcmp(call->path2, "user.a") != 0)
		which = 5;
	return which < sizeof sizes / sizeof sizes[0] ? sizes[which] : which;
}

void do_setxattr(struct worker *worker, const struct call *call, struct result *result)
{
	size_t size = value_size(call);

	fill(worker->buffer, size, call->data);
	give(result, set_xattr(worker, call, call->path2, worker->buffer, size));
}

void do_set_acl(struct worker *worker, const struct call *call, struct result *result)
{
	unsigned char acl[ACL_ROOM];
	size_t size = acl_make(call->data, acl);

	give(result,
	    set_xattr(worker, call,
		call->choice ? "system.posix_acl_default" : "system.posix_acl_access", acl, size));
}

/* A buffer of 0 asks for the size; a small one may be too small. */
void do_getxattr(struct worker *worker, const struct call *call, struct result *result)
{
	static const size_t rooms[] = {XATTR_ROOM, 0, 5, 60};
	size_t room = rooms[(call->data >> 32) % 8 < 4 ? (call->data >> 32) % 8 : 0];
	ssize_t size;

	if (form_of(call) == BY_PATH)
		size = getxattr(call->path, call->path2, worker->buffer, room);
	else if (form_of(call) == BY_LINK)
		size = lgetxattr(call->path, call->path2, worker->buffer, room);
	else
		size = fgetxattr(fd_of(worker, call->slot), call->path2, worker->buffer, room);
	give(result, size);
	if (size > 0 && room > 0)
		give_data(result, worker->buffer, (size_t)size);
}

void do_listxattr(struct worker *worker, const struct call *call, struct result *result)
{
	static const size_t rooms[] = {XATTR_ROOM, 0, 5, 60};
	size_t room = rooms[(call->data >> 32) % 8 < 4 ? (call->data >> 32) % 8 : 0];
	char *names = (char *)worker->buffer;
	const char *sorted[256];
	ssize_t size;
	unsigned count;

	if (form_of(call) == BY_PATH)
		size = listxattr(call->path, names, room);
	else if (form_of(call) == BY_LINK)
		size = llistxattr(call->path, names, room);
	else
		size = flistxattr(fd_of(worker, call->slot), names, room);
	give(result, size);
	if (size <= 0 || room == 0)
		return;
	count = sort_names(names, (size_t)size, sorted, 256);
	for (unsigned i = 0; i < count; i++)
		give_text(worker, result, "%s ", sorted[i]);
}

void do_removexattr(struct worker *worker, const struct call *call, struct result *result)
{
	if (form_of(call) == BY_PATH)
		give(result, removexattr(call->path, call->path2));
	else if (form_of(call) == BY_LINK)
		give(result, lremovexattr(call->path, call->path2));
	else
		give(result, fremovexattr(fd_of(worker, call->slot), call->path2));
}
