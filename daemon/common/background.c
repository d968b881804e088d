/* SPDX-License-Identifier: BSD-2-Clause */
/* Readiness and the background; see background.h. */
#include "background.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* Written by the child when it is ready; -1 in the foreground. */
static int ready_fd = -1;

/* A child that ends without a word has said on stderr why, and its status is ours. */
static void wait_for_child(pid_t pid, int fd)
{
	char byte;
	int status;
	ssize_t count;

	do {
		count = read(fd, &byte, 1);
	} while (count < 0 && errno == EINTR);
	if (count == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(2);
	}
	_exit(WIFEXITED(status) && WEXITSTATUS(status) != 0 ? WEXITSTATUS(status) : 2);
}

int background_close_inherited(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	return syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) < 0 ? -errno : 0;
}

int background_start(void)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		int error = errno;

		close(fds[0]);
		close(fds[1]);
		return -error;
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_child(pid, fds[0]);
	}
	close(fds[0]);
	ready_fd = fds[1];
	setsid();
	return 0;
}

/* sd_notify(3): one datagram to the socket that the environment names; "@" stands for NUL. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length;
	int fd;

	if (path == NULL)
		return;
	length = strlen(path);
	if (length < 2 || length >= sizeof address.sun_path)
		return;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* A manager that has gone away has no use for the news. */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}

static void leave_terminal(bool keep_stderr)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	/* A working directory would keep its filesystem from being unmounted. */
	(void)!chdir("/");
	if (fd < 0)
		return;
	for (int i = STDIN_FILENO; i < (keep_stderr ? STDERR_FILENO : STDERR_FILENO + 1); i++)
		(void)dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
}

void background_ready(bool keep_stderr)
{
	char state[64];

	snprintf(state, sizeof state, "READY=1\nMAINPID=%ld", (long)getpid());
	notify(state);
	if (ready_fd < 0)
		return;
	leave_terminal(keep_stderr);
	/* The parent may have been killed; that is no reason to end. */
	(void)!write(ready_fd, "r", 1);
	close(ready_fd);
	ready_fd = -1;
}

void background_alive(void)
{
	if (getenv("WATCHDOG_USEC") != NULL)
		notify("WATCHDOG=1");
}

void background_stopping(void)
{
	notify("STOPPING=1");
}
