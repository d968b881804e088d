/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory as Linux has it: of a memfd and of a private tmpfs, of which the same can be asked. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

enum { NUMBER = 70, OTHER = 71, BYTES = 4096, NOBODY = 65534 };

static const struct shmfs_os *os;
static int store;

static int open_store(const char *huge)
{
	struct shmfs_store how = {.huge = huge};
	char why[256] = "";
	int fd = shmfs_store_open(&how, why, sizeof why);

	ck_assert_msg(fd > 0, "a private tmpfs: %s", why);
	return fd;
}

/* The first of the two kinds is a memfd. */
static void make_memory(int kind)
{
	os = shmfs_os_linux();
	store = kind == 0 ? 0 : open_store("never");
	GIVES(0, shmfs_memory_create(store, NUMBER));
	GIVES(0, os->truncate(NULL, NUMBER, BYTES));
}

static int open_number(int number, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/self/fd/%d", number);
	fd = open(path, flags | O_CLOEXEC);
	ck_assert_msg(fd >= 0, "open of %d again: %s", number, strerror(errno));
	return fd;
}

static void end_memory(void)
{
	GIVES(0, close(NUMBER));
	if (store > 0)
		GIVES(0, close(store));
}

static void *map(int fd, int protection, int flags)
{
	void *at = mmap(NULL, BYTES, protection, flags, fd, 0);

	ck_assert(at != MAP_FAILED);
	return at;
}

START_TEST(memory_is_unused_until_somebody_else_opens_or_maps_it)
{
	static const int ways[] = {O_RDONLY, O_RDWR, O_WRONLY};
	void *at;
	int fd;

	make_memory(_i);
	ck_assert(os->unused(NULL, NUMBER));
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		fd = open_number(NUMBER, ways[i]);
		ck_assert(!os->unused(NULL, NUMBER));
		GIVES(0, close(fd));
		ck_assert(os->unused(NULL, NUMBER));
	}
	fd = open_number(NUMBER, O_RDONLY);
	at = map(fd, PROT_READ, MAP_SHARED);
	GIVES(0, close(fd));
	ck_assert(!os->unused(NULL, NUMBER));
	GIVES(0, munmap(at, BYTES));
	ck_assert(os->unused(NULL, NUMBER));
	end_memory();
}
END_TEST

START_TEST(what_is_registered_does_not_use_memory)
{
	int fd;

	make_memory(_i);
	fd = shmfs_memory_for_backing(NUMBER);
	ck_assert_int_ge(fd, 0);
	ck_assert(os->unused(NULL, NUMBER));
	GIVES(0, os->seal_write(NULL, NUMBER));
	if (fd != NUMBER)
		GIVES(0, close(fd));
	end_memory();
}
END_TEST

START_TEST(asking_leaves_memory_as_it_was)
{
	make_memory(_i);
	ck_assert(os->unused(NULL, NUMBER));
	GIVES(0, close(open_number(NUMBER, O_RDWR | O_NONBLOCK)));
	GIVES(0, os->seal_write(NULL, NUMBER));
	GIVES(O_RDWR, fcntl(NUMBER, F_GETFL) & O_ACCMODE);
	GIVES(0, fcntl(NUMBER, F_GETFD));
	GIVES(0, close(open_number(NUMBER, O_RDONLY | O_NONBLOCK)));
	GIVES(0, os->truncate(NULL, NUMBER, 2 * BYTES));
	end_memory();
}
END_TEST

START_TEST(readers_do_not_keep_memory_from_being_sealed)
{
	void *at;
	int fd;

	make_memory(_i);
	fd = open_number(NUMBER, O_RDONLY);
	at = map(fd, PROT_READ, MAP_SHARED);
	GIVES(0, os->seal_write(NULL, NUMBER));
	GIVES(0, munmap(at, BYTES));
	GIVES(0, close(fd));
	end_memory();
}
END_TEST

START_TEST(a_mapping_that_may_write_keeps_memory_from_being_sealed)
{
	static const int protections[] = {PROT_READ | PROT_WRITE, PROT_READ, PROT_NONE};

	make_memory(_i);
	for (size_t i = 0; i < sizeof protections / sizeof protections[0]; i++) {
		int fd = open_number(NUMBER, O_RDWR);
		void *at = map(fd, protections[i], MAP_SHARED);

		GIVES(0, close(fd));
		GIVES(-EBUSY, os->seal_write(NULL, NUMBER));
		GIVES(-EBUSY, os->seal_write(NULL, NUMBER));
		GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
		GIVES(0, munmap(at, BYTES));
	}
	GIVES(0, os->seal_write(NULL, NUMBER));
	end_memory();
}
END_TEST

/* Where it cannot be told who else writes, they may. */
START_TEST(memory_that_is_registered_as_it_is_cannot_be_sealed)
{
	make_memory(1);
	GIVES(OTHER, dup2(NUMBER, OTHER));
	GIVES(-EBUSY, os->seal_write(NULL, NUMBER));
	GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
	GIVES(0, close(OTHER));
	end_memory();
}
END_TEST

/* --- a process that dies while it asks -------------------------------------------------------- */

static void run_and_die(void (*run)(void))
{
	pid_t child = fork_sharing_descriptors();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		run();
		kill(getpid(), SIGKILL);
	}
	GIVES(child, waitpid(child, &status, 0));
	ck_assert(WIFSIGNALED(status));
}

static void take_a_lease(void)
{
	(void)fcntl(NUMBER, F_SETLEASE, F_WRLCK);
}

static void leave_it_for_reading(void)
{
	int fd = open_number(NUMBER, O_RDONLY);

	dup2(fd, NUMBER);
	close(fd);
	(void)fcntl(NUMBER, F_SETLEASE, F_RDLCK);
}

START_TEST(a_lease_that_was_left_is_given_back)
{
	char path[64];

	make_memory(1);
	run_and_die(take_a_lease);
	snprintf(path, sizeof path, "/proc/self/fd/%d", NUMBER);
	GIVES(-1, open(path, O_RDONLY | O_NONBLOCK));
	GIVES(EWOULDBLOCK, errno);
	os->settle(NULL, NUMBER);
	GIVES(0, close(open_number(NUMBER, O_RDONLY | O_NONBLOCK)));
	GIVES(0, close(open_number(NUMBER, O_RDWR | O_NONBLOCK)));
	end_memory();
}
END_TEST

START_TEST(memory_that_was_left_for_reading_is_writable_again)
{
	make_memory(1);
	run_and_die(leave_it_for_reading);
	os->settle(NULL, NUMBER);
	GIVES(O_RDWR, fcntl(NUMBER, F_GETFL) & O_ACCMODE);
	GIVES(0, fcntl(NUMBER, F_GETFD));
	GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
	GIVES(0, close(open_number(NUMBER, O_RDWR | O_NONBLOCK)));
	end_memory();
}
END_TEST

/* What could not be opened for writing at once is when it is to be changed. */
START_TEST(a_change_opens_memory_for_writing)
{
	int fd;

	make_memory(1);
	fd = open_number(NUMBER, O_RDONLY);
	GIVES(NUMBER, dup2(fd, NUMBER));
	GIVES(0, os->truncate(NULL, NUMBER, 3 * BYTES));
	GIVES(NUMBER, dup2(fd, NUMBER));
	GIVES(0, os->punch(NULL, NUMBER, 0, BYTES));
	GIVES(NUMBER, dup2(fd, NUMBER));
	GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
	GIVES(0, close(fd));
	end_memory();
}
END_TEST

START_TEST(settling_does_no_harm)
{
	make_memory(_i);
	os->settle(NULL, NUMBER);
	GIVES(O_RDWR, fcntl(NUMBER, F_GETFL) & O_ACCMODE);
	GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
	end_memory();
	os->settle(NULL, NUMBER);
}
END_TEST

/* --- the tmpfs -------------------------------------------------------------------------------- */

static void expect_refused(struct shmfs_store how, const char *word)
{
	char why[256] = "";

	GIVES(-EINVAL, shmfs_store_open(&how, why, sizeof why));
	ck_assert_msg(strstr(why, word) != NULL, "expected '%s' in '%s'", word, why);
}

START_TEST(a_value_that_the_kernel_refuses_is_named)
{
	expect_refused((struct shmfs_store){.huge = "sometimes"}, "huge=sometimes");
	expect_refused((struct shmfs_store){.mpol = "nowhere"}, "mpol=nowhere");
	expect_refused((struct shmfs_store){.mpol = "bind:4000"}, "mpol=bind:4000");
}
END_TEST

START_TEST(memory_may_be_executed)
{
	int fd;

	make_memory(1);
	fd = open_number(NUMBER, O_RDONLY);
	GIVES(0, munmap(map(fd, PROT_READ | PROT_EXEC, MAP_SHARED), BYTES));
	GIVES(0, close(fd));
	end_memory();
}
END_TEST

START_TEST(a_store_is_in_no_table_of_mounts)
{
	char before[65536], after[65536];
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC), made;
	ssize_t length = pread(fd, before, sizeof before, 0);

	made = open_store(NULL);
	GIVES(length, pread(fd, after, sizeof after, 0));
	ck_assert_mem_eq(before, after, (size_t)length);
	GIVES(0, close(made));
	GIVES(0, close(fd));
}
END_TEST

static void have_a_store_as_nobody(void)
{
	/* As a program that was executed is. */
	if (setgid(NOBODY) == 0 && setuid(NOBODY) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
	    shmfs_memory_create(open_store("never"), OTHER) == 0 && os->unused(NULL, OTHER) &&
	    os->seal_write(NULL, OTHER) == 0)
		(void)os->write(NULL, OTHER, "x", 1, 0);
}

START_TEST(users_have_a_store_too)
{
	char byte = 0;

	os = shmfs_os_linux();
	if (getuid() != 0)
		return;
	run_and_die(have_a_store_as_nobody);
	GIVES(1, pread(OTHER, &byte, 1, 0));
	ck_assert_int_eq(byte, 'x');
	GIVES(0, close(OTHER));
}
END_TEST

/* As it was told, and a tick later. */
static struct timespec told(void)
{
	struct shmfs_memory_state state;

	GIVES(0, os->look(NULL, NUMBER, &state));
	usleep(15000);
	return state.written;
}

static bool is_same(struct timespec left, struct timespec right)
{
	return left.tv_sec == right.tv_sec && left.tv_nsec == right.tv_nsec;
}

START_TEST(writes_and_stores_move_the_time_that_is_told_and_nothing_else)
{
	const struct timespec set = {.tv_sec = 1000, .tv_nsec = 7};
	struct timespec before;
	char *at;

	make_memory(_i);
	before = told();
	at = map(NUMBER, PROT_READ | PROT_WRITE, MAP_SHARED);
	ck_assert_int_eq(*at, 0);
	GIVES(0, os->cut(NULL, NUMBER, 100));
	ck_assert(is_same(told(), before));
	GIVES(1, os->write(NULL, NUMBER, "x", 1, 0));
	ck_assert(!is_same(told(), before));
	GIVES(0, os->punch(NULL, NUMBER, 0, BYTES));
	GIVES(0, os->set_written(NULL, NUMBER, &set));
	ck_assert(is_same(told(), set));
	*at = 1;
	ck_assert(!is_same(told(), set));
	GIVES(0, munmap(at, BYTES));
	end_memory();
}
END_TEST

Suite *memory_suite(void)
{
	Suite *suite = suite_create("memory");
	TCase *both = harness_case(suite, "both kinds"), *one = harness_case(suite, "tmpfs");

	tcase_add_loop_test(both, memory_is_unused_until_somebody_else_opens_or_maps_it, 0, 2);
	tcase_add_loop_test(both, what_is_registered_does_not_use_memory, 0, 2);
	tcase_add_loop_test(both, asking_leaves_memory_as_it_was, 0, 2);
	tcase_add_loop_test(both, readers_do_not_keep_memory_from_being_sealed, 0, 2);
	tcase_add_loop_test(both, a_mapping_that_may_write_keeps_memory_from_being_sealed, 0, 2);
	tcase_add_loop_test(both, settling_does_no_harm, 0, 2);
	tcase_add_loop_test(
	    both, writes_and_stores_move_the_time_that_is_told_and_nothing_else, 0, 2);
	tcase_add_test(one, memory_that_is_registered_as_it_is_cannot_be_sealed);
	tcase_add_test(one, a_lease_that_was_left_is_given_back);
	tcase_add_test(one, memory_that_was_left_for_reading_is_writable_again);
	tcase_add_test(one, a_change_opens_memory_for_writing);
	tcase_add_test(one, a_value_that_the_kernel_refuses_is_named);
	tcase_add_test(one, memory_may_be_executed);
	tcase_add_test(one, a_store_is_in_no_table_of_mounts);
	tcase_add_test(one, users_have_a_store_too);
	return suite;
}
