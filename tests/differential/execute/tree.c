/* SPDX-License-Identifier: BSD-2-Clause */
/* All that a mount holds, and all that a worker has open. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#include "execute.h"
#include "listing.h"

static uint64_t hash_content(struct worker *worker, int fd, uint64_t *length)
{
	uint64_t hash = 0;
	ssize_t count;

	*length = 0;
	while ((count = pread(fd, worker->buffer, 1 << 20, (off_t)*length)) > 0) {
		hash = hash_bytes(hash, worker->buffer, (size_t)count);
		*length += (uint64_t)count;
	}
	return count < 0 ? (uint64_t)errno : hash;
}

/*
 * O_NOATIME, so that looking changes nothing but a lease: that is waited for, since it may end
 * sooner on one side than on the other, and be met again under another name.
 */
static int open_to_look(const char *path)
{
	struct timespec pause = {0, 100000};
	int fd;

	while (
	    (fd = open(path, O_RDONLY | O_NOATIME | O_NONBLOCK | O_CLOEXEC)) < 0 && errno == EAGAIN)
		nanosleep(&pause, NULL);
	return fd;
}

static void tell_content(struct worker *worker, struct result *result, const char *path)
{
	uint64_t length = 0, hash;
	int fd = open_to_look(path);

	if (fd < 0) {
		give_text(worker, result, " content %s", strerrorname_np(errno));
		return;
	}
	hash = hash_content(worker, fd, &length);
	give_text(worker, result, " content %llu:%016llx", (unsigned long long)length,
	    (unsigned long long)hash);
	close(fd);
}

static void tell_target(struct worker *worker, struct result *result, const char *path)
{
	char target[PATH_MAX];
	ssize_t length = readlink(path, target, sizeof target - 1);

	give_text(worker, result, " -> %.*s", length < 0 ? 0 : (int)length, target);
}

static void tell_xattrs(struct worker *worker, struct result *result, const char *path)
{
	char *names = malloc(XATTR_ROOM);
	const char *sorted[256];
	ssize_t size;
	unsigned count;

	if (names == NULL)
		broken("memory");
	size = llistxattr(path, names, XATTR_ROOM);
	if (size < 0)
		give_text(worker, result, " xattrs %s", strerrorname_np(errno));
	count = size < 0 ? 0 : sort_names(names, (size_t)size, sorted, 256);
	for (unsigned i = 0; i < count; i++) {
		size = lgetxattr(path, sorted[i], worker->buffer, BUFFER_SIZE);
		give_text(worker, result, " %s=%zd:%016llx", sorted[i], size,
		    (unsigned long long)(size < 0 ? (uint64_t)errno
						  : hash_bytes(0, worker->buffer, (size_t)size)));
	}
	free(names);
}

static void tell_tree(struct worker *worker, struct result *result, const char *path);

static void tell_entries(struct worker *worker, struct result *result, const char *path)
{
	struct listing *listing = malloc(sizeof *listing);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char below[PATH_MAX];

	if (listing == NULL)
		broken("memory");
	if (fd < 0 || list_directory(fd, listing) != 0) {
		give_text(worker, result, "%s: %s\n", path, strerrorname_np(errno));
		listing->count = 0;
	}
	if (fd >= 0)
		close(fd);
	for (unsigned i = 0; i < listing->count; i++) {
		const char *name = listing->entries[i].name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		snprintf(below, sizeof below, "%s/%s", path, name);
		tell_tree(worker, result, below);
	}
	free(listing);
}

static void tell_tree(struct worker *worker, struct result *result, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		give_text(worker, result, "%s: %s\n", path, strerrorname_np(errno));
		return;
	}
	give_view(worker, result, &st, path);
	give_text(worker, result, "%s", path);
	if (S_ISREG(st.st_mode))
		tell_content(worker, result, path);
	else if (S_ISLNK(st.st_mode))
		tell_target(worker, result, path);
	tell_xattrs(worker, result, path);
	give_text(worker, result, "\n");
	if (S_ISDIR(st.st_mode))
		tell_entries(worker, result, path);
}

void do_tree(struct worker *worker, const struct call *call, struct result *result)
{
	(void)call;
	tell_tree(worker, result, "/");
}

static void tell_slot(struct worker *worker, struct result *result, unsigned index)
{
	const struct slot *slot = slot_of(worker, index);
	uint64_t length = 0, hash = 0;
	struct stat st;

	if (slot->fd < 0)
		return;
	give_text(worker, result, "fd%u", index);
	if (fstat(slot->fd, &st) == 0)
		give_view(worker, result, &st, NULL);
	if (is_regular(slot) && (slot->access == O_RDONLY || slot->access == O_RDWR)) {
		hash = hash_content(worker, slot->fd, &length);
		note_read(slot, result);
	}
	give_text(worker, result, " flags %o", (unsigned)fcntl(slot->fd, F_GETFL));
	if (is_regular(slot))
		give_text(worker, result, " at %lld", (long long)lseek(slot->fd, 0, SEEK_CUR));
	give_text(worker, result, " content %llu:%016llx\n", (unsigned long long)length,
	    (unsigned long long)hash);
}

/* Unlinked objects are found by their descriptors only. */
void do_slots(struct worker *worker, const struct call *call, struct result *result)
{
	(void)call;
	for (unsigned i = 0; i < SLOTS; i++)
		tell_slot(worker, result, i);
}
