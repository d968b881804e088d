/* SPDX-License-Identifier: BSD-2-Clause */
/* What cannot work is refused with one line that names it, and leaves nothing behind. */
#include <check.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "run_shmfs.h"
#include "suites.h"

enum { OTHER_USER = 65534 };

static int fuse_mounts_before;
static char mount_point[PATH_MAX];

static void set_up(void)
{
	ck_assert(adopt_orphans());
	fuse_mounts_before = count_fuse_mounts();
	fixture_directory(mount_point, "refused");
}

/* Runs in the foreground too when `foreground`: a refusal must not depend on it. */
static void expect_refused(struct launch *launch, bool foreground, const char *words)
{
	struct run run;
	int count = 0;

	while (count < MAX_ARGUMENTS - 1 && launch->arguments[count] != NULL)
		count++;
	if (foreground)
		launch->arguments[count] = "-f";
	run_shmfs(&run, launch);
	expect_refusal(&run);
	expect_mention(&run, words);
	expect_no_process_but(0);
	ck_assert_int_eq(count_fuse_mounts(), fuse_mounts_before);
	OK(remove(mount_point));
}

/* The option, and what the line has to name besides the option itself. */
static const struct {
	const char *option;
	const char *name;
	const char *value;
} bad_options[] = {
    {"nonsense", "nonsense", ""},
    {"nonsense=1", "nonsense", ""},
    {"size=1m,nonsense", "nonsense", ""},
    {"sizes=1m", "sizes", ""},
    {"size=10abc", "size", "10abc"},
    {"size=-1", "size", "-1"},
    {"size=+1", "size", "+1"},
    {"size= 1", "size", " 1"},
    {"size=1mm", "size", "1mm"},
    {"size=1.5m", "size", "1.5m"},
    {"size=99999999999999999999", "size", "99999999999999999999"},
    {"size=99999999999t", "size", "99999999999t"},
    {"size=", "size", ""},
    {"size", "size", ""},
    {"mode=9", "mode", "9"},
    {"mode=17777", "mode", "17777"},
    {"mode=", "mode", ""},
    {"mode=0x1ff", "mode", "0x1ff"},
    {"uid=x", "uid", "x"},
    {"uid=", "uid", ""},
    {"uid=-1", "uid", "-1"},
    {"uid=4294967296", "uid", "4294967296"},
    {"gid=1x", "gid", "1x"},
    {"io=fast", "io", "fast"},
    {"io=", "io", ""},
    {"io=direct", "io=direct", "use io=auto or io=cached"},
    {"huge=sometimes", "huge", "sometimes"},
    {"huge=", "huge", ""},
    {"huge", "huge", ""},
    {"mpol=", "mpol", ""},
    {"mpol=nowhere", "mpol", "nowhere"},
    {"mpol=bind:0,4000", "mpol", "bind:0,4000"},
    {"noswap=1", "noswap", ""},
    {"nr_inodes=1x", "nr_inodes", "1x"},
    {"nr_inodes=-1", "nr_inodes", "-1"},
    {"nr_inodes=", "nr_inodes", ""},
};

enum { BAD_OPTIONS = sizeof(bad_options) / sizeof(bad_options[0]) };

START_TEST(a_bad_option_is_named)
{
	struct launch launch = {.arguments = {mount_point, "-o", bad_options[_i / 2].option}};
	struct run run;

	run_shmfs(&run, &launch);
	expect_mention(&run, bad_options[_i / 2].value);
	expect_refused(&launch, _i % 2, bad_options[_i / 2].name);
}
END_TEST

START_TEST(a_missing_mount_point_argument_is_told)
{
	struct launch launch = {.arguments = {NULL}};

	expect_refused(&launch, _i, "mount point|mountpoint");
}
END_TEST

START_TEST(too_many_arguments_are_told)
{
	struct launch launch = {.arguments = {"source", mount_point, "one-more"}};

	expect_refused(&launch, _i, "one-more|too many");
}
END_TEST

START_TEST(an_unknown_flag_is_told)
{
	struct launch launch = {.arguments = {mount_point, "-q"}};

	expect_refused(&launch, _i, "-q|'q'");
}
END_TEST

START_TEST(a_flag_without_its_argument_is_told)
{
	struct launch launch = {.arguments = {mount_point, "-o"}};

	expect_refused(&launch, false, "-o|'o'");
}
END_TEST

START_TEST(a_mount_point_that_does_not_exist_is_named)
{
	char missing[PATH_MAX + 16];
	struct launch launch = {.arguments = {missing}};

	snprintf(missing, sizeof(missing), "%s/missing", mount_point);
	expect_refused(&launch, _i, missing);
}
END_TEST

START_TEST(a_mount_point_that_is_no_directory_is_named)
{
	struct launch launch = {.arguments = {mount_point}};

	OK(rmdir(mount_point));
	make_object(mount_point, 0);
	if (_i == 1)
		launch.arguments[1] = "-f";
	expect_refused(&launch, false, mount_point);
}
END_TEST

START_TEST(an_empty_mount_point_is_refused)
{
	struct launch launch = {.arguments = {""}};

	expect_refused(&launch, _i, "mount point|mountpoint");
}
END_TEST

START_TEST(a_second_mount_of_shmfs_on_the_same_place_is_refused)
{
	struct mount *mount = mount_start("");
	struct launch launch = {.arguments = {mount->dir, _i ? "-f" : NULL}};
	struct run run;

	make_object(mount_path(mount, "a"), PAGE);
	run_shmfs(&run, &launch);
	expect_refusal(&run);
	expect_mention(&run, mount->dir);
	expect_no_process_but(mount->pid);
	ck_assert_int_eq(count_fuse_mounts(), fuse_mounts_before + 1);
	ck_assert_int_eq(status_of(mount_path(mount, "a")).st_size, PAGE);
	mount_stop(mount);
}
END_TEST

/* A /dev of its own for the program, with no fuse in it, or with one of this mode. */
static void replace_dev(mode_t fuse_mode)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("tmpfs", "/dev", "tmpfs", 0, "mode=755") != 0 ||
	    mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) != 0 || chmod("/dev/null", 0666) != 0)
		_exit(126);
	if (fuse_mode != 0 && (mknod("/dev/fuse", S_IFCHR, makedev(10, 229)) != 0 ||
				  chmod("/dev/fuse", fuse_mode) != 0))
		_exit(126);
}

static void without_dev_fuse(void)
{
	replace_dev(0);
}

START_TEST(a_missing_dev_fuse_is_told_with_what_brings_it)
{
	struct launch launch = {.arguments = {mount_point}, .prepare = without_dev_fuse};

	expect_refused(&launch, _i,
	    "cannot open /dev/fuse: No such file or directory: is the kernel module loaded "
	    "(modprobe fuse)?");
}
END_TEST

/* libfuse looks for the program that mounts for users in its own place and then in PATH. */
static void hide_fusermount(void)
{
	static const char *const places[] = {"/usr/bin/fusermount3", "/usr/local/bin/fusermount3"};

	for (int i = 0; i < 2; i++)
		if (access(places[i], F_OK) == 0 &&
		    mount("/dev/null", places[i], NULL, MS_BIND, NULL) != 0)
			_exit(126);
	if (setenv("PATH", "", 1) != 0)
		_exit(126);
}

static void with_fuse_for_all(void)
{
	replace_dev(0666);
	hide_fusermount();
}

static void with_fuse_for_root(void)
{
	replace_dev(0600);
	hide_fusermount();
}

START_TEST(a_mount_that_is_not_permitted_is_told)
{
	struct launch launch = {.arguments = {mount_point},
	    .prepare = _i / 2 ? with_fuse_for_root : with_fuse_for_all,
	    .uid = OTHER_USER};

	OK(chown(mount_point, OTHER_USER, OTHER_USER));
	expect_refused(&launch, _i % 2, "permi|/dev/fuse|fusermount3");
}
END_TEST

START_TEST(a_refused_start_leaves_a_mount_point_that_can_be_used)
{
	struct launch launch = {.arguments = {mount_point, "-o", "size=1x"}};
	struct run run;

	run_shmfs(&run, &launch);
	expect_refusal(&run);
	launch.arguments[2] = "size=1m";
	run_shmfs(&run, &launch);
	ck_assert_msg(exited_with(&run, 0), "expected exit status 0: %s", run.err);
	OK(umount(mount_point));
	expect_no_process_but(0);
	OK(rmdir(mount_point));
}
END_TEST

void add_bad_input_cases(Suite *suite)
{
	TCase *tcase = tcase_create("bad input");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_set_timeout(tcase, 25);
	tcase_add_loop_test(tcase, a_bad_option_is_named, 0, BAD_OPTIONS * 2);
	tcase_add_loop_test(tcase, a_missing_mount_point_argument_is_told, 0, 2);
	tcase_add_loop_test(tcase, too_many_arguments_are_told, 0, 2);
	tcase_add_loop_test(tcase, an_unknown_flag_is_told, 0, 2);
	tcase_add_test(tcase, a_flag_without_its_argument_is_told);
	tcase_add_loop_test(tcase, a_mount_point_that_does_not_exist_is_named, 0, 2);
	tcase_add_loop_test(tcase, a_mount_point_that_is_no_directory_is_named, 0, 2);
	tcase_add_loop_test(tcase, an_empty_mount_point_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_second_mount_of_shmfs_on_the_same_place_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_missing_dev_fuse_is_told_with_what_brings_it, 0, 2);
	tcase_add_loop_test(tcase, a_mount_that_is_not_permitted_is_told, 0, 4);
	tcase_add_test(tcase, a_refused_start_leaves_a_mount_point_that_can_be_used);
	suite_add_tcase(suite, tcase);
}
