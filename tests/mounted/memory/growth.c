/* SPDX-License-Identifier: BSD-2-Clause */
/* The attributes that say what an object is, and growth through user.shmfs.grow. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"
#include "xattr_values.h"

#define SEALS "user.shmfs.seals"
#define GROW "user.shmfs.grow"

enum { OTHER_USER = 65534 };

START_TEST(what_an_object_is_is_not_listed)
{
	make_object("a", 0);
	OK(set_text("a", SEALS, "shrink"));
	OK(set_text("a", GROW, "1"));
	GIVES(0, listxattr("a", NULL, 0));
	OK(set_text("a", "user.a", "x"));
	GIVES(7, listxattr("a", NULL, 0));
}
END_TEST

static const char *const own_names[] = {SEALS, GROW};

START_TEST(only_objects_have_seals_and_growth)
{
	OK(mkdir("d", 0755));
	FAILS(EOPNOTSUPP, set_text("d", own_names[_i], _i == 0 ? "shrink" : "1"));
	FAILS(ENODATA, getxattr("d", own_names[_i], NULL, 0));
	FAILS(EPERM, removexattr("d", own_names[_i]));
	FAILS(EOPNOTSUPP, set_text(".", own_names[_i], _i == 0 ? "shrink" : "1"));
}
END_TEST

START_TEST(other_names_of_the_kind_are_kept_free)
{
	make_object("a", 0);
	FAILS(EPERM, set_text("a", "user.shmfs.other", "1"));
	FAILS(ENODATA, getxattr("a", "user.shmfs.other", NULL, 0));
	FAILS(EPERM, removexattr("a", "user.shmfs.other"));
	FAILS(EPERM, removexattr("a", GROW));
	OK(set_text("a", "user.shmfs", "1"));
	OK(set_text("a", "user.shmfs2.a", "1"));
}
END_TEST

START_TEST(growth_can_be_turned_on_and_off)
{
	int fd = new_object("a", 10);

	expect_text("a", GROW, "0");
	FAILS(EFBIG, pwrite(fd, "x", 1, 10));
	OK(set_text("a", GROW, "1"));
	expect_text("a", GROW, "1");
	write_pattern(fd, 0, 2 * PAGE);
	ck_assert_int_eq(size_of(fd), 2 * PAGE);
	write_pattern(fd, 3 * PAGE, 5);
	ck_assert_int_eq(size_of(fd), 3 * PAGE + 5);
	expect_zeros(fd, 2 * PAGE, PAGE);
	OK(fsetxattr(fd, GROW, "0", 1, 0));
	FAILS(EFBIG, pwrite(fd, "x", 1, 3 * PAGE + 5));
	GIVES(1, pwrite(fd, "xy", 2, 3 * PAGE + 4));
	ck_assert_int_eq(size_of(fd), 3 * PAGE + 5);
}
END_TEST

START_TEST(growth_is_at_first_as_the_name_says)
{
	int fd = new_object("tmp-a", 0);

	expect_text("tmp-a", GROW, "1");
	OK(rename("tmp-a", "a"));
	expect_text("a", GROW, "1");
	OK(set_text("a", GROW, "0"));
	FAILS(EFBIG, pwrite(fd, "x", 1, 0));
	OK(rename("a", "tmp-a"));
	expect_text("tmp-a", GROW, "0");
}
END_TEST

START_TEST(growth_is_0_or_1)
{
	static const char *const wrong[] = {"", "2", "01", "10", "1\n", "yes", "-", " 1"};

	make_object("a", 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		FAILS(EINVAL, set_text("a", GROW, wrong[i]));
	expect_text("a", GROW, "0");
	FAILS(EINVAL, setxattr("a", GROW, "1", 2, 0));
}
END_TEST

/* Of programs that give their objects a size by writing: as many as the default has patterns. */
static const char *const sized_by_writing[] = {"sem.a", "tmp-1", "__db.001", "mpich_shar_tmpADvxUm",
    "Intel_MPI_8xmWzE", "ucx_shm_posix_1a9061", "1-2-3.pkl", "ust-shm-consumer-17",
    "shm-ust-consumer-27", "shm-event-notifier-error-accounting-9",
    "deepspeed_allreduce_buffer_0_127.0.0.1_29500_0", "shm_allreduce_buffer_0_127.0.0.1_29500_0",
    "global_vm", "one-global_vm", "vpe-api", "rmq_broker_gc_1_2.log",
    "rmq_srv_gc_1_2.log.0.current"};

enum { SIZED_BY_WRITING = sizeof(sized_by_writing) / sizeof(sized_by_writing[0]) };

/* A byte at the end is written, and all that lies before it is used. */
static void size_by_a_byte(const char *path)
{
	int fd = OK(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	unsigned char *map;

	GIVES(8 * PAGE, lseek(fd, 8 * PAGE, SEEK_SET));
	GIVES(1, write(fd, "", 1));
	ck_assert_int_eq(size_of(fd), 8 * PAGE + 1);
	map = map_object(fd, 8 * PAGE + 1, PROT_READ | PROT_WRITE);
	memset(map, 7, 8 * PAGE + 1);
	OK(munmap(map, 8 * PAGE + 1));
	OK(close(fd));
}

START_TEST(programs_that_size_by_writing_are_known_by_their_names)
{
	char path[256];

	OK(mkdir("d", 0700));
	size_by_a_byte(sized_by_writing[_i]);
	snprintf(path, sizeof(path), "d/%s", sized_by_writing[_i]);
	size_by_a_byte(path);
}
END_TEST

START_TEST(a_directory_of_such_a_name_says_nothing_of_what_is_in_it)
{
	OK(mkdir("sem.d", 0700));
	FAILS(EFBIG, pwrite(new_object("sem.d/a", 0), "x", 1, 0));
}
END_TEST

static void expect_not_allowed(void *context)
{
	(void)context;
	FAILS(EACCES, set_text("a", GROW, "1"));
	expect_text("a", GROW, "0");
}

START_TEST(growth_needs_permission_to_write_the_object)
{
	make_object("a", 0);
	OK(chmod("a", 0644));
	in_child_as(OTHER_USER, expect_not_allowed, NULL);
}
END_TEST

void add_growth_cases(Suite *suite)
{
	TCase *tcase = case_on_mount(suite, "growth", NULL);

	tcase_set_tags(tcase, "busy");
	tcase_add_test(tcase, what_an_object_is_is_not_listed);
	tcase_add_loop_test(tcase, only_objects_have_seals_and_growth, 0, 2);
	tcase_add_test(tcase, other_names_of_the_kind_are_kept_free);
	tcase_add_test(tcase, growth_can_be_turned_on_and_off);
	tcase_add_test(tcase, growth_is_at_first_as_the_name_says);
	tcase_add_test(tcase, growth_is_0_or_1);
	tcase_add_loop_test(
	    tcase, programs_that_size_by_writing_are_known_by_their_names, 0, SIZED_BY_WRITING);
	tcase_add_test(tcase, a_directory_of_such_a_name_says_nothing_of_what_is_in_it);
	tcase_add_test(tcase, growth_needs_permission_to_write_the_object);
}
