/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks and leases; none waits. */
#include <sys/file.h>

#include "execute.h"
#include "worker.h"

void do_flock(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, flock(fd_of(worker, call->slot), call->choice | LOCK_NB));
}

static struct flock lock_of(const struct call *call)
{
	return (struct flock){
	    .l_type = (short)call->choice,
	    .l_whence = SEEK_SET,
	    .l_start = call->offset,
	    .l_len = call->length,
	};
}

/* Who holds a lock: this process, an open file (-1) or somebody else. */
static uint64_t holder(pid_t pid)
{
	return pid == -1 || pid == 0 ? (uint64_t)pid : pid == getpid() ? 1 : 2;
}

static void lock(struct worker *worker, const struct call *call, struct result *result, int command)
{
	struct flock lock = lock_of(call);

	give(result, fcntl(fd_of(worker, call->slot), command, &lock));
	if (result->ret != 0 || (command != F_GETLK && command != F_OFD_GETLK))
		return;
	result->words[0] = (uint64_t)lock.l_type << 8 | (uint64_t)lock.l_whence;
	if (lock.l_type == F_UNLCK)
		return;
	result->words[1] = (uint64_t)lock.l_start << 32 ^ (uint64_t)lock.l_len;
	result->words[2] = holder(lock.l_pid);
}

void do_setlk(struct worker *worker, const struct call *call, struct result *result)
{
	lock(worker, call, result, F_SETLK);
}

void do_getlk(struct worker *worker, const struct call *call, struct result *result)
{
	lock(worker, call, result, F_GETLK);
}

void do_ofd_setlk(struct worker *worker, const struct call *call, struct result *result)
{
	lock(worker, call, result, F_OFD_SETLK);
}

void do_ofd_getlk(struct worker *worker, const struct call *call, struct result *result)
{
	lock(worker, call, result, F_OFD_GETLK);
}

void do_setlease(struct worker *worker, const struct call *call, struct result *result)
{
	struct slot *slot = slot_of(worker, call->slot);

	give(result, fcntl(slot->fd, F_SETLEASE, call->choice));
	if (result->ret != 0)
		return;
	worker->shared->leases += (call->choice != F_UNLCK) - slot->leased;
	slot->leased = call->choice != F_UNLCK;
}

void do_getlease(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, fcntl(fd_of(worker, call->slot), F_GETLEASE));
}
