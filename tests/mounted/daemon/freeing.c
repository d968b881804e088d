/* SPDX-License-Identifier: BSD-2-Clause */
/* Large memory that is freed: the caller finds it gone, and nobody finds anything else gone. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

enum { MIB = 1024 * 1024, SIZE = 24 * MIB, HEAD = 5000, ROUNDS = 20 };

static unsigned char data[SIZE];

static int written_object(const char *name)
{
	int fd = new_object(name, SIZE);

	memset(data, 'x', SIZE);
	for (int at = 0; at < SIZE; at += MIB)
		GIVES(MIB, pwrite(fd, data + at, MIB, at));
	return fd;
}

static void read_all(int fd)
{
	for (int at = 0; at < SIZE; at += MIB)
		GIVES(MIB, pread(fd, data + at, MIB, at));
}

static blkcnt_t blocks_of(int fd)
{
	struct stat st;

	OK(fstat(fd, &st));
	return st.st_blocks;
}

static char asked[] = "asked";

/* Others ask meanwhile, so that there is no pause in which it could be done. */
static pid_t start_asking(void)
{
	make_object(asked, PAGE);
	return start_child(open_for_ever, asked);
}

static void stop_asking(pid_t pid)
{
	kill_child(pid);
	OK(unlink(asked));
}

START_TEST(a_shrink_is_done_when_it_returns)
{
	pid_t other = start_asking();
	int fd = written_object("a");

	OK(ftruncate(fd, HEAD));
	ck_assert_int_eq(blocks_of(fd), 2 * PAGE / 512);
	OK(ftruncate(fd, SIZE));
	read_all(fd);
	BYTES_ARE('x', data, HEAD);
	BYTES_ARE(0, data + HEAD, SIZE - HEAD);
	stop_asking(other);
	OK(close(fd));
}
END_TEST

START_TEST(a_hole_is_there_when_it_returns)
{
	pid_t other = start_asking();
	int fd = written_object("a");

	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, HEAD, SIZE - 2 * HEAD));
	read_all(fd);
	BYTES_ARE('x', data, HEAD);
	BYTES_ARE(0, data + HEAD, SIZE - 2 * HEAD);
	BYTES_ARE('x', data + SIZE - HEAD, HEAD);
	ck_assert_int_le(blocks_of(fd), 4 * PAGE / 512);
	stop_asking(other);
	OK(close(fd));
}
END_TEST

/* Whichever comes first: what lies behind the head was cut off once, and is zeros or not there. */
static void grow_for_ever(void *fd)
{
	for (;;)
		OK(ftruncate((int)(intptr_t)fd, SIZE));
}

START_TEST(growing_meanwhile_gives_zeros)
{
	int fd = written_object("a");
	pid_t grower;

	OK(ftruncate(fd, HEAD));
	grower = start_child(grow_for_ever, (void *)(intptr_t)fd);
	for (int i = 0; i < ROUNDS; i++) {
		memset(data, 'y', 2 * MIB);
		/* A size that has just been cut may leave less to write to, or nothing. */
		ssize_t count = pwrite(fd, data, 2 * MIB, MIB);

		ck_assert(count > 0 || errno == EFBIG);
		OK(ftruncate(fd, HEAD));
	}
	kill_child(grower);
	OK(ftruncate(fd, HEAD));
	OK(ftruncate(fd, SIZE));
	read_all(fd);
	BYTES_ARE('x', data, HEAD);
	BYTES_ARE(0, data + HEAD, SIZE - HEAD);
	OK(close(fd));
}
END_TEST

START_TEST(the_room_of_what_ended_can_be_had)
{
	struct mount *mount = mount_start("size=32m");

	for (int i = 0; i < ROUNDS; i++) {
		char name[16];
		unsigned char *map;
		int fd;

		snprintf(name, sizeof(name), "%d", i);
		fd = new_object(mount_path(mount, name), SIZE);
		map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
		memset(map, i, SIZE);
		unmap(map, SIZE);
		OK(close(fd));
		OK(unlink(mount_path(mount, name)));
	}
	mount_stop(mount);
}
END_TEST

/* --- beside others who want the processors ---------------------------------------------------- */

static void want_processor(void *context)
{
	(void)context;
	for (;;)
		;
}

/* Of all threads beside the loop's, which are there once something was freed. */
static void put_workers_behind(void)
{
	pid_t server = server_of(shared_mount->pid);
	struct dirent *entry;
	char path[64];
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", server);
	threads = opendir(path);
	ck_assert_ptr_nonnull(threads);
	while ((entry = readdir(threads)) != NULL)
		if (atoi(entry->d_name) > 0 && atoi(entry->d_name) != server)
			OK(setpriority(PRIO_PROCESS, (id_t)atoi(entry->d_name), 19));
	closedir(threads);
}

enum { BATCH = 8 * MIB };

/* Made, filled, and let go of; what was in memory when it was full. */
static unsigned long pass_a_batch(void)
{
	int fd = new_object("batch", BATCH);
	unsigned char *map = map_object(fd, BATCH, PROT_READ | PROT_WRITE);
	unsigned long pages;

	memset(map, 'x', BATCH);
	pages = pages_in_memory();
	unmap(map, BATCH);
	OK(close(fd));
	OK(unlink("batch"));
	return pages;
}

/* The last batch may be one that the server has not heard of yet that it ended. */
START_TEST(no_more_is_in_memory_than_was_granted_at_a_time)
{
	pid_t others[2];
	unsigned long most = 0;

	pass_a_batch();
	put_workers_behind();
	for (int i = 0; i < 2; i++)
		others[i] = start_child(want_processor, NULL);
	for (int i = 0; i < ROUNDS; i++) {
		unsigned long pages = pass_a_batch();

		most = pages > most ? pages : most;
	}
	for (int i = 0; i < 2; i++)
		kill_child(others[i]);
	ck_assert_msg(most <= 2 * BATCH / PAGE, "%lu MiB", most * PAGE / MIB);
}
END_TEST

/* --- who is killed while it waits ------------------------------------------------------------- */

enum { LARGE = 256 * MIB, KILLS = 10, WORTH_IT_US = 5000 };

static long now_us(void)
{
	struct timespec now;

	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000L + now.tv_nsec / 1000;
}

static void shrink(void *path)
{
	OK(truncate(path, HEAD));
}

/* By the daemon; the kernel remembers the former size until the call returns. */
static long size_told(const char *path)
{
	struct statx st;

	OK(statx(AT_FDCWD, path, AT_STATX_FORCE_SYNC, STATX_SIZE, &st));
	return (long)st.stx_size;
}

/* The microseconds from when the new size is seen until the process that shrinks has ended. */
static long time_of_shrink(struct mount *mount, bool killed)
{
	const char *path = mount_path(mount, "large");
	int fd = new_object(path, LARGE);
	unsigned char *map = map_object(fd, LARGE, PROT_READ | PROT_WRITE);
	long begin, took;
	pid_t pid;

	memset(map, 'x', LARGE);
	unmap(map, LARGE);
	OK(close(fd));
	pid = start_child(shrink, (void *)(uintptr_t)path);
	while (size_told(path) != HEAD)
		;
	begin = now_us();
	if (killed)
		kill_child(pid);
	else
		end_child(pid);
	took = now_us() - begin;
	ck_assert_int_eq(size_told(path), HEAD);
	return took;
}

static bool is_all_free(void *path)
{
	struct statvfs room;

	OK(statvfs(path, &room));
	return room.f_bfree == room.f_blocks;
}

/* The change is final by then, and what is left of it is the daemon's to do. In the other tier, it
 * is the caller who frees the kernel's copy. */
START_TEST(who_is_killed_while_it_waits_for_a_shrink_does_not_wait_to_its_end)
{
	struct mount *mount = mount_start("size=300m");
	bool ended_early = false;

	/* What else the machine does is no reason, of several times. */
	for (int i = 0; i < KILLS && !ended_early; i++) {
		long took = time_of_shrink(mount, false), killed;

		OK(unlink(mount_path(mount, "large")));
		killed = time_of_shrink(mount, true);
		ended_early = fixture_is_cached() || took < WORTH_IT_US || killed < took / 2;
		OK(unlink(mount_path(mount, "large")));
		ck_assert(within_a_second(is_all_free, (void *)(uintptr_t)mount_path(mount, "")));
	}
	ck_assert(ended_early);
	mount_stop(mount);
}
END_TEST

void add_freeing_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "freeing", NULL);

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, a_shrink_is_done_when_it_returns);
	tcase_add_test(tcase, a_hole_is_there_when_it_returns);
	tcase_add_test(tcase, growing_meanwhile_gives_zeros);
	tcase_add_test(tcase, the_room_of_what_ended_can_be_had);
	tcase_add_test(tcase, no_more_is_in_memory_than_was_granted_at_a_time);
	tcase_add_test(tcase, who_is_killed_while_it_waits_for_a_shrink_does_not_wait_to_its_end);
}
