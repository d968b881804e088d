/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes other than objects and directories, and the identity of every node. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

START_TEST(mknod_makes_an_object)
{
	int fd;

	OK(mknod("a", S_IFREG | 0640, 0));
	OK(mknod("b", 0600, 0));
	ck_assert_int_eq(status_of("a").st_mode, S_IFREG | 0640);
	ck_assert_int_eq(status_of("b").st_mode, S_IFREG | 0600);
	fd = OK(open("a", O_RDWR));
	OK(ftruncate(fd, PAGE));
	write_pattern(fd, 0, PAGE);
	expect_pattern(fd, 0, PAGE);
	FAILS(EEXIST, mknod("a", S_IFREG | 0600, 0));
	FAILS(EEXIST, mknod("a", S_IFIFO | 0600, 0));
}
END_TEST

START_TEST(a_device_is_eperm)
{
	FAILS(EPERM, mknod("c", S_IFCHR | 0600, makedev(1, 3)));
	FAILS(EPERM, mknod("b", S_IFBLK | 0600, makedev(7, 0)));
	ck_assert(!exists("c"));
	ck_assert(!exists("b"));
}
END_TEST

static void write_to_fifo(void *context)
{
	int fd = OK(open("f", O_WRONLY));

	(void)context;
	GIVES(5, write(fd, "hello", 5));
}

START_TEST(two_processes_talk_through_a_fifo)
{
	char data[10];
	pid_t child;
	int fd;

	OK(mkfifo("f", 0600));
	ck_assert_int_eq(status_of("f").st_mode, S_IFIFO | 0600);
	child = start_child(write_to_fifo, NULL);
	fd = OK(open("f", O_RDONLY));
	GIVES(5, read(fd, data, sizeof(data)));
	ck_assert_int_eq(memcmp(data, "hello", 5), 0);
	end_child(child);
	GIVES(0, read(fd, data, sizeof(data)));
	FAILS(ENXIO, (close(fd), open("f", O_WRONLY | O_NONBLOCK)));
}
END_TEST

static void connect_and_speak(void *context)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = OK(socket(AF_UNIX, SOCK_STREAM, 0));

	(void)context;
	OK(connect(fd, (struct sockaddr *)&address, sizeof(address)));
	GIVES(5, write(fd, "hello", 5));
}

START_TEST(two_processes_talk_through_a_socket)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int fd = OK(socket(AF_UNIX, SOCK_STREAM, 0));
	char data[10];
	pid_t child;
	int peer;

	OK(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	OK(listen(fd, 1));
	ck_assert_int_eq(status_of("s").st_mode & S_IFMT, S_IFSOCK);
	FAILS(EADDRINUSE, bind(OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address,
			      sizeof(address)));
	child = start_child(connect_and_speak, NULL);
	peer = OK(accept(fd, NULL, NULL));
	GIVES(5, read(peer, data, sizeof(data)));
	end_child(child);
	FAILS(ENXIO, open("s", O_RDWR));
	OK(unlink("s"));
	FAILS(ENOENT, connect(OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address,
			  sizeof(address)));
}
END_TEST

START_TEST(a_node_keeps_its_identity)
{
	int fd = new_object("a", 0);
	struct stat first;
	struct stat later;

	OK(fstat(fd, &first));
	ck_assert_uint_eq(first.st_dev, status_of(".").st_dev);
	ck_assert_uint_eq(first.st_ino, status_of("a").st_ino);
	OK(ftruncate(fd, PAGE));
	OK(rename("a", "b"));
	OK(mkdir("d", 0755));
	OK(rename("b", "d/c"));
	later = status_of("d/c");
	ck_assert_uint_eq(first.st_dev, later.st_dev);
	ck_assert_uint_eq(first.st_ino, later.st_ino);
	OK(unlink("d/c"));
	OK(fstat(fd, &later));
	ck_assert_uint_eq(first.st_ino, later.st_ino);
}
END_TEST

static int compare_numbers(const void *left, const void *right)
{
	ino_t a = *(const ino_t *)left;
	ino_t b = *(const ino_t *)right;

	return a < b ? -1 : a > b;
}

static void expect_all_different(ino_t *numbers, size_t count)
{
	qsort(numbers, count, sizeof(numbers[0]), compare_numbers);
	for (size_t i = 1; i < count; i++)
		ck_assert_msg(numbers[i] != numbers[i - 1], "inode number %llu was used twice",
		    (unsigned long long)numbers[i]);
}

static void make_node(int kind, const char *name)
{
	switch (kind % 4) {
	case 0:
		make_object(name, 0);
		break;
	case 1:
		OK(mkdir(name, 0755));
		break;
	case 2:
		OK(symlink("x", name));
		break;
	default:
		OK(mknod(name, S_IFIFO | 0600, 0));
	}
}

START_TEST(inode_numbers_are_never_used_again)
{
	enum { COUNT = 1000 };
	ino_t *numbers = calloc(COUNT + 1, sizeof(*numbers));
	char name[16];

	ck_assert(numbers != NULL);
	numbers[COUNT] = status_of(shared_mount->dir).st_ino;
	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "n%d", i % 3 == 0 ? 0 : i);
		make_node(i, name);
		numbers[i] = status_of(name).st_ino;
		if (i % 3 == 0)
			OK(remove(name));
	}
	expect_all_different(numbers, COUNT + 1);
	free(numbers);
}
END_TEST

void add_node_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "nodes", NULL);

	tcase_add_test(tcase, mknod_makes_an_object);
	tcase_add_test(tcase, a_device_is_eperm);
	tcase_add_test(tcase, two_processes_talk_through_a_fifo);
	tcase_add_test(tcase, two_processes_talk_through_a_socket);
	tcase_add_test(tcase, a_node_keeps_its_identity);
	tcase_add_test(tcase, inode_numbers_are_never_used_again);
}
