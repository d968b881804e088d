/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the program under test to its end and keeps what it said. */
#include "run_shmfs.h"

#include <check.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "pidfd.h"

enum { RUN_TIMEOUT_MS = 10000 };

extern char **environ;

/* Opened as root: another user may not reach the directory of the program. */
static void exec_program(const struct launch *launch, int program)
{
	const char *arguments[MAX_ARGUMENTS + 2] = {"shmfs"};

	for (int i = 0; i < MAX_ARGUMENTS && launch->arguments[i] != NULL; i++)
		arguments[i + 1] = launch->arguments[i];
	if (launch->uid == 0)
		execv(fixture_binary(), (char *const *)(size_t)arguments);
	else
		fexecve(program, (char *const *)(size_t)arguments, environ);
}

static void become_program(const struct launch *launch, int out, int err)
{
	int null = open("/dev/null", O_RDONLY);
	int program = open(fixture_binary(), O_RDONLY | O_CLOEXEC);

	if (null < 0 || program < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
	    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) != 0)
		_exit(126);
	if (launch->prepare != NULL)
		launch->prepare();
	if (launch->uid != 0)
		become_user(launch->uid);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
		_exit(126);
	exec_program(launch, program);
	_exit(127);
}

/*
 * What it says goes to memory and not into a pipe, so that a daemon in the background that keeps
 * the descriptor cannot make the reader wait.
 */
static int capture(const char *name)
{
	return OK(memfd_create(name, MFD_CLOEXEC));
}

static void read_capture(int fd, char *text, size_t size)
{
	ssize_t length = OK(pread(fd, text, size - 1, 0));

	text[length] = '\0';
	OK(close(fd));
}

static void wait_for_end(struct run *run, pid_t pid)
{
	struct pollfd event = {OK(pidfd_open(pid, 0)), POLLIN, 0};
	int ended = OK(poll(&event, 1, fixture_patience(RUN_TIMEOUT_MS)));

	if (ended == 0)
		OK(kill(pid, SIGKILL));
	GIVES(pid, waitpid(pid, &run->status, 0));
	OK(close(event.fd));
	ck_assert_msg(ended == 1, "shmfs did not end within ten seconds");
}

void run_shmfs(struct run *run, const struct launch *launch)
{
	int out = capture("stdout");
	int err = capture("stderr");
	pid_t pid = OK(fork());

	if (pid == 0)
		become_program(launch, out, err);
	wait_for_end(run, pid);
	read_capture(out, run->out, sizeof(run->out));
	read_capture(err, run->err, sizeof(run->err));
}

bool exited_with(const struct run *run, int code)
{
	return WIFEXITED(run->status) && WEXITSTATUS(run->status) == code;
}

void expect_refusal(const struct run *run)
{
	size_t length = strlen(run->err);

	ck_assert_msg(WIFEXITED(run->status) && WEXITSTATUS(run->status) != 0 &&
			  WEXITSTATUS(run->status) < 126,
	    "expected a non-zero exit status, got wait status 0x%x; stderr: %s", run->status,
	    run->err);
	ck_assert_msg(length > 1 && strchr(run->err, '\n') == run->err + length - 1,
	    "expected one line on stderr, got: %s", run->err);
	ck_assert_msg(run->out[0] == '\0', "expected nothing on stdout, got: %s", run->out);
}

void expect_mention(const struct run *run, const char *words)
{
	char copy[4096];
	char *rest = copy;
	char *word;

	snprintf(copy, sizeof(copy), "%s", words);
	while ((word = strsep(&rest, "|")) != NULL)
		if (strcasestr(run->err, word) != NULL)
			return;
	ck_abort_msg("expected stderr to name %s, got: %s", words, run->err);
}

static bool no_other_child(void *context)
{
	const pid_t *known = context;
	pid_t children[16];
	int count = list_children(children, 16, *known);
	int left = 0;

	for (int i = 0; i < count; i++)
		if (waitpid(children[i], NULL, WNOHANG) != children[i])
			left++;
	return left == 0;
}

void expect_no_process_but(pid_t known)
{
	bool gone =
	    within_a_second(no_other_child, &known) || within_a_second(no_other_child, &known);

	ck_assert_msg(gone, "a process was left running");
}

pid_t background_daemon(void)
{
	pid_t children[2] = {0};

	GIVES(1, list_children(children, 2, 0));
	return children[0];
}

int count_fuse_mounts(void)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	int count = 0;

	ck_assert_ptr_nonnull(table);
	while ((entry = getmntent(table)) != NULL)
		count += strncmp(entry->mnt_type, "fuse", 4) == 0;
	endmntent(table);
	return count;
}
