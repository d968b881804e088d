/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true beyond the filesystem itself: file handles, and the order of times on the machine.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "execute.h"
#include "model.h"

/* One in so many has the kernel forget all nodes first; it takes long. */
#define FORGETS 64

/* The worker sees nothing of the machine but the filesystem and its own descriptors. */
static void make_the_kernel_forget(const struct worker *worker)
{
	int fd = openat(worker->proc_fd, "../../sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "2", 1) != 1)
		broken("drop_caches");
	close(fd);
}

static int open_by_handle(const struct worker *worker, const struct call *call)
{
	union {
		struct file_handle of;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.of.handle_bytes = MAX_HANDLE_SZ};
	int mount;

	if (name_to_handle_at(AT_FDCWD, call->path, &handle.of, &mount, call->bits) != 0)
		return -1;
	if (worker->index == 0 && call->mode % FORGETS == 0)
		make_the_kernel_forget(worker);
	return open_by_handle_at(AT_FDCWD, &handle.of, call->choice | O_NONBLOCK | O_CLOEXEC);
}

void do_open_by_handle(struct worker *worker, const struct call *call, struct result *result)
{
	struct slot *slot = slot_of(worker, call->slot);
	int fd = open_by_handle(worker, call);
	struct stat st;

	give(result, fd < 0 ? -1 : 0);
	if (fd < 0)
		return;
	slot_close(worker, slot);
	slot_fill(slot, fd, call->choice & O_ACCMODE);
	if (fstat(fd, &st) == 0)
		model_object(worker, fd, &st);
}

/* The time that a file elsewhere gets now: a new one, or one that was looked at before. */
static struct timespec time_elsewhere(bool looked_at)
{
	int fd = memfd_create("elsewhere", MFD_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || (looked_at && ftruncate(fd, 1) != 0) ||
	    fstat(fd, &st) != 0)
		broken("memfd");
	close(fd);
	return st.st_ctim;
}

static bool is_earlier(struct timespec left, struct timespec right)
{
	return left.tv_sec < right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec < right.tv_nsec);
}

/* A change between two of files elsewhere: whether it is so by their times, too. */
void do_clock(struct worker *worker, const struct call *call, struct result *result)
{
	int fd = fd_of(worker, call->slot);
	struct timespec before = time_elsewhere(true), after;
	struct stat st;

	give(result, fchmod(fd, call->mode));
	after = time_elsewhere(call->mode % 2);
	if (result->ret != 0 || fstat(fd, &st) != 0)
		return;
	result->words[0] = is_earlier(st.st_ctim, before);
	result->words[1] = is_earlier(after, st.st_ctim);
}
