/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sendfile and splice: what comes out of an object is current, and what goes in stops at its size.
 *
 * From an opening for writing the kernel goes through the page cache of FUSE, unless it is
 * O_DIRECT. Where mappings have pages of their own that would be what the object held earlier, so
 * there it is EINVAL.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { PAGES = 4, SIZE = PAGES * PAGE };

static const int openings[] = {O_RDONLY, O_RDWR, O_RDWR | O_DIRECT};
enum { OPENINGS = sizeof(openings) / sizeof(openings[0]) };

/* Sends bytes of the object to somewhere else; what arrives is in `data`. */
typedef ssize_t sender(int fd, off_t offset, void *data, size_t length);

static ssize_t receive(int fd, void *data, ssize_t sent)
{
	ssize_t received = 0;

	while (received < sent)
		received += OK(read(fd, (char *)data + received, (size_t)(sent - received)));
	return sent;
}

/* Lets go of both ends without a change of errno. */
static void close_both(const int ends[2])
{
	int error = errno;

	close(ends[0]);
	close(ends[1]);
	errno = error;
}

static ssize_t send_to_pipe(int fd, off_t offset, void *data, size_t length)
{
	int ends[2];
	ssize_t sent;

	OK(pipe(ends));
	sent = sendfile(ends[1], fd, &offset, length);
	if (sent > 0)
		receive(ends[0], data, sent);
	close_both(ends);
	return sent;
}

static ssize_t send_to_socket(int fd, off_t offset, void *data, size_t length)
{
	int ends[2];
	ssize_t sent;

	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	sent = sendfile(ends[1], fd, &offset, length);
	if (sent > 0)
		receive(ends[0], data, sent);
	close_both(ends);
	return sent;
}

static ssize_t splice_to_pipe(int fd, off_t offset, void *data, size_t length)
{
	int ends[2];
	ssize_t sent;

	OK(pipe(ends));
	sent = splice(fd, &offset, ends[1], NULL, length, 0);
	if (sent > 0)
		receive(ends[0], data, sent);
	close_both(ends);
	return sent;
}

static sender *const senders[] = {send_to_pipe, send_to_socket, splice_to_pipe};
enum { SENDERS = sizeof(senders) / sizeof(senders[0]) };

static bool is_refused(int opening)
{
	return opening == O_RDWR && fixture_maps_natively() && !fixture_is_tmpfs();
}

/* The whole of the object "a" is what `map` shows, however it is opened and sent. */
static void expect_current(const int readers[OPENINGS], const unsigned char *map, size_t size)
{
	unsigned char data[SIZE];

	for (int i = 0; i < OPENINGS; i++)
		for (int way = 0; way < SENDERS; way++) {
			if (size > 0 && is_refused(openings[i])) {
				FAILS(EINVAL, senders[way](readers[i], 0, data, SIZE));
				continue;
			}
			GIVES((long)size, senders[way](readers[i], 0, data, SIZE));
			BYTES_EQUAL(map, data, size);
		}
}

static void open_readers(int readers[OPENINGS])
{
	for (int i = 0; i < OPENINGS; i++)
		readers[i] = OK(open("a", openings[i]));
}

START_TEST(what_is_sent_is_current_after_each_store_of_a_mapping)
{
	int fd = new_object("a", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
	int readers[OPENINGS];

	open_readers(readers);
	for (int round = 1; round < 20; round++) {
		memset(map, round, SIZE);
		map[round] = 0xff;
		expect_current(readers, map, SIZE);
	}
}
END_TEST

START_TEST(what_is_sent_is_current_after_each_write)
{
	int fd = new_object("a", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ);
	int readers[OPENINGS];

	open_readers(readers);
	for (int round = 1; round < 20; round++) {
		write_pattern(fd, round * 100, PAGE + 7);
		GIVES(1, pwrite(readers[1], &round, 1, round));
		expect_current(readers, map, SIZE);
		ck_assert_int_eq(map[round], round);
	}
}
END_TEST

START_TEST(what_is_sent_is_current_after_each_change_of_size)
{
	int fd = new_object("a", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
	int readers[OPENINGS];

	open_readers(readers);
	pattern(map, 0, SIZE);
	expect_current(readers, map, SIZE);
	OK(ftruncate(fd, PAGE + 100));
	expect_current(readers, map, PAGE + 100);
	OK(ftruncate(fd, SIZE));
	BYTES_ARE(0, map + PAGE + 100, SIZE - PAGE - 100);
	expect_current(readers, map, SIZE);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, PAGE));
	BYTES_ARE(0, map + 10, PAGE);
	expect_current(readers, map, SIZE);
	OK(truncate("a", 0));
	expect_current(readers, map, 0);
}
END_TEST

START_TEST(what_is_sent_is_current_after_a_copy)
{
	int fd = new_object("a", SIZE);
	int from = new_object("b", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ);
	int readers[OPENINGS];
	off_t zero = 0;
	off_t offset = 100;

	open_readers(readers);
	write_pattern(from, 0, SIZE);
	expect_current(readers, map, SIZE);
	GIVES(PAGE, copy_file_range(from, &zero, fd, &offset, PAGE, 0));
	ck_assert_int_eq(map[100], pattern_at(0));
	expect_current(readers, map, SIZE);
}
END_TEST

/* What a process was told to expect soon is no reason to send it when it has changed. */
START_TEST(reading_ahead_does_not_make_it_stale)
{
	int fd = new_object("a", SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);
	int readers[OPENINGS];

	open_readers(readers);
	memset(map, 1, SIZE);
	for (int i = 0; i < OPENINGS; i++)
		GIVES(0, posix_fadvise(readers[i], 0, SIZE, POSIX_FADV_WILLNEED));
	(void)readahead(readers[1], 0, SIZE);
	pause_ms(20);
	memset(map, 2, SIZE);
	expect_current(readers, map, SIZE);
	for (int i = 0; i < OPENINGS; i++) {
		unsigned char data[SIZE];

		GIVES(SIZE, pread(readers[i], data, SIZE, 0));
		BYTES_EQUAL(map, data, SIZE);
	}
}
END_TEST

START_TEST(sending_ends_at_the_end_of_the_object)
{
	int fd = new_object("a", PAGE + 100);
	int reader = OK(open("a", O_RDONLY));
	unsigned char data[SIZE];

	write_pattern(fd, 0, PAGE + 100);
	GIVES(100, senders[_i](reader, PAGE, data, SIZE));
	ck_assert_int_eq(data[99], pattern_at(PAGE + 99));
	GIVES(0, senders[_i](reader, PAGE + 100, data, SIZE));
	GIVES(0, senders[_i](reader, 100 * PAGE, data, SIZE));
	GIVES(10, senders[_i](reader, 5, data, 10));
	ck_assert_int_eq(data[9], pattern_at(14));
}
END_TEST

START_TEST(sending_moves_the_position)
{
	int fd = new_object("a", 100);
	int reader = OK(open("a", O_RDONLY));
	off_t offset = 20;
	int ends[2];

	write_pattern(fd, 0, 100);
	OK(pipe(ends));
	GIVES(60, sendfile(ends[1], reader, NULL, 60));
	GIVES(60, lseek(reader, 0, SEEK_CUR));
	GIVES(40, sendfile(ends[1], reader, NULL, 60));
	GIVES(0, sendfile(ends[1], reader, NULL, 60));
	GIVES(80, sendfile(ends[1], reader, &offset, 100));
	ck_assert_int_eq(offset, 100);
	GIVES(100, lseek(reader, 0, SEEK_CUR));
}
END_TEST

START_TEST(nothing_is_sent_of_what_is_not_open_for_reading)
{
	unsigned char data[10];

	make_object("a", 100);
	FAILS(EBADF, senders[_i](OK(open("a", O_WRONLY)), 0, data, 10));
}
END_TEST

static int filled_pipe(size_t length)
{
	unsigned char data[PAGE];
	int ends[2];

	OK(pipe(ends));
	pattern(data, 0, length);
	GIVES((long)length, write(ends[1], data, length));
	OK(close(ends[1]));
	return ends[0];
}

START_TEST(splice_into_an_object_stops_at_its_size)
{
	int fd = new_object("a", 100);
	int from = filled_pipe(PAGE);
	unsigned char want[100];
	off_t offset = 40;

	GIVES(60, splice(from, NULL, fd, &offset, PAGE, 0));
	ck_assert_int_eq(offset, 100);
	FAILS(EFBIG, splice(from, NULL, fd, &offset, PAGE, 0));
	ck_assert_int_eq(size_of(fd), 100);
	expect_zeros(fd, 0, 40);
	/* What found no room is still in the pipe. */
	offset = 0;
	GIVES(40, splice(from, NULL, fd, &offset, 40, 0));
	pattern(want, 60, 40);
	GIVES(40, pread(fd, want + 40, 40, 0));
	BYTES_EQUAL(want, want + 40, 40);
}
END_TEST

START_TEST(sendfile_into_an_object_stops_at_its_size)
{
	int from_writer = new_object("a", PAGE);
	int to = new_object("b", 100);
	int from = OK(open("a", O_RDONLY));
	off_t offset = 5;
	unsigned char want[100];
	unsigned char found[100];

	write_pattern(from_writer, 0, PAGE);
	pattern(want, 5, 100);
	GIVES(100, sendfile(to, from, &offset, PAGE));
	ck_assert_int_eq(offset, 105);
	GIVES(100, lseek(to, 0, SEEK_CUR));
	FAILS(EFBIG, sendfile(to, from, &offset, PAGE));
	ck_assert_int_eq(offset, 105);
	ck_assert_int_eq(size_of(to), 100);
	GIVES(100, pread(to, found, 100, 0));
	BYTES_EQUAL(want, found, 100);
}
END_TEST

START_TEST(sendfile_into_an_object_is_seen_by_its_mappings)
{
	int from = new_object("a", SIZE);
	int to = new_object("b", SIZE);
	unsigned char *map = map_object(to, SIZE, PROT_READ | PROT_WRITE);
	off_t offset = 0;

	write_pattern(from, 0, SIZE);
	from = OK(open("a", O_RDONLY));
	memset(map, 9, SIZE);
	GIVES(PAGE + 5, sendfile(to, from, &offset, PAGE + 5));
	ck_assert_int_eq(map[PAGE + 4], pattern_at(PAGE + 4));
	BYTES_ARE(9, map + PAGE + 5, SIZE - PAGE - 5);
	expect_pattern(to, 0, PAGE + 5);
}
END_TEST

START_TEST(sendfile_into_a_growing_object_extends_it)
{
	int from = new_object("a", PAGE);
	int to = new_object("tmp-b", 0);
	off_t offset = 0;

	write_pattern(from, 0, PAGE);
	from = OK(open("a", O_RDONLY));
	GIVES(PAGE, sendfile(to, from, &offset, SIZE));
	ck_assert_int_eq(size_of(to), PAGE);
	expect_pattern(to, 0, PAGE);
}
END_TEST

START_TEST(appending_has_no_room_but_in_a_growing_object)
{
	int fd = new_object("a", 100);
	int growing = new_object("tmp-a", 100);
	struct iovec part = {(char[]){"data"}, 4};
	char data[4];

	FAILS(EFBIG, pwritev2(fd, &part, 1, 0, RWF_APPEND));
	ck_assert_int_eq(size_of(fd), 100);
	GIVES(4, pwritev2(growing, &part, 1, 0, RWF_APPEND));
	ck_assert_int_eq(size_of(growing), 104);
	GIVES(4, pread(growing, data, 4, 100));
	ck_assert_int_eq(memcmp(data, "data", 4), 0);
	expect_zeros(growing, 0, 100);
	OK(ftruncate(growing, 10));
	GIVES(4, pwritev2(growing, &part, 1, -1, RWF_APPEND));
	ck_assert_int_eq(size_of(growing), 14);
}
END_TEST

START_TEST(flags_of_pwritev2_leave_the_size_alone)
{
	static const int flags[] = {RWF_SYNC, RWF_DSYNC, RWF_HIPRI};
	int fd = new_object("a", 100);
	struct iovec part = {(char[]){"data"}, 4};

	for (int i = 0; i < 3; i++) {
		GIVES(2, pwritev2(fd, &part, 1, 98, flags[i]));
		FAILS(EFBIG, pwritev2(fd, &part, 1, 100, flags[i]));
	}
	FAILS(EOPNOTSUPP, pwritev2(fd, &part, 1, 0, 0x40000000));
	GIVES(4, preadv2(fd, &part, 1, 0, RWF_HIPRI));
	ck_assert_int_eq(size_of(fd), 100);
}
END_TEST

void add_splice_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "splices", NULL);

	tcase_add_test(tcase, what_is_sent_is_current_after_each_store_of_a_mapping);
	tcase_add_test(tcase, what_is_sent_is_current_after_each_write);
	tcase_add_test(tcase, what_is_sent_is_current_after_each_change_of_size);
	tcase_add_test(tcase, what_is_sent_is_current_after_a_copy);
	tcase_add_test(tcase, reading_ahead_does_not_make_it_stale);
	tcase_add_loop_test(tcase, sending_ends_at_the_end_of_the_object, 0, SENDERS);
	tcase_add_test(tcase, sending_moves_the_position);
	tcase_add_loop_test(tcase, nothing_is_sent_of_what_is_not_open_for_reading, 0, SENDERS);
	tcase_add_test(tcase, splice_into_an_object_stops_at_its_size);
	tcase_add_test(tcase, sendfile_into_an_object_stops_at_its_size);
	tcase_add_test(tcase, sendfile_into_an_object_is_seen_by_its_mappings);
	tcase_add_test(tcase, sendfile_into_a_growing_object_extends_it);
	tcase_add_test(tcase, appending_has_no_room_but_in_a_growing_object);
	tcase_add_test(tcase, flags_of_pwritev2_leave_the_size_alone);
}
