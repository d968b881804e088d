/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon with fewer descriptors than objects closes memory, and nobody sees anything of it. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "sealing.h"
#include "suites.h"

/* Half of the descriptors are the daemon's own. */
enum { DESCRIPTORS = 128, MANY = 1000 };

static void limit_descriptors(void)
{
	if (!launch_with_descriptors(DESCRIPTORS))
		_exit(126);
}

static void start_with_few_descriptors(void)
{
	shared_mount = mount_start_prepared("size=64m,huge=never", limit_descriptors);
}

static const char *numbered(int number)
{
	static char name[16];

	snprintf(name, sizeof name, "o%d", number);
	return name;
}

static off_t place_of(int number)
{
	return (off_t)number * 256;
}

/* Each has two pages, and in the second one 256 bytes of its own. */
static void make_many(void)
{
	for (int i = 0; i < MANY; i++) {
		int fd = new_object(numbered(i), 2 * PAGE);
		unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);

		pattern(map + PAGE, place_of(i), 256);
		unmap(map, 2 * PAGE);
		OK(close(fd));
	}
}

static void expect_own(int fd, int number)
{
	unsigned char want[256], got[256];

	pattern(want, place_of(number), sizeof want);
	GIVES((long)sizeof got, pread(fd, got, sizeof got, PAGE));
	BYTES_EQUAL(want, got, sizeof got);
}

START_TEST(more_objects_than_descriptors)
{
	make_many();
	for (int i = 0; i < 2 * MANY; i++) {
		int number = i * 7919 % MANY;
		int fd = OK(open(numbered(number), i % 2 ? O_RDWR : O_RDONLY));

		expect_own(fd, number);
		OK(close(fd));
	}
}
END_TEST

START_TEST(memory_of_removed_objects_comes_back)
{
	unsigned long pages = pages_left(), nodes = nodes_left();

	make_many();
	ck_assert_uint_lt(pages_left(), pages);
	for (int i = 0; i < MANY; i++)
		OK(unlink(numbered(i)));
	expect_pages_left_soon(pages);
	expect_nodes_left_soon(nodes);
}
END_TEST

START_TEST(mappings_see_what_is_written_to_closed_memory)
{
	int fd = new_object("a", 2 * PAGE);
	unsigned char *map = map_object(fd, 2 * PAGE, PROT_READ | PROT_WRITE);
	int again;

	map[0] = 'm';
	OK(close(fd));
	make_many();
	again = OK(open("a", O_RDWR));
	GIVES(1, pwrite(again, "w", 1, PAGE));
	ck_assert_int_eq(map[PAGE], 'w');
	map[1] = 'n';
	BYTES_ARE('m', map, 1);
	GIVES(1, pread(again, map + 2, 1, 1));
	ck_assert_int_eq(map[2], 'n');
	OK(ftruncate(again, PAGE));
	ck_assert(load_raises_sigbus(map + PAGE));
	OK(close(again));
	unmap(map, 2 * PAGE);
}
END_TEST

/* What the daemon asks of memory itself: who else has it, its pages, its holes. */
START_TEST(closed_memory_is_asked_as_open_memory_is)
{
	unsigned char *map;
	int fd;

	make_sealed(2 * PAGE, "shrink");
	fd = OK(open("a", O_RDWR));
	map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	OK(close(fd));
	make_many();
	ck_assert_int_eq(status_of("a").st_blocks, 2 * PAGE / 512);
	FAILS(EBUSY, seal("a", "write"));
	unmap(map, PAGE);

	for (int i = 0; i < MANY; i++)
		OK(close(OK(open(numbered(i), O_RDWR))));
	expect_write_seal_soon();
	FAILS(EPERM, open("a", O_RDWR));
	fd = OK(open(numbered(0), O_RDWR));
	GIVES(PAGE, lseek(fd, 0, SEEK_DATA));
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE, PAGE));
	ck_assert_int_eq(status_of(numbered(0)).st_blocks, 0);
	OK(close(fd));
}
END_TEST

static bool is_another(void *context)
{
	pid_t now = server_of(shared_mount->pid);

	return now != 0 && now != *(pid_t *)context;
}

START_TEST(closed_memory_outlives_servers)
{
	make_many();
	for (int i = 0; i < 3; i++) {
		pid_t server = server_of(shared_mount->pid);

		OK(kill(server, SIGKILL));
		for (int number = i; number < MANY; number += 3) {
			int fd = OK(open(numbered(number), O_RDWR));

			expect_own(fd, number);
			OK(close(fd));
		}
		ck_assert(within_a_second(is_another, &server));
	}
}
END_TEST

void add_closed_memory_cases(Suite *suite)
{
	TCase *tcase;

	if (launch_has_memfds())
		return;
	tcase = case_on_mount(suite, "closed_memory", start_with_few_descriptors);
	tcase_set_timeout(tcase, 30);
	tcase_add_test(tcase, more_objects_than_descriptors);
	tcase_add_test(tcase, memory_of_removed_objects_comes_back);
	tcase_add_test(tcase, mappings_see_what_is_written_to_closed_memory);
	tcase_add_test(tcase, closed_memory_is_asked_as_open_memory_is);
	tcase_add_test(tcase, closed_memory_outlives_servers);
}
