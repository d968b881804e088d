/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room that others have let go of. Who knows that they have, because it has waited for the end of a
 * process, or has closed or unmapped the thing itself, must not be refused for it.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

/* The kernel tells the server of the end of an opening, but of no more than twelve at a time, and
 * lets other requests overtake the rest: so there are many. */
enum { OBJECTS = 800, OBJECT_PAGES = 50, MIB = 1024 * 1024, USER = 1001 };
#define ALL ((off_t)OBJECTS * OBJECT_PAGES * PAGE)

static void start_limited(void)
{
	char options[128];

	snprintf(options, sizeof options, "size=%ld,nr_inodes=%d%s", (long)(ALL + 8 * MIB),
	    2 * OBJECTS, fixture_is_tmpfs() ? "" : ",user_size=165m,user_inodes=1000");
	shared_mount = mount_start(options);
}

struct worker {
	uid_t uid;
	int objects;
	off_t size;
	struct turn ready;
};

static void hold_objects(void *context)
{
	struct worker *worker = context;
	struct rlimit most = {4 * OBJECTS, 4 * OBJECTS};

	OK(setrlimit(RLIMIT_NOFILE, &most));
	if (worker->uid != 0)
		become_user(worker->uid);
	for (int i = 0; i < worker->objects; i++) {
		(void)new_object("held", worker->size);
		OK(unlink("held"));
	}
	turn_give(&worker->ready);
	pause();
}

/* A process fills the mount, dies, and has been waited for. */
static void fill_and_die(uid_t uid, int objects, off_t size)
{
	struct worker worker = {.uid = uid, .objects = objects, .size = size};
	pid_t child;

	turn_init(&worker.ready);
	child = start_child(hold_objects, &worker);
	turn_wait(&worker.ready);
	kill_child(child);
}

enum { ROUNDS = 4 };

START_TEST(bytes_of_a_process_that_was_killed_can_be_had_at_once)
{
	for (int round = 0; round < ROUNDS; round++) {
		int fd;

		fill_and_die(0, OBJECTS, OBJECT_PAGES * PAGE);
		fd = new_object("big", 0);
		if (_i == 0)
			OK(ftruncate(fd, ALL));
		else
			OK(fallocate(fd, 0, 0, ALL));
		OK(unlink("big"));
		OK(close(fd));
	}
}
END_TEST

/* statfs(2), which is told while others are busy as well, need not be exact at once. */
START_TEST(what_a_killed_process_held_is_told_as_free_soon)
{
	unsigned long pages = pages_left(), nodes = nodes_left();

	for (int round = 0; round < ROUNDS; round++) {
		fill_and_die(0, OBJECTS, OBJECT_PAGES * PAGE);
		expect_pages_left_soon(pages);
		expect_nodes_left_soon(nodes);
	}
}
END_TEST

static void take_all_bytes(void *context)
{
	int fd = new_object("big", 0);

	(void)context;
	OK(ftruncate(fd, ALL));
	OK(unlink("big"));
	OK(close(fd));
}

START_TEST(bytes_of_a_user_can_be_had_at_once)
{
	OK(chmod(".", 01777));
	for (int round = 0; round < ROUNDS; round++) {
		fill_and_die(USER, OBJECTS, OBJECT_PAGES * PAGE);
		in_child_as(USER, take_all_bytes, NULL);
	}
}
END_TEST

/* As many as were held, each of another kind. */
static void take_nodes(void *context)
{
	const int *count = context;
	char name[32];

	for (int i = 0; i < *count; i++) {
		snprintf(name, sizeof name, "new-%d", i);
		switch (i % 4) {
		case 0:
			OK(mkdir(name, 0700));
			break;
		case 1:
			OK(symlink("target", name));
			break;
		case 2:
			OK(mkfifo(name, 0600));
			break;
		default:
			make_object(name, 0);
		}
	}
	for (int i = 0; i < *count; i++) {
		snprintf(name, sizeof name, "new-%d", i);
		OK(remove(name));
	}
}

START_TEST(nodes_of_a_process_that_was_killed_can_be_had_at_once)
{
	int count = (int)nodes_left() - 1;

	for (int round = 0; round < ROUNDS; round++) {
		fill_and_die(0, count, 0);
		take_nodes(&count);
	}
}
END_TEST

START_TEST(nodes_of_a_user_can_be_had_at_once)
{
	int count = 990;

	OK(chmod(".", 01777));
	for (int round = 0; round < ROUNDS; round++) {
		fill_and_die(USER, count, 0);
		in_child_as(USER, take_nodes, &count);
	}
}
END_TEST

static void be_busy(void *context)
{
	struct statfs status;

	(void)context;
	for (;;)
		OK(statfs(".", &status));
}

/* The last word of an object that was mapped is a FORGET, which comes with the end of the mapping.
 */
START_TEST(what_was_unmapped_can_be_had_at_once)
{
	pid_t others[2];

	for (int i = 0; i < 2; i++)
		others[i] = start_child(be_busy, NULL);
	for (int round = 0; round < 200; round++) {
		int fd = new_object("mapped", ALL / 2 + 5 * MIB);
		unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

		map[0] = 1;
		OK(close(fd));
		OK(unlink("mapped"));
		unmap(map, PAGE);
	}
	for (int i = 0; i < 2; i++)
		kill_child(others[i]);
}
END_TEST

START_TEST(a_mount_that_is_full_refuses_while_others_are_busy)
{
	pid_t others[2];
	int full = new_object("full", 0), fd = new_object("a", 0);

	OK(fallocate(full, 0, 0, ALL + 8 * MIB));
	for (int i = 0; i < 2; i++)
		others[i] = start_child(be_busy, NULL);
	for (int round = 0; round < 200; round++)
		FAILS(ENOSPC, fallocate(fd, 0, 0, PAGE));
	for (int i = 0; i < 2; i++)
		kill_child(others[i]);
	OK(close(full));
}
END_TEST

void add_released_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "released", start_limited);

	tcase_set_tags(tcase, "busy");
	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, bytes_of_a_process_that_was_killed_can_be_had_at_once, 0, 2);
	tcase_add_test(tcase, what_a_killed_process_held_is_told_as_free_soon);
	tcase_add_test(tcase, nodes_of_a_process_that_was_killed_can_be_had_at_once);
	tcase_add_test(tcase, what_was_unmapped_can_be_had_at_once);
	tcase_add_test(tcase, a_mount_that_is_full_refuses_while_others_are_busy);
	if (fixture_is_tmpfs())
		return;
	tcase_add_test(tcase, bytes_of_a_user_can_be_had_at_once);
	tcase_add_test(tcase, nodes_of_a_user_can_be_had_at_once);
}
