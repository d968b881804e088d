/* SPDX-License-Identifier: BSD-2-Clause */
/* Making, linking, renaming, removing and listing names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "execute.h"
#include "listing.h"
#include "model.h"

void do_mkdir(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, mkdir(call->path, call->mode));
}

void do_rmdir(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, rmdir(call->path));
}

void do_unlink(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, unlink(call->path));
}

static void directory_status(const char *path, struct stat *st)
{
	char directory[PATH_ROOM];
	const char *slash = strrchr(path, '/');

	snprintf(directory, sizeof directory, "%.*s", slash != NULL ? (int)(slash - path) + 1 : 1,
	    slash != NULL ? path : ".");
	if (stat(directory, st) != 0)
		memset(st, 0, sizeof *st);
}

void do_mknod(struct worker *worker, const struct call *call, struct result *result)
{
	mode_t type = (mode_t)call->choice;
	struct stat directory, st;

	directory_status(call->path, &directory);
	give(result, mknod(call->path, type | call->mode, makedev(1, 3)));
	if (type == S_IFCHR || type == S_IFBLK)
		model_mknod(worker, call, result, &directory);
	else if (result->ret == 0 && lstat(call->path, &st) == 0)
		model_named_object(worker, call->path, &st);
}

void do_symlink(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, symlink(call->path2, call->path));
}

void do_readlink(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, readlink(call->path, (char *)worker->buffer, (size_t)call->length));
	if (result->ret >= 0)
		give_text(worker, result, "%.*s", (int)result->ret, (const char *)worker->buffer);
}

/*
 * Whether a stranger may link an object with set-id bits (fs.protected_hardlinks) goes by the mode
 * that the kernel has last heard of, and a write that took the bits away told nothing of it.
 */
static void let_kernel_ask(const char *path)
{
	struct stat st;
	int error = errno;

	(void)lstat(path, &st);
	(void)stat(path, &st);
	errno = error;
}

void do_link(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	let_kernel_ask(call->path);
	give(result, link(call->path, call->path2));
}

void do_linkat(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	let_kernel_ask(call->path);
	give(result, linkat(AT_FDCWD, call->path, AT_FDCWD, call->path2, call->bits));
}

/* The two ways of giving a descriptor's node a name. */
void do_link_descriptor(struct worker *worker, const struct call *call, struct result *result)
{
	int fd = fd_of(worker, call->slot);
	char number[16];
	struct stat st;

	if (fd >= 0)
		(void)fstat(fd, &st);
	snprintf(number, sizeof number, "%d", fd);
	if (call->choice == AT_EMPTY_PATH)
		give(result, linkat(fd, "", AT_FDCWD, call->path, AT_EMPTY_PATH));
	else
		give(result,
		    linkat(worker->proc_fd, number, AT_FDCWD, call->path, AT_SYMLINK_FOLLOW));
}

void do_rename(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, rename(call->path, call->path2));
}

/*
 * tmpfs can leave a whiteout behind, which could not be taken back. So the reference leaves it, and
 * only says whether there would have been nothing to do: two names of one node. Under what is
 * mounted on one of them, it does not see which node that is.
 */
static void refuse_whiteout(const struct call *call, struct result *result)
{
	struct statx from = {0}, to = {0};
	bool there = statx(AT_FDCWD, call->path, AT_SYMLINK_NOFOLLOW, STATX_INO, &from) == 0 &&
		     statx(AT_FDCWD, call->path2, AT_SYMLINK_NOFOLLOW, STATX_INO, &to) == 0;

	allow(result, ALLOWED_WHITEOUT);
	errno = EINVAL;
	if ((from.stx_attributes | to.stx_attributes) & STATX_ATTR_MOUNT_ROOT)
		fail_with(result, ERROR_SKIPPED);
	else
		give(result, there && from.stx_ino == to.stx_ino ? 0 : -1);
}

static bool is_mounted_on(const char *path)
{
	struct statx st;

	return statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/* What lies under a mount, and whether that is the same node, is not to be seen by its path. */
void do_renameat2(struct worker *worker, const struct call *call, struct result *result)
{
	if ((call->choice & RENAME_WHITEOUT) &&
	    (is_mounted_on(call->path) || is_mounted_on(call->path2)))
		fail_with(result, ERROR_SKIPPED);
	else if (is_bent(worker) && (call->choice & RENAME_WHITEOUT))
		refuse_whiteout(call, result);
	else
		give(result,
		    renameat2(AT_FDCWD, call->path, AT_FDCWD, call->path2, (unsigned)call->choice));
}

/* Each name and type as text, each node by what it is the same as. */
static void give_listing(struct worker *worker, struct result *result, int fd)
{
	struct listing *listing = malloc(sizeof *listing);

	if (listing == NULL)
		broken("memory");
	give(result, list_directory(fd, listing));
	for (unsigned i = 0; result->ret == 0 && i < listing->count; i++) {
		const struct entry *entry = &listing->entries[i];

		give_text(worker, result, "%s:%u ", entry->name, entry->type);
		/* Above the root stands whatever the filesystem likes. */
		if (strcmp(entry->name, "..") != 0)
			give_ino(worker, result, entry->ino, 0);
	}
	free(listing);
}

void do_readdir(struct worker *worker, const struct call *call, struct result *result)
{
	int fd = open(call->path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);

	give(result, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	give_listing(worker, result, fd);
	close(fd);
}

void do_getdents(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);

	if (slot->fd >= 0 && !S_ISDIR(slot->mode))
		fail_with(result, ERROR_SKIPPED);
	else
		give_listing(worker, result, slot->fd);
}
