/* SPDX-License-Identifier: BSD-2-Clause */
/* Where tenants may be, what may be called how in them, and who learns of them. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness.h"
#include "labels.h"
#include "suites.h"

static const struct shmfs_subject root = {.exempt = true};
static struct shmfs *fs;
static struct shmfs_attr attr;
static struct shmfs_opened opened;

static struct shmfs_tenant told(uint32_t number)
{
	struct shmfs_tenant tenant;

	GIVES(0, shmfs_tenant(fs, number, &tenant));
	return tenant;
}

static void expect_use(uint32_t number, uint64_t pages, uint64_t nodes)
{
	REQUIRE_SAME(pages * PAGE, told(number).bytes);
	REQUIRE_SAME(nodes, told(number).nodes);
}

START_TEST(no_name_leads_across_the_border)
{
	uint64_t one, other, a, dir;

	fs = open_small();
	one = new_tenant(fs, "one", 0, 0);
	other = new_tenant(fs, "other", 0, 0);
	a = new_object(fs, one, "a");
	(void)new_object(fs, other, "b");
	(void)new_object(fs, SHMFS_ROOT, "c");
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	(void)new_directory(fs, one, "dir");
	GIVES(-EXDEV, TX(fs, shmfs_link(fs, SUPERUSER, a, SHMFS_ROOT, "new", &attr)));
	GIVES(-EXDEV, TX(fs, shmfs_link(fs, SUPERUSER, a, other, "new", &attr)));
	GIVES(-EXDEV,
	    TX(fs, shmfs_link(fs, SUPERUSER, id_of(fs, SHMFS_ROOT, "c"), one, "new", &attr)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, one, "a", SHMFS_ROOT, "a", 0)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, one, "a", other, "a", 0)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, one, "a", other, "b", 0)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "c", one, "c", 0)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "dir", one, "new", 0)));
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, one, "dir", SHMFS_ROOT, "new", 0)));
	GIVES(-EXDEV,
	    TX(fs, shmfs_rename(fs, SUPERUSER, one, "a", SHMFS_ROOT, "c", RENAME_EXCHANGE)));
	GIVES(-EXDEV,
	    TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "c", one, "a", RENAME_EXCHANGE)));
	/* A tenant into another, and by exchange with one that may go out. */
	GIVES(-EXDEV, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "other", one, "o", 0)));
	GIVES(-EXDEV,
	    TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "other", one, "dir", RENAME_EXCHANGE)));
	/* O_TMPFILE. */
	GIVES(0, TX(fs, shmfs_tmpfile(fs, ALICE, one, 0600, O_RDWR, &attr, &opened)));
	a = attr.id;
	GIVES(-EXDEV, TX(fs, shmfs_link(fs, ALICE, a, dir, "new", &attr)));
	GIVES(-EXDEV, TX(fs, shmfs_link(fs, ALICE, a, other, "new", &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, a, one, "new", &attr)));
	close_checked(fs);
}
END_TEST

START_TEST(inside_and_with_its_directory_everything_moves)
{
	char path[SHMFS_PATH_MAX];
	uint64_t one, dir, a;
	uint32_t number;

	fs = open_small();
	one = new_tenant(fs, "one", 10, 10);
	number = shmfs_tenant_at(fs, one);
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	a = new_object(fs, one, "a");
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, one, "a", one, "b", 0)));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, a, one, "a", &attr)));
	GIVES(0, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "one", dir, "uno", 0)));
	ck_assert_str_eq(told(number).name, "uno");
	GIVES(0, shmfs_tenant_path(fs, &root, number, path));
	ck_assert_str_eq(path, "dir/uno");
	GIVES(0, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "dir", SHMFS_ROOT, "d", 0)));
	GIVES(0, shmfs_tenant_path(fs, NULL, number, path));
	ck_assert_str_eq(path, "d/uno");
	(void)new_directory(fs, SHMFS_ROOT, "plain");
	GIVES(0,
	    TX(fs, shmfs_rename(fs, SUPERUSER, dir, "uno", SHMFS_ROOT, "plain", RENAME_EXCHANGE)));
	ck_assert_str_eq(told(number).name, "plain");
	expect_use(number, 0, 3);
	/* Another directory may take the place of an empty one. */
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, one, "a")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, one, "b")));
	GIVES(0, TX(fs, shmfs_rename(fs, SUPERUSER, SHMFS_ROOT, "d", SHMFS_ROOT, "plain", 0)));
	GIVES(-ENOENT, shmfs_tenant_path(fs, &root, number, path));
	close_checked(fs);
}
END_TEST

START_TEST(where_there_can_be_no_tenant)
{
	const struct shmfs_tenant_config huge = {.limits = {UINT64_MAX, 0}};
	char path[SHMFS_PATH_MAX];
	struct shmfs_made made;

	fs = open_small();
	(void)new_directory(fs, new_tenant(fs, "one", 0, 0), "sub");
	(void)new_object(fs, SHMFS_ROOT, "object");
	(void)new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(-EINVAL, try_tenant(fs, "one/two", 0, 0));
	GIVES(-EINVAL, try_tenant(fs, "one/sub/two", 0, 0));
	GIVES(-EEXIST, try_tenant(fs, "one", 0, 0));
	GIVES(-EEXIST, try_tenant(fs, "dir", 0, 0));
	GIVES(-ENOENT, try_tenant(fs, "missing/two", 0, 0));
	GIVES(-ENOTDIR, try_tenant(fs, "object/two", 0, 0));
	GIVES(-EINVAL, try_tenant(fs, "", 0, 0));
	GIVES(-EINVAL, try_tenant(fs, "/two", 0, 0));
	GIVES(-EINVAL, try_tenant(fs, "dir/", 0, 0));
	GIVES(-EINVAL, TX(fs, shmfs_tenant_create(fs, &root, "two", &huge, &made)));
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	GIVES(-ENAMETOOLONG, try_tenant(fs, path, 0, 0));
	GIVES(0, try_tenant(fs, "dir/two", 0, 0));
	GIVES(-ENOENT, shmfs_tenant(fs, 77, &(struct shmfs_tenant){0}));
	GIVES(-ENOENT, shmfs_tenant_path(fs, &root, 77, path));
	ck_assert_uint_eq(shmfs_tenant_at(fs, id_of(fs, SHMFS_ROOT, "dir")), 0);
	ck_assert_uint_eq(shmfs_tenant_at(fs, id_of(fs, SHMFS_ROOT, "object")), 0);
	ck_assert_uint_eq(shmfs_tenant_at(fs, id_of(fs, id_of(fs, SHMFS_ROOT, "one"), "sub")), 0);
	close_checked(fs);
}
END_TEST

START_TEST(a_directory_that_is_made_unasked_makes_a_listing_out_of_date)
{
	struct timespec before;

	fs = open_small();
	before = attributes(fs, SHMFS_ROOT).mtime;
	GIVES(0, try_tenant(fs, "one", 0, 0));
	ck_assert_int_lt(compare_times(before, attributes(fs, SHMFS_ROOT).mtime), 0);
	close_checked(fs);
}
END_TEST

START_TEST(policies_decide_who_learns_of_a_tenant)
{
	const struct shmfs_mac_subject subjects[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, mls_label("low"), 0},
	    {SHMFS_SUBJECT_UID, 1001, mls_label("high"), 0},
	};
	const struct shmfs_mac mac = {1u << SHMFS_MLS, false, subjects, 2};
	const struct shmfs_subject alice = {.uid = 1001, .exempt = true};
	struct shmfs_config config = small_config();
	char path[SHMFS_PATH_MAX];
	uint64_t handle, dir;
	uint32_t number;

	config.mac = &mac;
	fs = open_with(config);
	/* It has the label of its owner, who is Alice. */
	GIVES(0, try_tenant(fs, "hers", 0, 0));
	dir = id_of(fs, SHMFS_ROOT, "hers");
	number = shmfs_tenant_at(fs, dir);
	GIVES(0, shmfs_tenant_path(fs, &alice, number, path));
	GIVES(0, shmfs_tenant_path(fs, NULL, number, path));
	GIVES(-EACCES, shmfs_tenant_path(fs, &root, number, path));
	/* Of a directory that is gone no policy can be asked. */
	handle = open_object(fs, new_object(fs, dir, "a"), O_RDWR);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "a")));
	GIVES(0, TX(fs, shmfs_rmdir(fs, ALICE, SHMFS_ROOT, "hers")));
	GIVES(-EACCES, shmfs_tenant_path(fs, &alice, number, path));
	GIVES(-ENOENT, shmfs_tenant_path(fs, NULL, number, path));
	release(fs, handle);
	close_checked(fs);
}
END_TEST

Suite *tenant_borders_suite(void)
{
	Suite *suite = suite_create("tenant borders");
	TCase *tests = harness_case(suite, "borders");

	tcase_add_test(tests, no_name_leads_across_the_border);
	tcase_add_test(tests, inside_and_with_its_directory_everything_moves);
	tcase_add_test(tests, where_there_can_be_no_tenant);
	tcase_add_test(tests, a_directory_that_is_made_unasked_makes_a_listing_out_of_date);
	tcase_add_test(tests, policies_decide_who_learns_of_a_tenant);
	return suite;
}
