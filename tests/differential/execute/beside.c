/* SPDX-License-Identifier: BSD-2-Clause */
/* Two processes at one page at the same time: what comes of it does not depend on who is first. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "execute.h"
#include "worker.h"

enum { PAGE = 4096, TIMES = 20, PAUSE_US = 100, WRITTEN_AT = 64, NOT_OPENED = 2, NOT_WRITTEN = 3 };

/* A fault is told by the status. */
static pid_t begin(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
	}
	if (pid < 0)
		broken("fork");
	return pid;
}

static uint64_t end(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		broken("waitpid");
	return (uint64_t)status;
}

/* Its first byte, by the mapping. */
static _Noreturn void store(volatile unsigned char *page, uint64_t data)
{
	for (unsigned i = 0; i < TIMES; i++) {
		*page = (unsigned char)(data + i);
		usleep(PAUSE_US);
	}
	_exit(0);
}

/* Other bytes of it, by calls. Whoever closes a descriptor loses their locks on what it is open to,
 * which is another reason for a process of its own. */
static _Noreturn void write_and_read(
    const struct worker *worker, int keeper, int64_t offset, uint64_t data)
{
	unsigned wrong = 0;
	char number[16];
	int fd;

	snprintf(number, sizeof number, "%d", keeper);
	fd = openat(worker->proc_fd, number, O_RDWR);
	if (fd < 0)
		_exit(NOT_OPENED);
	for (unsigned i = 0; i < TIMES; i++) {
		uint64_t bytes = data * (i + 1), there = 0;
		int64_t at = offset + WRITTEN_AT + 8 * (int64_t)i;

		if (pwrite(fd, &bytes, 8, at) != 8)
			_exit(NOT_WRITTEN);
		usleep(PAUSE_US);
		wrong |= pread(fd, &there, 8, at) != 8 || there != bytes;
	}
	_exit(wrong != 0);
}

/* Where it is, in the object; below 0: none of the mapping's pages is within the object. */
static int64_t page_of(const struct mapping *map, const struct call *call)
{
	int64_t pages, inside;
	struct stat st;

	if (fstat(map->keeper, &st) != 0)
		broken("fstat");
	inside = st.st_size - map->offset;
	if (inside > (int64_t)map->length)
		inside = (int64_t)map->length;
	pages = inside < PAGE ? 0 : inside / PAGE;
	return pages == 0 ? -1 : (int64_t)((uint64_t)call->offset % (uint64_t)pages) * PAGE;
}

void do_beside(struct worker *worker, const struct call *call, struct result *result)
{
	const struct mapping *map = &worker->maps[call->map];
	int64_t at = map->address == NULL ? -1 : page_of(map, call);
	pid_t pids[2];

	/* An opening would wait for whoever has a lease. */
	if (at < 0 || atomic_load(&worker->shared->leases) > 0) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	note_touch(result, map->ino, TOUCH_MAPPED);
	pids[0] = begin();
	if (pids[0] == 0)
		store(map->address + at, call->data);
	pids[1] = begin();
	if (pids[1] == 0)
		write_and_read(worker, map->keeper, map->offset + at, call->data);
	for (unsigned i = 0; i < 2; i++)
		result->words[i] = end(pids[i]);
	give(result, pread(map->keeper, worker->buffer, PAGE, map->offset + at));
	if (result->ret > 0)
		give_data(result, worker->buffer, (size_t)result->ret);
}
