/* SPDX-License-Identifier: BSD-2-Clause */
/* read and write stop at the size of the object, except where its name lets it grow. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { LARGE = 3 * 1024 * 1024 + 10 };

START_TEST(a_new_object_is_empty)
{
	int fd = new_object("a", 0);
	char byte;

	ck_assert_int_eq(size_of(fd), 0);
	GIVES(0, read(fd, &byte, 1));
	GIVES(0, pread(fd, &byte, 1, 12345));
}
END_TEST

START_TEST(write_across_the_end_is_short)
{
	int fd = new_object("a", 100);
	char data[100];

	memset(data, 'w', sizeof(data));
	GIVES(10, pwrite(fd, data, sizeof(data), 90));
	ck_assert_int_eq(size_of(fd), 100);
	GIVES(100, pread(fd, data, sizeof(data), 0));
	BYTES_ARE(0, data, 90);
	BYTES_ARE('w', data + 90, 10);
	OK(lseek(fd, 99, SEEK_SET));
	GIVES(1, write(fd, "ab", 2));
	GIVES(100, lseek(fd, 0, SEEK_CUR));
}
END_TEST

START_TEST(write_across_the_end_on_a_page_boundary_is_short)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char data[3 * PAGE];

	pattern(data, PAGE - 5, sizeof(data));
	GIVES(PAGE + 5, pwrite(fd, data, sizeof(data), PAGE - 5));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, PAGE - 5, PAGE + 5);
}
END_TEST

static const int end_sizes[] = {0, 1, 100, PAGE, PAGE + 1, 3 * PAGE};

START_TEST(write_with_no_room_is_efbig)
{
	int size = end_sizes[_i];
	int fd = new_object("a", size);
	char data[PAGE] = {1};

	FAILS(EFBIG, pwrite(fd, "x", 1, size));
	FAILS(EFBIG, pwrite(fd, data, sizeof(data), size));
	FAILS(EFBIG, pwrite(fd, "x", 1, size + 1));
	FAILS(EFBIG, pwrite(fd, data, sizeof(data), size + 10 * PAGE));
	OK(lseek(fd, 0, SEEK_END));
	FAILS(EFBIG, write(fd, "x", 1));
	GIVES(size, lseek(fd, 0, SEEK_CUR));
	ck_assert_int_eq(size_of(fd), size);
	expect_zeros(fd, 0, (size_t)size);
}
END_TEST

START_TEST(write_of_nothing_at_the_end_is_nothing)
{
	int fd = new_object("a", 10);

	GIVES(0, pwrite(fd, "x", 0, 10));
	GIVES(0, pwrite(fd, "x", 0, 5));
	ck_assert_int_eq(size_of(fd), 10);
}
END_TEST

START_TEST(pwritev_across_the_end_is_short)
{
	int fd = new_object("a", PAGE + 10);
	char first[8];
	char second[8];
	char third[8];
	struct iovec parts[] = {{first, 8}, {second, 8}, {third, 8}};
	char data[16];

	memset(first, '1', 8);
	memset(second, '2', 8);
	memset(third, '3', 8);
	GIVES(12, pwritev(fd, parts, 3, PAGE - 2));
	ck_assert_int_eq(size_of(fd), PAGE + 10);
	GIVES(12, pread(fd, data, sizeof(data), PAGE - 2));
	ck_assert_int_eq(memcmp(data, "111111112222", 12), 0);
	FAILS(EFBIG, pwritev(fd, parts, 3, PAGE + 10));
	GIVES(24, pwritev(fd, parts, 3, 0));
}
END_TEST

START_TEST(read_ends_at_the_end)
{
	static const int ways[] = {O_RDONLY, O_RDWR};
	char data[PAGE];
	int fd;

	make_object("a", PAGE + 100);
	fd = OK(open("a", ways[_i]));
	GIVES(0, pread(fd, data, sizeof(data), PAGE + 100));
	GIVES(0, pread(fd, data, sizeof(data), PAGE + 101));
	GIVES(0, pread(fd, data, sizeof(data), 100 * PAGE));
	GIVES(10, pread(fd, data, sizeof(data), PAGE + 90));
	GIVES(100, pread(fd, data, sizeof(data), PAGE));
	GIVES(1, pread(fd, data, 1, PAGE + 99));
	OK(lseek(fd, PAGE, SEEK_SET));
	GIVES(100, read(fd, data, sizeof(data)));
	GIVES(0, read(fd, data, sizeof(data)));
}
END_TEST

START_TEST(the_new_end_counts_at_once_on_every_descriptor)
{
	int fd = new_object("a", 100);
	int reader = OK(open("a", O_RDONLY));
	int writer = OK(open("a", O_RDWR));
	char data[300] = {0};

	GIVES(100, pread(reader, data, sizeof(data), 0));
	OK(ftruncate(fd, 200));
	GIVES(200, pread(reader, data, sizeof(data), 0));
	GIVES(200, pwrite(writer, data, sizeof(data), 0));
	OK(truncate("a", 50));
	GIVES(50, pread(reader, data, sizeof(data), 0));
	GIVES(50, pwrite(writer, data, sizeof(data), 0));
	FAILS(EFBIG, pwrite(writer, data, 1, 50));
}
END_TEST

START_TEST(readv_fills_its_parts_up_to_the_end)
{
	int fd = new_object("a", 20);
	unsigned char first[8];
	unsigned char second[8];
	unsigned char third[8];
	struct iovec parts[] = {{first, 8}, {second, 8}, {third, 8}};
	unsigned char want[20];

	pattern(want, 0, 20);
	write_pattern(fd, 0, 20);
	GIVES(20, preadv(fd, parts, 3, 0));
	BYTES_EQUAL(want, first, 8);
	BYTES_EQUAL(want + 8, second, 8);
	BYTES_EQUAL(want + 16, third, 4);
	GIVES(0, preadv(fd, parts, 3, 20));
}
END_TEST

START_TEST(a_write_only_open_writes_and_does_not_read)
{
	char byte;
	int fd;

	make_object("a", 10);
	fd = OK(open("a", O_WRONLY));
	GIVES(4, pwrite(fd, "data", 4, 0));
	GIVES(2, pwrite(fd, "data", 4, 8));
	FAILS(EFBIG, pwrite(fd, "data", 4, 10));
	FAILS(EBADF, pread(fd, &byte, 1, 0));
	OK(ftruncate(fd, 20));
	ck_assert_int_eq(size_of(fd), 20);
	fd = OK(open("a", O_RDONLY));
	FAILS(EBADF, pwrite(fd, "x", 1, 0));
	GIVES(1, pread(fd, &byte, 1, 3));
	ck_assert_int_eq(byte, 'a');
}
END_TEST

START_TEST(o_trunc_empties_an_object)
{
	int fd = new_object("a", 2 * PAGE);

	write_pattern(fd, 0, 2 * PAGE);
	OK(close(OK(open("a", O_WRONLY | O_TRUNC))));
	ck_assert_int_eq(size_of(fd), 0);
	FAILS(EFBIG, pwrite(fd, "x", 1, 0));
	OK(ftruncate(fd, 2 * PAGE));
	expect_zeros(fd, 0, 2 * PAGE);
	OK(close(OK(open("a", O_RDWR | O_CREAT | O_TRUNC, 0600))));
	ck_assert_int_eq(size_of(fd), 0);
}
END_TEST

START_TEST(o_append_on_an_ordinary_object_has_no_room)
{
	int fd;

	make_object("a", 100);
	fd = OK(open("a", O_WRONLY | O_APPEND));
	FAILS(EFBIG, write(fd, "x", 1));
	ck_assert_int_eq(size_of(fd), 100);
}
END_TEST

/* Large transfers arrive at the daemon in several requests. */
static unsigned char *large_buffer(off_t offset)
{
	unsigned char *data = malloc(LARGE);

	ck_assert(data != NULL);
	pattern(data, offset, LARGE);
	return data;
}

static void expect_large_read(int fd, off_t offset, ssize_t want)
{
	unsigned char *data = large_buffer(0);
	unsigned char *reference = large_buffer(offset);

	memset(data, 0, LARGE);
	GIVES(want, pread(fd, data, LARGE, offset));
	BYTES_EQUAL(reference, data, (size_t)want);
	BYTES_ARE(0, data + want, LARGE - (size_t)want);
	free(data);
	free(reference);
}

START_TEST(large_transfers_within_the_object_are_exact)
{
	int fd = new_object("a", 2 * LARGE);
	int reader = OK(open("a", O_RDONLY));
	unsigned char *data = large_buffer(4093);

	GIVES(LARGE, pwrite(fd, data, LARGE, 4093));
	expect_zeros(fd, 0, 4093);
	expect_large_read(fd, 4093, LARGE);
	expect_large_read(reader, 4093, LARGE);
	expect_zeros(fd, 4093 + LARGE, LARGE - 4093);
	free(data);
}
END_TEST

static const int read_flags[] = {O_RDWR, O_RDONLY};

START_TEST(a_large_read_of_a_hole_takes_no_memory)
{
	int fd = new_object("sparse", LARGE);
	int reader = OK(open("sparse", read_flags[_i]));
	char *data = calloc(1, LARGE);
	struct stat before, status;

	ck_assert_ptr_nonnull(data);
	GIVES(1, pwrite(fd, "x", 1, 2 * 1024 * 1024));
	OK(fstat(fd, &before));
	GIVES(LARGE, pread(reader, data, LARGE, 0));
	ck_assert_int_eq(data[2 * 1024 * 1024], 'x');
	data[2 * 1024 * 1024] = 0;
	BYTES_ARE(0, data, LARGE);
	OK(fstat(fd, &status));
	ck_assert_int_eq(status.st_blocks, before.st_blocks);
	free(data);
	OK(close(fd));
	OK(close(reader));
}
END_TEST

static const int rooms[] = {LARGE - 1, LARGE - 10, 3 * 1024 * 1024 - 1, 2 * 1024 * 1024,
    1024 * 1024, 1024 * 1024 - 1, 4097, 4096, 1};

START_TEST(large_transfers_across_the_end_are_exact)
{
	int room = rooms[_i];
	int fd = new_object("a", 77 + room);
	int reader = OK(open("a", O_RDONLY));
	unsigned char *data = large_buffer(77);

	GIVES(room, pwrite(fd, data, LARGE, 77));
	ck_assert_int_eq(size_of(fd), 77 + room);
	expect_large_read(fd, 77, room);
	expect_large_read(reader, 77, room);
	FAILS(EFBIG, pwrite(fd, data, LARGE, 77 + room));
	free(data);
}
END_TEST

/* The default of grow= names the objects that glibc's and musl's sem_open write. */
START_TEST(a_growing_object_is_extended_by_write)
{
	static const char *const names[] = {"sem.x", "tmp-123"};
	int fd = new_object(names[_i], 0);

	write_pattern(fd, 0, 32);
	ck_assert_int_eq(size_of(fd), 32);
	write_pattern(fd, 10 * PAGE + 5, 2 * PAGE);
	ck_assert_int_eq(size_of(fd), 12 * PAGE + 5);
	expect_pattern(fd, 0, 32);
	expect_zeros(fd, 32, 10 * PAGE + 5 - 32);
	expect_pattern(fd, 10 * PAGE + 5, 2 * PAGE);
	OK(ftruncate(fd, 10));
	ck_assert_int_eq(size_of(fd), 10);
	expect_pattern(fd, 0, 10);
}
END_TEST

START_TEST(a_growing_object_takes_a_large_write)
{
	int fd = new_object("tmp-large", 0);
	unsigned char *data = large_buffer(3);

	GIVES(LARGE, pwrite(fd, data, LARGE, 3));
	ck_assert_int_eq(size_of(fd), LARGE + 3);
	expect_large_read(fd, 3, LARGE);
	free(data);
}
END_TEST

START_TEST(a_growing_object_can_be_mapped_while_it_grows)
{
	int fd = new_object("sem.map", 0);
	unsigned char *map;

	write_pattern(fd, 0, 32);
	map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(map[31], pattern_at(31));
	ck_assert_int_eq(map[32], 0);
	map[0] = 0;
	ck_assert(load_raises_sigbus(map + PAGE));
	write_pattern(fd, PAGE, 1);
	ck_assert_int_eq(map[PAGE], pattern_at(PAGE));
	expect_zeros(fd, 0, 1);
}
END_TEST

START_TEST(o_append_extends_a_growing_object)
{
	int first = OK(open("tmp-log", O_RDWR | O_CREAT | O_APPEND, 0600));
	int second = OK(open("tmp-log", O_WRONLY | O_APPEND));
	char data[10];

	GIVES(3, write(first, "abc", 3));
	GIVES(3, write(second, "def", 3));
	GIVES(3, write(first, "ghi", 3));
	ck_assert_int_eq(size_of(first), 9);
	GIVES(9, pread(first, data, sizeof(data), 0));
	ck_assert_int_eq(memcmp(data, "abcdefghi", 9), 0);
	OK(ftruncate(second, 2));
	GIVES(1, write(first, "x", 1));
	GIVES(3, pread(first, data, sizeof(data), 0));
	ck_assert_int_eq(memcmp(data, "abx", 3), 0);
}
END_TEST

START_TEST(growing_belongs_to_the_name_at_creation)
{
	int growing = new_object("tmp-a", 0);
	int ordinary = new_object("b", 0);

	OK(rename("tmp-a", "a"));
	OK(rename("b", "tmp-b"));
	GIVES(1, pwrite(growing, "x", 1, 0));
	FAILS(EFBIG, pwrite(ordinary, "x", 1, 0));
	OK(close(ordinary));
	ordinary = OK(open("tmp-b", O_RDWR));
	FAILS(EFBIG, pwrite(ordinary, "x", 1, 0));
	make_object("c", 0);
	OK(link("c", "tmp-c"));
	ordinary = OK(open("tmp-c", O_WRONLY));
	FAILS(EFBIG, pwrite(ordinary, "x", 1, 0));
}
END_TEST

static void start_all_growing(void)
{
	shared_mount = mount_start("size=16m,grow=*");
}

START_TEST(the_grow_option_can_name_everything)
{
	int fd = new_object("anything", 0);

	write_pattern(fd, 100, PAGE);
	ck_assert_int_eq(size_of(fd), PAGE + 100);
}
END_TEST

static void start_growing_patterns(void)
{
	shared_mount = mount_start("size=16m,grow=log?:*.txt");
}

START_TEST(the_grow_option_is_a_list_of_patterns)
{
	GIVES(1, write(new_object("log1", 0), "x", 1));
	GIVES(1, write(new_object("a.txt", 0), "x", 1));
	FAILS(EFBIG, write(new_object("log12", 0), "x", 1));
	FAILS(EFBIG, write(new_object("a.text", 0), "x", 1));
	FAILS(EFBIG, write(new_object("sem.x", 0), "x", 1));
}
END_TEST

void add_io_cases(Suite *suite)
{
	TCase *io = case_on_mount(suite, "read and write", NULL);
	TCase *growing = case_on_mount(suite, "growing", NULL);

	tcase_add_test(io, a_new_object_is_empty);
	tcase_add_test(io, write_across_the_end_is_short);
	tcase_add_test(io, write_across_the_end_on_a_page_boundary_is_short);
	tcase_add_loop_test(io, write_with_no_room_is_efbig, 0, 6);
	tcase_add_test(io, write_of_nothing_at_the_end_is_nothing);
	tcase_add_test(io, pwritev_across_the_end_is_short);
	tcase_add_loop_test(io, read_ends_at_the_end, 0, 2);
	tcase_add_test(io, the_new_end_counts_at_once_on_every_descriptor);
	tcase_add_test(io, readv_fills_its_parts_up_to_the_end);
	tcase_add_test(io, a_write_only_open_writes_and_does_not_read);
	tcase_add_test(io, o_trunc_empties_an_object);
	tcase_add_test(io, o_append_on_an_ordinary_object_has_no_room);
	tcase_add_test(io, large_transfers_within_the_object_are_exact);
	tcase_add_loop_test(io, a_large_read_of_a_hole_takes_no_memory, 0, 2);
	tcase_add_loop_test(io, large_transfers_across_the_end_are_exact, 0, 9);
	tcase_add_loop_test(growing, a_growing_object_is_extended_by_write, 0, 2);
	tcase_add_test(growing, a_growing_object_takes_a_large_write);
	tcase_add_test(growing, a_growing_object_can_be_mapped_while_it_grows);
	tcase_add_test(growing, o_append_extends_a_growing_object);
	tcase_add_test(growing, growing_belongs_to_the_name_at_creation);
	tcase_add_test(
	    case_on_mount(suite, "grow=*", start_all_growing), the_grow_option_can_name_everything);
	tcase_add_test(case_on_mount(suite, "grow=log?:*.txt", start_growing_patterns),
	    the_grow_option_is_a_list_of_patterns);
}
