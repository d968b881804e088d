/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing: capped at the size, growing where a pattern says so. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"
#include "suites.h"

#define TOP ((uint64_t)INT64_MAX)

static struct shmfs *fs;
static uint64_t id, handle;

static void begin(const char *name, uint64_t size)
{
	fs = open_small();
	id = new_object_of(fs, SHMFS_ROOT, name, size);
	handle = open_object(fs, id, O_RDWR);
}

static int64_t read_at(uint64_t offset, size_t size)
{
	char buffer[20000];

	return TX(fs, shmfs_read(fs, ALICE, handle, buffer, size, offset));
}

static int64_t write_at(uint64_t offset, size_t size)
{
	static const char buffer[20000] = "data";

	return TX(fs, shmfs_write(fs, ALICE, handle, buffer, size, offset));
}

static int64_t write_back_at(uint64_t offset, size_t size)
{
	static const char buffer[20000] = "data";

	return TX(fs, shmfs_write_back(fs, handle, buffer, size, offset));
}

START_TEST(reads_stop_at_the_size)
{
	begin("a", 5000);
	GIVES(5000, read_at(0, 20000));
	GIVES(5000, read_at(0, 5000));
	GIVES(4999, read_at(1, 5000));
	GIVES(1, read_at(4999, 1));
	GIVES(1, read_at(4999, 2));
	GIVES(0, read_at(5000, 1));
	GIVES(0, read_at(5001, 100));
	GIVES(0, read_at(0, 0));
	GIVES(0, read_at(TOP, 1));
	close_checked(fs);
}
END_TEST

static struct shmfs_memory memory;

/* What a read comes to: how many bytes, of which memory; or an errno. */
static int64_t begin_read(uint64_t offset, size_t size)
{
	const struct shmfs_read_request what = {.handle = handle, .offset = offset, .size = size};
	int64_t rc = TX(fs, shmfs_read_begin(fs, ALICE, &what, &memory));

	return rc < 0 ? rc : rc == 1 ? 0 : (int64_t)memory.size;
}

/* As many as a pipe has room for, which is at least sixteen of the smallest pages. */
static size_t read_pipe(int pipe, unsigned char *buffer, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t count = read(pipe, buffer + done, size - done);

		ck_assert_int_gt(count, 0);
		done += (size_t)count;
	}
	return done;
}

/* Bytes that tell where they are. */
static void fill(size_t size)
{
	static unsigned char bytes[40000];

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i % 251);
	GIVES(size, TX(fs, shmfs_write(fs, ALICE, handle, bytes, size, 0)));
}

START_TEST(what_is_read_by_pages_is_what_is_read_by_a_copy)
{
	static const struct {
		uint64_t offset;
		size_t most, count;
	} cases[] = {{0, 40000, 20000}, {0, 4096, 4096}, {1, 4096, 4096}, {4095, 2, 2},
	    {4096, 9000, 9000}, {19999, 100, 1}, {8191, 20000, 11809}};
	static unsigned char copy[20000], pages[20000];
	int ends[2];

	begin("a", 20000);
	fill(20000);
	ck_assert_int_eq(pipe(ends), 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		GIVES(cases[i].count, begin_read(cases[i].offset, cases[i].most));
		GIVES(cases[i].count, TX(fs, shmfs_memory_read(fs, &memory, copy)));
		GIVES(cases[i].count, TX(fs, shmfs_memory_splice(fs, &memory, ends[1])));
		ck_assert_uint_eq(read_pipe(ends[0], pages, memory.size), cases[i].count);
		ck_assert_mem_eq(pages, copy, cases[i].count);
		for (size_t at = 0; at < cases[i].count; at++)
			ck_assert_uint_eq(copy[at], (cases[i].offset + at) % 251);
	}
	close(ends[0]);
	close(ends[1]);
	close_checked(fs);
}
END_TEST

START_TEST(a_read_of_what_is_not_there_does_not_begin)
{
	begin("a", 20000);
	fill(20000);
	GIVES(0, begin_read(20000, 100));
	GIVES(0, begin_read(0, 0));
	GIVES(-EINVAL, begin_read(TOP + 1, 100));
	GIVES(1000, begin_read(19000, 2000));
	handle = open_object(fs, id, O_WRONLY);
	GIVES(-EBADF, begin_read(0, 100));
	close_checked(fs);
}
END_TEST

/* Whoever has a pipe is not kept waiting by one that is full. */
START_TEST(a_full_pipe_is_eagain_and_one_that_fills_takes_less)
{
	int ends[2], room;

	begin("a", 1 << 20);
	ck_assert_int_eq(pipe(ends), 0);
	room = fcntl(ends[1], F_GETPIPE_SZ);
	GIVES(1 << 20, begin_read(0, 1 << 20));
	GIVES(room, TX(fs, shmfs_memory_splice(fs, &memory, ends[1])));
	GIVES(-EAGAIN, TX(fs, shmfs_memory_splice(fs, &memory, ends[1])));
	close(ends[0]);
	close(ends[1]);
	close_checked(fs);
}
END_TEST

START_TEST(a_hole_that_is_read_by_pages_is_zeros_and_stays_a_hole)
{
	static unsigned char pages[5 * 65536];
	struct shmfs_attr attr;
	int ends[2];

	test_memory_is_small();
	begin("a", 5 * PAGE);
	ck_assert_int_eq(pipe(ends), 0);
	fcntl(ends[1], F_SETPIPE_SZ, sizeof pages * 2);
	GIVES(1, TX(fs, shmfs_write(fs, ALICE, handle, "x", 1, 2 * PAGE)));
	GIVES(5 * PAGE, begin_read(0, 5 * PAGE));
	GIVES(5 * PAGE, TX(fs, shmfs_memory_splice(fs, &memory, ends[1])));
	ck_assert_uint_eq(read_pipe(ends[0], pages, memory.size), memory.size);
	for (size_t i = 0; i < memory.size; i++)
		ck_assert_uint_eq(pages[i], i == 2 * PAGE ? 'x' : 0);
	GIVES(0, shmfs_getattr(fs, ALICE, id, &attr));
	ck_assert_uint_eq(attr.blocks, PAGE / 512);
	close(ends[0]);
	close(ends[1]);
	close_checked(fs);
}
END_TEST

/* Who is told of a punch reads nothing else than what was there before or after. */
START_TEST(what_is_cut_off_while_it_is_in_a_pipe_is_what_it_was)
{
	static unsigned char pages[8192];
	int ends[2];

	begin("a", 20000);
	fill(20000);
	ck_assert_int_eq(pipe(ends), 0);
	GIVES(8192, begin_read(0, 8192));
	GIVES(8192, TX(fs, shmfs_memory_splice(fs, &memory, ends[1])));
	resize(fs, id, 0);
	resize(fs, id, 20000);
	ck_assert_uint_eq(read_pipe(ends[0], pages, 8192), 8192);
	for (size_t i = 0; i < 8192; i++)
		ck_assert_uint_eq(pages[i], i % 251);
	GIVES(8192, begin_read(0, 8192));
	GIVES(8192, TX(fs, shmfs_memory_read(fs, &memory, pages)));
	for (size_t i = 0; i < 8192; i++)
		ck_assert_uint_eq(pages[i], 0);
	close(ends[0]);
	close(ends[1]);
	close_checked(fs);
}
END_TEST

START_TEST(an_object_without_memory_reads_nothing)
{
	begin("a", 0);
	ck_assert_uint_eq(outside->books.memories, 0);
	GIVES(0, read_at(0, 100));
	GIVES(0, read_at(100, 100));
	ck_assert_uint_eq(outside->calls[OUTSIDE_READ], 0);
	close_checked(fs);
}
END_TEST

START_TEST(reads_beyond_the_number_space_are_invalid)
{
	begin("a", 100);
	GIVES(-EINVAL, read_at(TOP + 1, 1));
	GIVES(-EINVAL, read_at(UINT64_MAX, 1));
	GIVES(-EINVAL, read_at(UINT64_MAX - 50, 100));
	close_checked(fs);
}
END_TEST

START_TEST(holes_read_as_zeros)
{
	begin("a", 20000);
	write_bytes(fs, handle, 'x', 10, 9000);
	expect_bytes(fs, handle, '\0', 9000, 0);
	expect_bytes(fs, handle, 'x', 10, 9000);
	expect_bytes(fs, handle, '\0', 20000 - 9010, 9010);
	close_checked(fs);
}
END_TEST

START_TEST(writes_stop_at_the_size)
{
	begin("a", 5000);
	GIVES(5000, write_at(0, 5000));
	GIVES(5000, write_at(0, 5001));
	GIVES(4999, write_at(1, 20000));
	GIVES(1, write_at(4999, 2));
	GIVES(-EFBIG, write_at(5000, 1));
	GIVES(-EFBIG, write_at(5001, 1));
	GIVES(0, write_at(0, 0));
	GIVES(0, write_at(5000, 0));
	GIVES(0, write_at(UINT64_MAX, 0));
	ck_assert_uint_eq(attributes(fs, id).size, 5000);
	close_checked(fs);
}
END_TEST

START_TEST(writes_to_an_empty_object_find_no_room)
{
	begin("a", 0);
	GIVES(-EFBIG, write_at(0, 1));
	GIVES(-EFBIG, write_at(100, 100));
	ck_assert_uint_eq(outside->books.memories, 0);
	close_checked(fs);
}
END_TEST

START_TEST(writes_beyond_the_number_space_find_no_room)
{
	begin("a", 0);
	resize(fs, id, TOP);
	GIVES(1, write_at(TOP - 1, 100));
	GIVES(2, write_at(TOP - 2, 2));
	GIVES(-EFBIG, write_at(TOP, 1));
	GIVES(-EFBIG, write_at(TOP + 1, 1));
	GIVES(-EFBIG, write_at(UINT64_MAX, 1));
	GIVES(-EFBIG, write_at(UINT64_MAX - 10, 100));
	GIVES(1, read_at(TOP - 1, 100));
	GIVES(0, read_at(TOP, 100));
	close_checked(fs);
}
END_TEST

START_TEST(objects_under_a_growing_name_grow)
{
	begin("sem.a", 0);
	GIVES(100, write_at(0, 100));
	ck_assert_uint_eq(attributes(fs, id).size, 100);
	GIVES(100, write_at(50, 100));
	ck_assert_uint_eq(attributes(fs, id).size, 150);
	GIVES(10, write_at(9000, 10));
	ck_assert_uint_eq(attributes(fs, id).size, 9010);
	ck_assert_uint_eq(usage(fs).used_pages, PAGES(9010));
	expect_bytes(fs, handle, '\0', 9000 - 150, 150);
	close_checked(fs);
}
END_TEST

/* Who reads past the server would find zeros there if the size came first. */
START_TEST(the_memory_grows_by_being_written)
{
	unsigned before;

	begin("sem.a", 0);
	before = outside->calls[OUTSIDE_TRUNCATE];
	GIVES(100, write_at(0, 100));
	GIVES(9000, write_at(50, 9000));
	GIVES(10, write_at(20000, 10));
	GIVES(0, outside->calls[OUTSIDE_TRUNCATE] - before);
	close_checked(fs);
}
END_TEST

START_TEST(whether_an_object_grows_is_decided_by_its_first_name)
{
	struct shmfs_attr attr;

	begin("sem.a", 0);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "sem.a", SHMFS_ROOT, "a", 0)));
	GIVES(1, write_at(0, 1));
	GIVES(0, TX(fs, shmfs_link(fs, ALICE, id, SHMFS_ROOT, "b", &attr)));
	GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, "a")));
	GIVES(1, write_at(1, 1));
	id = new_object(fs, SHMFS_ROOT, "c");
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "c", SHMFS_ROOT, "sem.c", 0)));
	handle = open_object(fs, id, O_RDWR);
	GIVES(-EFBIG, write_at(0, 1));
	close_checked(fs);
}
END_TEST

START_TEST(growth_ends_with_the_number_space)
{
	begin("sem.a", 0);
	GIVES(5, write_at(TOP - 5, 100));
	ck_assert_uint_eq(attributes(fs, id).size, TOP);
	GIVES(-EFBIG, write_at(TOP, 1));
	GIVES(-EFBIG, write_at(TOP + 1, 1));
	GIVES(-EFBIG, write_at(UINT64_MAX, 1));
	close_checked(fs);
}
END_TEST

START_TEST(growth_that_fails_leaves_the_object_as_it_was)
{
	begin("sem.a", 10);
	outside_fail(1, ENOSPC, false);
	GIVES(-ENOSPC, write_at(0, 5000));
	ck_assert_int_eq(outside->failed, OUTSIDE_WRITE);
	ck_assert_uint_eq(attributes(fs, id).size, 10);
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	close_checked(fs);
}
END_TEST

START_TEST(what_was_not_written_does_not_count_as_size)
{
	begin("sem.a", 10);
	outside->write_at_most = 100;
	GIVES(100, write_at(0, 9000));
	ck_assert_uint_eq(attributes(fs, id).size, 100);
	ck_assert_uint_eq(usage(fs).used_pages, 1);
	outside->write_at_most = 5;
	GIVES(5, write_at(20, 1000));
	ck_assert_uint_eq(attributes(fs, id).size, 100);
	GIVES(5, write_at(5000, 1000));
	ck_assert_uint_eq(attributes(fs, id).size, 5005);
	close_checked(fs);
}
END_TEST

START_TEST(short_writes_of_the_system_are_passed_on)
{
	begin("a", 5000);
	outside->write_at_most = 100;
	GIVES(100, write_at(0, 5000));
	GIVES(100, write_at(4900, 5000));
	ck_assert_uint_eq(attributes(fs, id).size, 5000);
	close_checked(fs);
}
END_TEST

START_TEST(errors_of_the_system_are_passed_on)
{
	begin("a", 5000);
	outside_fail(1, EIO, false);
	GIVES(-EIO, write_at(0, 10));
	outside_fail(1, ENOMEM, false);
	GIVES(-ENOMEM, read_at(0, 10));
	outside_fail(1, ENOMEM, false);
	GIVES(-ENOMEM, write_back_at(0, 10));
	close_checked(fs);
}
END_TEST

START_TEST(unknown_handles_are_bad)
{
	static const uint64_t handles[] = {0, 999, UINT32_MAX, UINT64_C(1) << 63, UINT64_MAX};
	uint64_t out;

	begin("a", 100);
	for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++) {
		handle = handles[i];
		GIVES(-EBADF, read_at(0, 1));
		GIVES(-EBADF, read_at(UINT64_MAX, 1));
		GIVES(-EBADF, write_at(0, 1));
		GIVES(-EBADF, write_at(0, 0));
		GIVES(-EBADF, write_back_at(0, 1));
		GIVES(-EBADF, TX(fs, shmfs_fallocate(fs, ALICE, handle, 0, 0, 1)));
		GIVES(-EBADF, TX(fs, shmfs_fallocate(fs, ALICE, handle, 77, 0, 0)));
		GIVES(-EBADF, shmfs_lseek(fs, ALICE, handle, 0, SEEK_DATA, &out));
		GIVES(-EBADF, shmfs_lseek(fs, ALICE, handle, 0, 99, &out));
	}
	close_checked(fs);
}
END_TEST

START_TEST(pages_of_the_kernel_are_stored_as_far_as_the_object_reaches)
{
	begin("sem.a", 5000);
	GIVES(4096, write_back_at(4096, 4096));
	GIVES(4096, write_back_at(8192, 4096));
	GIVES(1, write_back_at(TOP, 1));
	GIVES(100, write_back_at(UINT64_MAX - 10, 100));
	GIVES(0, write_back_at(0, 0));
	ck_assert_uint_eq(attributes(fs, id).size, 5000);
	outside->write_at_most = 1;
	GIVES(4096, write_back_at(0, 4096));
	close_checked(fs);
}
END_TEST

START_TEST(an_object_without_memory_drops_pages_of_the_kernel)
{
	begin("a", 0);
	GIVES(4096, write_back_at(0, 4096));
	ck_assert_uint_eq(outside->calls[OUTSIDE_WRITE], 0);
	close_checked(fs);
}
END_TEST

static mode_t mode_after_write(const struct shmfs_cred *cred, mode_t mode)
{
	const struct shmfs_change what = {.what = SHMFS_CHANGE_MODE, .mode = mode};
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_setattr(fs, id, &what, &attr)));
	GIVES(1, TX(fs, shmfs_write(fs, cred, handle, "x", 1, 0)));
	return attributes(fs, id).mode & 07777;
}

START_TEST(a_write_takes_set_id_bits_away)
{
	struct shmfs_cred member = *BOB;

	begin("a", 10);
	ck_assert_uint_eq(mode_after_write(ALICE, 06777), 0777);
	ck_assert_uint_eq(mode_after_write(BOB, 04644), 0644);
	ck_assert_uint_eq(mode_after_write(BOB, 02755), 0755);
	/* Without the right to execute the bit means mandatory locks, and stays to members. */
	ck_assert_uint_eq(mode_after_write(ALICE, 02644), 02644);
	ck_assert_uint_eq(mode_after_write(BOB, 02644), 0644);
	member.pid = outside->member = 77;
	outside->group = ALICE->gid;
	ck_assert_uint_eq(mode_after_write(&member, 06644), 02644);
	member.pid = 78;
	ck_assert_uint_eq(mode_after_write(&member, 06644), 0644);
	ck_assert_uint_eq(mode_after_write(BOB, 01755), 01755);
	ck_assert_uint_eq(mode_after_write(SUPERUSER, 06777), 06777);
	close_checked(fs);
}
END_TEST

Suite *io_suite(void)
{
	Suite *suite = suite_create("io");
	TCase *tests = harness_case(suite, "io");

	tcase_add_test(tests, reads_stop_at_the_size);
	tcase_add_test(tests, what_is_read_by_pages_is_what_is_read_by_a_copy);
	tcase_add_test(tests, a_read_of_what_is_not_there_does_not_begin);
	tcase_add_test(tests, a_full_pipe_is_eagain_and_one_that_fills_takes_less);
	tcase_add_test(tests, a_hole_that_is_read_by_pages_is_zeros_and_stays_a_hole);
	tcase_add_test(tests, what_is_cut_off_while_it_is_in_a_pipe_is_what_it_was);
	tcase_add_test(tests, an_object_without_memory_reads_nothing);
	tcase_add_test(tests, reads_beyond_the_number_space_are_invalid);
	tcase_add_test(tests, holes_read_as_zeros);
	tcase_add_test(tests, writes_stop_at_the_size);
	tcase_add_test(tests, writes_to_an_empty_object_find_no_room);
	tcase_add_test(tests, writes_beyond_the_number_space_find_no_room);
	tcase_add_test(tests, objects_under_a_growing_name_grow);
	tcase_add_test(tests, the_memory_grows_by_being_written);
	tcase_add_test(tests, whether_an_object_grows_is_decided_by_its_first_name);
	tcase_add_test(tests, growth_ends_with_the_number_space);
	tcase_add_test(tests, growth_that_fails_leaves_the_object_as_it_was);
	tcase_add_test(tests, what_was_not_written_does_not_count_as_size);
	tcase_add_test(tests, short_writes_of_the_system_are_passed_on);
	tcase_add_test(tests, errors_of_the_system_are_passed_on);
	tcase_add_test(tests, unknown_handles_are_bad);
	tcase_add_test(tests, pages_of_the_kernel_are_stored_as_far_as_the_object_reaches);
	tcase_add_test(tests, an_object_without_memory_drops_pages_of_the_kernel);
	tcase_add_test(tests, a_write_takes_set_id_bits_away);
	return suite;
}
