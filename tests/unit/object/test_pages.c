/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects that say what pages their memory comes in: user.shmfs.huge. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

#define HUGE "user.shmfs.huge"

enum { FIRST = 100, NUMBERS = 12, MANY = 30 };

static struct shmfs *fs;
static uint64_t id;

static void begin(void)
{
	struct shmfs_config config = small_config();

	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + NUMBERS;
	config.backing = true;
	fs = open_with(config);
	id = new_object(fs, SHMFS_ROOT, "a");
}

static int64_t set_as(const struct shmfs_cred *cred, uint64_t node, const char *value)
{
	return TX(fs, shmfs_setxattr(fs, cred, node, HUGE, value, strlen(value), 0));
}

static int64_t set(const char *value)
{
	return set_as(ALICE, id, value);
}

static void expect_value(uint64_t node, const char *want)
{
	char value[16] = "";

	GIVES(strlen(want), shmfs_getxattr(fs, BOB, node, HUGE, NULL, 0));
	GIVES(strlen(want), shmfs_getxattr(fs, BOB, node, HUGE, value, sizeof value));
	ck_assert_str_eq(value, want);
}

/* The pages of memory that has a descriptor. */
static void expect_pages(uint64_t node, enum shmfs_pages want)
{
	int fd = node_get(fs, node)->object.fd;

	ck_assert_int_ge(fd, FIRST);
	ck_assert_int_eq(outside->books.pages[fd], want);
}

START_TEST(an_object_says_what_its_memory_comes_in)
{
	static const char *const values[] = {"0", "1"};
	static const enum shmfs_pages pages[] = {SHMFS_PAGES_SMALL, SHMFS_PAGES_HUGE};

	begin();
	expect_value(id, "advise");
	GIVES(0, set(values[_i]));
	GIVES(0, set(values[!_i]));
	GIVES(0, set(values[_i]));
	expect_value(id, values[_i]);
	resize(fs, id, 3 * PAGE);
	expect_pages(id, pages[_i]);
	expect_value(id, values[_i]);
	/* What is as it is asked to be is no change. */
	GIVES(0, set(values[_i]));
	close_checked(fs);
}
END_TEST

START_TEST(other_objects_have_what_the_mount_has)
{
	uint64_t other;

	begin();
	GIVES(0, set("1"));
	other = new_object_of(fs, SHMFS_ROOT, "b", PAGE);
	expect_pages(other, SHMFS_PAGES_OF_MOUNT);
	expect_value(other, "advise");
	close_checked(fs);
}
END_TEST

START_TEST(it_cannot_be_said_of_memory_that_is_there)
{
	uint64_t handle;

	begin();
	resize(fs, id, 1);
	GIVES(-EBUSY, set("1"));
	resize(fs, id, 0);
	GIVES(0, set("1"));
	handle = open_object(fs, id, O_RDONLY);
	expect_pages(id, SHMFS_PAGES_HUGE);
	GIVES(-EBUSY, set("0"));
	release(fs, handle);
	GIVES(0, set("0"));
	expect_value(id, "0");
	close_checked(fs);
}
END_TEST

START_TEST(it_cannot_be_said_while_the_object_is_mapped)
{
	begin();
	resize(fs, id, 1);
	resize(fs, id, 0);
	outside->in_use = true;
	GIVES(-EBUSY, set("1"));
	outside->in_use = false;
	GIVES(0, set("1"));
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(the_owner_and_root_say_it_and_only_0_and_1)
{
	static const char *const bad[] = {"", "2", "10", "advise", "1\n"};
	uint64_t dir;

	begin();
	dir = new_directory(fs, SHMFS_ROOT, "dir");
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		GIVES(-EINVAL, set(bad[i]));
	GIVES(-EPERM, set_as(BOB, id, "1"));
	expect_value(id, "advise");
	GIVES(0, set_as(SUPERUSER, id, "1"));
	GIVES(-EOPNOTSUPP, set_as(ALICE, dir, "1"));
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, dir, HUGE, NULL, 0));
	GIVES(-EPERM, TX(fs, shmfs_removexattr(fs, ALICE, id, HUGE)));
	GIVES(0, shmfs_listxattr(fs, ALICE, id, NULL, 0));
	close_checked(fs);
}
END_TEST

START_TEST(where_there_is_one_kind_of_memory_it_is_not_supported)
{
	begin();
	outside->one_kind = true;
	GIVES(-EOPNOTSUPP, set("0"));
	GIVES(-EOPNOTSUPP, set("1"));
	GIVES(-EOPNOTSUPP, shmfs_getxattr(fs, ALICE, id, HUGE, NULL, 0));
	resize(fs, id, 1);
	expect_pages(id, SHMFS_PAGES_OF_MOUNT);
	close_checked(fs);
}
END_TEST

START_TEST(it_stays_when_the_object_is_renamed_emptied_and_taken_up)
{
	begin();
	GIVES(0, set("1"));
	resize(fs, id, PAGE);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "b", 0)));
	resize(fs, id, 0);
	expect_value(id, "1");
	fs = take_up(fs);
	expect_value(id, "1");
	resize(fs, id, PAGE);
	expect_pages(id, SHMFS_PAGES_HUGE);
	close_checked(fs);
}
END_TEST

/* The model finds a name in the tmpfs in which it was given, and nowhere else. */
START_TEST(memory_of_each_kind_closes_and_is_found_again)
{
	static const char *const values[] = {"0", "1"};
	uint64_t ids[MANY], handles[MANY];
	char name[16];

	begin();
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "o%u", i);
		ids[i] = new_object(fs, SHMFS_ROOT, name);
		if (i % 3 < 2)
			GIVES(0, set_as(ALICE, ids[i], values[i % 3]));
		resize(fs, ids[i], PAGE);
		handles[i] = open_object(fs, ids[i], O_RDWR);
		write_bytes(fs, handles[i], (char)('A' + i), 100, 0);
	}
	ck_assert_uint_gt(outside->books.names, MANY / 2);
	for (unsigned i = 0; i < MANY; i++) {
		ck_assert_uint_eq(attributes(fs, ids[i]).blocks, PAGE / 512);
		expect_bytes(fs, handles[i], (char)('A' + i), 100, 0);
		expect_value(ids[i], i % 3 < 2 ? values[i % 3] : "advise");
	}
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof name, "o%u", i);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
		release(fs, handles[i]);
		forget(fs, ids[i], 1);
	}
	ck_assert_uint_eq(outside->books.names, 0);
	close_checked(fs);
}
END_TEST

Suite *pages_suite(void)
{
	Suite *suite = suite_create("pages");
	TCase *tests = harness_case(suite, "pages");

	tcase_add_loop_test(tests, an_object_says_what_its_memory_comes_in, 0, 2);
	tcase_add_test(tests, other_objects_have_what_the_mount_has);
	tcase_add_test(tests, it_cannot_be_said_of_memory_that_is_there);
	tcase_add_test(tests, it_cannot_be_said_while_the_object_is_mapped);
	tcase_add_test(tests, the_owner_and_root_say_it_and_only_0_and_1);
	tcase_add_test(tests, where_there_is_one_kind_of_memory_it_is_not_supported);
	tcase_add_test(tests, it_stays_when_the_object_is_renamed_emptied_and_taken_up);
	tcase_add_test(tests, memory_of_each_kind_closes_and_is_found_again);
	return suite;
}
