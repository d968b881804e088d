/* SPDX-License-Identifier: BSD-2-Clause */
/* Huge pages: who has them, that they stay within what is charged, and memory without them. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "huge_pages.h"
#include "kernel.h"
#include "launch.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "random.h"
#include "room.h"
#include "sealing.h"
#include "suites.h"

static void start_mount_of_huge_pages(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000,huge=within_size");
}

static void start_mount_of_always_huge_pages(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000,huge=always");
}

/* Where the system has none, or mappings are of the page cache of FUSE, there is nothing to see. */
static bool has_huge_pages(void)
{
	return fixture_maps_natively() && log_count(shared_mount->log, "memory=tmpfs,huge=") > 0;
}

static void expect_huge(int fd, size_t size)
{
	unsigned char *map = map_object(fd, size, PROT_READ | PROT_WRITE);

	touch_pages(map, size);
	if (has_huge_pages())
		ck_assert_int_eq(mapped_huge(map), (long)(size / HUGE_PAGE * HUGE_PAGE));
	unmap(map, size);
}

static const size_t sizes[] = {
    HUGE_PAGE - PAGE, HUGE_PAGE, HUGE_PAGE + PAGE, 3 * MIB, 8 * MIB, 33 * MIB};

START_TEST(objects_of_two_megabytes_and_more_are_mapped_by_huge_pages)
{
	int fd = new_object("a", (off_t)sizes[_i]);

	expect_huge(fd, sizes[_i]);
	OK(close(fd));
}
END_TEST

/* --- the same memory, by other ways ----------------------------------------------------------- */

static bool is_another_server(void *before)
{
	pid_t now = server_of(shared_mount->pid);

	return now != 0 && now != *(pid_t *)before;
}

static void replace_server(int by_signal_to_supervisor)
{
	pid_t before = server_of(shared_mount->pid);

	OK(by_signal_to_supervisor ? kill(shared_mount->pid, SIGHUP) : kill(before, SIGKILL));
	ck_assert(within_a_second(is_another_server, &before));
}

static void expect_huge_by_name(const char *name)
{
	int fd = OK(open(name, O_RDWR));

	expect_huge(fd, 8 * MIB);
	OK(close(fd));
}

START_TEST(they_stay_when_the_server_is_replaced)
{
	int fd = new_object("a", 8 * MIB);

	expect_huge(fd, 8 * MIB);
	replace_server(_i);
	expect_huge(fd, 8 * MIB);
	expect_huge_by_name("a");
	make_object("b", 8 * MIB);
	expect_huge_by_name("b");
	OK(close(fd));
}
END_TEST

static void expect_huge_in_c(void *context)
{
	(void)context;
	expect_huge_by_name("c");
}

START_TEST(they_are_there_under_another_name_and_in_another_process)
{
	make_object("a", 8 * MIB);
	OK(rename("a", "b"));
	expect_huge_by_name("b");
	OK(link("b", "c"));
	in_child(expect_huge_in_c, NULL);
}
END_TEST

static void send_descriptor(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {.header = {CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS}};
	char byte = 'x';
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room};

	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	GIVES(1, sendmsg(socket, &message, 0));
}

static void expect_huge_by_socket(void *socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data,
	    .msg_iovlen = 1,
	    .msg_control = control.room,
	    .msg_controllen = sizeof control.room};
	int fd;

	GIVES(1, recvmsg(*(int *)socket, &message, 0));
	memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	expect_huge(fd, 8 * MIB);
}

START_TEST(they_are_there_through_a_descriptor_that_was_passed)
{
	int fd = new_object("a", 8 * MIB), ends[2];

	OK(unlink("a"));
	OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends));
	send_descriptor(ends[0], fd);
	OK(close(fd));
	in_child(expect_huge_by_socket, &ends[1]);
	OK(close(ends[0]));
	OK(close(ends[1]));
}
END_TEST

/* --- accounts --------------------------------------------------------------------------------- */

static unsigned long pages_charged(void)
{
	struct statfs status;

	OK(statfs(shared_mount->dir, &status));
	return status.f_blocks - status.f_bfree;
}

static bool is_within_charges(void *context)
{
	(void)context;
	return pages_in_memory() <= pages_charged();
}

static void expect_within(const char *what)
{
	ck_assert_msg(within_a_second(is_within_charges, NULL),
	    "%s: %lu pages of memory, and %lu are charged", what, pages_in_memory(),
	    pages_charged());
}

enum { LARGEST = 6 * MIB };

static off_t random_offset(struct random *random, off_t below)
{
	return below <= 0 ? 0 : (off_t)random_below(random, (unsigned)below);
}

static const char *change(struct random *random, int fd, unsigned char *map)
{
	static const char data[70000] = {1};
	off_t size = size_of(fd), offset = random_offset(random, size);

	switch (random_below(random, 4)) {
	case 0:
		OK(ftruncate(fd, random_offset(random, LARGEST)));
		return "ftruncate";
	case 1:
		OK(size == 0 ? 0
			     : pwrite(fd, data, 1 + random_below(random, sizeof data - 1), offset));
		return "pwrite";
	case 2:
		if (size > 0)
			map[offset] = 1;
		return "store";
	default:
		OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
		    1 + random_offset(random, LARGEST)));
		return "punch";
	}
}

/* Beside a small object: what is charged is size alone, whatever comes with a page. */
START_TEST(memory_is_never_more_than_what_is_charged)
{
	struct random random = random_begin("memory_is_never_more_than_what_is_charged");
	unsigned steps = random_steps(500);
	int fd = new_object("a", 1), small = new_object("small", 1);
	unsigned char *map = map_object(fd, LARGEST, PROT_READ | PROT_WRITE);
	unsigned char *beside = map_object(small, HUGE_PAGE, PROT_READ | PROT_WRITE);

	for (unsigned i = 0; i < steps; i++) {
		beside[0]++;
		expect_within(change(&random, fd, map));
	}
	unmap(map, LARGEST);
	unmap(beside, HUGE_PAGE);
}
END_TEST

START_TEST(an_object_that_grows_has_huge_pages_from_then_on)
{
	int fd = new_object("a", 1);
	unsigned char *map = map_object(fd, 4 * MIB, PROT_READ | PROT_WRITE);

	map[0] = 'x';
	for (off_t size = PAGE; size <= 4 * MIB; size *= 2) {
		OK(ftruncate(fd, size));
		map[size - 1] = 'y';
		expect_within("growth");
	}
	ck_assert_int_eq(map[0], 'x');
	if (has_huge_pages())
		ck_assert_int_eq(mapped_huge(map), HUGE_PAGE);
	unmap(map, 4 * MIB);
	OK(close(fd));
}
END_TEST

START_TEST(a_shrink_into_a_huge_page_frees_the_rest_of_it)
{
	static const off_t ends[] = {PAGE, MIB - 1, MIB, HUGE_PAGE - PAGE, HUGE_PAGE + 1};
	int fd = new_object("a", 4 * MIB);
	unsigned char *map = map_object(fd, 4 * MIB, PROT_READ | PROT_WRITE);

	memset(map, 'x', 4 * MIB);
	OK(ftruncate(fd, ends[_i]));
	expect_within("shrink");
	OK(ftruncate(fd, 4 * MIB));
	BYTES_ARE('x', map, (size_t)ends[_i]);
	BYTES_ARE(0, map + ends[_i], (size_t)(4 * MIB - ends[_i]));
	unmap(map, 4 * MIB);
	OK(close(fd));
}
END_TEST

START_TEST(a_full_mount_can_be_touched_whole)
{
	struct mount *mount =
	    mount_start(kernel_has_huge() ? "size=8m,huge=within_size" : "size=8m");
	unsigned char *maps[16];
	char name[32];

	for (int i = 0; i < 16; i++) {
		int fd;

		snprintf(name, sizeof name, "%d", i);
		fd = new_object(mount_path(mount, name), 512 * KIB);
		maps[i] = map_object(fd, 512 * KIB, PROT_READ | PROT_WRITE);
		OK(close(fd));
	}
	for (int i = 0; i < 16; i++) {
		memset(maps[i], 'x', 512 * KIB);
		unmap(maps[i], 512 * KIB);
	}
	FAILS(ENOSPC, truncate(mount_path(mount, "0"), 512 * KIB + 1));
	mount_stop(mount);
}
END_TEST

/* --- without a tmpfs -------------------------------------------------------------------------- */

static void hide_fsopen(void)
{
	if (!launch_without_store())
		_exit(126);
}

/* As on a kernel that is too old, or under a filter of system calls. */
START_TEST(where_there_can_be_no_tmpfs_memory_is_of_memfds)
{
	struct mount *mount = mount_start_prepared("size=64m,huge=within_size", hide_fsopen);
	char path[PATH_MAX];
	int fd;

	ck_assert_uint_eq(log_count(mount->log, "memory=memfd"), 1);
	ck_assert_uint_eq(log_count(mount->log, "fsopen: Function not implemented"), 1);
	snprintf(path, sizeof path, "%s", mount_path(mount, "a"));
	fd = new_object(path, 3 * MIB);
	write_pattern(fd, MIB, MIB);
	OK(kill(server_of(mount->pid), SIGKILL));
	expect_pattern(fd, MIB, MIB);
	OK(close(fd));
	OK(unlink(path));
	mount_stop(mount);
}
END_TEST

START_TEST(the_log_tells_what_memory_is_of)
{
	static const char *const options[] = {
	    "huge=never", "huge=always,mpol=local", "huge=always,noswap,mpol=local"};
	struct mount *mount;
	char line[100];

	if ((_i == 2 && !kernel_has_noswap()) || (_i > 0 && !kernel_has_huge()))
		return;
	mount = mount_start(options[_i]);
	snprintf(line, sizeof line, "memory=tmpfs,%s", options[_i]);
	ck_assert_uint_eq(log_count(mount->log, launch_has_memfds() ? "memory=memfd" : line), 1);
	make_object(mount_path(mount, "a"), MIB);
	mount_stop(mount);
}
END_TEST

void add_huge_cases(Suite *suite)
{
	TCase *huge = case_on_mount(suite, "huge", start_mount_of_huge_pages);
	TCase *always = case_on_mount(suite, "huge_always", start_mount_of_always_huge_pages);
	TCase *memfds = tcase_create("memory");

	tcase_set_timeout(huge, 30);
	tcase_add_loop_test(huge, objects_of_two_megabytes_and_more_are_mapped_by_huge_pages, 0,
	    (int)(sizeof sizes / sizeof sizes[0]));
	tcase_add_loop_test(huge, they_stay_when_the_server_is_replaced, 0, 2);
	tcase_add_test(huge, they_are_there_under_another_name_and_in_another_process);
	tcase_add_test(huge, they_are_there_through_a_descriptor_that_was_passed);
	tcase_add_test(huge, memory_is_never_more_than_what_is_charged);
	tcase_add_test(huge, an_object_that_grows_has_huge_pages_from_then_on);
	tcase_add_loop_test(huge, a_shrink_into_a_huge_page_frees_the_rest_of_it, 0, 5);
	tcase_add_loop_test(always, they_stay_when_the_server_is_replaced, 0, 2);
	tcase_add_test(always, they_are_there_under_another_name_and_in_another_process);
	tcase_add_test(always, they_are_there_through_a_descriptor_that_was_passed);
	suite_add_tcase(suite, memfds);
	tcase_add_test(memfds, a_full_mount_can_be_touched_whole);
	tcase_add_test(memfds, where_there_can_be_no_tmpfs_memory_is_of_memfds);
	tcase_add_loop_test(memfds, the_log_tells_what_memory_is_of, 0, 3);
}
