/* SPDX-License-Identifier: BSD-2-Clause */
/* Supervisor and server: who replaces whom, what ends with whom, and how another program goes on.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "run_shmfs.h"
#include "suites.h"

/* A daemon in the foreground whose program is a copy, which tests replace. */
static struct {
	pid_t pid;
	char dir[PATH_MAX], program_dir[PATH_MAX], program[PATH_MAX + 16], log[PATH_MAX + 16];
} daemon_;

static void install(const char *from)
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

static void install_text(const char *text)
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

static void start_daemon(void)
{
	ck_assert(adopt_orphans());
	fixture_directory(daemon_.dir, "survive");
	fixture_directory(daemon_.program_dir, "program");
	snprintf(daemon_.program, sizeof daemon_.program, "%s/shmfs", daemon_.program_dir);
	snprintf(daemon_.log, sizeof daemon_.log, "%s/log", daemon_.program_dir);
	install(fixture_binary());
	daemon_.pid = OK(fork());
	if (daemon_.pid == 0)
		become_daemon();
	ck_assert(within_a_second(is_mounted, NULL));
}

static const char *in_mount(const char *name)
{
	static char path[PATH_MAX + 64];

	snprintf(path, sizeof path, "%s/%s", daemon_.dir, name);
	return path;
}

static pid_t server(void)
{
	return server_of(daemon_.pid);
}

static bool is_another_server(void *context)
{
	pid_t now = server();

	return now != 0 && now != *(pid_t *)context;
}

static bool is_nothing_mounted(void *context)
{
	char type[64];

	(void)context;
	return !mounted_on(daemon_.dir, type, sizeof type);
}

/* The arguments of the program that runs now, as it has left them. */
static size_t read_arguments(char *out, size_t size)
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

static void expect_log(const char *words)
{
	ck_assert_msg(within_a_second(log_has, (void *)(size_t)words),
	    "expected '%s' in the log: %s", words, log_text());
}

static void expect_end(int want)
{
	int status;

	GIVES(daemon_.pid, waitpid(daemon_.pid, &status, 0));
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == want,
	    "expected exit status %d, got wait status 0x%x; log: %s", want, status, log_text());
	ck_assert(within_a_second(is_nothing_mounted, NULL));
	expect_no_process_but(0);
}

static void end_daemon(void)
{
	OK(kill(daemon_.pid, SIGTERM));
	expect_end(0);
}

/* SIGTERM is what the supervisor uses; from elsewhere it is a death as any. */
static const int deaths[] = {SIGKILL, SIGTERM, SIGSEGV};

START_TEST(a_server_that_dies_is_replaced)
{
	unsigned char *map, byte;
	pid_t first;
	int fd;

	start_daemon();
	fd = new_object(in_mount("a"), 3 * PAGE);
	map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);
	write_pattern(fd, 0, 3 * PAGE);
	first = server();
	OK(kill(first, deaths[_i]));
	/* The call waits for the next one. */
	expect_pattern(fd, 0, 3 * PAGE);
	ck_assert(within_a_second(is_another_server, &first));
	map[PAGE] = 'x';
	GIVES(1, pread(fd, &byte, 1, PAGE));
	BYTES_ARE('x', &byte, 1);
	GIVES(3 * PAGE, size_of(fd));
	OK(ftruncate(fd, PAGE));
	FAILS(EEXIST, open(in_mount("a"), O_CREAT | O_EXCL | O_RDWR, 0600));
	unmap(map, 3 * PAGE);
	OK(close(fd));
	end_daemon();
}
END_TEST

START_TEST(nothing_of_a_dead_server_stays_behind)
{
	char path[64];
	long before = 0, after = 0;

	start_daemon();
	snprintf(path, sizeof path, "/proc/%d/fd", daemon_.pid);
	for (int i = 0; i < 20; i++) {
		pid_t dead = server();
		struct stat st;

		make_object(in_mount("a"), PAGE);
		OK(unlink(in_mount("a")));
		OK(stat(path, &st));
		if (i == 1)
			before = st.st_size;
		after = st.st_size;
		OK(kill(dead, SIGKILL));
		ck_assert(within_a_second(is_another_server, &dead));
	}
	ck_assert_int_gt(before, 0);
	ck_assert_int_eq(after, before);
	end_daemon();
}
END_TEST

START_TEST(a_supervisor_that_is_killed_takes_server_and_mount_along)
{
	int status;

	start_daemon();
	make_object(in_mount("a"), PAGE);
	OK(kill(daemon_.pid, SIGKILL));
	GIVES(daemon_.pid, waitpid(daemon_.pid, &status, 0));
	ck_assert(within_a_second(is_nothing_mounted, NULL));
	expect_no_process_but(0);
	expect_log("the supervisor died");
}
END_TEST

START_TEST(a_signal_ends_both_while_an_object_is_open)
{
	int fd;

	start_daemon();
	fd = new_object(in_mount("a"), PAGE);
	end_daemon();
	FAILS(ENOTCONN, pwrite(fd, "x", 1, 0));
	OK(close(fd));
	expect_log("while 1 descriptors were open");
}
END_TEST

START_TEST(an_installed_program_goes_on_under_the_mount)
{
	pid_t first;
	int fd;

	start_daemon();
	fd = new_object(in_mount("a"), PAGE);
	write_pattern(fd, 0, PAGE);
	for (int i = 0; i < 5; i++) {
		install(fixture_binary());
		first = server();
		OK(kill(daemon_.pid, SIGHUP));
		ck_assert(within_a_second(is_another_server, &first));
		expect_pattern(fd, 0, PAGE);
	}
	expect_log("goes on");
	make_object(in_mount("b"), PAGE);
	OK(close(fd));
	end_daemon();
}
END_TEST

START_TEST(a_program_that_goes_on_has_the_same_options)
{
	char first[4096], later[4096];
	size_t length;
	pid_t before;

	start_daemon();
	length = read_arguments(first, sizeof first);
	for (int i = 0; i < 2; i++) {
		before = server();
		OK(kill(daemon_.pid, SIGHUP));
		ck_assert(within_a_second(is_another_server, &before));
		ck_assert_uint_eq(read_arguments(later, sizeof later), length);
		ck_assert_mem_eq(first, later, length);
	}
	end_daemon();
}
END_TEST

/* What another file in its place says, or is, and what the log says then. */
static const struct {
	const char *text, *log;
} refused[] = {
    {"no program at all", "Exec format error"},
    {"#!/bin/sh\necho shmfs: I will not >&2\nexit 3\n", "I will not"},
    {"#!/bin/sh\nexit 0\n", "cannot go on with this mount"},
    {"#!/bin/sh\nkill -9 $$\n", "cannot go on with this mount"},
};
#define REFUSED ((int)(sizeof refused / sizeof refused[0]))

START_TEST(a_program_that_cannot_go_on_is_refused)
{
	pid_t first;
	int fd;

	start_daemon();
	fd = new_object(in_mount("a"), PAGE);
	first = server();
	install_text(refused[_i].text);
	OK(kill(daemon_.pid, SIGHUP));
	expect_log(refused[_i].log);
	expect_log("goes on as it is");
	GIVES(first, server());
	GIVES(PAGE, size_of(fd));
	OK(close(fd));
	end_daemon();
}
END_TEST

START_TEST(a_program_that_is_gone_is_refused)
{
	pid_t first;

	start_daemon();
	first = server();
	OK(unlink(daemon_.program));
	OK(kill(daemon_.pid, SIGHUP));
	expect_log("No such file or directory");
	GIVES(first, server());
	end_daemon();
}
END_TEST

/* An environment that claims what is not so. */
static void claim_a_mount(void)
{
	setenv("SHMFS_RESUME", "0,-1", 1);
}

static void claim_nonsense(void)
{
	setenv("SHMFS_RESUME", "0,-1 ", 1);
}

START_TEST(a_made_up_mount_is_not_gone_on_with)
{
	static void (*const claims[])(void) = {claim_a_mount, claim_nonsense};
	static const char *const words[] = {"cannot go on", "SHMFS_RESUME"};
	struct launch launch = {.arguments = {"-f", "/nowhere"}, .prepare = claims[_i]};
	struct run run;

	run_shmfs(&run, &launch);
	expect_refusal(&run);
	expect_mention(&run, words[_i]);
}
END_TEST

void add_survival_cases(Suite *suite)
{
	TCase *tests = tcase_create("survival");

	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, a_server_that_dies_is_replaced, 0, 3);
	tcase_add_test(tests, nothing_of_a_dead_server_stays_behind);
	tcase_add_test(tests, a_supervisor_that_is_killed_takes_server_and_mount_along);
	tcase_add_test(tests, a_signal_ends_both_while_an_object_is_open);
	tcase_add_test(tests, an_installed_program_goes_on_under_the_mount);
	tcase_add_test(tests, a_program_that_goes_on_has_the_same_options);
	tcase_add_loop_test(tests, a_program_that_cannot_go_on_is_refused, 0, REFUSED);
	tcase_add_test(tests, a_program_that_is_gone_is_refused);
	tcase_add_loop_test(tests, a_made_up_mount_is_not_gone_on_with, 0, 2);
	suite_add_tcase(suite, tests);
}
