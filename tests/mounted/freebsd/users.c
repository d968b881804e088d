/* SPDX-License-Identifier: BSD-2-Clause */
/* rules=freebsd: who may do what, and which times move. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "flat_mount.h"
#include "kernel.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { OWNER = 65534, STRANGER = 65533, GROUP = 4001, TICK_MS = 15 };

static const uid_t same = (uid_t)-1;

/* An object of the owner and a group that he is not in. */
static void make_owned(const char *name, mode_t mode)
{
	make_object(name, 10);
	OK(chown(name, OWNER, GROUP));
	OK(chmod(name, mode));
}

/* A caller, and what he finds. */
struct caller {
	uid_t uid;
	gid_t gid, supplementary;
	int error; /* of removing and replacing, 0 for none */
};

static void become(const struct caller *caller)
{
	OK(setgroups(caller->supplementary != 0, &caller->supplementary));
	OK(setresgid(caller->gid, caller->gid, caller->gid));
	OK(setresuid(caller->uid, caller->uid, caller->uid));
}

static void expect_result(const struct caller *caller, int result)
{
	if (caller->error == 0)
		OK(result);
	else
		FAILS(caller->error, result);
}

static void try_unlink(void *context)
{
	become(context);
	expect_result(context, unlink("a"));
}

static void try_rename(void *context)
{
	become(context);
	expect_result(context, rename("a", "renamed"));
}

static void try_replace(void *context)
{
	become(context);
	make_object("own", 0);
	expect_result(context, rename("own", "a"));
}

static void try_exchange_from(void *context)
{
	become(context);
	make_object("own", 0);
	expect_result(context, renameat2(AT_FDCWD, "a", AT_FDCWD, "own", RENAME_EXCHANGE));
}

static void try_exchange_to(void *context)
{
	become(context);
	make_object("own", 0);
	expect_result(context, renameat2(AT_FDCWD, "own", AT_FDCWD, "a", RENAME_EXCHANGE));
}

static child_body *const tries[] = {
    try_unlink, try_rename, try_replace, try_exchange_from, try_exchange_to};
enum { TRIES = sizeof(tries) / sizeof(tries[0]) };

static void remove_if_there(const char *name)
{
	if (unlink(name) == -1)
		FAILS(ENOENT, -1);
}

/* Each way to take the name "a" from an object of this mode ends like this for this caller. */
static void expect_each_way(int way, mode_t mode, struct caller caller)
{
	remove_if_there("a");
	remove_if_there("own");
	remove_if_there("renamed");
	make_owned("a", mode);
	in_child(tries[way], &caller);
	if (caller.error == 0)
		return;
	ck_assert_int_eq(status_of("a").st_uid, OWNER);
	ck_assert(!exists("renamed"));
}

START_TEST(taking_a_name_away_needs_reading_and_writing_the_object)
{
	static const struct caller owner = {OWNER, OWNER, 0, 0};
	static const struct caller stranger = {STRANGER, STRANGER, 0, 0};
	struct caller refused_owner = {OWNER, OWNER, 0, EACCES};
	struct caller refused_stranger = {STRANGER, STRANGER, 0, EACCES};

	expect_each_way(_i, 0600, owner);
	expect_each_way(_i, 0600, refused_stranger);
	expect_each_way(_i, 0666, stranger);
	expect_each_way(_i, 0644, refused_stranger);
	expect_each_way(_i, 0622, refused_stranger);
	expect_each_way(_i, 0400, refused_owner);
	expect_each_way(_i, 0200, refused_owner);
	expect_each_way(_i, 0, refused_owner);
	/* The first class that fits decides. */
	expect_each_way(_i, 0066, refused_owner);
	expect_each_way(_i, 0006, stranger);
}
END_TEST

START_TEST(the_groups_of_the_caller_count)
{
	struct caller member = {STRANGER, GROUP, 0, 0};
	struct caller refused = {STRANGER, GROUP, 0, EACCES};
	struct caller further = {STRANGER, STRANGER, GROUP, 0};
	struct caller refused_further = {STRANGER, STRANGER, GROUP, EACCES};

	expect_each_way(_i, 0060, member);
	expect_each_way(_i, 0640, refused);
	expect_each_way(_i, 0606, refused);
	expect_each_way(_i, 0060, further);
	expect_each_way(_i, 0606, refused_further);
}
END_TEST

START_TEST(root_takes_every_name_away)
{
	struct caller root = {0, 0, 0, 0};

	expect_each_way(_i, 0, root);
}
END_TEST

START_TEST(a_missing_name_is_enoent_for_everybody)
{
	struct caller caller = {STRANGER, STRANGER, 0, ENOENT};

	in_child(try_unlink, &caller);
	in_child(try_rename, &caller);
}
END_TEST

static void open_each_way(void *context)
{
	(void)context;
	become_user(STRANGER);
	FAILS(EACCES, open("readable", O_RDWR));
	OK(open("readable", O_RDONLY));
	FAILS(EACCES, open("writable", O_RDWR));
	FAILS(EACCES, open("writable", O_RDONLY));
	FAILS(EACCES, open("readable", O_RDWR | O_CREAT, 0666));
	FAILS(EEXIST, open("readable", O_RDWR | O_CREAT | O_EXCL, 0666));
	FAILS(EACCES, open("readable", O_RDWR | O_TRUNC));
	FAILS(EPERM, chmod("writable", 0666));
	FAILS(EPERM, chown("writable", STRANGER, same));
	ck_assert_int_eq(status_of("readable").st_size, 10);
}

START_TEST(permission_bits_are_eacces_and_ownership_is_eperm)
{
	make_owned("readable", 0644);
	make_owned("writable", 0622);
	in_child(open_each_way, NULL);
}
END_TEST

static void open_with_mode_0(void *context)
{
	int fd;

	(void)context;
	become_user(STRANGER);
	fd = OK(open("a", O_RDWR | O_CREAT, 0));
	OK(ftruncate(fd, 10));
	GIVES(1, write(fd, "x", 1));
	FAILS(EACCES, open("a", O_RDONLY));
	OK(fchmod(fd, 0600));
	OK(open("a", O_RDONLY));
}

START_TEST(the_mode_does_not_bind_the_opening_that_makes_the_object)
{
	in_child(open_with_mode_0, NULL);
}
END_TEST

/* --- times ------------------------------------------------------------------------------------ */

static long long nanoseconds(struct timespec time)
{
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

struct times {
	long long access, change, modification;
};

static struct times times_of(const char *name)
{
	struct stat status = status_of(name);

	return (struct times){
	    nanoseconds(status.st_atim), nanoseconds(status.st_ctim), nanoseconds(status.st_mtim)};
}

static void expect_times(const char *name, const struct times *before, bool moved, const char *what)
{
	struct times after = times_of(name);

	ck_assert_msg(after.access == before->access, "%s moves atime", what);
	ck_assert_msg((after.modification > before->modification) == moved, "%s: mtime %s", what,
	    moved ? "stays" : "moves");
	ck_assert_msg((after.change > before->change) == moved, "%s: ctime %s", what,
	    moved ? "stays" : "moves");
	ck_assert_msg(!moved || after.change == after.modification, "%s: two times", what);
}

START_TEST(a_change_of_size_sets_mtime_and_ctime)
{
	int fd = new_object("a", 0);

	for (int way = 0; way < 5; way++) {
		struct times before = times_of("a");

		pause_ms(TICK_MS);
		if (way == 0)
			OK(ftruncate(fd, 3 * PAGE));
		else if (way == 1)
			OK(ftruncate(fd, 100));
		else if (way == 2)
			OK(fallocate(fd, 0, 0, PAGE));
		else if (way == 3)
			OK(truncate("a", 200));
		else
			OK(close(OK(open("a", O_RDWR | O_TRUNC))));
		expect_times("a", &before, true, "a change of size");
	}
}
END_TEST

START_TEST(nothing_else_sets_the_times_of_an_object)
{
	int fd = new_object("a", PAGE);
	struct times before = times_of("a");
	char data[10];

	pause_ms(TICK_MS);
	GIVES(1, pwrite(fd, "x", 1, 0));
	expect_times("a", &before, false, "write");
	GIVES(10, pread(fd, data, 10, 0));
	GIVES(10, pread(OK(open("a", O_RDONLY)), data, 10, 0));
	expect_times("a", &before, false, "read");
	OK(ftruncate(fd, PAGE));
	OK(fallocate(fd, 0, 0, PAGE));
	FAILS(ENOMEM, ftruncate(fd, (off_t)1 << 40));
	expect_times("a", &before, false, "ftruncate to the same size");
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100));
	expect_times("a", &before, false, "a hole");
	OK(fchmod(fd, 0640));
	OK(fchown(fd, OWNER, GROUP));
	expect_times("a", &before, false, "chmod and chown");
	OK(setxattr("a", "user.a", "x", 1, 0));
	OK(removexattr("a", "user.a"));
	expect_times("a", &before, false, "attributes");
	OK(rename("a", "b"));
	expect_times("b", &before, false, "rename");
	OK(unlink("b"));
	make_object("c", 0);
}
END_TEST

START_TEST(unlinking_does_not_set_the_times_of_an_open_object)
{
	int fd = new_object("a", PAGE);
	struct times before = times_of("a");
	struct stat status;

	pause_ms(TICK_MS);
	OK(unlink("a"));
	OK(fstat(fd, &status));
	ck_assert_int_eq(nanoseconds(status.st_ctim), before.change);
}
END_TEST

START_TEST(birth_stays_whatever_moves)
{
	int fd = new_object("a", PAGE);
	struct statx before;
	struct statx after;

	OK(statx(AT_FDCWD, "a", 0, STATX_BTIME, &before));
	pause_ms(TICK_MS);
	OK(ftruncate(fd, 0));
	OK(rename("a", "b"));
	OK(statx(AT_FDCWD, "b", 0, STATX_BTIME, &after));
	ck_assert(after.stx_mask & STATX_BTIME);
	ck_assert_int_eq(after.stx_btime.tv_sec, before.stx_btime.tv_sec);
	ck_assert_uint_eq(after.stx_btime.tv_nsec, before.stx_btime.tv_nsec);
}
END_TEST

void add_freebsd_user_cases(Suite *suite)
{
	TCase *users = case_on_flat_mount(suite, "rules=freebsd, users", NULL);
	TCase *times = case_on_flat_mount(suite, "rules=freebsd, times", NULL);

	tcase_add_loop_test(
	    users, taking_a_name_away_needs_reading_and_writing_the_object, 0, TRIES);
	tcase_add_loop_test(users, the_groups_of_the_caller_count, 0, TRIES);
	tcase_add_loop_test(users, root_takes_every_name_away, 0, TRIES);
	tcase_add_test(users, a_missing_name_is_enoent_for_everybody);
	tcase_add_test(users, permission_bits_are_eacces_and_ownership_is_eperm);
	tcase_add_test(users, the_mode_does_not_bind_the_opening_that_makes_the_object);
	tcase_add_test(times, a_change_of_size_sets_mtime_and_ctime);
	tcase_add_test(times, nothing_else_sets_the_times_of_an_object);
	tcase_add_test(times, unlinking_does_not_set_the_times_of_an_open_object);
	if (kernel_asks_statx())
		tcase_add_test(times, birth_stays_whatever_moves);
}
