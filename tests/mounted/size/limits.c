/* SPDX-License-Identifier: BSD-2-Clause */
/* The limits of the mount: size= in whole pages of every object's size, nr_inodes= in nodes. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { LIMIT = 1024 * 1024, LIMIT_PAGES = LIMIT / PAGE, NODES = 40 };

static void start_small(void)
{
	shared_mount = mount_start("size=1m");
}

/* Every test of a limit leaves this one alone. */
static int make_bystander(void)
{
	int fd = new_object("bystander", PAGE);

	write_pattern(fd, 0, PAGE);
	return fd;
}

static void expect_undisturbed(int fd)
{
	ck_assert_int_eq(size_of(fd), PAGE);
	expect_pattern(fd, 0, PAGE);
	write_pattern(fd, 0, PAGE);
	OK(close(OK(open("bystander", O_RDONLY))));
}

START_TEST(ftruncate_is_possible_up_to_the_limit)
{
	int fd = new_object("a", 0);

	OK(ftruncate(fd, LIMIT - 1));
	OK(ftruncate(fd, LIMIT));
	ck_assert_uint_eq(pages_left(), 0);
	FAILS(ENOSPC, ftruncate(fd, LIMIT + 1));
	ck_assert_int_eq(size_of(fd), LIMIT);
	write_pattern(fd, 0, LIMIT);
	expect_pattern(fd, 0, LIMIT);
	FAILS(ENOSPC, truncate("a", LIMIT + PAGE));
	ck_assert_int_eq(size_of(fd), LIMIT);
}
END_TEST

START_TEST(ftruncate_over_the_limit_is_enospc_and_changes_nothing)
{
	int bystander = make_bystander();
	int fd = new_object("a", 3 * PAGE + 1);

	write_pattern(fd, 0, 3 * PAGE + 1);
	FAILS(ENOSPC, ftruncate(fd, LIMIT));
	FAILS(ENOSPC, ftruncate(fd, (off_t)1 << 40));
	FAILS(ENOSPC, truncate("a", LIMIT - PAGE + 1));
	ck_assert_int_eq(size_of(fd), 3 * PAGE + 1);
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 5);
	expect_pattern(fd, 0, 3 * PAGE + 1);
	OK(ftruncate(fd, LIMIT - PAGE));
	expect_undisturbed(bystander);
}
END_TEST

START_TEST(fallocate_over_the_limit_is_enospc_and_changes_nothing)
{
	int bystander = make_bystander();
	int fd = new_object("a", 10);

	FAILS(ENOSPC, fallocate(fd, 0, 0, LIMIT));
	FAILS(ENOSPC, fallocate(fd, 0, LIMIT - PAGE, 1));
	GIVES(ENOSPC, posix_fallocate(fd, 0, LIMIT - PAGE + 1));
	ck_assert_int_eq(size_of(fd), 10);
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 2);
	OK(fallocate(fd, 0, 0, LIMIT - PAGE));
	ck_assert_uint_eq(pages_left(), 0);
	expect_undisturbed(bystander);
}
END_TEST

START_TEST(whole_pages_of_the_size_are_charged)
{
	int fd = new_object("a", 1);

	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 1);
	OK(ftruncate(fd, PAGE));
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 1);
	OK(ftruncate(fd, PAGE + 1));
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES - 2);
	OK(ftruncate(fd, 0));
	ck_assert_uint_eq(pages_left(), LIMIT_PAGES);
}
END_TEST

START_TEST(a_sparse_object_is_charged_in_full)
{
	int fd = new_object("a", LIMIT);
	int other = new_object("b", 0);

	FAILS(ENOSPC, ftruncate(other, 1));
	ck_assert_int_eq(size_of(other), 0);
	OK(ftruncate(fd, LIMIT - 1));
	FAILS(ENOSPC, ftruncate(other, 1));
	OK(ftruncate(fd, LIMIT - PAGE));
	OK(ftruncate(other, 1));
}
END_TEST

START_TEST(room_is_back_after_shrinking)
{
	int first = new_object("a", LIMIT);
	int second = new_object("b", 0);

	OK(ftruncate(first, LIMIT / 2));
	OK(ftruncate(second, LIMIT / 2));
	FAILS(ENOSPC, ftruncate(first, LIMIT / 2 + 1));
	OK(close(OK(open("b", O_WRONLY | O_TRUNC))));
	OK(ftruncate(first, LIMIT));
}
END_TEST

static bool everything_is_left(void *context)
{
	(void)context;
	return pages_left() == LIMIT_PAGES;
}

/*
 * The kernel tells the daemon that nothing holds an object any more by FORGET, which it queues
 * before unlink returns but may deliver after the next request.
 */
static void expect_everything_left_soon(void)
{
	ck_assert_msg(within_a_second(everything_is_left, NULL),
	    "statfs f_bfree within a second: expected %d, got %lu", LIMIT_PAGES, pages_left());
}

START_TEST(room_is_back_at_once_after_unlink)
{
	for (int round = 0; round < 300; round++) {
		make_object("a", LIMIT);
		OK(unlink("a"));
	}
	expect_everything_left_soon();
}
END_TEST

START_TEST(room_is_back_after_being_renamed_over)
{
	for (int round = 0; round < 100; round++) {
		make_object("a", LIMIT);
		make_object("b", 0);
		OK(rename("b", "a"));
		OK(truncate("a", LIMIT));
		OK(unlink("a"));
	}
}
END_TEST

START_TEST(a_second_name_is_no_second_charge)
{
	make_object("a", LIMIT);
	OK(link("a", "b"));
	ck_assert_uint_eq(pages_left(), 0);
	OK(unlink("a"));
	ck_assert_uint_eq(pages_left(), 0);
	OK(unlink("b"));
	expect_everything_left_soon();
}
END_TEST

START_TEST(a_growing_object_stops_at_the_limit)
{
	int bystander = make_bystander();
	int fd = new_object("tmp-a", 0);

	write_pattern(fd, 0, LIMIT - PAGE);
	FAILS(ENOSPC, pwrite(fd, "x", 1, LIMIT - PAGE));
	FAILS(ENOSPC, pwrite(fd, "x", 1, 2 * LIMIT));
	ck_assert_int_eq(size_of(fd), LIMIT - PAGE);
	expect_pattern(fd, 0, LIMIT - PAGE);
	OK(ftruncate(fd, 100));
	FAILS(ENOSPC, pwrite(fd, "x", 1, LIMIT));
	ck_assert_int_eq(size_of(fd), 100);
	write_pattern(fd, 100, PAGE);
	expect_undisturbed(bystander);
}
END_TEST

START_TEST(a_growing_object_never_exceeds_the_limit_by_a_crossing_write)
{
	int fd = new_object("tmp-a", LIMIT - 10);
	char data[100] = {1};
	ssize_t written = pwrite(fd, data, sizeof(data), LIMIT - 10);

	ck_assert_msg(written == 10 || (written == -1 && errno == ENOSPC),
	    "expected 10 or ENOSPC, got %zd", written);
	ck_assert_int_le(size_of(fd), LIMIT);
}
END_TEST

START_TEST(memory_within_the_limit_is_there_when_touched)
{
	int fd = new_object("a", LIMIT);
	unsigned char *map = map_object(fd, LIMIT, PROT_READ | PROT_WRITE);

	pattern(map, 0, LIMIT);
	expect_pattern(fd, 0, LIMIT);
}
END_TEST

static void start_few_nodes(void)
{
	shared_mount = mount_start("size=64m,nr_inodes=40");
}

static unsigned long nodes_left(void)
{
	struct statfs status;

	OK(statfs(".", &status));
	ck_assert_uint_eq(status.f_files, NODES);
	return status.f_ffree;
}

/* Objects until no node is left but `spare`. */
static void use_up_nodes(unsigned long spare)
{
	unsigned long left = nodes_left();
	char name[32];

	ck_assert_uint_ge(left, 20);
	for (unsigned long i = 0; i + spare < left; i++) {
		snprintf(name, sizeof(name), "o%lu", i);
		make_object(name, 0);
	}
	ck_assert_uint_eq(nodes_left(), spare);
}

static bool a_node_is_left(void *context)
{
	(void)context;
	return nodes_left() == 1;
}

static void expect_one_node_left_soon(void)
{
	ck_assert_msg(within_a_second(a_node_is_left, NULL),
	    "statfs f_ffree within a second: expected 1, got %lu", nodes_left());
}

START_TEST(nothing_can_be_made_at_the_limit_of_nodes)
{
	int bystander = make_bystander();

	use_up_nodes(0);
	FAILS(ENOSPC, open("new", O_RDWR | O_CREAT, 0600));
	FAILS(ENOSPC, mkdir("new", 0755));
	FAILS(ENOSPC, symlink("o0", "new"));
	FAILS(ENOSPC, mknod("new", S_IFREG | 0600, 0));
	FAILS(ENOSPC, mknod("new", S_IFIFO | 0600, 0));
	ck_assert(!exists("new"));
	ck_assert_uint_eq(nodes_left(), 0);
	expect_undisturbed(bystander);
}
END_TEST

START_TEST(a_link_at_the_limit_of_nodes_is_enospc)
{
	use_up_nodes(0);
	FAILS(ENOSPC, link("o0", "new"));
	ck_assert(!exists("new"));
	ck_assert_uint_eq(status_of("o0").st_nlink, 1);
}
END_TEST

START_TEST(what_exists_works_at_the_limit_of_nodes)
{
	use_up_nodes(0);
	OK(close(OK(open("o0", O_RDWR | O_CREAT, 0600))));
	OK(truncate("o0", PAGE));
	OK(rename("o0", "renamed"));
	OK(rename("o1", "renamed"));
	expect_one_node_left_soon();
}
END_TEST

START_TEST(everything_can_be_made_below_the_limit_of_nodes)
{
	use_up_nodes(1);
	make_object("new", 0);
	OK(unlink("new"));
	OK(mkdir("new", 0755));
	FAILS(ENOSPC, mkdir("other", 0755));
	OK(rmdir("new"));
	OK(symlink("o0", "new"));
	OK(unlink("new"));
	OK(mknod("new", S_IFIFO | 0600, 0));
	OK(unlink("new"));
	OK(link("o0", "new"));
	OK(unlink("new"));
	expect_one_node_left_soon();
}
END_TEST

START_TEST(unlink_frees_a_node_at_once)
{
	use_up_nodes(0);
	for (int round = 0; round < 300; round++) {
		OK(unlink("o0"));
		make_object("o0", 0);
		FAILS(ENOSPC, open("new", O_RDWR | O_CREAT, 0600));
	}
}
END_TEST

START_TEST(an_unlinked_open_object_holds_its_node_until_closed)
{
	int fd;

	use_up_nodes(0);
	fd = OK(open("o0", O_RDONLY));
	OK(unlink("o0"));
	FAILS(ENOSPC, open("o0", O_RDWR | O_CREAT, 0600));
	OK(close(fd));
	expect_one_node_left_soon();
	make_object("o0", 0);
}
END_TEST

void add_limit_cases(Suite *suite)
{
	TCase *bytes = case_on_mount(suite, "size=1m", start_small);
	TCase *nodes = case_on_mount(suite, "nr_inodes=40", start_few_nodes);

	tcase_add_test(bytes, ftruncate_is_possible_up_to_the_limit);
	tcase_add_test(bytes, ftruncate_over_the_limit_is_enospc_and_changes_nothing);
	tcase_add_test(bytes, fallocate_over_the_limit_is_enospc_and_changes_nothing);
	tcase_add_test(bytes, whole_pages_of_the_size_are_charged);
	tcase_add_test(bytes, a_sparse_object_is_charged_in_full);
	tcase_add_test(bytes, room_is_back_after_shrinking);
	tcase_add_test(bytes, room_is_back_at_once_after_unlink);
	tcase_add_test(bytes, room_is_back_after_being_renamed_over);
	tcase_add_test(bytes, a_second_name_is_no_second_charge);
	tcase_add_test(bytes, a_growing_object_stops_at_the_limit);
	tcase_add_test(bytes, a_growing_object_never_exceeds_the_limit_by_a_crossing_write);
	tcase_add_test(bytes, memory_within_the_limit_is_there_when_touched);
	tcase_add_test(nodes, nothing_can_be_made_at_the_limit_of_nodes);
	tcase_add_test(nodes, a_link_at_the_limit_of_nodes_is_enospc);
	tcase_add_test(nodes, what_exists_works_at_the_limit_of_nodes);
	tcase_add_test(nodes, everything_can_be_made_below_the_limit_of_nodes);
	tcase_add_test(nodes, unlink_frees_a_node_at_once);
	tcase_add_test(nodes, an_unlinked_open_object_holds_its_node_until_closed);
}
