/* SPDX-License-Identifier: BSD-2-Clause */
/* Which operation marks which time. */
#include <fcntl.h>

#include "harness.h"
#include "suites.h"

/* Which of the times of a node are now, as bits. */
enum { ATIME = 1, MTIME = 2, CTIME = 4 };

static int marked(struct shmfs *fs, uint64_t id)
{
	struct shmfs_attr attr = attributes(fs, id);

	return (compare_times(attr.atime, outside->now) == 0 ? ATIME : 0) |
	       (compare_times(attr.mtime, outside->now) == 0 ? MTIME : 0) |
	       (compare_times(attr.ctime, outside->now) == 0 ? CTIME : 0);
}

static void later(void)
{
	outside_advance(1, 1);
}

START_TEST(changes_of_attributes_mark_the_change_time)
{
	static const unsigned whats[] = {SHMFS_CHANGE_MODE, SHMFS_CHANGE_UID, SHMFS_CHANGE_GID};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (int i = 0; i < 3; i++) {
		later();
		change_attributes(fs, id, (struct shmfs_change){.what = whats[i]});
		ck_assert_int_eq(marked(fs, id), CTIME);
	}
	close_checked(fs);
}
END_TEST

START_TEST(size_changes_mark_modification_and_change_time)
{
	static const uint64_t sizes[] = {10, 5000, 5000, 100, 0, 0};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");

	for (int i = 0; i < 6; i++) {
		later();
		resize(fs, id, sizes[i]);
		ck_assert_int_eq(marked(fs, id), MTIME | CTIME);
	}
	close_checked(fs);
}
END_TEST

START_TEST(times_are_set_to_what_is_said_or_to_now)
{
	struct shmfs_change what = {.atime = {10, 1}, .mtime = {20, 2}, .ctime = {30, 3}};
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	struct shmfs_attr attr;

	later();
	what.what = SHMFS_CHANGE_ATIME;
	attr = change_attributes(fs, id, what);
	SAME_TIME(what.atime, attr.atime);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	what.what = SHMFS_CHANGE_MTIME | SHMFS_CHANGE_ATIME_NOW;
	attr = change_attributes(fs, id, what);
	SAME_TIME(what.mtime, attr.mtime);
	ck_assert_int_eq(marked(fs, id), ATIME | CTIME);
	later();
	what.what = SHMFS_CHANGE_MTIME_NOW | SHMFS_CHANGE_CTIME;
	attr = change_attributes(fs, id, what);
	SAME_TIME(what.ctime, attr.ctime);
	ck_assert_int_eq(marked(fs, id), MTIME);
	later();
	what.what = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_ATIME_NOW | SHMFS_CHANGE_MTIME_NOW;
	change_attributes(fs, id, what);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	close_checked(fs);
}
END_TEST

START_TEST(names_mark_their_directory_and_their_node)
{
	struct shmfs *fs = open_small();
	uint64_t dir = new_directory(fs, SHMFS_ROOT, "dir"), id;
	struct shmfs_attr attr;

	later();
	id = new_object(fs, dir, "a");
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	later();
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, dir, "b", &attr)));
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, dir, "b")));
	ck_assert_int_eq(marked(fs, dir), MTIME | CTIME);
	ck_assert_int_eq(marked(fs, id), CTIME);
	later();
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, dir, "a", &attr)));
	ck_assert_int_eq(marked(fs, dir), 0);
	ck_assert_int_eq(marked(fs, id), 0);
	close_checked(fs);
}
END_TEST

START_TEST(writing_marks_modification_and_change_time)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	write_bytes(fs, handle, 'x', 1, 0);
	ck_assert_int_eq(marked(fs, id), MTIME | CTIME);
	later();
	write_bytes(fs, handle, 'x', 0, 0);
	ck_assert_int_eq(marked(fs, id), 0);
	GIVES(-EFBIG, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 10)));
	ck_assert_int_eq(marked(fs, id), 0);
	GIVES(1, TX(fs, shmfs_write_back(fs, handle, "x", 1, 0)));
	ck_assert_int_eq(marked(fs, id), 0);
	close_checked(fs);
}
END_TEST

static void read_byte(struct shmfs *fs, uint64_t handle, uint64_t offset, int64_t want)
{
	char byte;

	GIVES(want, TX(fs, shmfs_read(fs, ALICE, handle, &byte, 1, offset)));
}

static void read_with_flags(struct shmfs *fs, uint64_t handle, int flags, int64_t want)
{
	const struct shmfs_read_request what = {.handle = handle, .size = 1, .flags = flags};
	struct shmfs_memory memory;

	GIVES(want == 1 ? 0 : want, TX(fs, shmfs_read_begin(fs, ALICE, &what, &memory)));
}

START_TEST(reading_marks_the_access_time_as_relatime_does)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	write_bytes(fs, handle, 'x', 1, 0);
	/* At the very time of the change the read is noted as well: it may have come after. */
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME | MTIME | CTIME);
	later();
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	change_attributes(fs, id, (struct shmfs_change){.what = SHMFS_CHANGE_MODE, .mode = 0644});
	read_byte(fs, handle, 10, 0);
	ck_assert_int_eq(marked(fs, id), ATIME | CTIME);
	close_checked(fs);
}
END_TEST

START_TEST(a_read_is_noted_once_a_day)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, handle, 0, 1);
	outside_advance(24 * 60 * 60 - 1, 0);
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	outside_advance(1, 0);
	read_byte(fs, handle, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	close_checked(fs);
}
END_TEST

START_TEST(a_noatime_handle_leaves_no_access_time)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10);
	uint64_t silent = open_object(fs, id, O_RDWR | O_NOATIME),
		 loud = open_object(fs, id, O_RDWR);

	later();
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	/* Flags are those of the last request. */
	read_with_flags(fs, loud, O_RDWR | O_NOATIME, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_byte(fs, loud, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_with_flags(fs, 12345, O_RDWR, -EBADF);
	read_with_flags(fs, silent, O_RDWR, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	later();
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	outside_advance(24 * 60 * 60, 0);
	read_byte(fs, loud, 0, 1);
	ck_assert_int_eq(marked(fs, id), 0);
	read_byte(fs, silent, 0, 1);
	ck_assert_int_eq(marked(fs, id), ATIME);
	close_checked(fs);
}
END_TEST

START_TEST(times_far_away_do_no_harm)
{
	static const time_t ends[] = {INT64_MIN, INT64_MIN + 1, -1, 0, INT64_MAX - 1, INT64_MAX};
	enum { ENDS = sizeof ends / sizeof ends[0] };
	struct shmfs_change what = {
	    .what = SHMFS_CHANGE_ATIME | SHMFS_CHANGE_MTIME | SHMFS_CHANGE_CTIME};
	struct shmfs *fs = open_small();
	uint64_t id = new_object_of(fs, SHMFS_ROOT, "a", 10), handle = open_object(fs, id, O_RDWR);

	for (int i = 0; i < ENDS * ENDS; i++) {
		what.atime.tv_sec = ends[i / ENDS];
		what.mtime.tv_sec = what.ctime.tv_sec = ends[i % ENDS];
		change_attributes(fs, id, what);
		read_byte(fs, handle, 0, 1);
	}
	close_checked(fs);
}
END_TEST

Suite *times_suite(void)
{
	Suite *suite = suite_create("times");
	TCase *tests = harness_case(suite, "times");

	tcase_add_test(tests, changes_of_attributes_mark_the_change_time);
	tcase_add_test(tests, size_changes_mark_modification_and_change_time);
	tcase_add_test(tests, times_are_set_to_what_is_said_or_to_now);
	tcase_add_test(tests, names_mark_their_directory_and_their_node);
	tcase_add_test(tests, writing_marks_modification_and_change_time);
	tcase_add_test(tests, reading_marks_the_access_time_as_relatime_does);
	tcase_add_test(tests, a_read_is_noted_once_a_day);
	tcase_add_test(tests, a_noatime_handle_leaves_no_access_time);
	tcase_add_test(tests, times_far_away_do_no_harm);
	return suite;
}
