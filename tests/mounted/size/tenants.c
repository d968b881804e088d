/* SPDX-License-Identifier: BSD-2-Clause */
/* Tenants, as system calls see them: limits that hold for root, their border, and statfs. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "control.h"
#include "expect.h"
#include "flat_mount.h"
#include "mount_fixture.h"
#include "objects.h"
#include "racing.h"
#include "suites.h"

enum { PAGES = 16, NODES = 6, USER = 65534, ALL_PAGES = 1024 };

/* In both sets of rules. What ftruncate says of a full tenant differs. */
static int full;

static void start_linux(void)
{
	full = ENOSPC;
	shared_mount = mount_start("size=4m,nr_inodes=1000,huge=never");
}

static void start_freebsd(void)
{
	full = ENOMEM;
	shared_mount = mount_start("rules=freebsd,size=4m,nr_inodes=1000,huge=never");
}

static int set_limits(const char *name, int pages, int nodes)
{
	return control_callf(shared_mount->dir, "SetTenant",
	    "{\"path\":\"%s\",\"size\":%d,\"inodes\":%d}", name, pages * PAGE, nodes);
}

/* A kernel before 6.16 that knows the name to be missing asks again when it is to be made. */
static void make_tenant(const char *name, int pages)
{
	GIVES(0, control_callf(shared_mount->dir, "CreateTenant",
		     "{\"path\":\"%s\",\"size\":%d,\"inodes\":%d}", name, pages * PAGE, NODES));
	FAILS(EEXIST, mkdir(name, 0700));
}

/* Tenants "one" and "other" at the root, where the test goes. */
static void make_tenants(void)
{
	OK(chdir(shared_mount->dir));
	make_tenant("one", PAGES);
	make_tenant("other", PAGES);
}

static bool have_ended(void *context)
{
	struct statfs status;

	(void)context;
	OK(statfs(".", &status));
	return status.f_bfree == status.f_blocks;
}

static void end_tenants(void)
{
	OK(rmdir("one"));
	OK(rmdir("other"));
	ck_assert_msg(within_a_second(have_ended, NULL), "something is still charged");
}

static struct statfs room_in(const char *path)
{
	struct statfs status;

	OK(statfs(path, &status));
	return status;
}

static void expect_room(const char *path, unsigned long pages, unsigned long left)
{
	struct statfs status = room_in(path);

	ck_assert_msg(status.f_blocks == pages && status.f_bfree == left && status.f_bavail == left,
	    "%s: %lu of %lu pages are left, expected %lu of %lu", path,
	    (unsigned long)status.f_bfree, (unsigned long)status.f_blocks, left, pages);
}

START_TEST(root_is_refused_as_anybody)
{
	int fd, other;

	make_tenants();
	fd = new_object("one/a", 0);
	FAILS(full, ftruncate(fd, (PAGES + 1) * PAGE));
	FAILS(ENOSPC, fallocate(fd, 0, 0, (PAGES + 1) * PAGE));
	OK(ftruncate(fd, PAGES * PAGE));
	/* All of it is there, and the neighbour has its own. */
	write_pattern(fd, 0, PAGES * PAGE);
	expect_pattern(fd, 0, PAGES * PAGE);
	other = new_object("other/a", PAGES * PAGE);
	for (int i = 0; i < NODES - 2; i++) {
		char name[32];

		snprintf(name, sizeof name, "one/n%d", i);
		make_object(name, 0);
	}
	FAILS(ENOSPC, open("one/more", O_RDWR | O_CREAT, 0600));
	FAILS(ENOSPC, open("one", O_TMPFILE | O_RDWR, 0600));
	for (int i = 0; i < NODES - 2; i++) {
		char name[32];

		snprintf(name, sizeof name, "one/n%d", i);
		OK(unlink(name));
	}
	OK(unlink("one/a"));
	OK(unlink("other/a"));
	OK(close(fd));
	OK(close(other));
	end_tenants();
}
END_TEST

START_TEST(limits_change_under_those_who_use_them)
{
	int fd;

	make_tenants();
	fd = new_object("one/a", 10 * PAGE);
	write_pattern(fd, 0, 10 * PAGE);
	GIVES(0, set_limits("one", 4, NODES));
	expect_room("one", 4, 0);
	FAILS(full, ftruncate(fd, 11 * PAGE));
	expect_pattern(fd, 0, 10 * PAGE);
	OK(ftruncate(fd, 8 * PAGE));
	FAILS(full, ftruncate(fd, 9 * PAGE));
	GIVES(0, set_limits("one", 9, NODES));
	OK(ftruncate(fd, 9 * PAGE));
	OK(unlink("one/a"));
	OK(close(fd));
	end_tenants();
}
END_TEST

START_TEST(statfs_tells_of_the_node_that_was_asked_about)
{
	int fd, outside;

	make_tenants();
	fd = new_object("one/a", 3 * PAGE);
	expect_room("one", PAGES, PAGES - 3);
	expect_room("one/a", PAGES, PAGES - 3);
	expect_room("other", PAGES, PAGES);
	expect_room(".", ALL_PAGES, ALL_PAGES - 3);
	ck_assert_uint_eq(room_in("one").f_files, NODES);
	ck_assert_uint_eq(room_in("one").f_ffree, NODES - 2);
	/* The least of tenant and mount is left. */
	outside = new_object("outside", (ALL_PAGES - 8) * PAGE);
	expect_room("one", PAGES, 5);
	OK(unlink("outside"));
	OK(close(outside));
	OK(unlink("one/a"));
	OK(close(fd));
	end_tenants();
}
END_TEST

START_TEST(no_name_leads_out_or_in)
{
	char path[64];
	int fd, anonymous;

	make_tenants();
	make_object("one/a", PAGE);
	make_object("other/b", 0);
	make_object("c", 0);
	FAILS(EXDEV, rename("one/a", "other/a"));
	FAILS(EXDEV, rename("one/a", "a"));
	FAILS(EXDEV, rename("c", "one/c"));
	FAILS(EXDEV, rename("one/a", "other/b"));
	FAILS(EXDEV, rename("other", "one/other"));
	FAILS(EXDEV, renameat2(AT_FDCWD, "one/a", AT_FDCWD, "other/b", RENAME_EXCHANGE));
	FAILS(EXDEV, renameat2(AT_FDCWD, "one/a", AT_FDCWD, "c", RENAME_EXCHANGE));
	FAILS(EXDEV, renameat2(AT_FDCWD, "c", AT_FDCWD, "one/a", RENAME_EXCHANGE));
	if (full == ENOSPC)
		FAILS(EXDEV, link("one/a", "a"));
	anonymous = OK(open("one", O_TMPFILE | O_RDWR, 0600));
	snprintf(path, sizeof path, "/proc/self/fd/%d", anonymous);
	FAILS(EXDEV, linkat(AT_FDCWD, path, AT_FDCWD, "new", AT_SYMLINK_FOLLOW));
	FAILS(EXDEV, linkat(AT_FDCWD, path, AT_FDCWD, "other/new", AT_SYMLINK_FOLLOW));
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "one/new", AT_SYMLINK_FOLLOW));
	OK(close(anonymous));
	/* Its own directory may go where no tenant is. */
	OK(rename("one", "uno"));
	fd = OK(open("uno/a", O_RDWR));
	FAILS(full, ftruncate(fd, (PAGES + 1) * PAGE));
	OK(close(fd));
	OK(rename("uno", "one"));
	OK(unlink("one/a"));
	OK(unlink("one/new"));
	OK(unlink("other/b"));
	OK(unlink("c"));
	end_tenants();
}
END_TEST

static bool is_half_free(void *context)
{
	(void)context;
	return room_in(".").f_bfree == ALL_PAGES - PAGES / 2;
}

START_TEST(the_charge_stays_with_a_mapping_when_the_directory_is_gone)
{
	unsigned char *map;
	int fd;

	make_tenants();
	fd = new_object("one/a", PAGES / 2 * PAGE);
	map = map_object(fd, PAGES / 2 * PAGE, PROT_READ | PROT_WRITE);
	memset(map, 1, PAGES / 2 * PAGE);
	OK(close(fd));
	OK(unlink("one/a"));
	OK(rmdir("one"));
	FAILS(ENOENT, access("one", F_OK));
	ck_assert(within_a_second(is_half_free, NULL));
	/* Another one of that name has another account. */
	make_tenant("one", 1);
	expect_room("one", 1, 1);
	BYTES_ARE(1, map, PAGES / 2 * PAGE);
	unmap(map, PAGES / 2 * PAGE);
	end_tenants();
}
END_TEST

START_TEST(what_a_tenant_may_not_be)
{
	make_tenants();
	GIVES(EINVAL, control_call(shared_mount->dir, "CreateTenant", "{\"path\":\"one/two\"}"));
	GIVES(EEXIST, control_call(shared_mount->dir, "CreateTenant", "{\"path\":\"one\"}"));
	GIVES(ENOENT, set_limits("no", 1, 1));
	end_tenants();
}
END_TEST

/* --- a race at the limit ---------------------------------------------------------------------- */

static bool tenant_is_empty(void *context)
{
	struct statfs status = room_in("one");

	(void)context;
	return status.f_bfree == RACING_PAGES;
}

START_TEST(four_processes_at_the_limit_of_a_tenant_never_get_sigbus)
{
	make_tenants();
	GIVES(0, set_limits("one", RACING_PAGES, 100));
	OK(chdir("one"));
	race_at_the_limit(_i, full);
	OK(chdir(".."));
	ck_assert_msg(within_a_second(tenant_is_empty, NULL), "something is still charged");
	end_tenants();
}
END_TEST

static void add_cases(TCase *tcase)
{
	tcase_add_test(tcase, root_is_refused_as_anybody);
	tcase_add_test(tcase, limits_change_under_those_who_use_them);
	tcase_add_test(tcase, statfs_tells_of_the_node_that_was_asked_about);
	tcase_add_test(tcase, no_name_leads_out_or_in);
	tcase_add_test(tcase, the_charge_stays_with_a_mapping_when_the_directory_is_gone);
	tcase_add_test(tcase, what_a_tenant_may_not_be);
	tcase_add_loop_test(tcase, four_processes_at_the_limit_of_a_tenant_never_get_sigbus, 2, 3);
}

void add_tenant_cases(Suite *suite)
{
	TCase *slow = case_on_mount(suite, "racing in a tenant", start_linux);

	add_cases(case_on_mount(suite, "tenants", start_linux));
	add_cases(case_on_flat_mount(suite, "tenants, rules=freebsd", start_freebsd));
	tcase_set_tags(slow, "slow");
	tcase_set_timeout(slow, 60);
	tcase_add_loop_test(slow, four_processes_at_the_limit_of_a_tenant_never_get_sigbus, 20, 21);
}
