/* SPDX-License-Identifier: BSD-2-Clause */
/* Test cases on a mount with rules=freebsd. */
#include "flat_mount.h"

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "expect.h"
#include "mount_fixture.h"

static void start_ordinary_flat_mount(void)
{
	shared_mount = mount_start("rules=freebsd,size=64m,nr_inodes=1000");
}

static void stop_flat_mount(void)
{
	mount_stop(shared_mount);
	shared_mount = NULL;
}

static void remove_everything(void)
{
	DIR *directory = opendir(".");
	struct dirent *entry;

	ck_assert(directory != NULL);
	while ((entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			OK(unlink(entry->d_name));
	closedir(directory);
}

static bool nothing_charged(void *context)
{
	struct statfs status;

	(void)context;
	OK(statfs(".", &status));
	return status.f_bfree == status.f_blocks && status.f_ffree == status.f_files - 1;
}

/* Not when the test before ends: its process has to be gone with all that it has open. */
static void enter_emptied_root(void)
{
	OK(chdir(shared_mount->dir));
	remove_everything();
	ck_assert_msg(within_a_second(nothing_charged, NULL),
	    "statfs of an emptied mount: expected f_bfree and f_ffree as at its start");
}

static void leave_root(void)
{
	OK(chdir("/"));
}

TCase *case_on_flat_mount(Suite *suite, const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_unchecked_fixture(
	    tcase, start != NULL ? start : start_ordinary_flat_mount, stop_flat_mount);
	tcase_add_checked_fixture(tcase, enter_emptied_root, leave_root);
	tcase_set_timeout(tcase, 10);
	suite_add_tcase(suite, tcase);
	return tcase;
}
