/* SPDX-License-Identifier: BSD-2-Clause */
/* Room that a killed process had is there for whoever has waited for its end. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "execute.h"
#include "worker.h"

/* More than the kernel tells a daemon of at once; and more than half of the mount, so that there is
 * no room for both. One call in so many, as it takes long. */
enum { OBJECTS_HELD = 400, RARELY = 4 };
#define HELD_BYTES (INT64_C(36) << 30)

/* Not to be met by a path of a call. */
static int new_object(int64_t size)
{
	int fd = open("/killed", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || unlink("/killed") != 0)
		broken("/killed");
	return ftruncate(fd, size) == 0 ? fd : -1;
}

static _Noreturn void hold_and_die(void)
{
	for (unsigned i = 0; i < OBJECTS_HELD; i++)
		if (new_object(HELD_BYTES / OBJECTS_HELD) < 0)
			_exit(1);
	(void)raise(SIGKILL);
	_exit(2);
}

void do_killed(struct worker *worker, const struct call *call, struct result *result)
{
	int status, fd;
	pid_t pid;

	if (worker->index != 0 || call->data % RARELY != 0) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	pid = fork();
	if (pid == 0)
		hold_and_die();
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		broken("fork");
	result->words[0] = (uint64_t)status;
	fd = new_object(HELD_BYTES);
	give(result, fd < 0 ? -1 : 0);
	close(fd);
}
