/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a child; see child.h. */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "log.h"

void child_end(pid_t pid)
{
	int rc = kill(pid, SIGKILL);

	/* A call that has failed once may not fail again. */
	if (rc < 0)
		rc = kill(pid, SIGKILL);
	if (rc < 0) {
		log_error("cannot kill process %ld: %s", (long)pid, strerror(errno));
		return;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
