/* SPDX-License-Identifier: BSD-2-Clause */
/* Zygotes and workers; see zygote.h. */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/pass_fd.h"
#include "confine/confine.h"
#include "fs/failpoint.h"
#include "parse.h"
#include "scan.h"
#include "settle.h"

/* The socket to the server; and the ends of a pipe, by which workers tell that they were taken. */
enum { ASKED = 0, TAKEN = 1, TAKEN_READ = 2 };

/* Where the system has no process, the next try. */
#define FORK_PAUSE_MS 50

/* How long those have that are at work when another one has failed: more than a message takes. */
#define LAST_MS 500

/* When a worker is to end that nobody has taken yet. */
#define NEVER UINT64_MAX

struct worker {
	pid_t pid;	/* 0: there is none */
	uint64_t until; /* is it to live, on the clock of common/clock.h */
};

struct zygote {
	enum role role;
	struct worker workers[ROLE_WORKERS_MAX];
	uint64_t fork_at; /* not before */
	bool failed;	  /* one of them has */
};

static const struct {
	const char *name, *worker;
	void (*answer)(const void *question, size_t size, int socket);
} roles[ROLES] = {
    [ROLE_PARSER] = {"shmfs-parsers", "shmfs-parser", parse_answer},
    [ROLE_HOLDERS] = {"shmfs-holders", "shmfs-holder", scan_answer},
};

const char *zygote_name(enum role role)
{
	return roles[role].name;
}

bool zygote_is(const char *name, enum role *role)
{
	for (*role = 0; *role < ROLES; (*role)++) {
		if (strcmp(name, roles[*role].name) == 0)
			return true;
	}
	return false;
}

/* --- a worker --------------------------------------------------------------------------------- */

/* The socket that comes with a message; nothing else is sent. */
static int take_socket(void)
{
	union pass_fd room;
	char byte;
	struct iovec iov = {&byte, 1};
	struct msghdr message = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = room.space,
	    .msg_controllen = sizeof room.space};
	int socket = -1;

	if (recvmsg(ASKED, &message, MSG_CMSG_CLOEXEC) > 0)
		socket = pass_fd_of(&message);
	if (socket < 0)
		_exit(0);
	return socket;
}

/*
 * Waits to be taken, so that nobody who asks waits for fork(2). Until then it has read nothing that
 * could break it; from then on it has no descriptor but its socket.
 */
static _Noreturn void work(enum role role, pid_t zygote)
{
	static char question[ROLE_QUESTION_MAX];
	const pid_t self = getpid();
	ssize_t size;
	int socket;

	(void)prctl(PR_SET_NAME, roles[role].worker);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != zygote || close(TAKEN_READ) < 0 ||
	    settle_worker(role) < 0)
		_exit(1);
	failpoint("worker settled");
	socket = take_socket();
	failpoint("worker taken");
	if (write(TAKEN, &self, sizeof self) != sizeof self)
		_exit(1);
	failpoint("worker has told that it is taken");
	close(TAKEN);
	close(ASKED);
	while ((size = recv(socket, question, sizeof question, 0)) > 0) {
		failpoint("question received");
		roles[role].answer(question, (size_t)size, socket);
		failpoint("question answered");
	}
	_exit(0);
}

/* --- a zygote --------------------------------------------------------------------------------- */

/* Of this process; 0: a place for one. NULL: there is none. */
static struct worker *find(struct zygote *zygote, pid_t pid)
{
	for (size_t i = 0; i < ROLE_WORKERS_MAX; i++) {
		if (zygote->workers[i].pid == pid)
			return &zygote->workers[i];
	}
	return NULL;
}

static bool has_one_to_take(const struct zygote *zygote)
{
	for (size_t i = 0; i < ROLE_WORKERS_MAX; i++) {
		if (zygote->workers[i].pid != 0 && zygote->workers[i].until == NEVER)
			return true;
	}
	return false;
}

/* There is one to take, if there can be. */
static void begin_worker(struct zygote *zygote)
{
	struct worker *place = find(zygote, 0);
	pid_t self = getpid(), pid;

	if (place == NULL || zygote->failed || clock_now() < zygote->fork_at ||
	    has_one_to_take(zygote))
		return;
	pid = fork();
	if (pid == 0)
		work(zygote->role, self);
	failpoint("worker forked");
	if (pid > 0)
		*place = (struct worker){pid, NEVER};
	else
		zygote->fork_at = clock_now() + FORK_PAUSE_MS * CLOCK_MS;
}

static void note_who_was_taken(struct zygote *zygote)
{
	struct worker *worker = NULL;
	pid_t pid;

	if (read(TAKEN_READ, &pid, sizeof pid) == sizeof pid && pid > 0)
		worker = find(zygote, pid);
	if (worker != NULL)
		worker->until = clock_now() + ROLE_WORKER_MS * CLOCK_MS;
	failpoint("worker noted as taken");
}

/* It has crashed, or could not give up its rights. */
static bool has_failed(int status)
{
	return WIFSIGNALED(status) ? WTERMSIG(status) != SIGKILL : WEXITSTATUS(status) != 0;
}

/* There are no further workers then, and those at work are not waited for. */
static void fail(struct zygote *zygote, int status)
{
	const struct role_note note = {.status = status, .call = confine_denied()};
	uint64_t last = clock_now() + LAST_MS * CLOCK_MS;

	(void)!send(ASKED, &note, sizeof note, MSG_NOSIGNAL | MSG_DONTWAIT);
	zygote->failed = true;
	for (size_t i = 0; i < ROLE_WORKERS_MAX; i++) {
		if (zygote->workers[i].until != NEVER && zygote->workers[i].until > last)
			zygote->workers[i].until = last;
	}
}

/* Who has stopped one has as good as killed it. */
static void reap(struct zygote *zygote)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		struct worker *worker = find(zygote, pid);

		if (WIFSTOPPED(status)) {
			(void)kill(pid, SIGKILL);
			continue;
		}
		if (worker != NULL)
			worker->pid = 0;
		if (has_failed(status))
			fail(zygote, status);
		failpoint("worker reaped");
	}
}

/* Kills those who have lived too long. When there is something to do next; NEVER: nothing is. */
static uint64_t end_late_ones(const struct zygote *zygote)
{
	uint64_t now = clock_now(), next = zygote->fork_at > now ? zygote->fork_at : NEVER;

	for (size_t i = 0; i < ROLE_WORKERS_MAX; i++) {
		const struct worker *worker = &zygote->workers[i];

		if (worker->pid == 0)
			continue;
		if (worker->until <= now)
			(void)kill(worker->pid, SIGKILL);
		else if (worker->until < next)
			next = worker->until;
	}
	return next;
}

/* Waits until then for one to be taken, or to end. False: there is nobody left who could ask. */
static bool wait_for_news(struct zygote *zygote, uint64_t until)
{
	struct pollfd fds[] = {{.fd = ASKED}, {.fd = TAKEN_READ, .events = POLLIN}};
	uint64_t now = clock_now(), left = until > now ? until - now : 0;
	struct timespec wait = {(time_t)(left / CLOCK_SECOND), (long)(left % CLOCK_SECOND)};
	sigset_t none;

	sigemptyset(&none);
	if (ppoll(fds, 2, until != NEVER ? &wait : NULL, &none) > 0) {
		if (fds[1].revents & POLLIN)
			note_who_was_taken(zygote);
		if (fds[0].revents & (POLLHUP | POLLERR))
			return false;
	}
	return true;
}

static bool has_workers(const struct zygote *zygote)
{
	for (size_t i = 0; i < ROLE_WORKERS_MAX; i++) {
		if (zygote->workers[i].pid != 0 && zygote->workers[i].until != NEVER)
			return true;
	}
	return false;
}

static void on_child(int signal)
{
	(void)signal;
}

/* Who ends a whole group of processes means the supervisor, which ends its children. */
static void set_signals(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN}, wake = {.sa_handler = on_child};
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	sigset_t set;

	for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
		sigaction(ignored[i], &ignore, NULL);
	sigaction(SIGCHLD, &wake, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_SETMASK, &set, NULL);
}

static int make_pipe(void)
{
	int ends[2];

	/* 0 is the only descriptor. */
	return pipe(ends) < 0 || dup2(ends[0], TAKEN_READ + 1) < 0 || dup2(ends[1], TAKEN) < 0 ||
		       dup2(TAKEN_READ + 1, TAKEN_READ) < 0 || close(TAKEN_READ + 1) < 0
		   ? -errno
		   : 0;
}

int zygote_run(enum role role)
{
	struct zygote zygote = {.role = role};

	(void)prctl(PR_SET_NAME, roles[role].name);
	failpoints_begin();
	failpoints_of_helpers();
	failpoint("zygote begun");
	set_signals();
	if (make_pipe() < 0 || settle_zygote(role) < 0)
		return 1;
	failpoint("zygote settled");
	do {
		begin_worker(&zygote);
		if (!wait_for_news(&zygote, end_late_ones(&zygote)))
			return 0;
		reap(&zygote);
	} while (!zygote.failed || has_workers(&zygote));
	return ZYGOTE_WORKER_FAILED;
}
