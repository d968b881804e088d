/* SPDX-License-Identifier: BSD-2-Clause */
/* ftruncate, fallocate and lseek for data and holes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, OTHER_USER = 65534 };

START_TEST(ftruncate_sets_exactly_the_size)
{
	static const off_t sizes[] = {
	    1, PAGE, PAGE, 12345, 511, 511, 0, 0, 100 * PAGE + 1, 100 * PAGE, 3};
	int fd = new_object("a", 0);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		OK(ftruncate(fd, sizes[i]));
		ck_assert_int_eq(size_of(fd), sizes[i]);
		ck_assert_int_eq(status_of("a").st_size, sizes[i]);
	}
}
END_TEST

START_TEST(truncate_by_path_sets_the_size)
{
	int fd = new_object("a", PAGE);

	write_pattern(fd, 0, PAGE);
	OK(truncate("a", 1000));
	ck_assert_int_eq(size_of(fd), 1000);
	OK(truncate("a", 5000));
	ck_assert_int_eq(size_of(fd), 5000);
	expect_pattern(fd, 0, 1000);
	expect_zeros(fd, 1000, 4000);
}
END_TEST

START_TEST(a_bad_size_is_refused)
{
	int fd = new_object("a", 10);

	FAILS(EINVAL, ftruncate(fd, -1));
	FAILS(EINVAL, truncate("a", -1));
	ck_assert_int_eq(size_of(fd), 10);
}
END_TEST

START_TEST(ftruncate_on_a_read_only_descriptor_is_einval)
{
	int fd;

	make_object("a", 10);
	fd = OK(open("a", O_RDONLY));
	FAILS(EINVAL, ftruncate(fd, 20));
	FAILS(EINVAL, ftruncate(fd, 0));
	ck_assert_int_eq(size_of(fd), 10);
}
END_TEST

static void truncate_another_users_object(void *context)
{
	(void)context;
	FAILS(EACCES, truncate("a", 0));
}

START_TEST(truncate_needs_write_permission)
{
	make_object("a", 10);
	OK(chmod("a", 0644));
	in_child_as(OTHER_USER, truncate_another_users_object, NULL);
	ck_assert_int_eq(status_of("a").st_size, 10);
}
END_TEST

START_TEST(truncate_of_a_directory_is_eisdir)
{
	OK(mkdir("d", 0755));
	FAILS(EISDIR, truncate("d", 0));
}
END_TEST

START_TEST(fallocate_grows_and_never_shrinks)
{
	int fd = new_object("a", 0);

	OK(fallocate(fd, 0, 0, 1000));
	ck_assert_int_eq(size_of(fd), 1000);
	write_pattern(fd, 0, 1000);
	OK(fallocate(fd, 0, 0, 10));
	ck_assert_int_eq(size_of(fd), 1000);
	OK(fallocate(fd, 0, 3000, 3001));
	ck_assert_int_eq(size_of(fd), 6001);
	expect_pattern(fd, 0, 1000);
	expect_zeros(fd, 1000, 5001);
	FAILS(EFBIG, pwrite(fd, "x", 1, 6001));
}
END_TEST

START_TEST(posix_fallocate_grows)
{
	int fd = new_object("a", 10);

	GIVES(0, posix_fallocate(fd, 0, 5000));
	ck_assert_int_eq(size_of(fd), 5000);
	GIVES(0, posix_fallocate(fd, 100, 100));
	ck_assert_int_eq(size_of(fd), 5000);
}
END_TEST

START_TEST(fallocate_keep_size_leaves_the_size)
{
	int fd = new_object("a", 100);

	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10 * PAGE));
	ck_assert_int_eq(size_of(fd), 100);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, 50 * PAGE, PAGE));
	ck_assert_int_eq(size_of(fd), 100);
	FAILS(EFBIG, pwrite(fd, "x", 1, 100));
}
END_TEST

static void expect_cleared(int fd, off_t size, off_t offset, off_t length)
{
	off_t end = offset + length < size ? offset + length : size;

	expect_pattern(fd, 0, (size_t)offset);
	expect_zeros(fd, offset, (size_t)(end - offset));
	expect_pattern(fd, end, (size_t)(size - end));
	ck_assert_int_eq(size_of(fd), size);
}

static const struct {
	off_t offset;
	off_t length;
} ranges[] = {{0, PAGE}, {PAGE, 2 * PAGE}, {1, 1}, {PAGE - 1, 2}, {100, 3 * PAGE}, {0, 5 * PAGE},
    {PAGE + 1, PAGE - 1}, {5 * PAGE - 700, 200}, {5 * PAGE - 500, 10 * PAGE}};

START_TEST(punching_a_hole_is_exact_to_the_byte)
{
	enum { SIZE = 5 * PAGE - 300 };
	int fd = new_object("a", SIZE);
	const unsigned char *map = map_object(fd, SIZE, PROT_READ);

	write_pattern(fd, 0, SIZE);
	OK(fallocate(fd, PUNCH, ranges[_i].offset, ranges[_i].length));
	expect_cleared(fd, SIZE, ranges[_i].offset, ranges[_i].length);
	ck_assert_int_eq(map[ranges[_i].offset], 0);
}
END_TEST

START_TEST(zeroing_a_range_is_exact_to_the_byte)
{
	enum { SIZE = 5 * PAGE - 300 };
	int fd = new_object("a", SIZE);
	const unsigned char *map = map_object(fd, SIZE, PROT_READ);

	write_pattern(fd, 0, SIZE);
	OK(fallocate(
	    fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, ranges[_i].offset, ranges[_i].length));
	expect_cleared(fd, SIZE, ranges[_i].offset, ranges[_i].length);
	ck_assert_int_eq(map[ranges[_i].offset], 0);
}
END_TEST

START_TEST(a_hole_clears_what_a_mapping_stored)
{
	int fd = new_object("a", 3 * PAGE);
	unsigned char *map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, 3 * PAGE);
	OK(fallocate(fd, PUNCH, 100, 2 * PAGE));
	expect_cleared(fd, 3 * PAGE, 100, 2 * PAGE);
	BYTES_ARE(0, map + 100, 2 * PAGE);
	ck_assert_int_eq(map[99], pattern_at(99));
	ck_assert_int_eq(map[2 * PAGE + 100], pattern_at(2 * PAGE + 100));
	map[PAGE] = 9;
	ck_assert_int_eq(map[PAGE], 9);
	expect_zeros(fd, PAGE + 1, 10);
}
END_TEST

START_TEST(punching_behind_the_end_changes_nothing)
{
	int fd = new_object("a", 100);

	write_pattern(fd, 0, 100);
	OK(fallocate(fd, PUNCH, 100, 10 * PAGE));
	OK(fallocate(fd, PUNCH, 20 * PAGE, PAGE));
	expect_pattern(fd, 0, 100);
	ck_assert_int_eq(size_of(fd), 100);
}
END_TEST

START_TEST(zeroing_a_range_without_keep_size_grows)
{
	int fd = new_object("a", 100);

	write_pattern(fd, 0, 100);
	OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 50, 1000));
	ck_assert_int_eq(size_of(fd), 1050);
	expect_pattern(fd, 0, 50);
	expect_zeros(fd, 50, 1000);
	OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 10));
	ck_assert_int_eq(size_of(fd), 1050);
}
END_TEST

START_TEST(other_modes_of_fallocate_are_eopnotsupp)
{
	static const int modes[] = {FALLOC_FL_PUNCH_HOLE, FALLOC_FL_COLLAPSE_RANGE,
	    FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE, 1 << 20};
	int fd = new_object("a", 2 * PAGE);

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		FAILS(EOPNOTSUPP, fallocate(fd, modes[i], 0, PAGE));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
}
END_TEST

START_TEST(a_bad_range_of_fallocate_is_refused)
{
	int fd = new_object("a", 10);

	FAILS(EINVAL, fallocate(fd, 0, -1, 10));
	FAILS(EINVAL, fallocate(fd, 0, 0, 0));
	FAILS(EINVAL, fallocate(fd, 0, 0, -1));
	FAILS(EBADF, fallocate(OK(open("a", O_RDONLY)), 0, 0, 10));
	ck_assert_int_eq(size_of(fd), 10);
}
END_TEST

START_TEST(the_end_is_a_hole)
{
	int fd = new_object("a", 2 * PAGE + 100);

	write_pattern(fd, 0, 2 * PAGE + 100);
	GIVES(0, lseek(fd, 0, SEEK_DATA));
	GIVES(2 * PAGE + 100, lseek(fd, 0, SEEK_HOLE));
	GIVES(50, lseek(fd, 50, SEEK_DATA));
	GIVES(2 * PAGE + 100, lseek(fd, 2 * PAGE, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, 2 * PAGE + 100, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 2 * PAGE + 100, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, 10 * PAGE, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 10 * PAGE, SEEK_HOLE));
}
END_TEST

START_TEST(data_and_holes_are_found)
{
	int fd = new_object("a", 8 * PAGE);

	FAILS(ENXIO, lseek(fd, 0, SEEK_DATA));
	GIVES(0, lseek(fd, 0, SEEK_HOLE));
	write_pattern(fd, 2 * PAGE + 5, 1);
	write_pattern(fd, 5 * PAGE, 2 * PAGE);
	GIVES(2 * PAGE, lseek(fd, 0, SEEK_DATA));
	GIVES(3 * PAGE, lseek(fd, 2 * PAGE, SEEK_HOLE));
	GIVES(5 * PAGE, lseek(fd, 3 * PAGE, SEEK_DATA));
	GIVES(7 * PAGE, lseek(fd, 5 * PAGE, SEEK_HOLE));
	FAILS(ENXIO, lseek(fd, 7 * PAGE, SEEK_DATA));
	OK(fallocate(fd, PUNCH, 5 * PAGE, PAGE));
	GIVES(6 * PAGE, lseek(fd, 3 * PAGE, SEEK_DATA));
}
END_TEST

START_TEST(what_a_mapping_stored_is_data)
{
	int fd = new_object("a", 8 * PAGE);
	unsigned char *map = map_object(fd, 8 * PAGE, PROT_READ | PROT_WRITE);

	map[4 * PAGE] = 1;
	settle_mapped_stores(map, 8 * PAGE);
	GIVES(4 * PAGE, lseek(fd, 0, SEEK_DATA));
	GIVES(5 * PAGE, lseek(fd, 4 * PAGE, SEEK_HOLE));
}
END_TEST

START_TEST(seeking_beyond_the_end_is_possible_and_finds_nothing)
{
	int fd = new_object("a", 10);
	char byte;

	GIVES(1000, lseek(fd, 1000, SEEK_SET));
	GIVES(0, read(fd, &byte, 1));
	FAILS(EFBIG, write(fd, "x", 1));
	GIVES(10, lseek(fd, 0, SEEK_END));
	GIVES(5, lseek(fd, -5, SEEK_END));
	FAILS(EINVAL, lseek(fd, -11, SEEK_END));
}
END_TEST

void add_size_cases(Suite *suite)
{
	TCase *truncating = case_on_mount(suite, "ftruncate", NULL);
	TCase *allocating = case_on_mount(suite, "fallocate", NULL);
	TCase *seeking = case_on_mount(suite, "lseek", start_mount_of_small_pages);

	tcase_add_test(truncating, ftruncate_sets_exactly_the_size);
	tcase_add_test(truncating, truncate_by_path_sets_the_size);
	tcase_add_test(truncating, a_bad_size_is_refused);
	tcase_add_test(truncating, ftruncate_on_a_read_only_descriptor_is_einval);
	tcase_add_test(truncating, truncate_needs_write_permission);
	tcase_add_test(truncating, truncate_of_a_directory_is_eisdir);
	tcase_add_test(allocating, fallocate_grows_and_never_shrinks);
	tcase_add_test(allocating, posix_fallocate_grows);
	tcase_add_test(allocating, fallocate_keep_size_leaves_the_size);
	tcase_add_loop_test(allocating, punching_a_hole_is_exact_to_the_byte, 0, 9);
	tcase_add_loop_test(allocating, zeroing_a_range_is_exact_to_the_byte, 0, 9);
	tcase_add_test(allocating, a_hole_clears_what_a_mapping_stored);
	tcase_add_test(allocating, punching_behind_the_end_changes_nothing);
	tcase_add_test(allocating, zeroing_a_range_without_keep_size_grows);
	tcase_add_test(allocating, other_modes_of_fallocate_are_eopnotsupp);
	tcase_add_test(allocating, a_bad_range_of_fallocate_is_refused);
	tcase_add_test(seeking, the_end_is_a_hole);
	tcase_add_test(seeking, data_and_holes_are_found);
	tcase_add_test(seeking, what_a_mapping_stored_is_data);
	tcase_add_test(seeking, seeking_beyond_the_end_is_possible_and_finds_nothing);
}
