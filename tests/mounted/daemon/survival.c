/* SPDX-License-Identifier: BSD-2-Clause */
/* Supervisor and server: who replaces whom, what ends with whom, and how another program goes on.
 */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
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

static int descriptors(void)
{
	char path[64];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", daemon_.pid);
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "%s: %s", path, strerror(errno));
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

START_TEST(nothing_of_a_dead_server_stays_behind)
{
	int before = 0, after = 0;

	start_daemon();
	for (int i = 0; i < 20; i++) {
		pid_t dead = server();
		struct statfs room;

		make_object(in_mount("a"), PAGE);
		OK(unlink(in_mount("a")));
		/* Answered when the server has done what was to be done about the object. */
		OK(statfs(daemon_.dir, &room));
		after = descriptors();
		if (i == 1)
			before = after;
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

/* What leads to an object without a name is known by the kernel alone, which counts on servers to
 * know it as well; after a kill as after an upgrade. */
START_TEST(what_a_path_descriptor_leads_to_outlives_servers)
{
	char path[64];
	struct statfs before, now;
	pid_t first;
	int fd;

	start_daemon();
	OK(statfs(daemon_.dir, &before));
	fd = new_object(in_mount("a"), PAGE);
	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	fd = OK(open(in_mount("a"), O_PATH));
	OK(unlink(in_mount("a")));
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	for (int i = 0; i < 6; i++) {
		int opened;

		first = server();
		OK(i % 2 == 0 ? kill(first, SIGKILL) : kill(daemon_.pid, SIGHUP));
		ck_assert(within_a_second(is_another_server, &first));
		opened = OK(open(path, O_RDWR));
		expect_pattern(opened, 0, PAGE);
		OK(close(opened));
		OK(statfs(daemon_.dir, &now));
		ck_assert_uint_eq(now.f_bfree, before.f_bfree - 1);
		ck_assert_uint_eq(now.f_ffree, before.f_ffree - 1);
	}
	OK(close(fd));
	OK(statfs(daemon_.dir, &now));
	ck_assert_uint_eq(now.f_bfree, before.f_bfree);
	ck_assert_uint_eq(now.f_ffree, before.f_ffree);
	end_daemon();
}
END_TEST

/*
 * The supervisor hears of the death when the mount is gone already. What is open under one that was
 * detached is the next server's, as it was the one's before.
 */
static const int unmounts[] = {0, MNT_DETACH};

START_TEST(an_unmount_beside_a_death_is_not_undone)
{
	int fd, flags = unmounts[_i];

	start_daemon();
	fd = new_object(in_mount("a"), PAGE);
	write_pattern(fd, 0, PAGE);
	if (flags == 0)
		OK(close(fd));
	OK(kill(daemon_.pid, SIGSTOP));
	OK(kill(server(), SIGKILL));
	OK(umount2(daemon_.dir, flags));
	OK(kill(daemon_.pid, SIGCONT));
	if (flags == MNT_DETACH) {
		expect_pattern(fd, 0, PAGE);
		OK(close(fd));
	}
	expect_end(0);
	expect_log("was unmounted");
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

static void end_server(void)
{
	pid_t first = server();

	OK(kill(first, SIGKILL));
	ck_assert(within_a_second(is_another_server, &first));
}

static void install_anew(void)
{
	pid_t first = server();

	install(fixture_binary());
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
	FAILS(ESTALE, open_by_handle_at(at, &handle.of, O_RDWR | O_CLOEXEC));
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
	tcase_add_test(tests, what_a_path_descriptor_leads_to_outlives_servers);
	tcase_add_loop_test(tests, an_unmount_beside_a_death_is_not_undone, 0, 2);
	tcase_add_test(tests, an_installed_program_goes_on_under_the_mount);
	tcase_add_loop_test(tests, a_directory_is_read_on_by_the_next_server, 0, 2);
	tcase_add_test(tests, a_handle_is_one_of_every_server);
	tcase_add_test(tests, a_program_that_goes_on_has_the_same_options);
	tcase_add_loop_test(tests, a_program_that_cannot_go_on_is_refused, 0, REFUSED);
	tcase_add_test(tests, a_program_that_is_gone_is_refused);
	tcase_add_loop_test(tests, a_made_up_mount_is_not_gone_on_with, 0, 2);
	suite_add_tcase(suite, tests);
}
