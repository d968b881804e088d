/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting, replacing and ending zygotes; see zygotes.h. */
#include "zygotes.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "common/clock.h"
#include "common/log.h"
#include "confine/confine.h"
#include "fs/failpoint.h"
#include "zygote.h"

/* One that dies younger than that is followed by the next after a pause, twice as long each time;
 * who kills them from outside does not keep others waiting for long. */
#define YOUNG_MS 1000
#define RETRY_MIN_MS 10
#define RETRY_KILLED_MS 100
#define RETRY_MAX_MS 5000

static int64_t now_ms(void)
{
	return (int64_t)(clock_now() / CLOCK_MS);
}

int zygotes_begin(struct zygotes *zygotes)
{
	for (enum role role = 0; role < ROLES; role++) {
		int ends[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
			int error = errno;

			zygotes_end(zygotes);
			return -error;
		}
		zygotes->of[role].asking = ends[0];
		zygotes->of[role].asked = ends[1];
		zygotes->of[role].retry_ms = zygotes->of[role].retry_at_ms = 0;
	}
	return 0;
}

/* The program is the one that runs, also after another one was installed. */
static _Noreturn void execute(const struct zygotes *zygotes, enum role role)
{
	const char *argv[] = {zygote_name(role), zygotes->mountpoint, NULL};
	sigset_t none;

	failpoints_of_helpers();
	failpoint("zygote forked");
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	zygotes->in_child();
	if (dup2(zygotes->of[role].asked, STDIN_FILENO) >= 0 &&
	    syscall(SYS_close_range, STDIN_FILENO + 1, ~0U, 0) == 0)
		execv("/proc/self/exe", (char **)(uintptr_t)argv);
	_exit(1);
}

static void wait_longer(struct zygotes *zygotes, enum role role, int64_t most)
{
	int64_t pause = 2 * zygotes->of[role].retry_ms;

	if (pause < RETRY_MIN_MS)
		pause = RETRY_MIN_MS;
	zygotes->of[role].retry_ms = pause < most ? pause : most;
	zygotes->of[role].retry_at_ms = now_ms() + zygotes->of[role].retry_ms;
}

static void start(struct zygotes *zygotes, enum role role)
{
	pid_t pid = fork();

	if (pid == 0)
		execute(zygotes, role);
	if (pid < 0) {
		log_debug("cannot start '%s': %s", zygote_name(role), strerror(errno));
		wait_longer(zygotes, role, RETRY_MAX_MS);
		return;
	}
	zygotes->of[role].pid = pid;
	zygotes->of[role].started_ms = now_ms();
}

static bool is_missing(const struct zygotes *zygotes, enum role role)
{
	return zygotes->of[role].pid == 0 && zygotes->of[role].asked > 0;
}

void zygotes_start(struct zygotes *zygotes)
{
	for (enum role role = 0; role < ROLES; role++) {
		if (is_missing(zygotes, role) && now_ms() >= zygotes->of[role].retry_at_ms)
			start(zygotes, role);
	}
}

/* What the zygote has said of its workers. */
static void say_who_failed(const struct zygotes *zygotes, enum role role)
{
	struct role_note note;
	char text[128];

	for (int i = 0; i < ROLE_WORKERS_MAX; i++) {
		if (recv(zygotes->of[role].asking, &note, sizeof note, MSG_DONTWAIT | MSG_TRUNC) !=
		    sizeof note)
			return;
		if (WIFSIGNALED(note.status))
			log_error("a process of %s died by signal %d", zygote_name(role),
			    WTERMSIG(note.status));
		else
			log_error("a process of %s ended with status %d", zygote_name(role),
			    WEXITSTATUS(note.status));
		if (confine_tell(note.status, note.call, text, sizeof text))
			log_error("%s", text);
	}
}

static void say_why(enum role role, int status)
{
	if (WIFSIGNALED(status))
		log_info("%s died by signal %d", zygote_name(role), WTERMSIG(status));
	else if (WEXITSTATUS(status) != ZYGOTE_WORKER_FAILED)
		log_error("%s ended with status %d", zygote_name(role), WEXITSTATUS(status));
}

void zygotes_reap(struct zygotes *zygotes)
{
	for (enum role role = 0; role < ROLES; role++) {
		int status;

		if (zygotes->of[role].pid == 0 ||
		    waitpid(zygotes->of[role].pid, &status, WNOHANG) != zygotes->of[role].pid)
			continue;
		say_who_failed(zygotes, role);
		say_why(role, status);
		zygotes->of[role].pid = 0;
		if (now_ms() - zygotes->of[role].started_ms < YOUNG_MS)
			wait_longer(zygotes, role,
			    WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? RETRY_KILLED_MS
									       : RETRY_MAX_MS);
		else
			zygotes->of[role].retry_ms = 0;
	}
}

int64_t zygotes_next_ms(const struct zygotes *zygotes)
{
	int64_t next = INT64_MAX;

	for (enum role role = 0; role < ROLES; role++) {
		if (is_missing(zygotes, role) && zygotes->of[role].retry_at_ms < next)
			next = zygotes->of[role].retry_at_ms;
	}
	return next;
}

void zygotes_watch(struct zygotes *zygotes, bool (*is_stopped)(pid_t pid))
{
	for (enum role role = 0; role < ROLES; role++) {
		if (zygotes->of[role].pid > 0 && is_stopped(zygotes->of[role].pid))
			(void)kill(zygotes->of[role].pid, SIGKILL);
	}
}

static void end(struct zygotes *zygotes, enum role role)
{
	/* It ends by itself, when nobody can ask. */
	if (zygotes->of[role].asked > 0) {
		close(zygotes->of[role].asking);
		close(zygotes->of[role].asked);
	}
	zygotes->of[role].asking = zygotes->of[role].asked = 0;
	if (zygotes->of[role].pid > 0)
		child_end(zygotes->of[role].pid);
	zygotes->of[role].pid = 0;
}

void zygotes_end(struct zygotes *zygotes)
{
	for (enum role role = 0; role < ROLES; role++)
		end(zygotes, role);
}
