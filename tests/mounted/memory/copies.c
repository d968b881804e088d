/* SPDX-License-Identifier: BSD-2-Clause */
/* copy_file_range: stops at the size of the target, as write does. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "suites.h"

enum { LARGE = 3 * 1024 * 1024 + 10, LIMIT = 64 * 1024 };

/* With explicit offsets, of which none is told back. */
static ssize_t copy(int from, off_t from_offset, int to, off_t to_offset, size_t length)
{
	return copy_file_range(from, &from_offset, to, &to_offset, length, 0);
}

static int new_pattern(const char *name, off_t size)
{
	int fd = new_object(name, size);

	write_pattern(fd, 0, (size_t)size);
	return fd;
}

/* The bytes at `at` are those of the pattern at `offset`. */
static void expect_copied(int fd, off_t at, off_t offset, size_t length)
{
	unsigned char *data = malloc(2 * length + 1);

	ck_assert(data != NULL);
	pattern(data, offset, length);
	GIVES((long)length, pread(fd, data + length, length, at));
	BYTES_EQUAL(data, data + length, length);
	free(data);
}

START_TEST(a_copy_is_byte_for_byte)
{
	int from = new_pattern("a", 3 * PAGE);
	int to = new_object("b", 4 * PAGE);

	GIVES(2 * PAGE, copy(from, 5, to, 77, 2 * PAGE));
	expect_zeros(to, 0, 77);
	expect_copied(to, 77, 5, 2 * PAGE);
	expect_zeros(to, 77 + 2 * PAGE, 2 * PAGE - 77);
	expect_pattern(from, 0, 3 * PAGE);
	ck_assert_int_eq(size_of(to), 4 * PAGE);
}
END_TEST

START_TEST(a_copy_across_the_end_of_the_target_is_short)
{
	int from = new_pattern("a", 2 * PAGE);
	int to = new_object("b", PAGE + 100);

	GIVES(50, copy(from, 0, to, PAGE + 50, 2 * PAGE));
	GIVES(PAGE + 100, copy(from, 0, to, 0, 2 * PAGE));
	ck_assert_int_eq(size_of(to), PAGE + 100);
	expect_copied(to, 0, 0, PAGE + 100);
	GIVES(1, copy(from, PAGE, to, PAGE + 99, 10));
}
END_TEST

START_TEST(a_copy_with_no_room_is_efbig)
{
	int from = new_pattern("a", PAGE);
	int to = new_object("b", 100);
	int empty = new_object("c", 0);

	FAILS(EFBIG, copy(from, 0, to, 100, 10));
	FAILS(EFBIG, copy(from, 0, to, PAGE, 10));
	FAILS(EFBIG, copy(from, 0, empty, 0, PAGE));
	ck_assert_int_eq(size_of(to), 100);
	expect_zeros(to, 0, 100);
}
END_TEST

START_TEST(a_copy_ends_at_the_end_of_the_source)
{
	int from = new_pattern("a", 100);
	int to = new_object("b", PAGE);

	GIVES(0, copy(from, 100, to, 0, 10));
	GIVES(0, copy(from, PAGE, to, 0, 10));
	GIVES(0, copy(from, 0, to, 0, 0));
	GIVES(0, copy(new_object("c", 0), 0, to, 0, 10));
	GIVES(10, copy(from, 90, to, 0, PAGE));
	expect_copied(to, 0, 90, 10);
	expect_zeros(to, 10, PAGE - 10);
	/* Nothing to copy needs no room. */
	GIVES(0, copy(from, 100, to, PAGE, 10));
}
END_TEST

START_TEST(positions_move_by_what_was_copied)
{
	int from = new_pattern("a", 100);
	int to = new_object("b", 50);

	OK(lseek(from, 10, SEEK_SET));
	OK(lseek(to, 20, SEEK_SET));
	GIVES(30, copy_file_range(from, NULL, to, NULL, 100, 0));
	GIVES(40, lseek(from, 0, SEEK_CUR));
	GIVES(50, lseek(to, 0, SEEK_CUR));
	expect_copied(to, 20, 10, 30);
	FAILS(EFBIG, copy_file_range(from, NULL, to, NULL, 100, 0));
	GIVES(40, lseek(from, 0, SEEK_CUR));
	GIVES(50, lseek(to, 0, SEEK_CUR));
}
END_TEST

START_TEST(explicit_offsets_are_told_back_and_leave_positions_alone)
{
	int from = new_pattern("a", 100);
	int to = new_object("b", 100);
	off_t from_offset = 90;
	off_t to_offset = 5;

	OK(lseek(from, 1, SEEK_SET));
	OK(lseek(to, 2, SEEK_SET));
	GIVES(10, copy_file_range(from, &from_offset, to, &to_offset, 100, 0));
	ck_assert_int_eq(from_offset, 100);
	ck_assert_int_eq(to_offset, 15);
	to_offset = 100;
	from_offset = 0;
	FAILS(EFBIG, copy_file_range(from, &from_offset, to, &to_offset, 100, 0));
	ck_assert_int_eq(from_offset, 0);
	ck_assert_int_eq(to_offset, 100);
	GIVES(1, lseek(from, 0, SEEK_CUR));
	GIVES(2, lseek(to, 0, SEEK_CUR));
}
END_TEST

START_TEST(overlapping_ranges_of_one_object_are_einval)
{
	int fd = new_pattern("a", 100);
	int other;

	OK(link("a", "b"));
	other = OK(open("b", O_RDWR));
	FAILS(EINVAL, copy(fd, 0, fd, 0, 10));
	FAILS(EINVAL, copy(fd, 0, other, 9, 10));
	FAILS(EINVAL, copy(other, 9, fd, 0, 10));
	FAILS(EINVAL, copy(fd, 10, fd, 50, 90));
	expect_pattern(fd, 0, 100);
}
END_TEST

START_TEST(an_object_is_copied_onto_itself_elsewhere)
{
	int fd = new_pattern("a", 100);

	GIVES(10, copy(fd, 0, fd, 10, 10));
	expect_copied(fd, 10, 0, 10);
	GIVES(10, copy(fd, 90, fd, 0, 50));
	expect_copied(fd, 0, 90, 10);
	GIVES(20, copy(fd, 20, fd, 80, 40));
	expect_copied(fd, 80, 20, 20);
	FAILS(EFBIG, copy(fd, 20, fd, 100, 10));
}
END_TEST

static void copy_all(int from, int to, off_t length)
{
	off_t from_offset = 0;
	off_t to_offset = 0;

	while (to_offset < length)
		ck_assert_int_gt(
		    OK(copy_file_range(from, &from_offset, to, &to_offset, (size_t)length, 0)), 0);
	ck_assert_int_eq(to_offset, length);
	ck_assert_int_eq(from_offset, length);
}

START_TEST(a_large_copy_comes_in_parts)
{
	int from = new_pattern("a", LARGE);
	int to = new_object("b", LARGE - 5);

	copy_all(from, to, LARGE - 5);
	expect_pattern(to, 0, LARGE - 5);
	FAILS(EFBIG, copy(from, LARGE - 5, to, LARGE - 5, 5));
}
END_TEST

START_TEST(holes_are_copied_as_zeros)
{
	int from = new_object("a", 3 * PAGE);
	int to = new_pattern("b", 3 * PAGE);

	GIVES(2 * PAGE, copy(from, 0, to, 100, 2 * PAGE));
	expect_pattern(to, 0, 100);
	expect_zeros(to, 100, 2 * PAGE);
	expect_pattern(to, 2 * PAGE + 100, PAGE - 100);
}
END_TEST

START_TEST(a_copy_and_mappings_see_each_other)
{
	int from = new_object("a", 2 * PAGE);
	int to = new_object("b", 2 * PAGE);
	unsigned char *source = map_object(from, 2 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char *target = map_object(to, 2 * PAGE, PROT_READ | PROT_WRITE);

	for (unsigned char round = 1; round < 20; round++) {
		source[PAGE - 1] = round;
		source[PAGE] = (unsigned char)(round + 100);
		target[0] = (unsigned char)(round + 50);
		target[2 * PAGE - 1] = round;
		GIVES(PAGE, copy(from, PAGE / 2, to, PAGE / 2, PAGE));
		ck_assert_int_eq(target[PAGE - 1], round);
		ck_assert_int_eq(target[PAGE], round + 100);
		ck_assert_int_eq(target[0], round + 50);
		ck_assert_int_eq(target[2 * PAGE - 1], round);
	}
}
END_TEST

START_TEST(a_growing_target_is_extended)
{
	int from = new_pattern("a", PAGE);
	int to = new_object("tmp-b", 0);

	GIVES(PAGE, copy(from, 0, to, 10, PAGE));
	ck_assert_int_eq(size_of(to), PAGE + 10);
	expect_zeros(to, 0, 10);
	expect_copied(to, 10, 0, PAGE);
	GIVES(1, copy(from, 5, to, 2 * PAGE, 1));
	ck_assert_int_eq(size_of(to), 2 * PAGE + 1);
	OK(fsetxattr(to, "user.shmfs.seals", "grow", 4, 0));
	FAILS(EPERM, copy(from, 0, to, 2 * PAGE + 1, PAGE));
	ck_assert_int_eq(size_of(to), 2 * PAGE + 1);
}
END_TEST

static void start_small(void)
{
	shared_mount = mount_start("size=64k");
}

START_TEST(a_growing_target_stops_at_the_limit)
{
	int from = new_pattern("a", LIMIT / 2);
	int to = new_object("tmp-b", 0);

	GIVES(LIMIT / 2, copy(from, 0, to, 0, LIMIT));
	ck_assert_uint_eq(pages_left(), 0);
	FAILS(ENOSPC, copy(from, 0, to, LIMIT / 2, PAGE));
	ck_assert_int_eq(size_of(to), LIMIT / 2);
	expect_pattern(to, 0, LIMIT / 2);
}
END_TEST

START_TEST(descriptors_have_to_be_fit_for_it)
{
	int from = new_pattern("a", 100);
	int to = new_object("b", 100);
	int read_only = OK(open("b", O_RDONLY));
	int write_only = OK(open("a", O_WRONLY));
	int appending = OK(open("b", O_WRONLY | O_APPEND));
	int directory = OK(open(".", O_RDONLY));

	FAILS(EBADF, copy(from, 0, read_only, 0, 10));
	FAILS(EBADF, copy(write_only, 0, to, 0, 10));
	FAILS(EBADF, copy(from, 0, appending, 0, 10));
	FAILS(EISDIR, copy(directory, 0, to, 0, 10));
	FAILS(EINVAL, copy_file_range(from, NULL, to, NULL, 10, 1));
	GIVES(10, copy(read_only, 0, to, 50, 10));
	GIVES(10, copy(from, 0, OK(open("b", O_WRONLY)), 0, 10));
	expect_copied(to, 0, 0, 10);
}
END_TEST

START_TEST(a_copy_between_filesystems_is_exdev)
{
	char path[PATH_MAX];
	int from = new_pattern("a", 100);
	int other;

	fixture_directory(path, "other");
	other = OK(open(path, O_TMPFILE | O_RDWR, 0600));
	FAILS(EXDEV, copy(from, 0, other, 0, 100));
	FAILS(EXDEV, copy(other, 0, from, 0, 100));
}
END_TEST

/* The kernel splices, then; the source is opened as copying programs open it. */
START_TEST(a_copy_between_two_mounts_keeps_the_size_too)
{
	struct mount *other = mount_start("size=1m");
	int from;
	int to;

	OK(close(new_pattern("a", 2 * PAGE)));
	from = OK(open("a", O_RDONLY));
	to = new_object(mount_path(other, "b"), PAGE + 10);
	GIVES(PAGE + 10, copy(from, 5, to, 0, 2 * PAGE));
	expect_copied(to, 0, 5, PAGE + 10);
	FAILS(EFBIG, copy(from, 0, to, PAGE + 10, 1));
	ck_assert_int_eq(size_of(to), PAGE + 10);
	OK(close(to));
	mount_stop(other);
}
END_TEST

static void copy_to_and_fro(void *context)
{
	const char *const *names = context;
	int from = OK(open(names[0], O_RDONLY));
	int to = OK(open(names[1], O_RDWR));

	for (int i = 0; i < 300; i++)
		GIVES(2 * PAGE, copy(from, 0, to, 0, 2 * PAGE));
}

/* A copy is one step of the daemon: each target is one of the sources, whole. */
START_TEST(copies_do_not_mix)
{
	const char *const first[] = {"a", "c"};
	const char *const second[] = {"b", "c"};
	unsigned char data[2 * PAGE];
	pid_t children[2];
	int fd;

	memset(data, 'a', sizeof(data));
	GIVES(2 * PAGE, pwrite(new_object("a", 2 * PAGE), data, sizeof(data), 0));
	memset(data, 'b', sizeof(data));
	GIVES(2 * PAGE, pwrite(new_object("b", 2 * PAGE), data, sizeof(data), 0));
	fd = new_object("c", 2 * PAGE);
	GIVES(2 * PAGE, pwrite(fd, data, sizeof(data), 0));
	children[0] = start_child(copy_to_and_fro, (void *)(size_t)first);
	children[1] = start_child(copy_to_and_fro, (void *)(size_t)second);
	for (int i = 0; i < 100 && fixture_maps_natively(); i++) {
		GIVES(2 * PAGE, pread(fd, data, sizeof(data), 0));
		BYTES_ARE(data[0], data, sizeof(data));
	}
	end_child(children[0]);
	end_child(children[1]);
	GIVES(2 * PAGE, pread(fd, data, sizeof(data), 0));
	BYTES_ARE(data[0], data, sizeof(data));
}
END_TEST

void add_copy_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "copies", NULL);
	TCase *limit = case_on_mount(suite, "copies, size=64k", start_small);

	tcase_add_test(tcase, a_copy_is_byte_for_byte);
	tcase_add_test(tcase, a_copy_across_the_end_of_the_target_is_short);
	tcase_add_test(tcase, a_copy_with_no_room_is_efbig);
	tcase_add_test(tcase, a_copy_ends_at_the_end_of_the_source);
	tcase_add_test(tcase, positions_move_by_what_was_copied);
	tcase_add_test(tcase, explicit_offsets_are_told_back_and_leave_positions_alone);
	tcase_add_test(tcase, overlapping_ranges_of_one_object_are_einval);
	tcase_add_test(tcase, an_object_is_copied_onto_itself_elsewhere);
	tcase_add_test(tcase, a_large_copy_comes_in_parts);
	tcase_add_test(tcase, holes_are_copied_as_zeros);
	tcase_add_test(tcase, a_copy_and_mappings_see_each_other);
	tcase_add_test(tcase, a_growing_target_is_extended);
	tcase_add_test(tcase, descriptors_have_to_be_fit_for_it);
	tcase_add_test(tcase, a_copy_between_filesystems_is_exdev);
	tcase_add_test(tcase, a_copy_between_two_mounts_keeps_the_size_too);
	tcase_add_test(tcase, copies_do_not_mix);
	tcase_add_test(limit, a_growing_target_stops_at_the_limit);
}
