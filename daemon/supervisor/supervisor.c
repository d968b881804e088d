/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting, watching and ending servers; see supervisor.h. */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/background.h"
#include "common/child.h"
#include "common/clock.h"
#include "common/log.h"
#include "death.h"
#include "helpers.h"
#include "keeper.h"
#include "process/loop.h"
#include "process/mount.h"
#include "process/run.h"
#include "system/mount_namespace.h"
#include "system/oom.h"
#include "system/slice.h"
#include "watchdog.h"

/*
 * Servers in a row that may die young, and the age up to which one is young if it served nothing.
 * One that waits for requests and is killed has not failed, however young it is. One that is killed
 * before that may have been the choice of a system without memory, or of somebody who kills faster
 * than servers start; so many more of those may be.
 */
#define FAILURES_MAX 5
#define KILLED_MAX 100
#define YOUNG_MS 1000

/* How long a server may take to finish the request that it is at. */
#define STOP_MS 2000

/* And the installed program, to tell whether it could go on. */
#define TRIAL_MS 10000

/* Between two tries to start a server where the system has no process for us: twice as long each
 * time. */
#define RETRY_MIN_MS 10
#define RETRY_MAX_MS 1000

struct supervisor {
	struct server *server;
	const struct upgrade *upgrade;
	struct helpers helpers;
	pid_t pid; /* of the server; 0: there is none */
	int64_t started_ms;
	uint64_t served_before;
	unsigned failures, killed; /* in a row */
	int64_t retry_ms;	   /* the pause before the next try to start one; 0: none failed */
	int64_t retry_at_ms;
	struct watchdog watchdog;
	int64_t watch_at_ms; /* when to look at the server again */
	uint64_t oom_kills;  /* of the machine, when the server was started */
	bool hung;	     /* it was killed for not answering, and nobody had stopped it */
	struct upgrade_trial trial;
	int64_t trial_ends_ms;
};

static int64_t now_ms(void)
{
	return (int64_t)(clock_now() / CLOCK_MS);
}

static sigset_t signals(void)
{
	static const int all[] = {SIGCHLD, SIGUSR1, LOOP_ORPHANED, SIGTERM, SIGINT, SIGHUP};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		sigaddset(&set, all[i]);
	return set;
}

void supervisor_hold_signals(void)
{
	sigset_t set = signals();

	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* --- descriptors ------------------------------------------------------------------------------ */

static void note_descriptors(struct handover *handover)
{
	log_let_go();
	handover->own_descriptors = 0;
	for (int fd = 0; fd < SHMFS_DESCRIPTOR_FIRST; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 && !kept_has(&handover->kept, fd))
			handover_own(handover, fd);
	}
}

/* While there is no server. */
static void close_strays(const struct handover *handover)
{
	log_let_go();
	for (int fd = 0; fd < SHMFS_DESCRIPTOR_FIRST; fd++) {
		if (!handover_owns(handover, fd) && !kept_has(&handover->kept, fd))
			close(fd);
	}
}

/* --- a server's begin and end ----------------------------------------------------------------- */

static void wait_longer(struct supervisor *s)
{
	s->retry_ms = s->retry_ms == 0 ? RETRY_MIN_MS : 2 * s->retry_ms;
	if (s->retry_ms > RETRY_MAX_MS)
		s->retry_ms = RETRY_MAX_MS;
	s->retry_at_ms = now_ms() + s->retry_ms;
}

/* Who has filled the table of processes must not end the mount with it. */
static int try_later(struct supervisor *s, int error)
{
	if (s->retry_ms == 0)
		log_error("cannot start a server: %s; trying again", strerror(error));
	wait_longer(s);
	return -error;
}

static int start(struct supervisor *s)
{
	pid_t pid;

	close_strays(s->server->handover);
	oom_protect();
	s->oom_kills = oom_kills();
	s->started_ms = now_ms();
	s->served_before = s->server->handover->counters.requests;
	s->server->handover->serving = s->server->handover->stopping = false;
	pid = fork_sharing_descriptors();
	if (pid < 0)
		return try_later(s, errno);
	if (pid == 0) {
		enum server_end end;

		oom_expose();
		log_setup(options_log_place(s->server->options), s->server->options->debug);
		end = server_run(s->server);
		fflush(NULL);
		/* Whatever libc would do at the end is the supervisor's to do. */
		_exit((int)end);
	}
	s->pid = pid;
	keeper_watch_server(s->server, pid);
	s->watchdog = (struct watchdog){0};
	s->watch_at_ms = now_ms() + WATCHDOG_LOOK_MS;
	return 0;
}

/* Waits for the server's end until the deadline. */
static bool ends_until(const struct supervisor *s, int64_t deadline_ms)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (waitpid(s->pid, NULL, WNOHANG) == 0) {
		int64_t left = deadline_ms - now_ms();
		struct timespec wait = {left / 1000, left % 1000 * 1000000};

		if (left <= 0)
			return false;
		(void)sigtimedwait(&child, NULL, &wait);
	}
	return true;
}

/* Between two requests; if need be, in the midst of one, which is the next server's to set right.
 */
static void stop(struct supervisor *s)
{
	if (s->pid == 0)
		return;
	s->server->handover->stopping = true;
	(void)kill(s->pid, SIGTERM);
	if (!ends_until(s, now_ms() + STOP_MS)) {
		log_error("the server does not stop: killing it");
		child_end(s->pid);
	}
	s->pid = 0;
}

/* --- a server that does not answer ------------------------------------------------------------ */

/* A debugger's server may take its time. */
static void replace_server(struct supervisor *s)
{
	enum fate fate = watchdog_fate_of(s->pid);

	if (fate == FATE_TRACED)
		return;
	log_error("the server has not answered for %d seconds%s: killing it", WATCHDOG_MS / 1000,
	    fate == FATE_STOPPED ? ", as it was stopped" : "");
	s->hung = fate == FATE_RUNS;
	(void)kill(s->pid, SIGKILL);
}

static void watch(struct supervisor *s)
{
	if (s->pid == 0 || now_ms() < s->watch_at_ms)
		return;
	s->watch_at_ms = now_ms() + WATCHDOG_LOOK_MS;
	if (s->server->handover->mount_namespace != 0)
		(void)mount_namespace_drop(s->server->handover->mountpoint.device);
	background_alive();
	helpers_watch(&s->helpers);
	if (watchdog_look(&s->watchdog, s->server))
		replace_server(s);
}

/* --- the end ---------------------------------------------------------------------------------- */

static int end_by_signal(struct supervisor *s, int signal)
{
	const char *path = s->server->handover->mountpoint.path;
	struct shmfs_usage usage;
	int rc;

	background_stopping();
	log_info("signal %d: unmounting '%s'", signal, path);
	rc = mount_unmount(s->server->handover);
	stop(s);
	shmfs_usage(s->server->channel.fs, &usage);
	if (rc == 0 && usage.handles > 0)
		log_info(
		    "unmounted '%s' while %" PRIu64 " descriptors were open", path, usage.handles);
	return 0;
}

static int end_by_unmount(const struct supervisor *s)
{
	background_stopping();
	log_info("'%s' was unmounted", s->server->handover->mountpoint.path);
	return 0;
}

/* An unmount that overtakes a request ends the connection in the same way as an abort, but then the
 * mount is gone. */
static int end_by_abort(const struct supervisor *s)
{
	background_stopping();
	if (mount_unmount(s->server->handover) == -ENOENT) {
		log_info("'%s' was unmounted", s->server->handover->mountpoint.path);
		return 0;
	}
	log_error("serving '%s' failed: %s", s->server->handover->mountpoint.path,
	    strerror(ECONNABORTED));
	return -ECONNABORTED;
}

static int give_up(struct supervisor *s)
{
	helpers_end(&s->helpers);
	/* Comes back only if that cannot be. */
	upgrade_go_back(s->upgrade, s->server->handover);
	background_stopping();
	log_error("%u servers in a row died before they served anything: unmounting '%s'",
	    s->failures + s->killed, s->server->handover->mountpoint.path);
	(void)mount_unmount(s->server->handover);
	return -EIO;
}

/* --- what happens ----------------------------------------------------------------------------- */

static bool has_lived(const struct supervisor *s)
{
	const struct handover *handover = s->server->handover;

	return handover->counters.requests != s->served_before ||
	       now_ms() - s->started_ms > YOUNG_MS ||
	       (handover->serving && handover->exchange.death != DEATH_BY_CRASH);
}

/* A server died. 1: the next one may start. */
static int on_death(struct supervisor *s, int status)
{
	struct handover *handover = s->server->handover;
	enum death death = death_of(status, s->hung, oom_kills() != s->oom_kills);

	death_log("server", status, death);
	handover->exchange.death = (uint8_t)death;
	s->hung = false;
	if (has_lived(s))
		s->failures = s->killed = 0;
	else if (death == DEATH_FOR_MEMORY)
		/* There may be more of it later. */
		wait_longer(s);
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		s->killed++;
	else
		s->failures++;
	if (s->failures >= FAILURES_MAX || s->killed >= KILLED_MAX)
		return give_up(s);
	handover->counters.restarts++;
	return 1;
}

static void on_trial_end(struct supervisor *s, int status)
{
	if (!upgrade_is_possible(s->upgrade, s->server->handover, &s->trial, status))
		return;
	stop(s);
	helpers_end(&s->helpers);
	close_strays(s->server->handover);
	/* Comes back only if that cannot be. */
	upgrade_run(s->upgrade, s->server->handover);
	helpers_begin(&s->helpers);
}

static void on_upgrade(struct supervisor *s)
{
	if (s->trial.pid > 0)
		return;
	if (upgrade_try(s->upgrade, s->server->handover, &s->trial) == 0)
		s->trial_ends_ms = now_ms() + TRIAL_MS;
}

/* 1: go on. */
static int on_child(struct supervisor *s)
{
	int status;

	helpers_reap(&s->helpers);
	if (s->trial.pid > 0 && waitpid(s->trial.pid, &status, WNOHANG) == s->trial.pid)
		on_trial_end(s, status);
	if (s->pid == 0 || waitpid(s->pid, &status, WNOHANG) != s->pid)
		return 1;
	s->pid = 0;
	if (WIFEXITED(status)) {
		switch (WEXITSTATUS(status)) {
		case SERVER_UNMOUNTED:
			return end_by_unmount(s);
		case SERVER_ABORTED:
			return end_by_abort(s);
		case SERVER_STOPPED:
			return 1;
		default:
			break;
		}
	}
	return on_death(s, status);
}

static void on_serving(struct supervisor *s)
{
	char list[4096];

	s->retry_ms = 0;
	upgrade_done(s->server->handover);
	if (s->server->handover->announced)
		return;
	s->server->handover->announced = true;
	options_print(s->server->options, list, sizeof list);
	log_info("mounted on '%s'%s%s", s->server->handover->mountpoint.path,
	    list[0] != '\0' ? " with " : "", list);
	log_setup(options_log_place(s->server->options), s->server->options->debug);
	background_ready(s->server->options->log == LOG_TO_STDERR);
}

static int on_signal(struct supervisor *s, int signal)
{
	switch (signal) {
	case SIGCHLD:
		return on_child(s);
	case SIGUSR1:
		on_serving(s);
		return 1;
	case SIGHUP:
		/* The server reads the policy file again, before another program may stop it. */
		if (s->pid > 0 && shmfs_policies(s->server->channel.fs) != 0)
			(void)kill(s->pid, SIGHUP);
		on_upgrade(s);
		return 1;
	case SIGTERM:
	case SIGINT:
		return end_by_signal(s, signal);
	default:
		return 1;
	}
}

/* When there is something to do without a signal. */
static int64_t next_ms(const struct supervisor *s)
{
	int64_t next = s->pid > 0 ? s->watch_at_ms : s->retry_at_ms;

	if (zygotes_next_ms(&s->server->zygotes) < next)
		next = zygotes_next_ms(&s->server->zygotes);
	return s->trial.pid > 0 && s->trial_ends_ms < next ? s->trial_ends_ms : next;
}

/* The next signal, or -1 when there is something else to do. */
static int wait_for_signal(const struct supervisor *s)
{
	sigset_t set = signals();
	int64_t left = next_ms(s) - now_ms();
	struct timespec wait = {left / 1000, left % 1000 * 1000000};

	if (left <= 0)
		wait = (struct timespec){0};
	return sigtimedwait(&set, NULL, &wait);
}

/* A trial that takes too long; it is killed until its end is told. */
static void end_late_trial(struct supervisor *s)
{
	if (s->trial.pid == 0 || now_ms() < s->trial_ends_ms)
		return;
	(void)kill(s->trial.pid, SIGKILL);
	s->trial_ends_ms = now_ms() + RETRY_MAX_MS;
}

int supervise(struct server *server, const struct upgrade *upgrade)
{
	struct supervisor s = {.server = server, .upgrade = upgrade, .helpers = {.server = server}};
	int rc = 1;

	server->handover->supervisor = getpid();
	if (server->handover->own_descriptors == 0)
		note_descriptors(server->handover);
	slice_shorten();
	helpers_begin(&s.helpers);
	while (rc > 0) {
		int signal;

		if (s.pid == 0 && now_ms() >= s.retry_at_ms && start(&s) < 0 &&
		    !server->handover->announced) {
			rc = give_up(&s);
			break;
		}
		zygotes_start(&server->zygotes);
		signal = wait_for_signal(&s);
		/* A child whose end could not be had when it was told is asked for again. */
		rc = on_signal(&s, signal > 0 ? signal : SIGCHLD);
		end_late_trial(&s);
		watch(&s);
		log_let_go();
	}
	stop(&s);
	helpers_end(&s.helpers);
	if (s.trial.pid > 0)
		(void)kill(s.trial.pid, SIGKILL);
	return rc;
}
