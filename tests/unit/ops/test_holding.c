/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins, and what is reaped. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

static struct shmfs *fs;
static struct shmfs_attr attr;
static struct shmfs_removal removal;

static const struct shmfs_subject root = {.uid = 0};

static int64_t pin(uint64_t id, uint64_t offset, uint64_t length, uint64_t *out)
{
	return TX(fs, shmfs_pin(fs, id, &(struct shmfs_part){offset, length, true}, 7, out));
}

static void unpin(uint64_t id)
{
	TX_VOID(fs, shmfs_unpin(fs, id));
}

static int64_t try_size(uint64_t id, uint64_t size)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_SIZE, .size = size};

	return TX(fs, shmfs_setattr(fs, id, &what, &attr));
}

static int64_t expire(void)
{
	uint64_t from = 0;

	return TX(fs, shmfs_expire(fs, &from, 100, &removal));
}

START_TEST(a_pinned_object_does_not_shrink)
{
	uint64_t id, first, second;
	struct shmfs_opened opened;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, pin(id, 0, 10000, &first));
	GIVES(0, pin(id, 9999, 1, &second));
	GIVES(-EBUSY, try_size(id, 9999));
	GIVES(-EBUSY, try_size(id, 0));
	GIVES(-EBUSY, TX(fs, shmfs_open(fs, ALICE, id, O_RDWR | O_TRUNC, &opened)));
	GIVES(-EBUSY,
	    TX(fs, shmfs_create(fs, ALICE, SHMFS_ROOT, "a", 0, O_RDWR | O_TRUNC, &attr, &opened)));
	GIVES(0, try_size(id, 10000));
	GIVES(0, try_size(id, 10001));
	GIVES(-EBUSY, try_size(id, 10000));
	unpin(first);
	GIVES(-EBUSY, try_size(id, 10000));
	unpin(second);
	GIVES(0, try_size(id, 10000));
	GIVES(0, try_size(id, 0));
	close_checked(fs);
}
END_TEST

START_TEST(a_pin_lies_within_its_object)
{
	uint64_t id, p;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(-EINVAL, pin(id, 0, 10001, &p));
	GIVES(-EINVAL, pin(id, 10000, 1, &p));
	GIVES(-EINVAL, pin(id, 0, 0, &p));
	GIVES(-EINVAL, pin(id, UINT64_MAX, 2, &p));
	GIVES(0, pin(id, 0, 1, &p));
	unpin(p);
	unpin(p);
	close_checked(fs);
}
END_TEST

START_TEST(what_a_pinned_object_stores_is_seen_by_whoever_was_handed_it)
{
	uint64_t id, handle, p;
	char byte = 0;
	int fd;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	handle = open_object(fs, id, O_RDWR);
	GIVES(0, pin(id, 0, 10000, &p));
	fd = shmfs_open_pinned(fs, p, true);
	ck_assert_int_ge(fd, 0);
	write_bytes(fs, handle, 'x', 1, 9999);
	ck_assert_int_eq(pread(fd, &byte, 1, 9999), 1);
	ck_assert_int_eq(byte, 'x');
	ck_assert_int_eq(pwrite(fd, "y", 1, 5000), 1);
	expect_bytes(fs, handle, 'y', 1, 5000);
	close(fd);
	fd = shmfs_open_pinned(fs, p, false);
	ck_assert_int_eq(pwrite(fd, "y", 1, 5000), -1);
	ck_assert_int_eq(ftruncate(fd, 1), -1);
	close(fd);
	GIVES(-EBADF, shmfs_open_pinned(fs, p + 1, false));
	release(fs, handle);
	unpin(p);
	close_checked(fs);
}
END_TEST

START_TEST(a_pin_keeps_an_object_without_a_name)
{
	uint64_t id, p;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, pin(id, 0, 1, &p));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, id, 1);
	ck_assert(exists(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	unpin(p);
	ck_assert(!exists(fs, id));
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	close_checked(fs);
}
END_TEST

/* Else a user could keep memory that nobody is charged for. */
START_TEST(memory_that_was_handed_out_is_charged_until_it_is_given_back)
{
	uint64_t id, p;
	void *map;
	int fd;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, pin(id, 0, 1, &p));
	fd = shmfs_open_pinned(fs, p, false);
	unpin(p);
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	forget(fs, id, 1);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	map = mmap(NULL, 10000, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	close(fd);
	GIVES(0, expire());
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	munmap(map, 10000);
	GIVES(1, expire());
	ck_assert_str_eq(removal.name, "");
	ck_assert_uint_eq(removal.size, 10000);
	ck_assert_uint_eq(usage(fs).used_pages, 0);
	GIVES(0, expire());
	close_checked(fs);
}
END_TEST

START_TEST(pins_outlive_the_process_and_can_be_found)
{
	uint64_t id, first, second;
	struct shmfs_pin found;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, pin(id, 0, 1, &first));
	GIVES(0, pin(id, 0, 1, &second));
	fs = take_up(fs);
	GIVES(-EBUSY, try_size(id, 1));
	ck_assert_uint_eq(usage(fs).pins, 2);
	ck_assert(shmfs_next_pin(fs, 0, &found));
	ck_assert_uint_eq(found.id, first);
	ck_assert_uint_eq(found.object, id);
	ck_assert_int_eq(found.owner, 7);
	ck_assert(shmfs_next_pin(fs, first + 1, &found));
	ck_assert_uint_eq(found.id, second);
	ck_assert(!shmfs_next_pin(fs, second + 1, &found));
	unpin(first);
	unpin(second);
	ck_assert(!shmfs_next_pin(fs, 0, &found));
	GIVES(0, try_size(id, 1));
	close_checked(fs);
}
END_TEST

START_TEST(an_object_that_is_sealed_against_writing_is_pinned_for_reading)
{
	uint64_t id, p;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.seals", "write", 5, 0)));
	GIVES(-EPERM, pin(id, 0, 1, &p));
	GIVES(0, TX(fs, shmfs_pin(fs, id, &(struct shmfs_part){0, 1, false}, 7, &p)));
	unpin(p);
	close_checked(fs);
}
END_TEST

START_TEST(what_somebody_holds_is_not_reaped)
{
	uint64_t id, handle, p;
	void *map;
	int fd;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	handle = open_object(fs, id, O_RDONLY);
	GIVES(1, shmfs_held(fs, id));
	GIVES(-EBUSY, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	release(fs, handle);
	GIVES(0, pin(id, 0, 1, &p));
	GIVES(-EBUSY, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	fd = shmfs_open_pinned(fs, p, false);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	close(fd);
	unpin(p);
	GIVES(1, shmfs_held(fs, id));
	GIVES(-EBUSY, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	munmap(map, 4096);
	GIVES(0, shmfs_held(fs, id));
	close_checked(fs);
}
END_TEST

START_TEST(reaping_takes_the_names_one_by_one)
{
	uint64_t id;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", 10000);
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	forget(fs, id, 2);
	GIVES(0, shmfs_held(fs, id));
	GIVES(0, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	ck_assert_str_eq(removal.name, "b");
	ck_assert_uint_eq(removal.dir, SHMFS_ROOT);
	ck_assert_uint_eq(removal.size, 10000);
	ck_assert_uint_eq(removal.creator, 1001);
	GIVES(0, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	ck_assert_str_eq(removal.name, "a");
	GIVES(-ESTALE, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	GIVES(-ESTALE, shmfs_held(fs, id));
	GIVES(-EINVAL, shmfs_held(fs, SHMFS_ROOT));
	close_checked(fs);
}
END_TEST

/* Someone links an object to where its owner may not unlink it. */
START_TEST(only_names_that_the_subject_could_unlink_are_reaped)
{
	static const struct shmfs_subject alice = {.uid = 1001, .gid = 2001},
					  bob = {.uid = 1002, .gid = 2002},
					  exempt = {.uid = 1002, .gid = 2002, .exempt = true};
	uint64_t id, closed, hidden, within;

	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "mine", 10000);
	GIVES(0, TX(fs, shmfs_mkdir(fs, SUPERUSER, SHMFS_ROOT, "closed", 0755, &attr)));
	closed = attr.id;
	GIVES(0, TX(fs, shmfs_mkdir(fs, SUPERUSER, SHMFS_ROOT, "hidden", 0700, &attr)));
	hidden = attr.id;
	GIVES(0, TX(fs, shmfs_mkdir(fs, SUPERUSER, hidden, "within", 0777, &attr)));
	within = attr.id;
	GIVES(0, TX(fs, shmfs_link(fs, SUPERUSER, id, closed, "not writable", &attr)));
	GIVES(0, TX(fs, shmfs_link(fs, SUPERUSER, id, within, "not reachable", &attr)));
	GIVES(-EACCES, TX(fs, shmfs_reap(fs, &bob, id, &removal)));
	GIVES(0, TX(fs, shmfs_reap(fs, &alice, id, &removal)));
	ck_assert_str_eq(removal.name, "mine");
	GIVES(-EACCES, TX(fs, shmfs_reap(fs, &alice, id, &removal)));
	GIVES(0, TX(fs, shmfs_reap(fs, &exempt, id, &removal)));
	ck_assert_str_eq(removal.name, "not reachable");
	GIVES(0, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	ck_assert_str_eq(removal.name, "not writable");
	close_checked(fs);
}
END_TEST

START_TEST(a_sticky_directory_keeps_others_names_from_being_reaped)
{
	static const struct shmfs_subject bob = {.uid = 1002, .gid = 2002}, carol = {.uid = 1003};
	uint64_t id, dir;

	fs = open_small();
	GIVES(0, TX(fs, shmfs_mkdir(fs, BOB, SHMFS_ROOT, "dir", 01777, &attr)));
	dir = attr.id;
	id = new_object_of(fs, dir, "alice's", 1);
	GIVES(-EACCES, TX(fs, shmfs_reap(fs, &carol, id, &removal)));
	GIVES(0, TX(fs, shmfs_reap(fs, &bob, id, &removal)));
	GIVES(0, TX(fs, shmfs_mkdir(fs, BOB, SHMFS_ROOT, "open", 0777, &attr)));
	id = new_object_of(fs, attr.id, "another", 1);
	GIVES(0, TX(fs, shmfs_reap(fs, &carol, id, &removal)));
	close_checked(fs);
}
END_TEST

static struct timespec directory_mtime(void)
{
	return attributes(fs, SHMFS_ROOT).mtime;
}

/* Three names go at one time of the clock, behind which or before which the directory's lies. */
static void reap_at_one_time(struct timespec mtime)
{
	struct shmfs_change change = {.what = SHMFS_CHANGE_MTIME, .mtime = mtime};
	uint64_t ids[3];

	for (int i = 0; i < 3; i++) {
		ids[i] = new_object_of(fs, SHMFS_ROOT, (char[]){(char)('a' + i), '\0'}, 1);
		forget(fs, ids[i], 1);
	}
	GIVES(0, TX(fs, shmfs_setattr(fs, SHMFS_ROOT, &change, &attr)));
	for (int i = 0; i < 3; i++) {
		GIVES(0, TX(fs, shmfs_reap(fs, &root, ids[i], &removal)));
		ck_assert_int_gt(compare_times(directory_mtime(), mtime), 0);
		mtime = directory_mtime();
	}
}

START_TEST(each_name_that_is_reaped_makes_its_directory_later)
{
	const struct timespec now = outside->now, second = {now.tv_sec, 999999998},
			      far = {now.tv_sec + 100, 0};
	struct shmfs_change change = {.what = SHMFS_CHANGE_MTIME, .mtime = far};
	uint64_t id;

	fs = open_small();
	reap_at_one_time((struct timespec){now.tv_sec - 5, 9});
	SAME_TIME(((struct timespec){now.tv_sec, now.tv_nsec + 2}), directory_mtime());
	reap_at_one_time(now);
	SAME_TIME(((struct timespec){now.tv_sec, now.tv_nsec + 3}), directory_mtime());
	reap_at_one_time(second);
	SAME_TIME(((struct timespec){now.tv_sec + 1, 1}), directory_mtime());
	id = new_object_of(fs, SHMFS_ROOT, "d", 1);
	forget(fs, id, 1);
	GIVES(0, TX(fs, shmfs_setattr(fs, SHMFS_ROOT, &change, &attr)));
	GIVES(0, TX(fs, shmfs_reap(fs, &root, id, &removal)));
	SAME_TIME(now, directory_mtime());
	close_checked(fs);
}
END_TEST

Suite *holding_suite(void)
{
	Suite *suite = suite_create("holding");
	TCase *tests = harness_case(suite, "pins");

	tcase_add_test(tests, a_pinned_object_does_not_shrink);
	tcase_add_test(tests, a_pin_lies_within_its_object);
	tcase_add_test(tests, what_a_pinned_object_stores_is_seen_by_whoever_was_handed_it);
	tcase_add_test(tests, a_pin_keeps_an_object_without_a_name);
	tcase_add_test(tests, memory_that_was_handed_out_is_charged_until_it_is_given_back);
	tcase_add_test(tests, pins_outlive_the_process_and_can_be_found);
	tcase_add_test(tests, an_object_that_is_sealed_against_writing_is_pinned_for_reading);
	tests = harness_case(suite, "reaping");
	tcase_add_test(tests, what_somebody_holds_is_not_reaped);
	tcase_add_test(tests, reaping_takes_the_names_one_by_one);
	tcase_add_test(tests, only_names_that_the_subject_could_unlink_are_reaped);
	tcase_add_test(tests, a_sticky_directory_keeps_others_names_from_being_reaped);
	tcase_add_test(tests, each_name_that_is_reaped_makes_its_directory_later);
	return suite;
}
