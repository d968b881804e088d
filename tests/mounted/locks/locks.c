/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks of whole objects, of ranges, and of openings, between processes: as on tmpfs. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

/* The three kinds of locks, taken as a whole of an object: LOCK_SH, LOCK_EX or LOCK_UN. */
typedef int locker(int fd, int operation);

static int by_flock(int fd, int operation)
{
	return flock(fd, operation | LOCK_NB);
}

static struct flock whole(int operation)
{
	short type = operation == LOCK_UN ? F_UNLCK : operation == LOCK_SH ? F_RDLCK : F_WRLCK;

	return (struct flock){.l_type = type, .l_whence = SEEK_SET};
}

static int by_range(int fd, int operation)
{
	struct flock range = whole(operation);

	return fcntl(fd, F_SETLK, &range);
}

static int by_opening(int fd, int operation)
{
	struct flock range = whole(operation);

	return fcntl(fd, F_OFD_SETLK, &range);
}

static locker *const lockers[] = {by_flock, by_range, by_opening};
enum { LOCKERS = sizeof(lockers) / sizeof(lockers[0]) };

/* Another process that locks "a", waits until it is told to end, and ends in one of two ways. */
struct holder {
	locker *lock;
	int operation;
	struct turn has_it, let_go;
	pid_t pid;
};

static void hold_lock(void *context)
{
	struct holder *holder = context;

	OK(holder->lock(OK(open("a", O_RDWR)), holder->operation));
	turn_give(&holder->has_it);
	turn_wait(&holder->let_go);
}

static void start_holder(struct holder *holder, locker *lock, int operation)
{
	holder->lock = lock;
	holder->operation = operation;
	turn_init(&holder->has_it);
	turn_init(&holder->let_go);
	holder->pid = start_child(hold_lock, holder);
	turn_wait(&holder->has_it);
}

static void end_holder(struct holder *holder)
{
	turn_give(&holder->let_go);
	end_child(holder->pid);
}

START_TEST(an_exclusive_lock_keeps_every_other_process_out)
{
	int fd = new_object("a", 100);
	struct holder holder;

	start_holder(&holder, lockers[_i], LOCK_EX);
	FAILS(EAGAIN, lockers[_i](fd, LOCK_EX));
	FAILS(EAGAIN, lockers[_i](fd, LOCK_SH));
	OK(lockers[_i](fd, LOCK_UN));
	end_holder(&holder);
	OK(lockers[_i](fd, LOCK_EX));
}
END_TEST

START_TEST(shared_locks_live_together)
{
	int fd = new_object("a", 100);
	struct holder holder;

	start_holder(&holder, lockers[_i], LOCK_SH);
	OK(lockers[_i](fd, LOCK_SH));
	FAILS(EAGAIN, lockers[_i](fd, LOCK_EX));
	end_holder(&holder);
	OK(lockers[_i](fd, LOCK_EX));
	OK(lockers[_i](fd, LOCK_SH));
	OK(lockers[_i](fd, LOCK_UN));
}
END_TEST

static bool can_be_locked(void *context)
{
	locker *const *lock = context;

	return (*lock)(OK(open("a", O_RDWR)), LOCK_EX) == 0;
}

START_TEST(a_lock_ends_with_the_process_that_is_killed)
{
	locker *lock = lockers[_i];
	struct holder holder;
	int status;

	make_object("a", 100);
	start_holder(&holder, lock, LOCK_EX);
	ck_assert(!can_be_locked(&lock));
	OK(kill(holder.pid, SIGKILL));
	GIVES(holder.pid, waitpid(holder.pid, &status, 0));
	ck_assert(WIFSIGNALED(status));
	ck_assert(can_be_locked(&lock));
}
END_TEST

START_TEST(a_lock_is_of_the_object_and_not_of_its_name)
{
	int fd = new_object("a", 0);
	struct holder holder;

	OK(link("a", "b"));
	start_holder(&holder, lockers[_i], LOCK_EX);
	FAILS(EAGAIN, lockers[_i](OK(open("b", O_RDWR)), LOCK_EX));
	OK(unlink("a"));
	OK(unlink("b"));
	FAILS(EAGAIN, lockers[_i](fd, LOCK_EX));
	make_object("a", 0);
	OK(lockers[_i](OK(open("a", O_RDWR)), LOCK_EX));
	end_holder(&holder);
}
END_TEST

static void lock_and_be_counted(void *context)
{
	const int *command = context;
	struct flock range = whole(LOCK_EX);

	for (int i = 0; i < 100; i++) {
		int fd = OK(open("a", O_RDWR));
		int count;

		if (*command == 0)
			OK(flock(fd, LOCK_EX));
		else
			OK(fcntl(fd, *command, &range));
		GIVES(sizeof(count), pread(fd, &count, sizeof(count), 0));
		count++;
		GIVES(sizeof(count), pwrite(fd, &count, sizeof(count), 0));
		OK(close(fd));
	}
}

static const int waiting_commands[] = {0, F_SETLKW, F_OFD_SETLKW};

START_TEST(those_who_wait_come_one_after_the_other)
{
	int command = waiting_commands[_i];
	int fd = new_object("a", sizeof(int));
	pid_t children[3];
	int count;

	for (int i = 0; i < 3; i++)
		children[i] = start_child(lock_and_be_counted, &command);
	for (int i = 0; i < 3; i++)
		end_child(children[i]);
	GIVES(sizeof(count), pread(fd, &count, sizeof(count), 0));
	ck_assert_int_eq(count, 300);
}
END_TEST

START_TEST(flock_is_of_the_opening)
{
	int first = new_object("a", 0);
	int second = OK(open("a", O_RDONLY));
	int copy = OK(dup(first));

	OK(by_flock(first, LOCK_EX));
	OK(by_flock(copy, LOCK_EX));
	FAILS(EAGAIN, by_flock(second, LOCK_SH));
	OK(close(first));
	FAILS(EAGAIN, by_flock(second, LOCK_SH));
	OK(close(copy));
	OK(by_flock(second, LOCK_EX));
}
END_TEST

START_TEST(flock_works_on_directories)
{
	int first;

	OK(mkdir("d", 0755));
	first = OK(open("d", O_RDONLY));
	OK(by_flock(first, LOCK_EX));
	FAILS(EAGAIN, by_flock(OK(open("d", O_RDONLY)), LOCK_SH));
	FAILS(EINVAL, flock(first, 0));
}
END_TEST

static int lock_range(int fd, short type, off_t start, off_t length)
{
	struct flock range = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};

	return fcntl(fd, F_SETLK, &range);
}

static void expect_ranges(void *context)
{
	const pid_t *holder = context;
	int fd = OK(open("a", O_RDWR));
	struct flock found = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 100};

	FAILS(EAGAIN, lock_range(fd, F_WRLCK, 19, 1));
	FAILS(EAGAIN, lock_range(fd, F_RDLCK, 0, 0));
	FAILS(EAGAIN, lock_range(fd, F_WRLCK, 50, 1));
	OK(lock_range(fd, F_RDLCK, 50, 1));
	OK(lock_range(fd, F_WRLCK, 0, 10));
	OK(lock_range(fd, F_WRLCK, 20, 30));
	OK(fcntl(fd, F_GETLK, &found));
	ck_assert_int_eq(found.l_type, F_WRLCK);
	ck_assert_int_eq(found.l_whence, SEEK_SET);
	ck_assert_int_eq(found.l_start, 10);
	ck_assert_int_eq(found.l_len, 10);
	ck_assert_int_eq(found.l_pid, *holder);
	found = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 60};
	OK(fcntl(fd, F_GETLK, &found));
	ck_assert_int_eq(found.l_type, F_RDLCK);
	ck_assert_int_eq(found.l_start, 50);
	ck_assert_int_eq(found.l_len, 50);
	found = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100};
	OK(fcntl(fd, F_GETLK, &found));
	ck_assert_int_eq(found.l_type, F_UNLCK);
}

START_TEST(ranges_are_locked_apart)
{
	int fd = new_object("a", 100);
	pid_t self = getpid();

	OK(lock_range(fd, F_WRLCK, 10, 10));
	OK(lock_range(fd, F_RDLCK, 50, 50));
	in_child(expect_ranges, &self);
	OK(lock_range(fd, F_WRLCK, 0, 0));
}
END_TEST

static void expect_locked(void *context)
{
	const bool *locked = context;
	int fd = OK(open("a", O_RDWR));

	if (*locked)
		FAILS(EAGAIN, by_range(fd, LOCK_EX));
	else
		OK(by_range(fd, LOCK_EX));
}

/* POSIX: those of the process on this file go with any of its descriptors. */
START_TEST(closing_any_descriptor_ends_the_range_locks_of_the_process)
{
	int fd = new_object("a", 100);
	bool locked = true;

	OK(by_range(fd, LOCK_EX));
	in_child(expect_locked, &locked);
	OK(close(OK(open("a", O_RDONLY))));
	locked = false;
	in_child(expect_locked, &locked);
}
END_TEST

START_TEST(closing_another_descriptor_leaves_the_locks_of_an_opening)
{
	int fd = new_object("a", 100);
	int other = OK(open("a", O_RDWR));

	OK(by_opening(fd, LOCK_EX));
	OK(close(OK(open("a", O_RDWR))));
	FAILS(EAGAIN, by_opening(other, LOCK_SH));
	OK(close(fd));
	OK(by_opening(other, LOCK_EX));
}
END_TEST

START_TEST(locks_of_openings_and_processes_conflict)
{
	int fd = new_object("a", 100);
	int other = OK(open("a", O_RDWR));
	struct flock found = whole(LOCK_EX);

	OK(by_opening(fd, LOCK_EX));
	FAILS(EAGAIN, by_range(other, LOCK_SH));
	OK(fcntl(other, F_GETLK, &found));
	ck_assert_int_eq(found.l_type, F_WRLCK);
	ck_assert_int_eq(found.l_pid, -1);
	OK(by_opening(fd, LOCK_UN));
	OK(by_range(other, LOCK_EX));
	FAILS(EAGAIN, by_opening(fd, LOCK_SH));
	/* flock is another matter. */
	OK(by_flock(fd, LOCK_EX));
}
END_TEST

START_TEST(a_lock_needs_an_opening_for_what_it_is_good_for)
{
	int reader;
	int writer;

	make_object("a", 100);
	reader = OK(open("a", O_RDONLY));
	writer = OK(open("a", O_WRONLY));
	FAILS(EBADF, by_range(reader, LOCK_EX));
	FAILS(EBADF, by_range(writer, LOCK_SH));
	FAILS(EBADF, by_opening(reader, LOCK_EX));
	OK(by_range(reader, LOCK_SH));
	OK(by_range(writer, LOCK_EX));
	OK(by_flock(reader, LOCK_EX));
	FAILS(EINVAL, lock_range(writer, F_WRLCK, -1, 10));
}
END_TEST

/* Takes the other's byte while it waits for this one's. */
static void lock_crosswise(void *context)
{
	struct turn *turns = context;
	struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
	int fd = OK(open("a", O_RDWR));

	OK(lock_range(fd, F_WRLCK, 1, 1));
	turn_give(&turns[0]);
	OK(fcntl(fd, F_SETLKW, &first));
}

START_TEST(a_deadlock_of_range_locks_is_noticed)
{
	struct flock second = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1};
	int fd = new_object("a", 100);
	struct turn turn;
	pid_t child;

	turn_init(&turn);
	OK(lock_range(fd, F_WRLCK, 0, 1));
	child = start_child(lock_crosswise, &turn);
	turn_wait(&turn);
	pause_ms(50);
	FAILS(EDEADLK, fcntl(fd, F_SETLKW, &second));
	OK(lock_range(fd, F_UNLCK, 0, 1));
	end_child(child);
}
END_TEST

START_TEST(lockf_locks_from_the_position)
{
	int fd = new_object("a", 100);
	bool locked = true;

	OK(lseek(fd, 50, SEEK_SET));
	OK(lockf(fd, F_TLOCK, 10));
	in_child(expect_locked, &locked);
	OK(lockf(fd, F_ULOCK, 10));
	locked = false;
	in_child(expect_locked, &locked);
}
END_TEST

void add_lock_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "locks", NULL);

	tcase_add_loop_test(tcase, an_exclusive_lock_keeps_every_other_process_out, 0, LOCKERS);
	tcase_add_loop_test(tcase, shared_locks_live_together, 0, LOCKERS);
	tcase_add_loop_test(tcase, a_lock_ends_with_the_process_that_is_killed, 0, LOCKERS);
	tcase_add_loop_test(tcase, a_lock_is_of_the_object_and_not_of_its_name, 0, LOCKERS);
	tcase_add_loop_test(tcase, those_who_wait_come_one_after_the_other, 0, LOCKERS);
	tcase_add_test(tcase, flock_is_of_the_opening);
	tcase_add_test(tcase, flock_works_on_directories);
	tcase_add_test(tcase, ranges_are_locked_apart);
	tcase_add_test(tcase, closing_any_descriptor_ends_the_range_locks_of_the_process);
	tcase_add_test(tcase, closing_another_descriptor_leaves_the_locks_of_an_opening);
	tcase_add_test(tcase, locks_of_openings_and_processes_conflict);
	tcase_add_test(tcase, a_lock_needs_an_opening_for_what_it_is_good_for);
	tcase_add_test(tcase, a_deadlock_of_range_locks_is_noticed);
	tcase_add_test(tcase, lockf_locks_from_the_position);
}
