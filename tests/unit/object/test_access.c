/* SPDX-License-Identifier: BSD-2-Clause */
/* Permissions of those who look from aside, and what their looks may cost. */
#include <string.h>
#include <sys/stat.h>

#include "fs/object/access.h"
#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;

static const struct shmfs_subject root = {.uid = 0, .gid = 0};
static const struct shmfs_subject alice = {.uid = 1001, .gid = 2001};
static const struct shmfs_subject bob = {.uid = 1002, .gid = 2002};

static void set_mode(uint64_t id, mode_t mode)
{
	const struct shmfs_change change = {.what = SHMFS_CHANGE_MODE, .mode = mode};

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &change, &attr)));
}

static bool grants(const struct shmfs_subject *by, uint64_t id, unsigned want)
{
	return access_grants(node_get(fs, id), by, want);
}

START_TEST(permissions_are_those_of_the_first_class_that_fits)
{
	static const gid_t groups[] = {5, 2001, 7};
	const struct shmfs_subject member = {
	    .uid = 1003, .gid = 9, .groups = groups, .group_count = 3};
	uint64_t id;

	fs = open_small();
	id = new_object(fs, SHMFS_ROOT, "a");
	set_mode(id, 0047);
	ck_assert(!grants(&alice, id, 4));
	ck_assert(grants(&member, id, 4));
	ck_assert(!grants(&member, id, 2));
	ck_assert(grants(&bob, id, 7));
	ck_assert(grants(&root, id, 7));
	set_mode(id, 0600);
	ck_assert(grants(&alice, id, 6));
	ck_assert(grants(&root, id, 6));
	ck_assert(!grants(&root, id, 1));
	close_checked(fs);
}
END_TEST

/* user::rw-, user:1002:rw-, group::r--, group:7:rwx, mask::rw-, other::--- */
static const unsigned char list[] = {2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 6, 0, 0xea,
    3, 0, 0, 4, 0, 4, 0, 255, 255, 255, 255, 8, 0, 7, 0, 7, 0, 0, 0, 16, 0, 6, 0, 255, 255, 255,
    255, 32, 0, 0, 0, 255, 255, 255, 255};

START_TEST(access_control_lists_decide_where_there_are_any)
{
	static const gid_t seven = 7, group = 2001;
	const struct shmfs_subject
	    in_seven = {.uid = 1003, .gid = 9, .groups = &seven, .group_count = 1},
	    in_group = {.uid = 1003, .gid = 9, .groups = &group, .group_count = 1},
	    other = {.uid = 1003, .gid = 9};
	uint64_t id;

	fs = open_small();
	id = new_object(fs, SHMFS_ROOT, "a");
	GIVES(0,
	    TX(fs, shmfs_setxattr(fs, ALICE, id, "system.posix_acl_access", list, sizeof list, 0)));
	ck_assert(grants(&alice, id, 6));
	ck_assert(grants(&bob, id, 6));
	ck_assert(grants(&in_seven, id, 6));
	/* The mask takes it away. */
	ck_assert(!grants(&in_seven, id, 1));
	ck_assert(grants(&in_group, id, 4));
	ck_assert(!grants(&in_group, id, 2));
	ck_assert(!grants(&other, id, 4));
	ck_assert(grants(&root, id, 6));
	close_checked(fs);
}
END_TEST

/* The named user, whom alone it lets pass, stands behind so many others. */
static void set_long_list(uint64_t id, unsigned users)
{
	static struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[512];
	static unsigned char bytes[4096];
	unsigned count = 0;

	entries[count++] = (__typeof__(entries[0])){1, 7, UINT32_MAX};
	for (unsigned i = 0; i < users; i++)
		entries[count++] = (__typeof__(entries[0])){2, 7, 5000 + i};
	entries[count++] = (__typeof__(entries[0])){4, 7, UINT32_MAX};
	entries[count++] = (__typeof__(entries[0])){16, 7, UINT32_MAX};
	entries[count++] = (__typeof__(entries[0])){32, 0, UINT32_MAX};
	bytes[0] = 2;
	memcpy(bytes + 4, entries, count * sizeof entries[0]);
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "system.posix_acl_access", bytes,
			    4 + count * sizeof entries[0], 0)));
}

START_TEST(who_looks_may_cause_so_much_work_and_no_more)
{
	enum { DEPTH = 50, WORK = 1000 };
	static const gid_t groups[100] = {1};
	unsigned work = WORK;
	struct shmfs_subject by = {.uid = 5000, .groups = groups, .group_count = 1, .work = &work};
	char path[SHMFS_PATH_MAX];
	uint64_t dirs[DEPTH], id, found;

	fs = open_small();
	check_every_transaction(false);
	for (int i = 0; i < DEPTH; i++)
		dirs[i] = new_directory(fs, i > 0 ? dirs[i - 1] : SHMFS_ROOT, "d");
	id = new_object(fs, dirs[DEPTH - 1], "a");
	GIVES(0, shmfs_path(fs, &by, id, false, path));
	ck_assert_uint_eq(work, WORK - DEPTH - 1);
	for (int i = 0; i < DEPTH; i++)
		set_long_list(dirs[i], 200);
	by.work = NULL;
	GIVES(0, shmfs_path(fs, &by, id, false, path));
	by.work = &work;
	GIVES(-EACCES, shmfs_path(fs, &by, id, false, path));
	ck_assert_uint_eq(work, 0);
	/* More groups are more to look for. */
	work = 40 * DEPTH;
	GIVES(0, shmfs_path(fs, &by, id, false, path));
	by.group_count = 100;
	work = 40 * DEPTH;
	GIVES(-ENAMETOOLONG, shmfs_find(fs, &by, path, &found));
	ck_assert_uint_eq(work, 0);
	by.exempt = true;
	GIVES(0, shmfs_find(fs, &by, path, &found));
	close_checked(fs);
}
END_TEST

Suite *access_suite(void)
{
	Suite *suite = suite_create("access");
	TCase *tests = harness_case(suite, "access");

	tcase_add_test(tests, permissions_are_those_of_the_first_class_that_fits);
	tcase_add_test(tests, access_control_lists_decide_where_there_are_any);
	tcase_add_test(tests, who_looks_may_cause_so_much_work_and_no_more);
	return suite;
}
