/* SPDX-License-Identifier: BSD-2-Clause */
/* What tools are told: objects, their places, permissions, users and limits. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

enum { MANY = 300 };

static struct shmfs *fs;
static struct shmfs_attr attr;

static const struct shmfs_subject root = {.uid = 0, .gid = 0};
static const struct shmfs_subject alice = {.uid = 1001, .gid = 2001};
static const struct shmfs_subject bob = {.uid = 1002, .gid = 2002};

struct seen {
	unsigned count, stop_at;
	struct shmfs_object last;
	bool id[4 * MANY];
};

static int note(void *arg, const struct shmfs_object *object)
{
	struct seen *seen = arg;

	if (seen->count == seen->stop_at)
		return 1;
	REQUIRE(!seen->id[object->attr.id], "object %d was listed twice", (int)object->attr.id);
	seen->id[object->attr.id] = true;
	seen->count++;
	seen->last = *object;
	return 0;
}

START_TEST(every_object_is_listed_once_whatever_the_steps)
{
	uint64_t dir, from = 0;
	struct seen seen = {.stop_at = UINT32_MAX};
	char name[32];

	fs = open_small();
	check_every_transaction(false);
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "o%d", i);
		(void)new_object(fs, i % 2 ? dir : SHMFS_ROOT, name);
	}
	(void)new_symlink(fs, dir, "link", "target");
	do {
		unsigned before = seen.count;

		from = shmfs_list(fs, from, (unsigned)_i, note, &seen);
		ck_assert_uint_le(seen.count - before, (unsigned)_i);
	} while (from != 0);
	ck_assert_uint_eq(seen.count, MANY);
	close_checked(fs);
}
END_TEST

START_TEST(a_visitor_that_stops_is_given_the_same_object_again)
{
	struct seen seen = {.stop_at = 1};
	uint64_t second, from;

	fs = open_small();
	(void)new_object(fs, SHMFS_ROOT, "a");
	second = new_object(fs, SHMFS_ROOT, "b");
	from = shmfs_list(fs, 0, 100, note, &seen);
	ck_assert_uint_eq(from, second);
	seen.stop_at = 2;
	ck_assert_uint_eq(shmfs_list(fs, from, 100, note, &seen), 0);
	ck_assert_uint_eq(seen.last.attr.id, second);
	close_checked(fs);
}
END_TEST

START_TEST(an_object_is_described)
{
	struct shmfs_object object;
	uint64_t id, reader, writer, pin;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 5000);
	reader = open_object(fs, id, O_RDONLY);
	writer = open_object(fs, id, O_RDWR);
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.x", "y", 1, 0)));
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.seals", "grow", 4, 0)));
	GIVES(0, TX(fs, shmfs_pin(fs, id, &(struct shmfs_part){0, 1, false}, 7, &pin)));
	GIVES(0, shmfs_object(fs, id, &object));
	ck_assert_uint_eq(object.attr.size, 5000);
	ck_assert_uint_eq(object.charged, PAGES(5000) * PAGE + PAGE);
	ck_assert_uint_eq(object.creator, 1001);
	ck_assert_uint_eq(object.opens, 2);
	ck_assert_uint_eq(object.writers, 1);
	ck_assert_uint_eq(object.pins, 1);
	ck_assert_str_eq(object.seals, "grow");
	ck_assert(!object.grows && !object.attr.expires);
	GIVES(-EINVAL, shmfs_object(fs, SHMFS_ROOT, &object));
	GIVES(-ESTALE, shmfs_object(fs, 4711, &object));
	TX_VOID(fs, shmfs_unpin(fs, pin));
	release(fs, reader);
	release(fs, writer);
	close_checked(fs);
}
END_TEST

/* What du cannot see. */
START_TEST(an_object_without_a_name_is_listed_while_it_is_known)
{
	struct seen seen = {.stop_at = UINT32_MAX};
	char path[SHMFS_PATH_MAX];
	uint64_t id, handle;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 5000);
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	ck_assert_uint_eq(shmfs_list(fs, 0, 100, note, &seen), 0);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.last.attr.nlink, 0);
	GIVES(-ENOENT, shmfs_path(fs, &root, id, false, path));
	release(fs, handle);
	/* Now only the caller knows it. */
	seen = (struct seen){.stop_at = UINT32_MAX};
	ck_assert_uint_eq(shmfs_list(fs, 0, 100, note, &seen), 0);
	ck_assert_uint_eq(seen.count, 1);
	ck_assert_uint_eq(seen.last.opens, 0);
	ck_assert_uint_eq(seen.last.charged, PAGES(5000) * PAGE);
	forget(fs, id, 1);
	ck_assert_uint_eq(shmfs_list(fs, 0, 100, note, &(struct seen){0}), 0);
	close_checked(fs);
}
END_TEST

static void expect_path(uint64_t id, const char *want)
{
	char path[SHMFS_PATH_MAX];
	uint64_t found;

	GIVES(0, shmfs_path(fs, &root, id, false, path));
	ck_assert_str_eq(path, want);
	GIVES(0, shmfs_find(fs, &root, want, &found));
	ck_assert_uint_eq(found, id);
}

START_TEST(a_path_is_that_of_the_newest_name)
{
	uint64_t dir, sub, id;

	fs = open_small();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	sub = new_directory(fs, dir, "s u b");
	id = new_object(fs, SHMFS_ROOT, "first");
	expect_path(SHMFS_ROOT, "");
	expect_path(id, "first");
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, sub, "\xff\x01", &attr)));
	expect_path(id, "dir/s u b/\xff\x01");
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, dir, "third", &attr)));
	expect_path(id, "dir/third");
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, sub, "\xff\x01")));
	expect_path(id, "dir/third");
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "third")));
	expect_path(id, "first");
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "first", sub, "again", 0)));
	expect_path(id, "dir/s u b/again");
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, dir, "s u b", SHMFS_ROOT, "moved", 0)));
	expect_path(id, "moved/again");
	close_checked(fs);
}
END_TEST

START_TEST(a_path_has_a_longest_length)
{
	char name[SHMFS_NAME_MAX + 1], path[SHMFS_PATH_MAX + 1];
	uint64_t dir = SHMFS_ROOT, id;

	fs = open_small();
	memset(name, 'n', SHMFS_NAME_MAX);
	name[SHMFS_NAME_MAX] = '\0';
	for (int i = 0; i < 15; i++)
		dir = new_directory(fs, dir, name);
	/* 15 names of 255 bytes with their slashes are 3840 bytes; 255 more fit without the NUL. */
	id = new_object(fs, dir, name);
	GIVES(0, shmfs_path(fs, &root, id, false, path));
	ck_assert_uint_eq(strlen(path), SHMFS_PATH_MAX - 1);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, name, SHMFS_ROOT, "s", 0)));
	dir = new_directory(fs, dir, "0123456789");
	for (int i = 0; i < 25; i++)
		dir = new_directory(fs, dir, "0123456789");
	id = new_object(fs, dir, name);
	GIVES(-ENAMETOOLONG, shmfs_path(fs, &root, id, false, path));
	memset(path, 'a', SHMFS_PATH_MAX);
	path[SHMFS_PATH_MAX] = '\0';
	GIVES(-ENAMETOOLONG, shmfs_find(fs, &root, path, &id));
	close_checked(fs);
}
END_TEST

START_TEST(what_is_no_path_is_not_found)
{
	static const struct {
		const char *path;
		int want;
	} tries[] = {
	    {"missing", -ENOENT},
	    {"a/b", -ENOTDIR},
	    {"dir/missing", -ENOENT},
	    {"link", 0},
	    {"link/a", -ELOOP},
	    {"/a", -EINVAL},
	    {"a/", -EINVAL},
	    {"dir//a", -EINVAL},
	    {"dir/..", -EINVAL},
	    {".", -EINVAL},
	};
	uint64_t id;

	fs = open_small();
	(void)new_object(fs, SHMFS_ROOT, "a");
	(void)new_directory(fs, SHMFS_ROOT, "dir");
	(void)new_symlink(fs, SHMFS_ROOT, "link", "dir");
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
		GIVES(tries[i].want, shmfs_find(fs, &root, tries[i].path, &id));
	close_checked(fs);
}
END_TEST

static void set_mode(uint64_t id, mode_t mode)
{
	const struct shmfs_change change = {.what = SHMFS_CHANGE_MODE, .mode = mode};

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &change, &attr)));
}

START_TEST(places_behind_a_closed_directory_are_not_told)
{
	char path[SHMFS_PATH_MAX];
	uint64_t dir, id, found;

	fs = open_small();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	id = new_object(fs, dir, "a");
	set_mode(dir, 0700);
	GIVES(0, shmfs_path(fs, &alice, id, false, path));
	GIVES(0, shmfs_path(fs, &root, id, false, path));
	GIVES(-EACCES, shmfs_path(fs, &bob, id, false, path));
	GIVES(-EACCES, shmfs_find(fs, &bob, "dir/a", &found));
	GIVES(-EACCES, shmfs_find(fs, &bob, "dir/missing", &found));
	GIVES(0, shmfs_find(fs, &bob, "dir", &found));
	close_checked(fs);
}
END_TEST

/* As for ls(1): search is enough for who knows the name, and to learn it takes reading. */
START_TEST(a_name_that_is_not_known_is_learnt_by_reading_its_directory)
{
	char path[SHMFS_PATH_MAX];
	uint64_t dir, id, found;

	fs = open_small();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	id = new_object(fs, new_directory(fs, dir, "sub"), "a");
	set_mode(dir, 0733);
	GIVES(0, shmfs_find(fs, &bob, "dir/sub/a", &found));
	GIVES(0, shmfs_path(fs, &bob, id, false, path));
	GIVES(-EACCES, shmfs_path(fs, &bob, id, true, path));
	GIVES(0, shmfs_path(fs, &alice, id, true, path));
	GIVES(0, shmfs_path(fs, &root, id, true, path));
	set_mode(dir, 0766);
	GIVES(-EACCES, shmfs_path(fs, &bob, id, true, path));
	set_mode(dir, 0755);
	GIVES(0, shmfs_path(fs, &bob, id, true, path));
	close_checked(fs);
}
END_TEST

static int64_t set_limits(enum shmfs_scope scope, uid_t uid, uint64_t pages, uint64_t nodes)
{
	const struct shmfs_limits limits = {pages * PAGE, nodes};

	return TX(fs, shmfs_set_limits(fs, scope, uid, &limits));
}

static int64_t try_size(uint64_t id, uint64_t pages)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = pages * PAGE};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

START_TEST(limits_change_while_mounted)
{
	struct shmfs_limits limits;
	uint64_t id;

	fs = open_small();
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0, try_size(id, 10));
	GIVES(0, set_limits(SHMFS_SCOPE_MOUNT, 0, 12, 0));
	GIVES(0, try_size(id, 12));
	GIVES(-ENOSPC, try_size(id, 13));
	/* Below what is in use: nothing is lost, and nothing grows. */
	GIVES(0, set_limits(SHMFS_SCOPE_MOUNT, 0, 5, 2));
	GIVES(-ENOSPC, try_size(id, 13));
	GIVES(0, try_size(id, 11));
	GIVES(-ENOSPC, try_size(id, 12));
	GIVES(-ENOSPC, TX(fs, shmfs_mkdir(fs, ALICE, SHMFS_ROOT, "d", 0755, &attr)));
	GIVES(0, shmfs_get_limits(fs, SHMFS_SCOPE_MOUNT, 0, &limits));
	ck_assert_uint_eq(limits.bytes, 5 * PAGE);
	ck_assert_uint_eq(limits.nodes, 2);
	GIVES(0, set_limits(SHMFS_SCOPE_MOUNT, 0, 0, 0));
	GIVES(0, try_size(id, 100));
	close_checked(fs);
}
END_TEST

START_TEST(a_single_user_can_be_an_exception)
{
	struct shmfs_usage use;
	struct shmfs_limits limits;
	uint64_t id;

	fs = open_small();
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0, set_limits(SHMFS_SCOPE_USERS, 0, 3, 0));
	GIVES(-EDQUOT, try_size(id, 4));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, 1001, 4, 0));
	GIVES(0, try_size(id, 4));
	GIVES(-EDQUOT, try_size(id, 5));
	shmfs_user_usage(fs, 1001, SHMFS_ROOT, &use);
	ck_assert_uint_eq(use.limit_pages, 4);
	shmfs_user_usage(fs, 1002, SHMFS_ROOT, &use);
	ck_assert_uint_eq(use.limit_pages, 3);
	/* An exception may also be more than nothing where there is no limit for others. */
	GIVES(0, set_limits(SHMFS_SCOPE_USERS, 0, 0, 0));
	GIVES(-EDQUOT, try_size(id, 5));
	GIVES(0, shmfs_get_limits(fs, SHMFS_SCOPE_USER, 1001, &limits));
	ck_assert_uint_eq(limits.bytes, 4 * PAGE);
	GIVES(0, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_USER, 1001, NULL)));
	GIVES(-ENOENT, shmfs_get_limits(fs, SHMFS_SCOPE_USER, 1001, &limits));
	GIVES(0, try_size(id, 5));
	close_checked(fs);
}
END_TEST

START_TEST(limits_have_bounds)
{
	const struct shmfs_limits largest = {INT64_MAX, UINT64_MAX},
				  too_large = {(uint64_t)INT64_MAX + 1, 0};

	fs = open_small();
	GIVES(0, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_MOUNT, 0, &largest)));
	GIVES(-EINVAL, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_MOUNT, 0, &too_large)));
	GIVES(-EINVAL, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_USER, 5, &too_large)));
	GIVES(-EINVAL, set_limits(SHMFS_SCOPE_USER, 0, 1, 1));
	check_every_transaction(false);
	for (uid_t uid = 1; uid <= SHMFS_EXCEPTIONS_MAX; uid++)
		GIVES(0, set_limits(SHMFS_SCOPE_USER, uid, 1, 1));
	GIVES(-ENOSPC, set_limits(SHMFS_SCOPE_USER, SHMFS_EXCEPTIONS_MAX + 1, 1, 1));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, 1, 2, 2));
	GIVES(0, TX(fs, shmfs_set_limits(fs, SHMFS_SCOPE_USER, 1, NULL)));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, SHMFS_EXCEPTIONS_MAX + 1, 1, 1));
	close_checked(fs);
}
END_TEST

struct user_list {
	struct shmfs_user user[8];
	unsigned count;
};

static int note_user(void *arg, const struct shmfs_user *user)
{
	struct user_list *users = arg;

	ck_assert_uint_lt(users->count, 8);
	users->user[users->count++] = *user;
	return 0;
}

START_TEST(users_are_listed_with_what_they_use_and_may)
{
	struct user_list users = {0};
	uint64_t from = 0;

	fs = open_small();
	(void)new_object_of(fs, SHMFS_ROOT, "a", 5000);
	GIVES(0, set_limits(SHMFS_SCOPE_USERS, 0, 30, 3));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, 900, 40, 4));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, 1001, 50, 5));
	GIVES(0, set_limits(SHMFS_SCOPE_USER, 4000, 60, 6));
	do
		from = shmfs_users(fs, from, 1, note_user, &users);
	while (from != 0);
	/* Root is charged for the root directory. */
	ck_assert_uint_eq(users.count, 4);
	ck_assert_uint_eq(users.user[0].uid, 0);
	ck_assert_uint_eq(users.user[0].nodes, 1);
	ck_assert_uint_eq(users.user[0].limits.bytes, 0);
	ck_assert_uint_eq(users.user[1].uid, 900);
	ck_assert_uint_eq(users.user[1].nodes, 0);
	ck_assert(users.user[1].exception);
	ck_assert_uint_eq(users.user[2].uid, 1001);
	ck_assert_uint_eq(users.user[2].bytes, PAGES(5000) * PAGE);
	ck_assert_uint_eq(users.user[2].limits.nodes, 5);
	ck_assert_uint_eq(users.user[3].uid, 4000);
	close_checked(fs);
}
END_TEST

Suite *listing_suite(void)
{
	Suite *suite = suite_create("listing");
	TCase *tests = harness_case(suite, "objects");

	tcase_add_loop_test(tests, every_object_is_listed_once_whatever_the_steps, 1, 4);
	tcase_add_test(tests, a_visitor_that_stops_is_given_the_same_object_again);
	tcase_add_test(tests, an_object_is_described);
	tcase_add_test(tests, an_object_without_a_name_is_listed_while_it_is_known);
	tests = harness_case(suite, "places");
	tcase_add_test(tests, a_path_is_that_of_the_newest_name);
	tcase_add_test(tests, a_path_has_a_longest_length);
	tcase_add_test(tests, what_is_no_path_is_not_found);
	tcase_add_test(tests, places_behind_a_closed_directory_are_not_told);
	tests = harness_case(suite, "permissions");
	tcase_add_test(tests, a_name_that_is_not_known_is_learnt_by_reading_its_directory);
	tests = harness_case(suite, "limits");
	tcase_add_test(tests, limits_change_while_mounted);
	tcase_add_test(tests, a_single_user_can_be_an_exception);
	tcase_add_test(tests, limits_have_bounds);
	tcase_add_test(tests, users_are_listed_with_what_they_use_and_may);
	return suite;
}
