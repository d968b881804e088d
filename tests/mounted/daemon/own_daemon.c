/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon of a test's own; see own_daemon.h. */
#include "own_daemon.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "run_shmfs.h"

struct own_daemon daemon_;

void daemon_install(const char *from)
{
	char temporary[PATH_MAX + 32];
	int in = OK(open(from, O_RDONLY | O_CLOEXEC)), out;
	struct stat st;

	snprintf(temporary, sizeof temporary, "%s.new", daemon_.program);
	out = OK(open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
	OK(fstat(in, &st));
	while (sendfile(out, in, NULL, 1 << 20) > 0)
		;
	GIVES(st.st_size, lseek(out, 0, SEEK_CUR));
	OK(close(in));
	OK(close(out));
	OK(rename(temporary, daemon_.program));
}

void daemon_install_text(const char *text)
{
	char temporary[PATH_MAX + 32];
	int fd;

	snprintf(temporary, sizeof temporary, "%s.new", daemon_.program);
	fd = OK(open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755));
	GIVES((long)strlen(text), write(fd, text, strlen(text)));
	OK(close(fd));
	OK(rename(temporary, daemon_.program));
}

static void become_daemon(void)
{
	char io[64];
	int log = open(daemon_.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	snprintf(io, sizeof io, "io=%s,size=64m", fixture_io());
	if (log < 0 || dup2(log, 2) < 0 || prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		_exit(126);
	execl(daemon_.program, "shmfs", "-f", daemon_.dir, "-o", io, (char *)NULL);
	_exit(127);
}

static bool is_mounted(void *context)
{
	char type[64];
	struct stat st;

	(void)context;
	return mounted_on(daemon_.dir, type, sizeof type) && strcmp(type, "fuse.shmfs") == 0 &&
	       stat(daemon_.dir, &st) == 0;
}

void start_daemon(void)
{
	ck_assert(adopt_orphans());
	fixture_directory(daemon_.dir, "survive");
	fixture_directory(daemon_.program_dir, "program");
	snprintf(daemon_.program, sizeof daemon_.program, "%s/shmfs", daemon_.program_dir);
	snprintf(daemon_.log, sizeof daemon_.log, "%s/log", daemon_.program_dir);
	daemon_install(fixture_binary());
	daemon_.pid = OK(fork());
	if (daemon_.pid == 0)
		become_daemon();
	ck_assert(within_a_second(is_mounted, NULL));
}

const char *in_mount(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", daemon_.dir, name);
	return path;
}

pid_t daemon_server(void)
{
	return server_of(daemon_.pid);
}

bool is_another_server(void *context)
{
	pid_t now = daemon_server();

	return now != 0 && now != *(pid_t *)context;
}

bool is_nothing_mounted(void *context)
{
	char type[64];

	(void)context;
	return !mounted_on(daemon_.dir, type, sizeof type);
}

size_t daemon_arguments(char *out, size_t size)
{
	char path[64];
	int fd;
	ssize_t length;

	snprintf(path, sizeof path, "/proc/%d/cmdline", daemon_.pid);
	fd = OK(open(path, O_RDONLY | O_CLOEXEC));
	length = OK(read(fd, out, size));
	OK(close(fd));
	return (size_t)length;
}

static const char *log_text(void)
{
	static char text[16384];
	int fd = OK(open(daemon_.log, O_RDONLY | O_CLOEXEC));
	ssize_t length = OK(read(fd, text, sizeof text - 1));

	text[length] = '\0';
	OK(close(fd));
	return text;
}

static bool log_has(void *words)
{
	return strstr(log_text(), words) != NULL;
}

void expect_log(const char *words)
{
	ck_assert_msg(within_a_second(log_has, (void *)(size_t)words),
	    "expected '%s' in the log: %s", words, log_text());
}

void expect_end(int want)
{
	int status;

	GIVES(daemon_.pid, waitpid(daemon_.pid, &status, 0));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == want,
	    "expected exit status %d, got wait status 0x%x; log: %s", want, status, log_text());
	ck_assert(within_a_second(is_nothing_mounted, NULL));
	expect_no_process_but(0);
}

void end_daemon(void)
{
	OK(kill(daemon_.pid, SIGTERM));
	expect_end(0);
}
