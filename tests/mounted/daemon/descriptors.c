/* SPDX-License-Identifier: BSD-2-Clause */
/* A daemon whose memory cannot be closed refuses new objects when its descriptors are used up, and
 * serves all others. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

enum { DESCRIPTORS = 100 };

static void limit_memfds(void)
{
	if (!launch_without_store() || !launch_with_descriptors(DESCRIPTORS))
		_exit(126);
}

static void start_with_few_memfds(void)
{
	shared_mount = mount_start_prepared("size=64m", limit_memfds);
}

static const char *numbered(int number)
{
	static char name[16];

	snprintf(name, sizeof(name), "o%d", number);
	return name;
}

/*
 * Makes an object of one page with a pattern, or gets ENFILE: when it is created or, where that
 * needs no memory yet, when it gets its size.
 */
static bool make_filled(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	if (fd < 0) {
		FAILS(ENFILE, fd);
		ck_assert(!exists(name));
		return false;
	}
	if (ftruncate(fd, PAGE) != 0) {
		FAILS(ENFILE, -1);
		ck_assert_int_eq(size_of(fd), 0);
		OK(close(fd));
		OK(unlink(name));
		return false;
	}
	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	return true;
}

/* Makes objects until one is refused, and returns their number. */
static int use_up_descriptors(void)
{
	int count = 0;

	while (make_filled(numbered(count)))
		ck_assert_int_lt(++count, DESCRIPTORS);
	ck_assert_int_gt(count, DESCRIPTORS / 4);
	return count;
}

START_TEST(an_object_too_many_is_enfile)
{
	use_up_descriptors();
	for (int i = 0; i < 20; i++)
		ck_assert(!make_filled("new"));
}
END_TEST

START_TEST(other_objects_work_while_descriptors_are_used_up)
{
	int count = use_up_descriptors();

	for (int i = 0; i < count; i++) {
		int fd = OK(open(numbered(i), i % 2 ? O_RDWR : O_RDONLY));
		unsigned char *map = map_object(fd, PAGE, PROT_READ);

		expect_pattern(fd, 0, PAGE);
		ck_assert_int_eq(map[99], pattern_at(99));
		unmap(map, PAGE);
		if (i % 2) {
			write_pattern(fd, 0, PAGE);
			OK(ftruncate(fd, 2 * PAGE));
		}
		OK(close(fd));
		ck_assert_int_eq(status_of(numbered(i)).st_size, i % 2 ? 2 * PAGE : PAGE);
	}
}
END_TEST

START_TEST(names_can_be_changed_while_descriptors_are_used_up)
{
	use_up_descriptors();
	OK(mkdir("d", 0755));
	OK(rename("o1", "d/o1"));
	OK(link("o2", "d/o2"));
	OK(symlink("o3", "l"));
	OK(mknod("f", S_IFIFO | 0600, 0));
	OK(chmod("o4", 0644));
	ck_assert_int_eq(status_of("d/o1").st_size, PAGE);
}
END_TEST

START_TEST(a_removed_object_makes_room_for_a_new_one)
{
	use_up_descriptors();
	for (int round = 0; round < 100; round++) {
		OK(unlink("o0"));
		ck_assert_msg(make_filled("o0"), "after unlink: expected a new object, got ENFILE");
		ck_assert(!make_filled("new"));
	}
}
END_TEST

static bool making_works(void *context)
{
	(void)context;
	return make_filled("new");
}

START_TEST(an_unlinked_object_makes_room_when_it_is_closed)
{
	int fd;

	use_up_descriptors();
	fd = OK(open("o0", O_RDWR));
	OK(unlink("o0"));
	ck_assert(!make_filled("new"));
	expect_pattern(fd, 0, PAGE);
	OK(close(fd));
	ck_assert_msg(within_a_second(making_works, NULL), "expected a new object");
}
END_TEST

void add_descriptor_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "few_memfds", start_with_few_memfds);

	tcase_add_test(tcase, an_object_too_many_is_enfile);
	tcase_add_test(tcase, other_objects_work_while_descriptors_are_used_up);
	tcase_add_test(tcase, names_can_be_changed_while_descriptors_are_used_up);
	tcase_add_test(tcase, a_removed_object_makes_room_for_a_new_one);
	tcase_add_test(tcase, an_unlinked_object_makes_room_when_it_is_closed);
}
