/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory of an object that has ended may be the next one's: nobody can tell. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { SIZE = 16 * PAGE, ROUNDS = 50, TICK_MS = 15 };

static bool is_before(struct timespec left, struct timespec right)
{
	return left.tv_sec < right.tv_sec ||
	       (left.tv_sec == right.tv_sec && left.tv_nsec < right.tv_nsec);
}

/* Full of what others must not see. */
static unsigned char *make_full(const char *name, int byte)
{
	int fd = new_object(name, SIZE);
	unsigned char *map = map_object(fd, SIZE, PROT_READ | PROT_WRITE);

	memset(map, byte, SIZE);
	OK(close(fd));
	return map;
}

static void make_and_end(int byte)
{
	unmap(make_full("last", byte), SIZE);
	OK(unlink("last"));
}

START_TEST(a_new_object_is_zeros_whatever_ended_before)
{
	for (int round = 0; round < ROUNDS; round++) {
		unsigned char *map;
		int fd;

		make_and_end(0x5a);
		fd = new_object("next", 0);
		ck_assert_int_eq(size_of(fd), 0);
		OK(ftruncate(fd, SIZE));
		ck_assert_int_eq(status_of("next").st_blocks, 0);
		if (round % 2 == 0) {
			expect_zeros(fd, 0, SIZE);
		} else {
			map = map_object(fd, SIZE, PROT_READ);
			BYTES_ARE(0, map, SIZE);
			unmap(map, SIZE);
		}
		OK(close(fd));
		OK(unlink("next"));
	}
}
END_TEST

START_TEST(a_new_object_has_times_of_its_own)
{
	struct timespec last = {0};

	for (int round = 0; round < ROUNDS; round++) {
		struct stat st;

		/* Before Linux 6.13 times are those of ticks. */
		pause_ms(TICK_MS);
		make_and_end(1);
		OK(close(new_object("next", round % 2 ? SIZE : 0)));
		st = status_of("next");
		ck_assert_uint_eq(st.st_nlink, 1);
		ck_assert(is_before(last, st.st_mtim) || round == 0);
		ck_assert(!is_before(st.st_ctim, st.st_mtim));
		last = st.st_mtim;
		OK(unlink("next"));
	}
}
END_TEST

/* Its last name and descriptor are gone, and it is there as long as it is mapped. */
START_TEST(what_is_still_mapped_is_not_the_next_ones)
{
	unsigned char *kept[8], *next;

	for (int i = 0; i < 8; i++) {
		kept[i] = make_full("kept", 'a' + i);
		OK(unlink("kept"));
	}
	next = make_full("next", 'z');
	for (int i = 0; i < 8; i++) {
		BYTES_ARE((unsigned char)('a' + i), kept[i], SIZE);
		memset(kept[i], 'A' + i, SIZE);
	}
	BYTES_ARE('z', next, SIZE);
	for (int i = 0; i < 8; i++)
		unmap(kept[i], SIZE);
	unmap(next, SIZE);
}
END_TEST

/* A pipe has the pages, and not the object. */
START_TEST(pages_in_a_pipe_stay_what_they_were)
{
	unsigned char data[PAGE];
	loff_t from = 0;
	int ends[2], fd;

	unmap(make_full("last", 'p'), SIZE);
	fd = OK(open("last", O_RDONLY | O_CLOEXEC));
	OK(pipe2(ends, O_CLOEXEC));
	GIVES(PAGE, splice(fd, &from, ends[1], NULL, PAGE, 0));
	OK(close(fd));
	OK(unlink("last"));
	unmap(make_full("next", 'n'), SIZE);
	GIVES(PAGE, read(ends[0], data, PAGE));
	BYTES_ARE('p', data, PAGE);
	OK(close(ends[0]));
	OK(close(ends[1]));
}
END_TEST

void add_reuse_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "reuse", NULL);

	tcase_add_test(tcase, a_new_object_is_zeros_whatever_ended_before);
	tcase_add_test(tcase, a_new_object_has_times_of_its_own);
	tcase_add_test(tcase, what_is_still_mapped_is_not_the_next_ones);
	tcase_add_test(tcase, pages_in_a_pipe_stay_what_they_were);
}
