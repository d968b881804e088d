/* SPDX-License-Identifier: BSD-2-Clause */
/* Running out of descriptors: an error for who asks, and everything else goes on. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/descriptor.h"
#include "harness.h"
#include "suites.h"

enum { FIRST = 100, SPARE = 5, MANY = 2500 };

static int64_t try_size(struct shmfs *fs, uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};
	struct shmfs_attr attr;

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static struct shmfs *open_bounded(bool backing)
{
	struct shmfs_config config = small_config();

	outside->nameless = true;
	config.descriptor_first = FIRST;
	config.descriptor_limit = FIRST + SPARE;
	config.backing = backing;
	return open_with(config);
}

/* Uses up what there is and returns the object that got nothing. */
static uint64_t use_up(struct shmfs *fs)
{
	uint64_t id = 0;

	for (int i = 0; i <= SPARE; i++) {
		char name[] = {(char)('a' + i), '\0'};

		id = new_object(fs, SHMFS_ROOT, name);
		GIVES(i < SPARE ? 0 : -ENFILE, try_size(fs, id, 100));
	}
	ck_assert_uint_eq(outside->books.memories, SPARE);
	return id;
}

/* As if each were still in use when its handle goes. */
static uint64_t make_idle(struct shmfs *fs, const char *name)
{
	uint64_t id = new_object(fs, SHMFS_ROOT, name), handle;

	outside->in_use = true;
	handle = open_object(fs, id, O_RDWR);
	release(fs, handle);
	outside->in_use = false;
	return id;
}

START_TEST(memory_of_an_empty_object_that_was_in_use_goes_later)
{
	static const char *const names[] = {"a", "b", "c"};
	struct shmfs *fs = open_bounded(true);
	uint64_t other = new_object(fs, SHMFS_ROOT, "other");

	for (unsigned i = 0; i < 3; i++)
		(void)make_idle(fs, names[i]);
	ck_assert_uint_eq(outside->books.memories, 3);
	for (unsigned left = 3; left-- > 0;) {
		release(fs, open_object(fs, other, O_RDONLY));
		ck_assert_uint_eq(outside->books.memories, left);
		ck_assert_uint_eq(fs->super->idle.count, left);
	}
	close_checked(fs);
}
END_TEST

START_TEST(memory_of_an_empty_object_that_is_in_use_stays)
{
	struct shmfs *fs = open_bounded(true);
	uint64_t id = make_idle(fs, "a"), other = new_object(fs, SHMFS_ROOT, "other"), handle;

	outside->in_use = true;
	for (int i = 0; i < 3; i++)
		release(fs, open_object(fs, other, O_RDONLY));
	ck_assert_uint_eq(outside->books.memories, 2);
	ck_assert_uint_eq(fs->super->idle.count, 2);
	outside->in_use = false;
	/* One that is open or was given a size is none of them any more. */
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, try_size(fs, other, 100));
	for (int i = 0; i < 2; i++)
		release(fs, open_object(fs, other, O_RDONLY));
	ck_assert_uint_eq(outside->books.memories, 2);
	ck_assert_uint_eq(fs->super->idle.count, 0);
	release(fs, handle);
	ck_assert_uint_eq(outside->books.memories, 1);
	close_checked(fs);
}
END_TEST

START_TEST(an_empty_object_that_was_in_use_can_be_removed)
{
	struct shmfs *fs = open_bounded(true);
	uint64_t first = make_idle(fs, "a"), second = make_idle(fs, "b");

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, first, 1);
	ck_assert_uint_eq(fs->super->idle.count, 1);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	forget(fs, second, 1);
	ck_assert_uint_eq(fs->super->idle.count, 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(without_a_descriptor_nothing_grows)
{
	struct shmfs *fs = open_bounded(false);
	uint64_t id = use_up(fs), handle = open_object(fs, id, O_RDWR);

	ck_assert_uint_eq(attributes(fs, id).size, 0);
	GIVES(-ENFILE, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 1)));
	GIVES(0, try_size(fs, id, 0));
	ck_assert_uint_eq(usage(fs).used_pages, SPARE);
	close_checked(fs);
}
END_TEST

START_TEST(a_write_that_would_extend_needs_one_too)
{
	struct shmfs *fs = open_bounded(false);
	uint64_t handle;

	(void)use_up(fs);
	handle = open_object(fs, new_object(fs, SHMFS_ROOT, "sem.a"), O_RDWR);
	GIVES(-ENFILE, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 0)));
	close_checked(fs);
}
END_TEST

START_TEST(everything_else_goes_on)
{
	struct shmfs *fs = open_bounded(false);
	struct shmfs_attr attr;
	uint64_t id;

	(void)use_up(fs);
	(void)new_directory(fs, SHMFS_ROOT, "dir");
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "a", &attr)));
	id = attr.id;
	write_bytes(fs, open_object(fs, id, O_RDWR), 'x', 100, 0);
	GIVES(0, try_size(fs, id, 1 << 20));
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, "z", 0)));
	close_checked(fs);
}
END_TEST

START_TEST(a_descriptor_given_back_can_be_had_again)
{
	struct shmfs *fs = open_bounded(false);
	uint64_t id = use_up(fs), gone = id_of(fs, SHMFS_ROOT, "c");

	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "c")));
	GIVES(-ENFILE, try_size(fs, id, 100));
	forget(fs, gone, 1);
	GIVES(0, try_size(fs, id, 100));
	close_checked(fs);
}
END_TEST

START_TEST(with_backing_an_opening_needs_one)
{
	struct shmfs *fs = open_bounded(true);
	uint64_t id = use_up(fs), gone = id_of(fs, SHMFS_ROOT, "a");
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	GIVES(-ENFILE, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR, &opened)));
	GIVES(-ENFILE,
	    TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "new", 0600, O_RDWR, &attr, &opened)));
	ck_assert_uint_eq(id_of(fs, SHMFS_ROOT, "new"), 0);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, gone, 1);
	GIVES(0, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR, &opened)));
	close_checked(fs);
}
END_TEST

START_TEST(the_process_s_own_bound_is_the_same_error)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct rlimit bound;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &bound), 0);
	bound.rlim_cur = SHMFS_DESCRIPTOR_FIRST;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &bound), 0);
	GIVES(-ENFILE, try_size(fs, id, 100));
	bound.rlim_cur++;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &bound), 0);
	GIVES(0, try_size(fs, id, 100));
	close_checked(fs);
}
END_TEST

START_TEST(other_errors_of_making_memory_are_passed_on)
{
	static const int errors[] = {ENFILE, ENOMEM, EPERM};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (int i = 0; i < 3; i++) {
		outside_fail(1, errors[i], false);
		GIVES(-errors[i], try_size(fs, id, 100));
	}
	outside_fail(1, EMFILE, false);
	GIVES(-ENFILE, try_size(fs, id, 100));
	close_checked(fs);
}
END_TEST

/* A number that a process had chosen when it died is closed by the one that rolls back. */
START_TEST(numbers_are_chosen_before_memory_is_made)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = FIRST;
	fs = open_with(config);
	for (int i = 0; i < SPARE; i++) {
		char name[] = {(char)('a' + i), '\0'};
		uint64_t id = new_object(fs, SHMFS_ROOT, name);

		GIVES(0, try_size(fs, id, 100));
		ck_assert_int_eq(outside->promised, FIRST + i);
		forget(fs, id, 1);
	}
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "b")));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "d")));
	outside_fail(1, ENOMEM, false);
	GIVES(-ENOMEM, try_size(fs, new_object(fs, SHMFS_ROOT, "x"), 1));
	ck_assert_int_eq(outside->promised, FIRST + 3);
	GIVES(0, try_size(fs, new_object(fs, SHMFS_ROOT, "y"), 1));
	ck_assert_int_eq(outside->promised, FIRST + 3);
	GIVES(0, try_size(fs, new_object(fs, SHMFS_ROOT, "z"), 1));
	ck_assert_int_eq(outside->promised, FIRST + 1);
	close_checked(fs);
}
END_TEST

START_TEST(more_than_one_page_of_numbers)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_limit = SHMFS_DESCRIPTOR_FIRST + MANY;
	fs = open_with(config);
	/* No object has them. */
	check_every_transaction(false);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < MANY; i++) {
			int fd;

			GIVES(0, TX(fs, descriptor_take(fs, SHMFS_ROOT, &fd)));
			ck_assert(descriptor_is_taken(fs, fd));
		}
		ck_assert_uint_eq(descriptor_count(fs), MANY);
		GIVES(-ENFILE, TX(fs, descriptor_take(fs, SHMFS_ROOT, &(int){0})));
		for (int i = 0; i < MANY; i++)
			TX_VOID(fs, descriptor_give_back(fs, SHMFS_DESCRIPTOR_FIRST + i));
		ck_assert_uint_eq(descriptor_count(fs), 0);
	}
	check_every_transaction(true);
	close_checked(fs);
}
END_TEST

START_TEST(first_numbers_out_of_range_are_einval)
{
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.descriptor_first = -1;
	GIVES(-EINVAL, shmfs_open_new(&config, &fs));
	config.descriptor_first = DESCRIPTOR_FIRST_MAX + 1;
	GIVES(-EINVAL, shmfs_open_new(&config, &fs));
	config.descriptor_first = DESCRIPTOR_FIRST_MAX;
	close_checked(open_with(config));
}
END_TEST

Suite *descriptors_suite(void)
{
	Suite *suite = suite_create("descriptors");
	TCase *tests = harness_case(suite, "descriptors");

	tcase_add_test(tests, memory_of_an_empty_object_that_was_in_use_goes_later);
	tcase_add_test(tests, memory_of_an_empty_object_that_is_in_use_stays);
	tcase_add_test(tests, an_empty_object_that_was_in_use_can_be_removed);
	tcase_add_test(tests, without_a_descriptor_nothing_grows);
	tcase_add_test(tests, a_write_that_would_extend_needs_one_too);
	tcase_add_test(tests, everything_else_goes_on);
	tcase_add_test(tests, a_descriptor_given_back_can_be_had_again);
	tcase_add_test(tests, with_backing_an_opening_needs_one);
	tcase_add_test(tests, the_process_s_own_bound_is_the_same_error);
	tcase_add_test(tests, other_errors_of_making_memory_are_passed_on);
	tcase_add_test(tests, numbers_are_chosen_before_memory_is_made);
	tcase_add_test(tests, more_than_one_page_of_numbers);
	tcase_add_test(tests, first_numbers_out_of_range_are_einval);
	return suite;
}
