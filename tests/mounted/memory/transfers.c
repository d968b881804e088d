/* SPDX-License-Identifier: BSD-2-Clause */
/* Large reads and writes of many processes at once. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { WRITERS = 6, ROUNDS = 60, LARGE = 1 << 20, MEMORY = 4 << 20 };

static unsigned char *buffer(void)
{
	unsigned char *data = malloc(LARGE);

	if (data == NULL)
		ck_abort_msg("no memory");
	return data;
}

/* Each in an object of its own, with bytes that name writer and round. */
static void write_and_read(void *context)
{
	int number = *(int *)context;
	unsigned char *data = buffer();
	char name[32];
	int fd;

	snprintf(name, sizeof name, "writer-%d", number);
	fd = new_object(name, MEMORY);
	for (int round = 0; round < ROUNDS; round++) {
		unsigned char byte = (unsigned char)(number * 40 + round % 40);
		off_t offset = (off_t)(round % 4) * LARGE + round % 3;
		size_t size = round % 4 == 3 ? LARGE - 2 : LARGE;

		memset(data, byte, size);
		GIVES((long)size, pwrite(fd, data, size, offset));
		memset(data, 0xee, size);
		GIVES((long)size, pread(fd, data, size, offset));
		BYTES_ARE(byte, data, size);
	}
	OK(close(fd));
	free(data);
}

START_TEST(each_finds_his_own_bytes)
{
	pid_t pids[WRITERS];
	int numbers[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		numbers[i] = i;
		pids[i] = start_child(write_and_read, &numbers[i]);
	}
	for (int i = 0; i < WRITERS; i++)
		end_child(pids[i]);
}
END_TEST

/* Sizes come and go; what is read was written, or is zero, and ends where the object did. */
static void shrink_and_grow(void *context)
{
	int fd = OK(open("shared", O_RDWR));

	(void)context;
	for (int i = 0; i < 200; i++) {
		OK(ftruncate(fd, PAGE + i));
		OK(ftruncate(fd, MEMORY));
	}
	OK(close(fd));
}

static void read_while(void *context)
{
	unsigned char *data = buffer();
	int fd = OK(open("shared", O_RDWR));

	(void)context;
	for (int i = 0; i < 100; i++) {
		ssize_t count = OK(pread(fd, data, LARGE, 0));

		ck_assert_int_ge(count, PAGE);
		for (ssize_t at = 0; at < count; at++)
			if (data[at] != 0 && data[at] != 'w')
				ck_abort_msg("byte %zd is 0x%02x", at, data[at]);
	}
	OK(close(fd));
	free(data);
}

static void write_while(void *context)
{
	unsigned char *data = buffer();
	int fd = OK(open("shared", O_RDWR));

	(void)context;
	memset(data, 'w', LARGE);
	for (int i = 0; i < 100; i++)
		ck_assert_int_ge(OK(pwrite(fd, data, LARGE, 0)), PAGE);
	OK(close(fd));
	free(data);
}

START_TEST(a_size_that_changes_meanwhile_is_no_error)
{
	child_body *bodies[] = {shrink_and_grow, read_while, read_while, write_while, write_while};
	pid_t pids[5];
	struct stat st;
	int fd = new_object("shared", MEMORY);

	for (int i = 0; i < 5; i++)
		pids[i] = start_child(bodies[i], NULL);
	for (int i = 0; i < 5; i++)
		end_child(pids[i]);
	OK(fstat(fd, &st));
	ck_assert_int_eq(st.st_size, MEMORY);
	OK(close(fd));
}
END_TEST

static void read_for_ever(void *context)
{
	unsigned char *data = buffer();
	int fd = OK(open("theirs", O_RDWR));

	(void)context;
	for (;;)
		GIVES(LARGE, pread(fd, data, LARGE, 1));
}

/* The kernel takes no reply for one who is gone. Nothing of it is in the reply to another. */
START_TEST(what_killed_readers_asked_for_is_nobody_elses)
{
	unsigned char *data = buffer();
	int theirs = new_object("theirs", MEMORY), fd = new_object("mine", MEMORY), status;

	memset(data, 't', LARGE);
	for (int i = 0; i < MEMORY / LARGE; i++)
		GIVES(LARGE, pwrite(theirs, data, LARGE, (off_t)i * LARGE));
	memset(data, 'm', LARGE);
	for (int i = 0; i < MEMORY / LARGE; i++)
		GIVES(LARGE, pwrite(fd, data, LARGE, (off_t)i * LARGE));
	for (int round = 0; round < 100; round++) {
		pid_t pid = start_child(read_for_ever, NULL);

		for (int i = 0; i < 10; i++) {
			GIVES(LARGE, pread(fd, data, LARGE, round * 100 + i));
			BYTES_ARE('m', data, LARGE);
		}
		OK(kill(pid, SIGKILL));
		OK(waitpid(pid, &status, 0));
		ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	}
	OK(close(theirs));
	OK(close(fd));
	free(data);
}
END_TEST

void add_transfer_cases(Suite *suite)
{
	TCase *tests = case_on_mount(suite, "transfers", start_ordinary_mount);

	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, each_finds_his_own_bytes);
	tcase_add_test(tests, a_size_that_changes_meanwhile_is_no_error);
	tcase_add_test(tests, what_killed_readers_asked_for_is_nobody_elses);
}
