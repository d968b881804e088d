/* SPDX-License-Identifier: BSD-2-Clause */
/* rename(2) in all combinations of what is there and which flag is given. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "suites.h"

/* What a name can stand for. */
enum kind { OBJECT, SYMLINK, EMPTY, FULL, NOTHING, KINDS };

static const char *const kind_names[] = {
    "object", "symlink", "empty directory", "full directory", "nothing"};

static uint64_t make(struct shmfs *fs, uint64_t dir, const char *name, enum kind kind)
{
	uint64_t id = 0;

	switch (kind) {
	case OBJECT:
		return new_object_of(fs, dir, name, 5000);
	case SYMLINK:
		return new_symlink(fs, dir, name, "target");
	case EMPTY:
	case FULL:
		id = new_directory(fs, dir, name);
		if (kind == FULL)
			(void)new_object(fs, id, "inside");
		return id;
	default:
		return id;
	}
}

static bool is_dir(enum kind kind)
{
	return kind == EMPTY || kind == FULL;
}

/* The rules of rename(2), put down anew. */
static int wanted(enum kind from, enum kind to, unsigned flags)
{
	if (from == NOTHING)
		return -ENOENT;
	if (flags == RENAME_EXCHANGE)
		return to == NOTHING ? -ENOENT : 0;
	if (to == NOTHING)
		return 0;
	if (flags == RENAME_NOREPLACE)
		return -EEXIST;
	if (is_dir(from) && !is_dir(to))
		return -ENOTDIR;
	if (!is_dir(from) && is_dir(to))
		return -EISDIR;
	return to == FULL ? -ENOTEMPTY : 0;
}

static void expect_outcome(
    struct shmfs *fs, const uint64_t dir[2], const uint64_t id[2], int rc, unsigned flags)
{
	uint64_t from = id_of(fs, dir[0], "from"), to = id_of(fs, dir[1], "to");

	if (rc < 0) {
		ck_assert_uint_eq(from, id[0]);
		ck_assert_uint_eq(to, id[1]);
	} else {
		ck_assert_uint_eq(from, flags == RENAME_EXCHANGE ? id[1] : 0);
		ck_assert_uint_eq(to, id[0]);
	}
}

static void try_combination(enum kind from, enum kind to, unsigned flags, bool across)
{
	struct shmfs *fs = open_small();
	uint64_t dir[2], id[2];
	int64_t rc, want = wanted(from, to, flags);
	char got[32];

	dir[0] = new_directory(fs, SHMFS_ROOT, "one");
	dir[1] = across ? new_directory(fs, SHMFS_ROOT, "two") : dir[0];
	id[0] = make(fs, dir[0], "from", from);
	id[1] = make(fs, dir[1], "to", to);
	rc = TX(fs, shmfs_rename(fs, ALICE, dir[0], "from", dir[1], "to", flags));
	snprintf(got, sizeof got, "%s", result_text(rc));
	ck_assert_msg(rc == want, "%s over %s, flags %u: expected %s, got %s", kind_names[from],
	    kind_names[to], flags, result_text(want), got);
	expect_outcome(fs, dir, id, (int)rc, flags);
	if (rc == 0 && id[1] != 0 && flags == 0)
		ck_assert_uint_eq(attributes(fs, id[1]).nlink, 0);
	close_checked(fs);
}

START_TEST(all_combinations)
{
	static const unsigned flags[] = {0, RENAME_NOREPLACE, RENAME_EXCHANGE};

	for (int from = 0; from < KINDS; from++) {
		for (int to = 0; to < KINDS; to++) {
			for (int flag = 0; flag < 3; flag++) {
				try_combination((enum kind)from, (enum kind)to, flags[flag], false);
				try_combination((enum kind)from, (enum kind)to, flags[flag], true);
			}
		}
	}
}
END_TEST

START_TEST(other_flags_are_refused)
{
	static const unsigned flags[] = {RENAME_WHITEOUT, RENAME_NOREPLACE | RENAME_EXCHANGE,
	    RENAME_NOREPLACE | RENAME_WHITEOUT, 8, 1u << 31, UINT32_MAX};
	struct shmfs *fs = open_small();

	(void)new_object(fs, SHMFS_ROOT, "a");
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		GIVES(-EINVAL,
		    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", flags[i])));
	close_checked(fs);
}
END_TEST

START_TEST(targets_are_checked_like_sources)
{
	struct shmfs *fs = open_small();
	uint64_t object = new_object(fs, SHMFS_ROOT, "a");
	uint64_t removed = new_directory(fs, SHMFS_ROOT, "removed");
	char too_long[SHMFS_NAME_MAX + 2];

	memset(too_long, 'n', sizeof too_long - 1);
	too_long[sizeof too_long - 1] = '\0';
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "removed")));
	GIVES(-ENOENT, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", removed, "b", 0)));
	GIVES(-ENOTDIR, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", object, "b", 0)));
	GIVES(-ESTALE, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", 55, "b", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "..", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b/c", 0)));
	GIVES(-ENAMETOOLONG,
	    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, too_long, 0)));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "a"), object);
	close_checked(fs);
}
END_TEST

START_TEST(a_directory_never_comes_to_lie_below_itself)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_directory(fs, SHMFS_ROOT, "a"), b = new_directory(fs, a, "b");
	uint64_t c = new_directory(fs, b, "c");

	(void)new_object(fs, c, "object");
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", a, "x", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", c, "x", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", c, "x", RENAME_NOREPLACE)));
	GIVES(-EINVAL,
	    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", c, "object", RENAME_EXCHANGE)));
	GIVES(-EINVAL,
	    TX(fs, shmfs_rename(fs, ALICE, c, "object", SHMFS_ROOT, "a", RENAME_EXCHANGE)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, b, "c", SHMFS_ROOT, "a", RENAME_EXCHANGE)));
	GIVES(-ENOTEMPTY, TX(fs, shmfs_rename(fs, ALICE, b, "c", SHMFS_ROOT, "a", 0)));
	/* Upwards and sideways is allowed. */
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, b, "c", SHMFS_ROOT, "c", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", c, "a", 0)));
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "c", b, "x", 0)));
	close_checked(fs);
}
END_TEST

START_TEST(exchanging_directories_exchanges_their_parents)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_directory(fs, SHMFS_ROOT, "a"), b = new_directory(fs, SHMFS_ROOT, "b");
	uint64_t x = new_directory(fs, a, "x"), y = new_object(fs, b, "y");

	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, a, "x", b, "y", RENAME_EXCHANGE)));
	ck_assert_uint_eq(id_of(fs, a, "x"), y);
	ck_assert_uint_eq(id_of(fs, b, "y"), x);
	ck_assert_uint_eq(attributes(fs, a).nlink, 2);
	ck_assert_uint_eq(attributes(fs, b).nlink, 3);
	/* x lies below b now, so b cannot go below x. */
	GIVES(-EINVAL, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "b", x, "b", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", x, "a", 0)));
	close_checked(fs);
}
END_TEST

START_TEST(two_names_of_one_node_are_left_alone)
{
	static const unsigned flags[] = {0, RENAME_EXCHANGE};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr, before;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	before = attributes(fs, id);
	outside_advance(5, 0);
	for (int i = 0; i < 2; i++) {
		GIVES(
		    0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", flags[i])));
		GIVES(
		    0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "a", flags[i])));
	}
	GIVES(-EEXIST,
	    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", RENAME_NOREPLACE)));
	GIVES(-EEXIST,
	    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "a", RENAME_NOREPLACE)));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "a"), id);
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "b"), id);
	attr = attributes(fs, id);
	ck_assert_uint_eq(attr.nlink, 2);
	SAME_TIME(before.ctime, attr.ctime);
	close_checked(fs);
}
END_TEST

START_TEST(a_replaced_object_gives_its_memory_back)
{
	struct shmfs *fs = open_small();

	forget(fs, new_object_of(fs, SHMFS_ROOT, "a", 5000), 1);
	forget(fs, new_object_of(fs, SHMFS_ROOT, "b", 50000), 1);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(5000) + PAGES(50000));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(5000));
	ck_assert_uint_eq(usage(fs).used_nodes, 2);
	ck_assert_uint_eq(outside->books.memories, 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_replaced_object_that_is_open_lives_on)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "b", 100);
	uint64_t handle = open_object(fs, id, O_RDWR);

	write_bytes(fs, handle, 'b', 100, 0);
	(void)new_object_of(fs, SHMFS_ROOT, "a", 100);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	expect_bytes(fs, handle, 'b', 100, 0);
	release(fs, handle);
	close_checked(fs);
}
END_TEST

START_TEST(replacing_one_of_two_names_gives_its_charge_back)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "b");
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b2", &attr)));
	(void)new_object(fs, SHMFS_ROOT, "a");
	ck_assert_uint_eq(usage(fs).used_nodes, 4);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	ck_assert_uint_eq(usage(fs).used_nodes, 3);
	ck_assert_uint_eq(attributes(fs, id).nlink, 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_rename_marks_both_directories_and_the_node)
{
	struct shmfs *fs = open_small();
	uint64_t a = new_directory(fs, SHMFS_ROOT, "a"), b = new_directory(fs, SHMFS_ROOT, "b");
	uint64_t id = new_object(fs, a, "x"), other = new_object(fs, b, "y");
	struct timespec made = outside->now;

	outside_advance(7, 0);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, a, "x", b, "y", RENAME_EXCHANGE)));
	SAME_TIME(outside->now, attributes(fs, a).mtime);
	SAME_TIME(outside->now, attributes(fs, b).mtime);
	SAME_TIME(outside->now, attributes(fs, a).ctime);
	SAME_TIME(outside->now, attributes(fs, id).ctime);
	SAME_TIME(outside->now, attributes(fs, other).ctime);
	SAME_TIME(made, attributes(fs, id).mtime);
	SAME_TIME(made, attributes(fs, SHMFS_ROOT).mtime);
	outside_advance(7, 0);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, b, "y", a, "z", 0)));
	SAME_TIME(outside->now, attributes(fs, a).mtime);
	SAME_TIME(outside->now, attributes(fs, b).mtime);
	SAME_TIME(outside->now, attributes(fs, id).ctime);
	close_checked(fs);
}
END_TEST

/* The way up is what a rename has to look at. */
START_TEST(what_has_directories_does_not_come_to_lie_very_deep)
{
	enum { DEPTH = 16384 };
	struct shmfs_config config = small_config();
	struct shmfs_attr attr;
	uint64_t deep = SHMFS_ROOT, above = 0;
	struct shmfs *fs;

	config.arena_size = 64 << 20;
	fs = open_with(config);
	check_every_transaction(false);
	for (int i = 0; i <= DEPTH + 1; i++) {
		above = deep;
		GIVES(0, TX(fs, shmfs_mkdir(fs, ALICE, deep, "d", 0700, &attr)));
		deep = attr.id;
		forget(fs, deep, 1);
	}
	(void)new_directory(fs, SHMFS_ROOT, "empty");
	(void)new_directory(fs, new_directory(fs, SHMFS_ROOT, "full"), "inside");
	GIVES(-ENAMETOOLONG, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "full", deep, "x", 0)));
	GIVES(-ENAMETOOLONG,
	    TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "full", above, "d", RENAME_EXCHANGE)));
	GIVES(-ENAMETOOLONG, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "d", deep, "x", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "empty", deep, "x", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, above, "d", above, "e", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, above, "e", SHMFS_ROOT, "e", 0)));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "full", deep, "y", 0)));
	close_checked(fs);
}
END_TEST

Suite *rename_suite(void)
{
	Suite *suite = suite_create("rename");
	TCase *tests = harness_case(suite, "rename");

	tcase_add_test(tests, all_combinations);
	tcase_add_test(tests, other_flags_are_refused);
	tcase_add_test(tests, targets_are_checked_like_sources);
	tcase_add_test(tests, a_directory_never_comes_to_lie_below_itself);
	tcase_add_test(tests, what_has_directories_does_not_come_to_lie_very_deep);
	tcase_add_test(tests, exchanging_directories_exchanges_their_parents);
	tcase_add_test(tests, two_names_of_one_node_are_left_alone);
	tcase_add_test(tests, a_replaced_object_gives_its_memory_back);
	tcase_add_test(tests, a_replaced_object_that_is_open_lives_on);
	tcase_add_test(tests, replacing_one_of_two_names_gives_its_charge_back);
	tcase_add_test(tests, a_rename_marks_both_directories_and_the_node);
	return suite;
}
