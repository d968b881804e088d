/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that go when nobody holds them, and how old they have to be. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_removal removal;

static int64_t expire(void)
{
	uint64_t from = 0;

	return TX(fs, shmfs_expire(fs, &from, 100, &removal));
}

static void begin_expiring(uint64_t age)
{
	struct shmfs_config config = small_config();

	config.lifetime_patterns = "x-*";
	config.lifetime_age = age;
	fs = open_with(config);
}

START_TEST(an_object_expires_when_nobody_holds_it)
{
	uint64_t id, handle;

	begin_expiring(0);
	(void)new_object_of(fs, SHMFS_ROOT, "stays", 5000);
	id = new_object_of(fs, SHMFS_ROOT, "x-1", 5000);
	handle = open_object(fs, id, O_RDWR);
	forget(fs, id, 1);
	GIVES(0, expire());
	release(fs, handle);
	outside->in_use = true;
	GIVES(0, expire());
	outside->in_use = false;
	GIVES(1, expire());
	ck_assert_str_eq(removal.name, "x-1");
	ck_assert(!exists(fs, id));
	GIVES(0, expire());
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 1);
	close_checked(fs);
}
END_TEST

START_TEST(a_new_object_is_safe_until_it_is_old_or_opened_twice)
{
	uint64_t id;

	begin_expiring(60);
	id = new_object(fs, SHMFS_ROOT, "x-old");
	forget(fs, id, 1);
	outside_advance(59, 0);
	GIVES(0, expire());
	release(fs, open_object(fs, id, O_RDWR));
	GIVES(0, expire());
	outside_advance(1, 0);
	GIVES(1, expire());
	id = new_object(fs, SHMFS_ROOT, "x-used");
	release(fs, open_object(fs, id, O_RDWR));
	GIVES(0, expire());
	release(fs, open_object(fs, id, O_RDONLY));
	GIVES(1, expire());
	close_checked(fs);
}
END_TEST

START_TEST(the_part_of_a_second_counts_for_the_age)
{
	begin_expiring(1);
	outside_advance(0, 999999990 - outside->now.tv_nsec);
	forget(fs, new_object(fs, SHMFS_ROOT, "x-1"), 1);
	outside_advance(0, 999999999);
	GIVES(0, expire());
	outside_advance(0, 1);
	GIVES(1, expire());
	close_checked(fs);
}
END_TEST

START_TEST(a_clock_that_is_set_neither_ends_nor_keeps_an_object)
{
	static const time_t steps[] = {3600, -3600, 100000000, -100000000};
	struct shmfs_object object;
	uint64_t id;

	begin_expiring(60);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		id = new_object(fs, SHMFS_ROOT, "x-1");
		forget(fs, id, 1);
		outside->now.tv_sec += steps[i];
		GIVES(0, expire());
		outside_advance(59, 0);
		GIVES(0, expire());
		fs = take_up(fs);
		GIVES(0, shmfs_object(fs, id, &object));
		ck_assert_uint_eq(object.age, 59);
		outside_advance(1, 0);
		GIVES(1, expire());
	}
	close_checked(fs);
}
END_TEST

static int64_t set_lifetime(const struct shmfs_cred *cred, uint64_t id, const char *value)
{
	return TX(fs, shmfs_setxattr(fs, cred, id, "user.shmfs.lifetime", value, strlen(value), 0));
}

static void expect_lifetime(uint64_t id, const char *want)
{
	char value[16] = "";

	GIVES(strlen(want),
	    shmfs_getxattr(fs, ALICE, id, "user.shmfs.lifetime", value, sizeof value));
	ck_assert_str_eq(value, want);
}

START_TEST(the_owner_says_how_long_an_object_lives)
{
	uint64_t id, dir;

	begin_expiring(0);
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	id = new_object(fs, SHMFS_ROOT, "a");
	expect_lifetime(id, "names");
	GIVES(-EPERM, set_lifetime(BOB, id, "holders"));
	GIVES(0, set_lifetime(ALICE, id, "holders"));
	GIVES(0, set_lifetime(ALICE, id, "holders"));
	expect_lifetime(id, "holders");
	GIVES(0, set_lifetime(SUPERUSER, id, "names"));
	GIVES(0, expire());
	GIVES(-EINVAL, set_lifetime(ALICE, id, "holder"));
	GIVES(-EINVAL, set_lifetime(ALICE, id, ""));
	GIVES(-EOPNOTSUPP, set_lifetime(ALICE, dir, "holders"));
	GIVES(-EPERM, TX(fs, shmfs_removexattr(fs, ALICE, id, "user.shmfs.lifetime")));
	GIVES(0, set_lifetime(ALICE, id, "holders"));
	fs = take_up(fs);
	GIVES(1, expire());
	close_checked(fs);
}
END_TEST

START_TEST(a_step_looks_at_so_many_objects_and_the_next_goes_on)
{
	uint64_t from = 0, id;
	char name[16];

	begin_expiring(1000);
	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof name, "x-%d", i);
		id = new_object(fs, SHMFS_ROOT, name);
	}
	release(fs, open_object(fs, id, O_RDWR));
	release(fs, open_object(fs, id, O_RDWR));
	GIVES(0, TX(fs, shmfs_expire(fs, &from, 5, &removal)));
	ck_assert_uint_gt(from, 0);
	GIVES(1, TX(fs, shmfs_expire(fs, &from, 5, &removal)));
	ck_assert_str_eq(removal.name, "x-9");
	GIVES(0, TX(fs, shmfs_expire(fs, &from, 5, &removal)));
	ck_assert_uint_eq(from, 0);
	close_checked(fs);
}
END_TEST

Suite *lifetime_suite(void)
{
	Suite *suite = suite_create("lifetime");
	TCase *tests = harness_case(suite, "lifetime");

	tcase_add_test(tests, an_object_expires_when_nobody_holds_it);
	tcase_add_test(tests, a_new_object_is_safe_until_it_is_old_or_opened_twice);
	tcase_add_test(tests, the_part_of_a_second_counts_for_the_age);
	tcase_add_test(tests, a_clock_that_is_set_neither_ends_nor_keeps_an_object);
	tcase_add_test(tests, the_owner_says_how_long_an_object_lives);
	tcase_add_test(tests, a_step_looks_at_so_many_objects_and_the_next_goes_on);
	return suite;
}
