/* SPDX-License-Identifier: BSD-2-Clause */
/* Keeper and zygotes; see helpers.h. */
#include "helpers.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/log.h"
#include "death.h"
#include "keeper.h"
#include "system/oom.h"
#include "watchdog.h"

pid_t fork_sharing_descriptors(void)
{
	fflush(NULL);
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FILES | SIGCHLD), 0, 0, 0, 0);
}

/* --- the keeper ------------------------------------------------------------------------------- */

/* Where the system has no process for it, it is tried again when the server is looked at. */
static void start_keeper(struct helpers *helpers)
{
	pid_t pid;

	log_let_go();
	pid = fork_sharing_descriptors();
	if (pid == 0)
		keeper_run(helpers->server);
	helpers->keeper = pid > 0 ? pid : 0;
	helpers->keeper_since = clock_now();
	if (pid > 0)
		keeper_watch(helpers->server, pid);
}

/* The next one at once; but for one that has died young, when the server is looked at. */
static void reap_keeper(struct helpers *helpers)
{
	int status;

	if (helpers->keeper == 0 || waitpid(helpers->keeper, &status, WNOHANG) != helpers->keeper)
		return;
	death_log("keeper", status, DEATH_FROM_OUTSIDE);
	helpers->keeper = 0;
	if (clock_now() - helpers->keeper_since >= CLOCK_SECOND)
		start_keeper(helpers);
}

static void end_keeper(struct helpers *helpers)
{
	if (helpers->keeper != 0)
		child_end(helpers->keeper);
	helpers->keeper = 0;
	keeper_forget(helpers->server);
}

/* --- zygotes ---------------------------------------------------------------------------------- */

static void begin_zygotes(struct server *server)
{
	struct handover *handover = server->handover;
	int rc;

	server->zygotes.mountpoint = handover->mountpoint.path;
	server->zygotes.in_child = oom_restore;
	if (handover->control_fd < 0)
		return;
	rc = zygotes_begin(&server->zygotes);
	if (rc < 0)
		log_error("nobody can ask by the control socket: %s", strerror(-rc));
	for (enum role role = 0; rc == 0 && role < ROLES; role++) {
		handover_own(handover, server->zygotes.of[role].asking);
		handover_own(handover, server->zygotes.of[role].asked);
	}
}

static void end_zygotes(struct server *server)
{
	for (enum role role = 0; role < ROLES; role++) {
		if (server->zygotes.of[role].asked == 0)
			continue;
		handover_disown(server->handover, server->zygotes.of[role].asking);
		handover_disown(server->handover, server->zygotes.of[role].asked);
	}
	zygotes_end(&server->zygotes);
}

static bool is_stopped(pid_t pid)
{
	return watchdog_fate_of(pid) == FATE_STOPPED;
}

/* --- all of them ------------------------------------------------------------------------------ */

void helpers_begin(struct helpers *helpers)
{
	begin_zygotes(helpers->server);
	/* The keeper has to know the number. */
	keeper_watch_server(helpers->server, getpid());
	start_keeper(helpers);
}

void helpers_reap(struct helpers *helpers)
{
	zygotes_reap(&helpers->server->zygotes);
	reap_keeper(helpers);
}

void helpers_watch(struct helpers *helpers)
{
	zygotes_watch(&helpers->server->zygotes, is_stopped);
	if (helpers->keeper == 0)
		start_keeper(helpers);
	else if (is_stopped(helpers->keeper))
		(void)kill(helpers->keeper, SIGKILL);
}

void helpers_end(struct helpers *helpers)
{
	end_zygotes(helpers->server);
	end_keeper(helpers);
}
