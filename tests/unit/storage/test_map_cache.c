/* SPDX-License-Identifier: BSD-2-Clause */
/* The part of memory that stays mapped. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fs/storage/map_cache.h"
#include "harness.h"
#include "suites.h"

enum { KIB = 1024, MIB = 1024 * KIB };

/* Nothing is pretended here. */
#define SYSTEM_PAGE ((size_t)sysconf(_SC_PAGESIZE))

static const struct shmfs_os *os;
static struct shmfs_map_cache cache = {.fd = -1, .last_fd = -1};
static unsigned char bytes[4 * MIB];

/* Memory with bytes that tell where they are. */
static int memory(int number, size_t size)
{
	os = shmfs_os_linux();
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(i % 251 + i / SYSTEM_PAGE);
	GIVES(0, map_cache_memory_create(&cache, os, number));
	GIVES(0, os->truncate(NULL, number, size));
	GIVES(size, os->write(NULL, number, bytes, size, 0));
	return number;
}

static void expect_view(int fd, uint64_t offset, size_t size)
{
	const void *view = os->view(NULL, &cache, fd, offset, size);

	ck_assert(view != NULL);
	ck_assert_int_eq(memcmp(view, bytes + offset, size), 0);
}

static uint64_t pages_of(int fd)
{
	uint64_t blocks;

	GIVES(0, os->blocks(NULL, fd, &blocks));
	return blocks * 512 / SYSTEM_PAGE;
}

START_TEST(much_is_seen_at_once)
{
	int fd = memory(70, 4 * MIB);

	expect_view(fd, 0, MIB);
	expect_view(fd, 3 * MIB, MIB);
	expect_view(fd, MIB - 1, MIB);
	expect_view(fd, 12345, 400 * KIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(little_is_seen_where_much_was)
{
	int fd = memory(70, 4 * MIB);

	ck_assert(os->view(NULL, &cache, fd, 2 * MIB, 32 * KIB) == NULL);
	expect_view(fd, 2 * MIB, MIB);
	expect_view(fd, 2 * MIB, 1);
	expect_view(fd, 3 * MIB - 1, 1);
	ck_assert(os->view(NULL, &cache, fd, 0, 32 * KIB) == NULL);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(little_is_seen_by_who_reads_on)
{
	int fd = memory(70, 4 * MIB);

	ck_assert(os->view(NULL, &cache, fd, 0, 64 * KIB) == NULL);
	for (uint64_t at = 64 * KIB; at < 4 * MIB; at += 64 * KIB)
		expect_view(fd, at, 64 * KIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(what_was_written_and_freed_meanwhile_is_seen)
{
	int fd = memory(70, MIB);

	expect_view(fd, 0, MIB);
	memset(bytes + 5000, 'x', 100);
	GIVES(100, os->write(NULL, fd, bytes + 5000, 100, 5000));
	expect_view(fd, 0, MIB);
	GIVES(0, os->punch(NULL, fd, 8 * SYSTEM_PAGE, SYSTEM_PAGE));
	ck_assert(os->view(NULL, &cache, fd, 0, MIB) == NULL);
	ck_assert(os->view(NULL, &cache, fd, 8 * SYSTEM_PAGE, 1) == NULL);
	expect_view(fd, 0, 8 * SYSTEM_PAGE);
	expect_view(fd, 9 * SYSTEM_PAGE, SYSTEM_PAGE);
	/* What was looked for has not become memory. */
	ck_assert_uint_eq(pages_of(fd), MIB / SYSTEM_PAGE - 1);
	memset(bytes + 8 * SYSTEM_PAGE, 0, SYSTEM_PAGE);
	GIVES(SYSTEM_PAGE,
	    os->write(NULL, fd, bytes + 8 * SYSTEM_PAGE, SYSTEM_PAGE, 8 * SYSTEM_PAGE));
	expect_view(fd, 0, MIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(nothing_is_seen_behind_an_end_that_has_come_nearer)
{
	int fd = memory(70, MIB);

	expect_view(fd, 0, MIB);
	GIVES(0, os->truncate(NULL, fd, 10 * SYSTEM_PAGE));
	expect_view(fd, 0, 10 * SYSTEM_PAGE);
	ck_assert(os->view(NULL, &cache, fd, 0, 11 * SYSTEM_PAGE) == NULL);
	ck_assert(os->view(NULL, &cache, fd, 10 * SYSTEM_PAGE, SYSTEM_PAGE) == NULL);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(a_number_that_means_other_memory_shows_that)
{
	int fd = memory(70, MIB);

	expect_view(fd, 0, MIB);
	GIVES(0, map_cache_close(&cache, os, fd));
	fd = memory(70, MIB);
	memset(bytes, 'y', MIB);
	GIVES(MIB, os->write(NULL, fd, bytes, MIB, 0));
	expect_view(fd, 0, MIB);
	/* Also where nobody has closed it. */
	fd = memory(70, MIB);
	expect_view(fd, 0, MIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

START_TEST(memory_that_was_seen_can_be_sealed)
{
	int fd = memory(70, MIB);

	expect_view(fd, 0, MIB);
	GIVES(0, map_cache_seal_write(&cache, os, fd));
	expect_view(fd, 0, MIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

static bool is_mapped(const char *what)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	ck_assert(maps != NULL);
	while (fgets(line, sizeof line, maps) != NULL)
		found = found || strstr(line, what) != NULL;
	fclose(maps);
	return found;
}

START_TEST(memory_that_was_seen_is_let_go_of_when_it_is_closed)
{
	int fd = memory(70, MIB);

	expect_view(fd, 0, MIB);
	ck_assert(is_mapped("/memfd:shmfs "));
	GIVES(0, map_cache_close(&cache, os, fd));
	ck_assert(!is_mapped("/memfd:shmfs "));
}
END_TEST

START_TEST(of_several_one_is_seen)
{
	int first = memory(70, MIB), second = memory(71, 2 * MIB);

	expect_view(first, 0, MIB);
	expect_view(second, MIB, MIB);
	ck_assert(os->view(NULL, &cache, first, 0, 32 * KIB) == NULL);
	expect_view(first, 0, MIB);
	GIVES(0, map_cache_close(&cache, os, second));
	expect_view(first, 0, 32 * KIB);
	GIVES(0, map_cache_close(&cache, os, first));
	ck_assert(os->view(NULL, &cache, first, 0, MIB) == NULL);
}
END_TEST

START_TEST(more_than_a_mapping_holds_is_not_seen)
{
	int fd = memory(70, 4 * MIB);

	ck_assert(os->view(NULL, &cache, fd, 0, 2 * MIB + 1) == NULL);
	ck_assert(os->view(NULL, &cache, fd, 1, 2 * MIB) == NULL);
	expect_view(fd, 0, 2 * MIB);
	GIVES(0, map_cache_close(&cache, os, fd));
}
END_TEST

/* Two namespaces, or two processes' views of one, have one mapping each. */
START_TEST(each_cache_sees_for_itself)
{
	struct shmfs_map_cache other = MAP_CACHE_EMPTY;
	int first = memory(70, MIB), second = memory(71, MIB);

	expect_view(first, 0, MIB);
	ck_assert(os->view(NULL, &other, first, 0, 32 * KIB) == NULL);
	ck_assert(os->view(NULL, &other, second, 0, MIB) != NULL);
	expect_view(first, 0, 32 * KIB);
	GIVES(0, map_cache_close(&other, os, second));
	expect_view(first, 0, 32 * KIB);
	GIVES(0, map_cache_close(&cache, os, first));
}
END_TEST

Suite *map_cache_suite(void)
{
	Suite *suite = suite_create("map_cache");
	TCase *tests = harness_case(suite, "map_cache");

	tcase_add_test(tests, much_is_seen_at_once);
	tcase_add_test(tests, little_is_seen_where_much_was);
	tcase_add_test(tests, little_is_seen_by_who_reads_on);
	tcase_add_test(tests, what_was_written_and_freed_meanwhile_is_seen);
	tcase_add_test(tests, nothing_is_seen_behind_an_end_that_has_come_nearer);
	tcase_add_test(tests, a_number_that_means_other_memory_shows_that);
	tcase_add_test(tests, memory_that_was_seen_can_be_sealed);
	tcase_add_test(tests, memory_that_was_seen_is_let_go_of_when_it_is_closed);
	tcase_add_test(tests, of_several_one_is_seen);
	tcase_add_test(tests, more_than_a_mapping_holds_is_not_seen);
	tcase_add_test(tests, each_cache_sees_for_itself);
	return suite;
}
