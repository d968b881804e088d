/* SPDX-License-Identifier: BSD-2-Clause */
/* Assertions on system calls with the exact errno, and tests that need a second process. */
#include <check.h>
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"

#include "launch.h"

static const char *errno_name(int error)
{
	const char *name = strerrorname_np(error);

	return name != NULL ? name : "no errno";
}

int expect_ok(const char *file, int line, const char *call, long result)
{
	int error = errno;

	if (result == -1)
		ck_abort_msg(
		    "%s:%d: %s: expected success, got %s", file, line, call, errno_name(error));
	return (int)result;
}

void expect_value(const char *file, int line, const char *call, long result, long want)
{
	int error = errno;

	if (result == want)
		return;
	ck_abort_msg("%s:%d: %s: expected %ld, got %ld%s%s", file, line, call, want, result,
	    result == -1 ? " " : "", result == -1 ? errno_name(error) : "");
}

void expect_errno(const char *file, int line, const char *call, long result, int want)
{
	int error = errno;

	if (result == -1 && error == want)
		return;
	ck_abort_msg("%s:%d: %s: expected %s, got %ld%s%s", file, line, call, errno_name(want),
	    result, result == -1 ? " " : "", result == -1 ? errno_name(error) : "");
}

void expect_bytes(const char *file, int line, const char *what, const unsigned char *data,
    size_t length, unsigned char want)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != want)
			ck_abort_msg("%s:%d: byte %zu of %zu of %s: expected 0x%02x, got 0x%02x",
			    file, line, i, length, what, want, data[i]);
}

void expect_equal(const char *file, int line, const char *what, const unsigned char *data,
    const unsigned char *want, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (data[i] != want[i])
			ck_abort_msg("%s:%d: byte %zu of %zu of %s: expected 0x%02x, got 0x%02x",
			    file, line, i, length, what, want[i], data[i]);
}

pid_t start_child(child_body *body, void *context)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		body(context);
		_exit(0);
	}
	return pid;
}

void end_child(pid_t pid)
{
	int status;

	GIVES(pid, waitpid(pid, &status, 0));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "a process of this test ended with wait status 0x%x", status);
}

void kill_child(pid_t pid)
{
	OK(kill(pid, SIGKILL));
	GIVES(pid, waitpid(pid, NULL, 0));
}

int status_of_child(child_body *body, void *context)
{
	pid_t pid = start_child(body, context);
	int status;

	GIVES(pid, waitpid(pid, &status, 0));
	return status;
}

void in_child(child_body *body, void *context)
{
	end_child(start_child(body, context));
}

void become_user(uid_t uid)
{
	OK(setgroups(0, NULL));
	OK(setresgid(uid, uid, uid));
	OK(setresuid(uid, uid, uid));
}

struct user_body {
	uid_t uid;
	child_body *body;
	void *context;
};

static void run_as_user(void *context)
{
	const struct user_body *user = context;

	become_user(user->uid);
	user->body(user->context);
}

void in_child_as(uid_t uid, child_body *body, void *context)
{
	struct user_body user = {uid, body, context};

	in_child(run_as_user, &user);
}

void turn_init(struct turn *turn)
{
	OK(pipe(turn->pipe));
}

void turn_give(struct turn *turn)
{
	GIVES(1, write(turn->pipe[1], "", 1));
}

void turn_wait(struct turn *turn)
{
	char byte;

	GIVES(1, read(turn->pipe[0], &byte, 1));
}

void pause_ms(long milliseconds)
{
	struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};

	OK(nanosleep(&pause, NULL));
}

bool within_a_second(bool (*condition)(void *), void *context)
{
	int tries = 100 * launch_slowness();

	for (int i = 0; i < tries; i++) {
		if (condition(context))
			return true;
		pause_ms(10);
	}
	return condition(context);
}
