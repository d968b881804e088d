/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals of objects, through the attribute user.shmfs.seals. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "room.h"
#include "sealing.h"
#include "suites.h"
#include "xattr_values.h"

enum { OTHER_USER = 65534 };

START_TEST(a_new_object_has_no_seal)
{
	make_object("a", PAGE);
	expect_text("a", SEALS, "");
	OK(mknod("b", S_IFREG | 0600, 0));
	expect_text("b", SEALS, "");
}
END_TEST

START_TEST(setting_adds_and_reading_lists)
{
	int fd = new_object("a", 0);
	char list[10];

	OK(seal("a", "grow"));
	expect_text("a", SEALS, "grow");
	OK(seal("a", "shrink"));
	expect_text("a", SEALS, "shrink,grow");
	OK(seal("a", "grow,shrink,grow"));
	expect_text("a", SEALS, "shrink,grow");
	OK(fsetxattr(fd, SEALS, "seal", 4, 0));
	GIVES(16, fgetxattr(fd, SEALS, NULL, 0));
	FAILS(ERANGE, fgetxattr(fd, SEALS, list, sizeof(list)));
	expect_text("a", SEALS, "seal,shrink,grow");
}
END_TEST

START_TEST(all_seals_can_be_set_at_once)
{
	make_sealed(PAGE, "write,grow,shrink,seal");
	expect_text("a", SEALS, "seal,shrink,grow,write");
}
END_TEST

static const char *const unknown[] = {"", "nothing", "shrink,nothing", "shrink,", ",shrink",
    "shrink,,grow", "shrink grow", " shrink", "shrink\n", "SHRINK", "shrinks", "shrin", ","};

START_TEST(an_unknown_seal_is_einval_and_adds_nothing)
{
	make_object("a", PAGE);
	FAILS(EINVAL, seal("a", unknown[_i]));
	expect_text("a", SEALS, "");
	OK(truncate("a", 0));
}
END_TEST

START_TEST(a_nul_is_no_part_of_a_seal)
{
	make_object("a", PAGE);
	FAILS(EINVAL, setxattr("a", SEALS, "shrink", 7, 0));
	FAILS(EINVAL, setxattr("a", SEALS, "\0", 1, 0));
	expect_text("a", SEALS, "");
}
END_TEST

START_TEST(no_seal_is_ever_taken_off)
{
	make_sealed(PAGE, "shrink");
	FAILS(EPERM, removexattr("a", SEALS));
	FAILS(EINVAL, seal("a", ""));
	OK(seal("a", "grow"));
	expect_text("a", SEALS, "shrink,grow");
}
END_TEST

START_TEST(the_seal_seal_ends_sealing)
{
	make_sealed(PAGE, "shrink,seal");
	FAILS(EPERM, seal("a", "grow"));
	FAILS(EPERM, seal("a", "shrink"));
	FAILS(EPERM, seal("a", "seal"));
	expect_text("a", SEALS, "seal,shrink");
	OK(truncate("a", 2 * PAGE));
	FAILS(EPERM, truncate("a", PAGE));
}
END_TEST

START_TEST(the_seal_shrink_keeps_the_object_from_shrinking)
{
	int fd;

	make_sealed(2 * PAGE, "shrink");
	fd = OK(open("a", O_RDWR));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE - 1));
	FAILS(EPERM, ftruncate(fd, 0));
	FAILS(EPERM, truncate("a", 0));
	FAILS(EPERM, open("a", O_RDWR | O_TRUNC));
	FAILS(EPERM, open("a", O_WRONLY | O_CREAT | O_TRUNC, 0600));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
	OK(ftruncate(fd, 2 * PAGE));
	OK(ftruncate(fd, 3 * PAGE));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE));
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	expect_zeros(fd, 0, PAGE);
	write_pattern(fd, 0, 3 * PAGE);
}
END_TEST

START_TEST(the_seal_grow_keeps_the_object_from_growing)
{
	int fd;

	make_sealed(2 * PAGE, "grow");
	fd = OK(open("a", O_RDWR));
	FAILS(EPERM, ftruncate(fd, 2 * PAGE + 1));
	FAILS(EPERM, truncate("a", 3 * PAGE));
	FAILS(EPERM, fallocate(fd, 0, 0, 2 * PAGE + 1));
	FAILS(EPERM, fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE, 2 * PAGE));
	GIVES(EPERM, posix_fallocate(fd, 2 * PAGE, 1));
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	expect_pattern(fd, 0, 2 * PAGE);
	OK(fallocate(fd, 0, 0, 2 * PAGE));
	OK(ftruncate(fd, 2 * PAGE));
	FAILS(EFBIG, pwrite(fd, "x", 1, 2 * PAGE));
	GIVES(1, pwrite(fd, "xy", 2, 2 * PAGE - 1));
	OK(ftruncate(fd, PAGE));
	FAILS(EPERM, ftruncate(fd, PAGE + 1));
}
END_TEST

START_TEST(a_growing_object_that_is_sealed_against_it_does_not_grow)
{
	int fd = new_object("tmp-a", 10);

	OK(seal("tmp-a", "grow"));
	FAILS(EPERM, pwrite(fd, "x", 1, 10));
	FAILS(EPERM, pwrite(fd, "x", 1, 2 * PAGE));
	FAILS(EPERM, pwrite(fd, "xy", 2, 9));
	ck_assert_int_eq(size_of(fd), 10);
	expect_zeros(fd, 0, 10);
	GIVES(2, pwrite(fd, "xy", 2, 8));
}
END_TEST

START_TEST(seals_belong_to_the_object_and_not_to_its_name)
{
	int fd;

	make_sealed(PAGE, "shrink");
	OK(link("a", "b"));
	OK(rename("a", "c"));
	expect_text("b", SEALS, "shrink");
	OK(seal("b", "grow"));
	expect_text("c", SEALS, "shrink,grow");
	OK(unlink("b"));
	OK(chmod("c", 0640));
	OK(chown("c", 1, 1));
	fd = OK(open("c", O_RDWR));
	OK(unlink("c"));
	FAILS(EPERM, ftruncate(fd, 0));
	make_object("c", PAGE);
	OK(truncate("c", 0));
}
END_TEST

START_TEST(a_sealed_object_goes_like_any_other)
{
	unsigned long before = pages_left();

	make_sealed(4 * PAGE, "write,shrink,grow,seal");
	make_object("b", 0);
	OK(rename("b", "a"));
	expect_pages_left_soon(before);
	expect_text("a", SEALS, "");
}
END_TEST

static void expect_not_allowed(void *context)
{
	(void)context;
	FAILS(EACCES, seal("a", "shrink"));
	expect_text("a", SEALS, "");
}

START_TEST(sealing_needs_permission_to_write_the_object)
{
	make_object("a", 0);
	OK(chmod("a", 0644));
	in_child_as(OTHER_USER, expect_not_allowed, NULL);
}
END_TEST

static void add_sealing(TCase *tcase)
{
	tcase_add_test(tcase, a_new_object_has_no_seal);
	tcase_add_test(tcase, setting_adds_and_reading_lists);
	tcase_add_test(tcase, all_seals_can_be_set_at_once);
	tcase_add_loop_test(tcase, an_unknown_seal_is_einval_and_adds_nothing, 0,
	    sizeof(unknown) / sizeof(unknown[0]));
	tcase_add_test(tcase, a_nul_is_no_part_of_a_seal);
	tcase_add_test(tcase, no_seal_is_ever_taken_off);
	tcase_add_test(tcase, the_seal_seal_ends_sealing);
	tcase_add_test(tcase, the_seal_shrink_keeps_the_object_from_shrinking);
	tcase_add_test(tcase, the_seal_grow_keeps_the_object_from_growing);
	tcase_add_test(tcase, a_growing_object_that_is_sealed_against_it_does_not_grow);
	tcase_add_test(tcase, seals_belong_to_the_object_and_not_to_its_name);
	tcase_add_test(tcase, a_sealed_object_goes_like_any_other);
	tcase_add_test(tcase, sealing_needs_permission_to_write_the_object);
}

void add_seal_cases(Suite *suite)
{
	add_sealing(case_on_mount(suite, "seals", NULL));
}
