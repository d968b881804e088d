/* SPDX-License-Identifier: BSD-2-Clause */
/* Mappings of objects: what they share with read, write, other processes and size changes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

static void expect_byte(int fd, off_t offset, unsigned char want)
{
	unsigned char got = 0;

	GIVES(1, pread(fd, &got, 1, offset));
	ck_assert_msg(got == want, "pread at %lld: expected 0x%02x, got 0x%02x", (long long)offset,
	    want, got);
}

START_TEST(a_store_through_a_mapping_is_seen_by_pread)
{
	int fd = new_object("a", 3 * PAGE);
	int reader = OK(open("a", O_RDONLY));
	volatile unsigned char *map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);

	for (int round = 1; round <= 20; round++) {
		map[5] = (unsigned char)round;
		expect_byte(fd, 5, (unsigned char)round);
		expect_byte(reader, 5, (unsigned char)round);
		map[2 * PAGE + 7] = (unsigned char)(round + 100);
		expect_byte(reader, 2 * PAGE + 7, (unsigned char)(round + 100));
		expect_byte(fd, 2 * PAGE + 7, (unsigned char)(round + 100));
	}
}
END_TEST

START_TEST(a_write_is_seen_by_a_load_through_a_mapping)
{
	int fd = new_object("a", 3 * PAGE);
	int reader = OK(open("a", O_RDONLY));
	volatile unsigned char *map = map_object(fd, 3 * PAGE, PROT_READ | PROT_WRITE);
	volatile unsigned char *read_only = map_object(reader, 3 * PAGE, PROT_READ);

	for (int round = 1; round <= 20; round++) {
		unsigned char byte = (unsigned char)round;

		GIVES(1, pwrite(fd, &byte, 1, PAGE + 9));
		ck_assert_int_eq(map[PAGE + 9], round);
		ck_assert_int_eq(read_only[PAGE + 9], round);
		map[PAGE + 10] = byte;
		ck_assert_int_eq(read_only[PAGE + 10], round);
	}
}
END_TEST

struct partner {
	struct turn ours;
	struct turn theirs;
};

static void other_process(void *context)
{
	struct partner *partner = context;
	int fd = OK(open("a", O_RDWR));
	volatile unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char byte = 33;

	map[0] = 11;
	turn_give(&partner->theirs);
	turn_wait(&partner->ours);
	ck_assert_int_eq(map[1], 22);
	expect_byte(fd, 1, 22);
	GIVES(1, pwrite(fd, &byte, 1, PAGE));
	turn_give(&partner->theirs);
	turn_wait(&partner->ours);
	ck_assert_int_eq(map[PAGE + 1], 44);
}

START_TEST(two_processes_share_by_mapping_and_by_read_and_write)
{
	int fd = new_object("a", 2 * PAGE);
	volatile unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	struct partner partner;
	unsigned char byte = 44;
	pid_t child;

	turn_init(&partner.ours);
	turn_init(&partner.theirs);
	child = start_child(other_process, &partner);
	turn_wait(&partner.theirs);
	ck_assert_int_eq(map[0], 11);
	expect_byte(fd, 0, 11);
	map[1] = 22;
	turn_give(&partner.ours);
	turn_wait(&partner.theirs);
	ck_assert_int_eq(map[PAGE], 33);
	GIVES(1, pwrite(fd, &byte, 1, PAGE + 1));
	turn_give(&partner.ours);
	end_child(child);
}
END_TEST

static void store_42(void *context)
{
	volatile unsigned char *map = context;

	ck_assert_int_eq(map[0], 41);
	map[PAGE] = 42;
}

START_TEST(a_mapping_is_shared_across_fork)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	map[0] = 41;
	in_child(store_42, map);
	ck_assert_int_eq(map[PAGE], 42);
	expect_byte(fd, PAGE, 42);
}
END_TEST

START_TEST(a_private_mapping_keeps_its_stores)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map;

	write_pattern(fd, 0, 2 * PAGE);
	map = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	ck_assert_int_eq(map[10], pattern_at(10));
	map[10] = 0;
	map[PAGE] = 0;
	expect_pattern(fd, 0, 2 * PAGE);
	ck_assert_int_eq(map[11], pattern_at(11));
	ck_assert_int_eq(map[10], 0);
}
END_TEST

START_TEST(a_read_only_open_can_be_mapped_private_and_writable)
{
	unsigned char *map;
	int fd;

	make_object("a", PAGE);
	fd = OK(open("a", O_RDONLY));
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	map[0] = 1;
	expect_byte(fd, 0, 0);
}
END_TEST

START_TEST(a_writable_shared_mapping_of_a_read_only_open_is_eacces)
{
	unsigned char *map;
	int fd;

	make_object("a", PAGE);
	fd = OK(open("a", O_RDONLY));
	FAILS(EACCES, mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	map = map_object(fd, PAGE, PROT_READ);
	FAILS(EACCES, mprotect(map, PAGE, PROT_READ | PROT_WRITE));
	fd = OK(open("a", O_WRONLY));
	FAILS(EACCES, mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0));
}
END_TEST

START_TEST(holes_read_as_zeros)
{
	int fd = new_object("a", 1024 * PAGE);
	unsigned char *map = map_object(fd, 1024 * PAGE, PROT_READ | PROT_WRITE);

	map[500 * PAGE] = 1;
	expect_zeros(fd, 0, 500 * PAGE);
	expect_zeros(fd, 500 * PAGE + 1, 524 * PAGE - 1);
	BYTES_ARE(0, map, 500 * PAGE);
	BYTES_ARE(0, map + 500 * PAGE + 1, 524 * PAGE - 1);
}
END_TEST

START_TEST(the_tail_of_the_last_page_can_be_mapped_but_not_read)
{
	int fd = new_object("a", 100);
	unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	unsigned char data[200];

	memset(map, 'x', 100);
	BYTES_ARE(0, map + 100, PAGE - 100);
	map[150] = 'y';
	ck_assert_int_eq(map[150], 'y');
	GIVES(100, pread(fd, data, sizeof(data), 0));
	BYTES_ARE('x', data, 100);
	ck_assert_int_eq(size_of(fd), 100);
}
END_TEST

START_TEST(shrinking_cuts_living_mappings_off_with_sigbus)
{
	int fd = new_object("a", 4 * PAGE);
	unsigned char *map = map_object(fd, 4 * PAGE, PROT_READ | PROT_WRITE);
	unsigned char *other = map_object(OK(open("a", O_RDONLY)), 4 * PAGE, PROT_READ);
	unsigned char want[2 * PAGE];

	pattern(map, 0, 4 * PAGE);
	pattern(want, 0, sizeof(want));
	ck_assert(!load_raises_sigbus(map + 3 * PAGE));
	ck_assert(!load_raises_sigbus(other + 3 * PAGE));
	OK(ftruncate(fd, 2 * PAGE));
	ck_assert(load_raises_sigbus(map + 2 * PAGE));
	ck_assert(load_raises_sigbus(map + 4 * PAGE - 1));
	ck_assert(load_raises_sigbus(other + 2 * PAGE));
	BYTES_EQUAL(want, map, sizeof(want));
	BYTES_EQUAL(want, other, sizeof(want));
	OK(ftruncate(fd, 4 * PAGE));
	BYTES_EQUAL(want, map, sizeof(want));
	BYTES_ARE(0, map + 2 * PAGE, 2 * PAGE);
	BYTES_ARE(0, other + 2 * PAGE, 2 * PAGE);
	expect_zeros(fd, 2 * PAGE, 2 * PAGE);
}
END_TEST

START_TEST(shrinking_to_nothing_cuts_off_every_page)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	memset(map, 1, 2 * PAGE);
	OK(truncate("a", 0));
	ck_assert(load_raises_sigbus(map));
	OK(truncate("a", 1));
	BYTES_ARE(0, map, PAGE);
	ck_assert(load_raises_sigbus(map + PAGE));
}
END_TEST

START_TEST(a_page_behind_the_end_of_the_object_raises_sigbus)
{
	int fd = new_object("a", PAGE + 1);
	unsigned char *map = map_object(fd, 3 * PAGE, PROT_READ);

	ck_assert(!load_raises_sigbus(map + 2 * PAGE - 1));
	ck_assert(load_raises_sigbus(map + 2 * PAGE));
	OK(ftruncate(fd, 3 * PAGE));
	ck_assert(!load_raises_sigbus(map + 2 * PAGE));
}
END_TEST

static const size_t lengths[] = {1, 511, 512, 513, 4095, 4096, 4097, 12287};

static void shrink_and_regrow(int fd, unsigned char *map, size_t length)
{
	unsigned char want[4 * PAGE];

	pattern(want, 0, sizeof(want));
	OK(ftruncate(fd, (off_t)length));
	expect_pattern(fd, 0, length);
	BYTES_EQUAL(want, map, length);
	OK(ftruncate(fd, 4 * PAGE));
	expect_pattern(fd, 0, length);
	expect_zeros(fd, (off_t)length, 4 * PAGE - length);
	BYTES_EQUAL(want, map, length);
	BYTES_ARE(0, map + length, 4 * PAGE - length);
}

START_TEST(an_odd_length_keeps_what_a_mapping_stored_below_it)
{
	int fd = new_object("a", 4 * PAGE);
	unsigned char *map = map_object(fd, 4 * PAGE, PROT_READ | PROT_WRITE);

	pattern(map, 0, 4 * PAGE);
	shrink_and_regrow(fd, map, lengths[_i]);
}
END_TEST

START_TEST(an_odd_length_keeps_what_write_stored_below_it)
{
	int fd = new_object("a", 4 * PAGE);
	size_t length = lengths[_i];

	write_pattern(fd, 0, 4 * PAGE);
	OK(ftruncate(fd, (off_t)length));
	expect_pattern(fd, 0, length);
	OK(ftruncate(fd, 4 * PAGE));
	expect_pattern(fd, 0, length);
	expect_zeros(fd, (off_t)length, 4 * PAGE - length);
	write_pattern(fd, 0, 4 * PAGE);
	shrink_and_regrow(fd, map_object(fd, 4 * PAGE, PROT_READ), length);
}
END_TEST

/* Opens one object for reading and for writing, in the order that `reading_first` says. */
static void open_both(bool reading_first, int *reader, int *writer)
{
	if (reading_first)
		*reader = OK(open("a", O_RDONLY));
	*writer = OK(open("a", O_RDWR));
	if (!reading_first)
		*reader = OK(open("a", O_RDONLY));
}

static void use_both(int reader, int writer)
{
	unsigned char *map;

	write_pattern(writer, 0, 2 * PAGE);
	expect_pattern(reader, 0, 2 * PAGE);
	expect_pattern(writer, 0, 2 * PAGE);
	map = map_object(writer, 2 * PAGE, PROT_READ | PROT_WRITE);
	memset(map, 7, PAGE);
	BYTES_ARE(7, map_object(reader, 2 * PAGE, PROT_READ), PAGE);
	memset(map + PAGE, 8, 1);
	expect_byte(reader, 0, 7);
	expect_byte(reader, PAGE, 8);
	expect_byte(writer, PAGE, 8);
}

START_TEST(an_object_is_open_for_reading_and_for_writing_at_once)
{
	int reader;
	int writer;
	int late;

	make_object("a", 2 * PAGE);
	open_both(_i == 0, &reader, &writer);
	use_both(reader, writer);
	OK(close(_i == 0 ? reader : writer));
	late = OK(open("a", _i == 0 ? O_RDONLY : O_RDWR));
	use_both(_i == 0 ? late : reader, _i == 0 ? writer : late);
}
END_TEST

static void open_in_every_way(void *context)
{
	static const int ways[] = {O_RDONLY, O_RDWR, O_WRONLY, O_RDWR | O_APPEND, O_RDONLY};

	(void)context;
	for (int round = 0; round < 100; round++) {
		int fd = OK(open("a", ways[round % 5]));

		if ((ways[round % 5] & O_ACCMODE) != O_WRONLY) {
			unsigned char *map = map_object(fd, PAGE, PROT_READ);

			expect_byte(fd, 0, map[0]);
			unmap(map, PAGE);
		}
		OK(close(fd));
	}
}

START_TEST(processes_open_and_map_one_object_in_every_way_at_once)
{
	pid_t children[4];

	make_object("a", PAGE);
	for (int i = 0; i < 4; i++)
		children[i] = start_child(open_in_every_way, NULL);
	for (int i = 0; i < 4; i++)
		end_child(children[i]);
}
END_TEST

START_TEST(memory_calls_work_on_a_mapping)
{
	int fd = new_object("a", 4 * PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

	memset(map, 5, 2 * PAGE);
	OK(msync(map, 2 * PAGE, MS_SYNC));
	OK(fsync(fd));
	OK(madvise(map, 2 * PAGE, MADV_DONTNEED));
	BYTES_ARE(5, map, 2 * PAGE);
	map = mremap(map, 2 * PAGE, 4 * PAGE, MREMAP_MAYMOVE);
	ck_assert_ptr_ne(map, MAP_FAILED);
	BYTES_ARE(5, map, 2 * PAGE);
	BYTES_ARE(0, map + 2 * PAGE, 2 * PAGE);
}
END_TEST

static void expect_sendfile(int fd, unsigned char want)
{
	unsigned char got = 0;
	off_t offset = 0;
	int ends[2];

	OK(pipe(ends));
	GIVES(1, sendfile(ends[1], fd, &offset, 1));
	GIVES(1, read(ends[0], &got, 1));
	ck_assert_msg(got == want, "sendfile: expected 0x%02x, got 0x%02x", want, got);
	OK(close(ends[0]));
	OK(close(ends[1]));
}

static long pages_of(int fd)
{
	struct statx st;

	OK(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BLOCKS, &st));
	return (long)st.stx_blocks / (PAGE / 512);
}

/* What is written back takes pages of the object. */
START_TEST(opening_and_closing_cost_nothing_for_what_others_have_stored)
{
	static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
	int fd = new_object("a", 16 * PAGE);
	unsigned char *map = map_object(fd, 16 * PAGE, PROT_READ | PROT_WRITE);

	memset(map, 1, 16 * PAGE);
	for (int i = 0; i < 3; i++)
		OK(close(OK(open("a", modes[i]))));
	GIVES(fixture_maps_natively() ? 16 : 0, pages_of(fd));
	settle_mapped_stores(map, 16 * PAGE);
	GIVES(16, pages_of(fd));
}
END_TEST

/* From a writable open, the kernel answers out of FUSE's page cache: shmfs(5), CAVEATS. */
START_TEST(sendfile_from_a_read_only_open_sees_every_store)
{
	int fd = new_object("a", PAGE);
	int reader = OK(open("a", O_RDONLY));
	volatile unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

	for (int round = 1; round <= 5; round++) {
		map[0] = (unsigned char)round;
		expect_sendfile(reader, (unsigned char)round);
	}
}
END_TEST

void add_mapping_cases(Suite *suite)
{
	TCase *sharing = case_on_mount(suite, "sharing", NULL);
	TCase *cutting = case_on_mount(suite, "cutting", NULL);

	tcase_add_test(sharing, a_store_through_a_mapping_is_seen_by_pread);
	tcase_add_test(sharing, a_write_is_seen_by_a_load_through_a_mapping);
	tcase_add_test(sharing, two_processes_share_by_mapping_and_by_read_and_write);
	tcase_add_test(sharing, a_mapping_is_shared_across_fork);
	tcase_add_test(sharing, a_private_mapping_keeps_its_stores);
	tcase_add_test(sharing, a_read_only_open_can_be_mapped_private_and_writable);
	tcase_add_test(sharing, a_writable_shared_mapping_of_a_read_only_open_is_eacces);
	tcase_add_loop_test(sharing, an_object_is_open_for_reading_and_for_writing_at_once, 0, 2);
	tcase_add_test(sharing, processes_open_and_map_one_object_in_every_way_at_once);
	tcase_add_test(sharing, memory_calls_work_on_a_mapping);
	tcase_add_test(sharing, opening_and_closing_cost_nothing_for_what_others_have_stored);
	tcase_add_test(sharing, sendfile_from_a_read_only_open_sees_every_store);
	tcase_add_test(cutting, holes_read_as_zeros);
	tcase_add_test(cutting, the_tail_of_the_last_page_can_be_mapped_but_not_read);
	tcase_add_test(cutting, shrinking_cuts_living_mappings_off_with_sigbus);
	tcase_add_test(cutting, shrinking_to_nothing_cuts_off_every_page);
	tcase_add_test(cutting, a_page_behind_the_end_of_the_object_raises_sigbus);
	tcase_add_loop_test(cutting, an_odd_length_keeps_what_a_mapping_stored_below_it, 0, 8);
	tcase_add_loop_test(cutting, an_odd_length_keeps_what_write_stored_below_it, 0, 8);
}
