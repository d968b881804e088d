/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes on with the next server and with the next program, and which programs cannot go on. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "own_daemon.h"
#include "run_shmfs.h"
#include "suites.h"

static void end_server(void)
{
	pid_t first = daemon_server();

	OK(kill(first, SIGKILL));
	ck_assert(within_a_second(is_another_server, &first));
}

static void install_anew(void)
{
	pid_t first = daemon_server();

	daemon_install(fixture_binary());
	OK(kill(daemon_.pid, SIGHUP));
	ck_assert(within_a_second(is_another_server, &first));
}

/* Objects o0, o1, ... of which some are renamed and others removed while the directory is read. */
static void make_numbered(int dir, int from, int to)
{
	char name[32];

	for (int i = from; i < to; i++) {
		snprintf(name, sizeof name, "o%d", i);
		OK(mknodat(dir, name, S_IFREG | 0600, 0));
	}
}

static void rename_and_remove(int dir, int number)
{
	char from[32], to[32];

	snprintf(from, sizeof from, "o%d", number);
	snprintf(to, sizeof to, "o%d-renamed", number);
	OK(renameat(dir, from, dir, to));
	snprintf(from, sizeof from, "o%d", number + 1);
	OK(unlinkat(dir, from, 0));
}

static int number_of(const struct dirent *entry)
{
	int number;

	return sscanf(entry->d_name, "o%d", &number) == 1 ? number : -1;
}

START_TEST(a_directory_is_read_on_by_the_next_server)
{
	enum { COUNT = 400, TURN = 40 };
	static void (*const next[])(void) = {end_server, install_anew};
	char seen[2 * COUNT] = {0};
	struct dirent *entry;
	int read = 0, number;
	DIR *dir;

	start_daemon();
	OK(mkdir(in_mount("d"), 0755));
	dir = opendir(in_mount("d"));
	ck_assert_ptr_nonnull(dir);
	make_numbered(dirfd(dir), 0, COUNT);
	/* The library of C reads more at once than is told here. */
	for (; (entry = readdir(dir)) != NULL; read++) {
		number = number_of(entry);
		if (number >= 0)
			ck_assert_msg(!seen[number]++, "%s comes twice", entry->d_name);
		if (read % TURN != TURN - 1 || read > COUNT)
			continue;
		next[_i]();
		rename_and_remove(dirfd(dir), read - TURN + 1);
		make_numbered(dirfd(dir), COUNT + read, COUNT + read + 2);
		seekdir(dir, telldir(dir));
	}
	for (int i = 0; i < COUNT; i++)
		ck_assert_msg(seen[i] || i % TURN == 1, "o%d is missing", i);
	for (int i = COUNT; i < 2 * COUNT; i++)
		ck_assert_msg(!seen[i], "o%d was made after the walk began", i);
	OK(closedir(dir));
	end_daemon();
}
END_TEST

static void make_the_kernel_forget(void)
{
	int fd = OK(open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC));

	GIVES(1, write(fd, "2", 1));
	OK(close(fd));
}

/* A handle, and a directory of the mount. */
struct handle_at {
	int dir;
	struct file_handle *handle;
};

/* The server learns of a close(2) after that has returned; until then, it keeps the object. */
static bool is_stale(void *context)
{
	const struct handle_at *at = context;
	int fd = open_by_handle_at(at->dir, at->handle, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ESTALE;
	OK(close(fd));
	make_the_kernel_forget();
	return false;
}

START_TEST(a_handle_is_one_of_every_server)
{
	union {
		struct file_handle of;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} handle = {.of.handle_bytes = MAX_HANDLE_SZ};
	static void (*const next[])(void) = {end_server, install_anew, end_server};
	int at, mount, fd;

	start_daemon();
	fd = new_object(in_mount("a"), PAGE);
	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	at = OK(open(in_mount("."), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	OK(name_to_handle_at(at, "a", &handle.of, &mount, 0));
	for (size_t i = 0; i < sizeof next / sizeof next[0]; i++) {
		next[i]();
		make_the_kernel_forget();
		fd = OK(open_by_handle_at(at, &handle.of, O_RDWR | O_CLOEXEC));
		expect_pattern(fd, 0, PAGE);
		OK(close(fd));
	}
	OK(unlinkat(at, "a", 0));
	end_server();
	ck_assert(within_a_second(is_stale, &(struct handle_at){at, &handle.of}));
	OK(close(at));
	end_daemon();
}
END_TEST

START_TEST(a_program_that_goes_on_has_the_same_options)
{
	char first[4096], later[4096];
	size_t length;
	pid_t before;

	start_daemon();
	length = daemon_arguments(first, sizeof first);
	for (int i = 0; i < 2; i++) {
		before = daemon_server();
		OK(kill(daemon_.pid, SIGHUP));
		ck_assert(within_a_second(is_another_server, &before));
		ck_assert_uint_eq(daemon_arguments(later, sizeof later), length);
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
	first = daemon_server();
	daemon_install_text(refused[_i].text);
	OK(kill(daemon_.pid, SIGHUP));
	expect_log(refused[_i].log);
	expect_log("goes on as it is");
	GIVES(first, daemon_server());
	GIVES(PAGE, size_of(fd));
	OK(close(fd));
	end_daemon();
}
END_TEST

START_TEST(a_program_that_is_gone_is_refused)
{
	pid_t first;

	start_daemon();
	first = daemon_server();
	OK(unlink(daemon_.program));
	OK(kill(daemon_.pid, SIGHUP));
	expect_log("No such file or directory");
	GIVES(first, daemon_server());
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

void add_succession_cases(Suite *suite)
{
	TCase *tests = tcase_create("succession");

	tcase_set_timeout(tests, 30);
	tcase_add_loop_test(tests, a_directory_is_read_on_by_the_next_server, 0, 2);
	tcase_add_test(tests, a_handle_is_one_of_every_server);
	tcase_add_test(tests, a_program_that_goes_on_has_the_same_options);
	tcase_add_loop_test(tests, a_program_that_cannot_go_on_is_refused, 0, REFUSED);
	tcase_add_test(tests, a_program_that_is_gone_is_refused);
	tcase_add_loop_test(tests, a_made_up_mount_is_not_gone_on_with, 0, 2);
	suite_add_tcase(suite, tests);
}
