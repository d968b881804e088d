/* SPDX-License-Identifier: BSD-2-Clause */
/* fallocate(2) in every mode, and finding data and holes. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

#define TOP ((uint64_t)INT64_MAX)
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ZERO FALLOC_FL_ZERO_RANGE
#define ZERO_KEEP (FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)
#define KEEP FALLOC_FL_KEEP_SIZE

static struct shmfs *fs;
static uint64_t id, handle;

static void begin(uint64_t size)
{
	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, "a", size);
	handle = open_object(fs, id, O_RDWR);
}

static int64_t allocate(int mode, uint64_t offset, uint64_t length)
{
	return TX(fs, shmfs_fallocate(fs, ALICE, handle, mode, offset, length));
}

static uint64_t size_now(void)
{
	return attributes(fs, id).size;
}

START_TEST(mode_0_extends_and_charges_but_touches_no_page)
{
	test_memory_is_small();
	begin(100);
	write_bytes(fs, handle, 'x', 100, 0);
	GIVES(0, allocate(0, 0, 50));
	ck_assert_uint_eq(size_now(), 100);
	GIVES(0, allocate(0, 5000, 5000));
	ck_assert_uint_eq(size_now(), 10000);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(10000));
	ck_assert_uint_eq(attributes(fs, id).blocks, PAGE / 512);
	expect_bytes(fs, handle, 'x', 100, 0);
	expect_bytes(fs, handle, '\0', 9900, 100);
	close_checked(fs);
}
END_TEST

START_TEST(keep_size_changes_nothing_but_the_times)
{
	begin(100);
	write_bytes(fs, handle, 'x', 100, 0);
	outside_advance(1, 0);
	GIVES(0, allocate(KEEP, 0, 50));
	GIVES(0, allocate(KEEP, 50, 5000));
	GIVES(0, allocate(KEEP, 5000, 5000));
	ck_assert_uint_eq(size_now(), 100);
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	expect_bytes(fs, handle, 'x', 100, 0);
	SAME_TIME(outside->now, attributes(fs, id).mtime);
	close_checked(fs);
}
END_TEST

/* Zeroing by one of the modes; what lies around the range stays. */
static void expect_zeroed(int mode, uint64_t offset, uint64_t length)
{
	uint64_t size = 3 * PAGE, end = offset + length < size ? offset + length : size;

	begin(size);
	write_bytes(fs, handle, 'x', size, 0);
	outside_advance(1, 0);
	GIVES(0, allocate(mode, offset, length));
	expect_bytes(fs, handle, 'x', offset, 0);
	expect_bytes(fs, handle, '\0', end - offset, offset);
	expect_bytes(fs, handle, 'x', size - end, end);
	SAME_TIME(outside->now, attributes(fs, id).mtime);
	if (mode != ZERO)
		ck_assert_uint_eq(size_now(), size);
	else
		ck_assert_uint_eq(size_now(), offset + length > size ? offset + length : size);
	close_checked(fs);
}

START_TEST(punching_and_zeroing_work_to_the_byte)
{
	static const uint64_t ranges[][2] = {{0, 1}, {0, 4096}, {1, 4094}, {4095, 2}, {4096, 4096},
	    {100, 10000}, {0, 12288}, {12287, 1}, {12000, 10000}, {0, 100000}};
	static const int modes[] = {PUNCH, ZERO, ZERO_KEEP};

	for (size_t mode = 0; mode < 3; mode++) {
		for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
			expect_zeroed(modes[mode], ranges[i][0], ranges[i][1]);
	}
}
END_TEST

START_TEST(punching_frees_whole_pages)
{
	begin(4 * PAGE);
	write_bytes(fs, handle, 'x', 4 * PAGE, 0);
	GIVES(0, allocate(PUNCH, 100, 2 * PAGE));
	ck_assert_uint_eq(attributes(fs, id).blocks, 3 * PAGE / 512);
	GIVES(0, allocate(ZERO, 4 * PAGE - 1, 1));
	ck_assert_uint_eq(attributes(fs, id).blocks, 3 * PAGE / 512);
	GIVES(0, allocate(ZERO_KEEP, 0, TOP));
	ck_assert_uint_eq(attributes(fs, id).blocks, 0);
	ck_assert_uint_eq(usage(fs).used_pages, 4);
	close_checked(fs);
}
END_TEST

START_TEST(beyond_the_end_nothing_is_punched)
{
	begin(5000);
	GIVES(0, allocate(PUNCH, 5000, 1));
	GIVES(0, allocate(ZERO_KEEP, 10000, 1));
	GIVES(0, allocate(PUNCH, TOP - 1, 1));
	ck_assert_uint_eq(outside->calls[OUTSIDE_PUNCH], 0);
	ck_assert_uint_eq(size_now(), 5000);
	close_checked(fs);
}
END_TEST

START_TEST(an_object_without_memory_has_nothing_to_punch)
{
	begin(0);
	GIVES(0, allocate(PUNCH, 0, 10));
	GIVES(0, allocate(ZERO_KEEP, 0, 10));
	ck_assert_uint_eq(outside->books.memories, 0);
	GIVES(0, allocate(ZERO, 0, 10));
	ck_assert_uint_eq(size_now(), 10);
	close_checked(fs);
}
END_TEST

START_TEST(other_modes_are_not_supported)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
	    FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE, FALLOC_FL_NO_HIDE_STALE, PUNCH | ZERO,
	    KEEP | FALLOC_FL_COLLAPSE_RANGE, 0x100, -1, INT32_MIN};

	begin(100);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		GIVES(-EOPNOTSUPP, allocate(modes[i], 0, 10));
	close_checked(fs);
}
END_TEST

START_TEST(ranges_are_checked_in_every_mode)
{
	static const int modes[] = {0, KEEP, PUNCH, ZERO, ZERO_KEEP};

	begin(100);
	for (size_t i = 0; i < 5; i++) {
		GIVES(-EINVAL, allocate(modes[i], 0, 0));
		GIVES(-EINVAL, allocate(modes[i], UINT64_MAX, 0));
		GIVES(-EFBIG, allocate(modes[i], TOP, 1));
		GIVES(-EFBIG, allocate(modes[i], 1, TOP));
		GIVES(-EFBIG, allocate(modes[i], TOP + 1, 1));
		GIVES(-EFBIG, allocate(modes[i], UINT64_MAX, 1));
		GIVES(-EFBIG, allocate(modes[i], UINT64_MAX, UINT64_MAX));
		GIVES(-EFBIG, allocate(modes[i], 0, UINT64_MAX));
		GIVES(-EFBIG, allocate(modes[i], 100, UINT64_MAX - 100));
		ck_assert_uint_eq(size_now(), 100);
	}
	GIVES(0, allocate(KEEP, TOP - 1, 1));
	GIVES(0, allocate(0, TOP - 1, 1));
	ck_assert_uint_eq(size_now(), TOP);
	close_checked(fs);
}
END_TEST

START_TEST(errors_of_punching_are_passed_on)
{
	begin(5000);
	outside_fail(2, ENOMEM, false);
	GIVES(-ENOMEM, allocate(PUNCH, 0, 10));
	outside_fail(3, EIO, false);
	GIVES(-EIO, allocate(ZERO, 0, 10000));
	ck_assert_int_eq(outside->failed, OUTSIDE_PUNCH);
	ck_assert_uint_eq(size_now(), 5000);
	close_checked(fs);
}
END_TEST

static int64_t seek(uint64_t offset, int whence)
{
	uint64_t out = 0;
	int rc = shmfs_lseek(fs, ALICE, handle, offset, whence, &out);

	return rc < 0 ? rc : (int64_t)out;
}

START_TEST(data_and_holes_are_found)
{
	test_memory_is_small();
	begin(5 * PAGE + 100);
	write_bytes(fs, handle, 'x', 1, 2 * PAGE + 5);
	GIVES(2 * PAGE, seek(0, SEEK_DATA));
	GIVES(2 * PAGE + 7, seek(2 * PAGE + 7, SEEK_DATA));
	GIVES(0, seek(0, SEEK_HOLE));
	GIVES(3 * PAGE, seek(2 * PAGE, SEEK_HOLE));
	GIVES(-ENXIO, seek(3 * PAGE, SEEK_DATA));
	GIVES(5 * PAGE + 99, seek(5 * PAGE + 99, SEEK_HOLE));
	close_checked(fs);
}
END_TEST

START_TEST(the_end_is_a_hole)
{
	begin(5000);
	write_bytes(fs, handle, 'x', 5000, 0);
	GIVES(0, seek(0, SEEK_DATA));
	GIVES(5000, seek(0, SEEK_HOLE));
	GIVES(5000, seek(4999, SEEK_HOLE));
	GIVES(4999, seek(4999, SEEK_DATA));
	close_checked(fs);
}
END_TEST

START_TEST(nothing_is_found_beyond_the_end)
{
	static const uint64_t offsets[] = {5000, 5001, TOP, TOP + 1, UINT64_MAX};

	begin(5000);
	for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
		GIVES(-ENXIO, seek(offsets[i], SEEK_DATA));
		GIVES(-ENXIO, seek(offsets[i], SEEK_HOLE));
	}
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	resize(fs, id, 0);
	GIVES(-ENXIO, seek(0, SEEK_HOLE));
	close_checked(fs);
}
END_TEST

START_TEST(other_ways_to_seek_are_invalid)
{
	static const int whences[] = {SEEK_SET, SEEK_CUR, SEEK_END, 5, -1, INT32_MAX};

	begin(5000);
	for (size_t i = 0; i < sizeof whences / sizeof whences[0]; i++)
		GIVES(-EINVAL, seek(0, whences[i]));
	outside_fail(1, EIO, false);
	GIVES(-EIO, seek(0, SEEK_DATA));
	close_checked(fs);
}
END_TEST

static mode_t mode_after(const struct shmfs_cred *cred, mode_t mode)
{
	struct shmfs_change change = {.what = SHMFS_CHANGE_MODE, .mode = mode};
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &change, &attr)));
	GIVES(0, TX(fs, shmfs_fallocate(fs, cred, handle, KEEP, 0, 1)));
	return attributes(fs, id).mode & 07777;
}

/* As a write does, whatever the mode, and even where nothing is to do. */
START_TEST(set_id_bits_go)
{
	begin(10);
	ck_assert_uint_eq(mode_after(ALICE, 06777), 0777);
	ck_assert_uint_eq(mode_after(BOB, 04644), 0644);
	ck_assert_uint_eq(mode_after(ALICE, 02644), 02644);
	ck_assert_uint_eq(mode_after(BOB, 02644), 0644);
	ck_assert_uint_eq(mode_after(SUPERUSER, 06777), 06777);
	close_checked(fs);
}
END_TEST

Suite *allocate_suite(void)
{
	Suite *suite = suite_create("allocate");
	TCase *tests = harness_case(suite, "allocate");

	tcase_add_test(tests, mode_0_extends_and_charges_but_touches_no_page);
	tcase_add_test(tests, keep_size_changes_nothing_but_the_times);
	tcase_add_test(tests, punching_and_zeroing_work_to_the_byte);
	tcase_add_test(tests, punching_frees_whole_pages);
	tcase_add_test(tests, beyond_the_end_nothing_is_punched);
	tcase_add_test(tests, an_object_without_memory_has_nothing_to_punch);
	tcase_add_test(tests, other_modes_are_not_supported);
	tcase_add_test(tests, ranges_are_checked_in_every_mode);
	tcase_add_test(tests, errors_of_punching_are_passed_on);
	tcase_add_test(tests, set_id_bits_go);
	tcase_add_test(tests, data_and_holes_are_found);
	tcase_add_test(tests, the_end_is_a_hole);
	tcase_add_test(tests, nothing_is_found_beyond_the_end);
	tcase_add_test(tests, other_ways_to_seek_are_invalid);
	return suite;
}
