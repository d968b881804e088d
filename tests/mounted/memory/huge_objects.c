/* SPDX-License-Identifier: BSD-2-Clause */
/* Single objects with huge pages, and without: user.shmfs.huge. */
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
#include "huge_pages.h"
#include "launch.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "suites.h"

#define HUGE "user.shmfs.huge"

enum { SIZE = 8 * MIB, BIGGER = 12 * MIB };

static void start_advised_mount(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000,huge=advise");
}

static void start_mount_of_huge_pages(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000,huge=within_size");
}

/* A kernel without huge pages refuses such mounts before any test. */
static bool has_kinds(void)
{
	return log_count(shared_mount->log, "memory=tmpfs,") > 0;
}

static int new_object_with(const char *name, const char *value)
{
	OK(mknod(name, S_IFREG | 0600, 0));
	OK(setxattr(name, HUGE, value, strlen(value), 0));
	return OK(open(name, O_RDWR));
}

static void expect_huge_value(const char *name, const char *want)
{
	char value[16] = "";

	GIVES((long)strlen(want), getxattr(name, HUGE, value, sizeof value));
	ck_assert_str_eq(value, want);
}

static void expect_mapped_huge(int fd, size_t size, long want)
{
	unsigned char *map = map_object(fd, size, PROT_READ | PROT_WRITE);

	touch_pages(map, size);
	if (fixture_maps_natively())
		ck_assert_int_eq(mapped_huge(map), want);
	unmap(map, size);
}

START_TEST(an_object_has_huge_pages_where_it_says_so)
{
	int with, without, other;

	if (!has_kinds())
		return;
	with = new_object_with("with", "1");
	without = new_object_with("without", "0");
	other = new_object("other", SIZE);
	OK(ftruncate(with, SIZE));
	OK(ftruncate(without, SIZE));
	expect_mapped_huge(with, SIZE, SIZE);
	expect_mapped_huge(without, SIZE, 0);
	expect_huge_value("with", "1");
	expect_huge_value("without", "0");
	expect_huge_value("other", _i == 0 ? "advise" : "1");
	expect_mapped_huge(other, SIZE, _i == 0 ? 0 : SIZE);
	OK(close(with));
	OK(close(without));
	OK(close(other));
}
END_TEST

static bool is_another_server(void *before)
{
	pid_t now = server_of(shared_mount->pid);

	return now != 0 && now != *(pid_t *)before;
}

static void replace_server(bool upgrade)
{
	pid_t before = server_of(shared_mount->pid);

	OK(upgrade ? kill(shared_mount->pid, SIGHUP) : kill(before, SIGKILL));
	ck_assert(within_a_second(is_another_server, &before));
}

START_TEST(it_outlives_the_server_and_names)
{
	int fd;

	if (!has_kinds())
		return;
	OK(close(new_object_with("a", "1")));
	replace_server(_i);
	fd = OK(open("a", O_RDWR));
	OK(ftruncate(fd, SIZE));
	expect_mapped_huge(fd, SIZE, SIZE);
	OK(rename("a", "b"));
	replace_server(_i);
	expect_huge_value("b", "1");
	OK(ftruncate(fd, BIGGER));
	expect_mapped_huge(fd, BIGGER, BIGGER);
	OK(close(fd));
	OK(truncate("b", 0));
	fd = OK(open("b", O_RDWR));
	OK(ftruncate(fd, SIZE));
	expect_mapped_huge(fd, SIZE, SIZE);
	OK(close(fd));
}
END_TEST

static bool can_be_set(void *value)
{
	return setxattr("a", HUGE, value, 1, 0) == 0;
}

START_TEST(memory_that_is_there_keeps_it_from_being_set)
{
	char one[] = "1";
	unsigned char *map;
	int fd;

	if (!has_kinds())
		return;
	fd = new_object("a", 0);
	FAILS(EBUSY, setxattr("a", HUGE, "1", 1, 0));
	FAILS(EBUSY, fsetxattr(fd, HUGE, "0", 1, 0));
	OK(ftruncate(fd, PAGE));
	map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);
	OK(close(fd));
	FAILS(EBUSY, setxattr("a", HUGE, "1", 1, 0));
	OK(truncate("a", 0));
	FAILS(EBUSY, setxattr("a", HUGE, "1", 1, 0));
	unmap(map, PAGE);
	ck_assert(within_a_second(can_be_set, one));
	expect_huge_value("a", "1");
	OK(truncate("a", 1));
	OK(setxattr("a", HUGE, "1", 1, 0));
	FAILS(EBUSY, setxattr("a", HUGE, "0", 1, 0));
}
END_TEST

static void try_as_another(void *context)
{
	(void)context;
	OK(setuid(12345));
	FAILS(EPERM, setxattr("a", HUGE, "1", 1, 0));
	expect_huge_value("a", "advise");
}

START_TEST(it_is_the_owners_and_is_not_copied_or_listed)
{
	if (!has_kinds())
		return;
	OK(mknod("a", S_IFREG | 0600, 0));
	OK(chmod("a", 0666));
	in_child(try_as_another, NULL);
	FAILS(EINVAL, setxattr("a", HUGE, "yes", 3, 0));
	FAILS(EPERM, removexattr("a", HUGE));
	OK(setxattr("a", HUGE, "1", 1, 0));
	GIVES(0, listxattr("a", NULL, 0));
	OK(mkdir("dir", 0700));
	FAILS(EOPNOTSUPP, setxattr("dir", HUGE, "1", 1, 0));
	FAILS(ENODATA, getxattr("dir", HUGE, NULL, 0));
}
END_TEST

static void hide_fsopen(void)
{
	if (!launch_without_store())
		_exit(126);
}

START_TEST(where_there_are_no_huge_pages_it_is_not_supported)
{
	bool never = _i == 1;
	struct mount *mount =
	    never ? mount_start("huge=never") : mount_start_prepared("huge=advise", hide_fsopen);
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s", mount_path(mount, "a"));
	OK(mknod(path, S_IFREG | 0600, 0));
	FAILS(EOPNOTSUPP, setxattr(path, HUGE, "1", 1, 0));
	if (never && !launch_has_memfds()) {
		expect_huge_value(path, "0");
		OK(setxattr(path, HUGE, "0", 1, 0));
	} else {
		FAILS(EOPNOTSUPP, setxattr(path, HUGE, "0", 1, 0));
		FAILS(EOPNOTSUPP, getxattr(path, HUGE, NULL, 0));
	}
	OK(truncate(path, PAGE));
	mount_stop(mount);
}
END_TEST

void add_huge_object_cases(Suite *suite)
{
	TCase *advised = case_on_mount(suite, "huge_objects", start_advised_mount);
	TCase *huge = case_on_mount(suite, "small_objects", start_mount_of_huge_pages);
	TCase *without = tcase_create("memory");

	tcase_add_loop_test(advised, an_object_has_huge_pages_where_it_says_so, 0, 1);
	tcase_add_loop_test(advised, it_outlives_the_server_and_names, 0, 2);
	tcase_add_test(advised, memory_that_is_there_keeps_it_from_being_set);
	tcase_add_test(advised, it_is_the_owners_and_is_not_copied_or_listed);
	tcase_add_loop_test(huge, an_object_has_huge_pages_where_it_says_so, 1, 2);
	suite_add_tcase(suite, without);
	tcase_add_loop_test(without, where_there_are_no_huge_pages_it_is_not_supported, 0, 2);
}
