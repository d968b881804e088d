/* SPDX-License-Identifier: BSD-2-Clause */
/* Supervisor and server: who replaces whom, and what ends with whom. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "own_daemon.h"
#include "run_shmfs.h"
#include "suites.h"

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
	first = daemon_server();
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
		pid_t dead = daemon_server();
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

		first = daemon_server();
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
	OK(kill(daemon_server(), SIGKILL));
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
		daemon_install(fixture_binary());
		first = daemon_server();
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
	suite_add_tcase(suite, tests);
}
