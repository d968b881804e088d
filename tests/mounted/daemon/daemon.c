/* SPDX-License-Identifier: BSD-2-Clause */
/* Start and end of the daemon, its options and what the mount table shows. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "left_over.h"
#include "mount_fixture.h"
#include "objects.h"
#include "run_shmfs.h"
#include "suites.h"

enum { FUSE_MAGIC = 0x65735546 };

static int fuse_mounts_before;

static void watch_processes_and_mounts(void)
{
	ck_assert(adopt_orphans());
	fuse_mounts_before = count_fuse_mounts();
}

static void expect_nothing_left(void)
{
	expect_no_process_but(0);
	ck_assert_int_eq(count_fuse_mounts(), fuse_mounts_before);
}

static const int signals[] = {SIGTERM, SIGINT};

START_TEST(a_signal_unmounts_and_ends_it_with_0)
{
	struct mount *mount = mount_start("");

	make_object(mount_path(mount, "a"), PAGE);
	OK(kill(mount->pid, signals[_i]));
	mount_ended(mount);
}
END_TEST

/* Whoever was told that it is ready may end it at once. */
START_TEST(a_signal_right_after_readiness_ends_it_with_0)
{
	for (int round = 0; round < 20; round++) {
		struct mount *mount = mount_start("");

		OK(kill(mount->pid, signals[round % 2]));
		mount_ended(mount);
	}
}
END_TEST

START_TEST(a_signal_ends_it_although_an_object_is_in_use)
{
	struct mount *mount = mount_start("");
	int fd = new_object(mount_path(mount, "a"), PAGE);
	const unsigned char *map = map_object(fd, PAGE, PROT_READ | PROT_WRITE);

	ck_assert_int_eq(map[0], 0);
	OK(chdir(mount->dir));
	OK(kill(mount->pid, SIGTERM));
	mount_ended(mount);
	OK(chdir("/"));
}
END_TEST

START_TEST(umount_ends_it_with_0)
{
	struct mount *mount = mount_start("");

	make_object(mount_path(mount, "a"), PAGE);
	OK(umount(mount->dir));
	mount_ended(mount);
}
END_TEST

START_TEST(a_mount_in_use_cannot_be_unmounted)
{
	struct mount *mount = mount_start("");
	int fd = new_object(mount_path(mount, "a"), PAGE);

	FAILS(EBUSY, umount(mount->dir));
	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	mount_stop(mount);
}
END_TEST

START_TEST(two_mounts_are_two_namespaces)
{
	struct mount *first = mount_start("size=1m");
	struct mount *second = mount_start("size=2m");

	make_object(mount_path(first, "a"), PAGE);
	ck_assert(!exists(mount_path(second, "a")));
	make_object(mount_path(second, "a"), 2 * PAGE);
	ck_assert_int_eq(status_of(mount_path(first, "a")).st_size, PAGE);
	mount_stop(first);
	ck_assert_int_eq(status_of(mount_path(second, "a")).st_size, 2 * PAGE);
	mount_stop(second);
}
END_TEST

static void expect_fuse_on(const char *dir)
{
	struct statfs status;

	OK(statfs(dir, &status));
	ck_assert_msg(status.f_type == FUSE_MAGIC, "statfs: expected f_type 0x%x, got 0x%lx",
	    FUSE_MAGIC, (long)status.f_type);
}

static void start_in_background(const char *dir, const char *options)
{
	char option[256];
	struct launch launch = {.arguments = {dir, "-o", option}};
	struct run run;

	snprintf(option, sizeof(option), "io=%s%s%s", fixture_io(), options[0] ? "," : "", options);
	run_shmfs(&run, &launch);
	ck_assert_msg(exited_with(&run, 0), "expected exit status 0, got wait status 0x%x: %s",
	    run.status, run.err);
	expect_fuse_on(dir);
}

static void end_background_daemon(const char *dir, pid_t pid)
{
	int status;

	OK(umount(dir));
	GIVES(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(status, 0);
	expect_nothing_left();
}

START_TEST(the_background_start_returns_when_the_mount_answers)
{
	char dir[PATH_MAX];
	int fd;

	fixture_directory(dir, "background");
	start_in_background(dir, "size=1m");
	OK(chdir(dir));
	fd = new_object("a", PAGE);
	write_pattern(fd, 0, PAGE);
	OK(close(fd));
	OK(chdir("/"));
	end_background_daemon(dir, background_daemon());
}
END_TEST

START_TEST(the_background_daemon_ends_by_signal)
{
	char dir[PATH_MAX];
	int status;
	pid_t pid;

	fixture_directory(dir, "background");
	start_in_background(dir, "");
	pid = background_daemon();
	OK(kill(pid, SIGTERM));
	GIVES(pid, waitpid(pid, &status, 0));
	ck_assert_int_eq(status, 0);
	expect_nothing_left();
}
END_TEST

static void expect_link(pid_t pid, const char *name, const char *want)
{
	char path[64];
	char target[PATH_MAX] = "";

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	OK(readlink(path, target, sizeof(target) - 1));
	ck_assert_str_eq(target, want);
}

START_TEST(the_background_daemon_lets_go_of_its_starter)
{
	char dir[PATH_MAX];
	pid_t pid;

	fixture_directory(dir, "background");
	OK(chdir(dir));
	OK(chdir(".."));
	start_in_background(dir, "");
	pid = background_daemon();
	expect_link(pid, "cwd", "/");
	expect_link(pid, "fd/0", "/dev/null");
	expect_link(pid, "fd/1", "/dev/null");
	expect_link(pid, "fd/2", "/dev/null");
	ck_assert_int_ne(getsid(pid), getsid(0));
	end_background_daemon(dir, pid);
}
END_TEST

START_TEST(a_relative_mount_point_works)
{
	char dir[PATH_MAX];

	fixture_directory(dir, "relative");
	OK(chdir(dir));
	OK(mkdir("here", 0755));
	start_in_background("here", "");
	end_background_daemon("here", background_daemon());
	OK(rmdir("here"));
	OK(chdir("/"));
}
END_TEST

START_TEST(help_goes_to_standard_output)
{
	static const struct launch launch = {.arguments = {"-h"}};
	struct run run;

	run_shmfs(&run, &launch);
	ck_assert(exited_with(&run, 0));
	ck_assert_str_eq(run.err, "");
	ck_assert_ptr_nonnull(strcasestr(run.out, "usage"));
	ck_assert_ptr_nonnull(strstr(run.out, "nr_inodes"));
	expect_nothing_left();
}
END_TEST

START_TEST(the_version_is_one_line)
{
	static const struct launch launch = {.arguments = {"-V"}};
	struct run run;
	regex_t form;

	run_shmfs(&run, &launch);
	ck_assert(exited_with(&run, 0));
	ck_assert_str_eq(run.err, "");
	GIVES(0, regcomp(&form, "^shmfs [0-9]+(\\.[0-9]+)+[^ \n]*\n$", REG_EXTENDED | REG_NOSUB));
	ck_assert_msg(regexec(&form, run.out, 0, NULL, 0) == 0,
	    "expected shmfs and a version, got: %s", run.out);
	regfree(&form);
}
END_TEST

static struct mntent *mount_entry(const char *dir)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;

	ck_assert_ptr_nonnull(table);
	while ((entry = getmntent(table)) != NULL)
		if (strcmp(entry->mnt_dir, dir) == 0)
			break;
	endmntent(table);
	ck_assert_msg(entry != NULL, "%s is not in the mount table", dir);
	return entry;
}

START_TEST(the_mount_table_shows_source_and_type)
{
	static const char *const sources[] = {"a-source", NULL};
	struct launch launch = {.arguments = {"a-source"}};
	char dir[PATH_MAX];
	struct run run;

	fixture_directory(dir, "source");
	launch.arguments[_i == 0 ? 1 : 0] = dir;
	run_shmfs(&run, &launch);
	ck_assert_msg(exited_with(&run, 0), "expected exit status 0: %s", run.err);
	ck_assert_str_eq(mount_entry(dir)->mnt_type, "fuse.shmfs");
	if (sources[_i] != NULL)
		ck_assert_str_eq(mount_entry(dir)->mnt_fsname, sources[_i]);
	end_background_daemon(dir, background_daemon());
}
END_TEST

START_TEST(options_may_come_first_and_more_than_once)
{
	struct launch launch = {
	    .arguments = {"-o", "size=1m", "-o", "mode=700", "-o", "nr_inodes=77"}};
	char dir[PATH_MAX];
	struct statfs status;
	struct run run;

	fixture_directory(dir, "options");
	launch.arguments[6] = dir;
	run_shmfs(&run, &launch);
	ck_assert_msg(exited_with(&run, 0), "expected exit status 0: %s", run.err);
	OK(statfs(dir, &status));
	ck_assert_uint_eq(status.f_blocks, 256);
	ck_assert_uint_eq(status.f_files, 77);
	ck_assert_int_eq(status_of(dir).st_mode, S_IFDIR | 0700);
	end_background_daemon(dir, background_daemon());
}
END_TEST

START_TEST(the_root_directory_is_as_the_options_say)
{
	struct mount *mount = mount_start("mode=0750,uid=1234,gid=4321");
	struct stat status = status_of(mount->dir);

	ck_assert_int_eq(status.st_mode, S_IFDIR | 0750);
	ck_assert_int_eq(status.st_uid, 1234);
	ck_assert_int_eq(status.st_gid, 4321);
	ck_assert_uint_eq(status.st_nlink, 2);
	mount_stop(mount);
}
END_TEST

static const struct {
	const char *option;
	unsigned long pages;
} sizes[] = {{"size=4096", 1}, {"size=4097", 2}, {"size=64k", 16}, {"size=64K", 16},
    {"size=3m", 768}, {"size=1g", 262144}, {"size=1t", 268435456}};

START_TEST(a_size_has_a_unit)
{
	struct mount *mount = mount_start(sizes[_i].option);
	struct statfs status;

	OK(statfs(mount->dir, &status));
	ck_assert_uint_eq(status.f_blocks, sizes[_i].pages);
	mount_stop(mount);
}
END_TEST

static bool has_flag(const struct mntent *entry, const char *flag)
{
	return hasmntopt(entry, flag) != NULL;
}

START_TEST(options_of_every_mount_are_passed_on)
{
	struct mount *mount = mount_start("ro,nosuid,nodev,noexec");
	const struct mntent *entry = mount_entry(mount->dir);
	struct statvfs status;

	ck_assert(has_flag(entry, "ro"));
	ck_assert(has_flag(entry, "nosuid"));
	ck_assert(has_flag(entry, "nodev"));
	ck_assert(has_flag(entry, "noexec"));
	ck_assert(has_flag(entry, "default_permissions"));
	OK(statvfs(mount->dir, &status));
	ck_assert_uint_ne(status.f_flag & ST_RDONLY, 0);
	FAILS(EROFS, open(mount_path(mount, "a"), O_RDWR | O_CREAT, 0600));
	FAILS(EROFS, mkdir(mount_path(mount, "d"), 0755));
	FAILS(EROFS, chmod(mount->dir, 0700));
	mount_stop(mount);
}
END_TEST

START_TEST(root_mounts_for_everybody)
{
	struct mount *mount = mount_start("");

	ck_assert(has_flag(mount_entry(mount->dir), "allow_other"));
	ck_assert(has_flag(mount_entry(mount->dir), "default_permissions"));
	ck_assert(!has_flag(mount_entry(mount->dir), "ro"));
	mount_stop(mount);
}
END_TEST

START_TEST(the_log_names_the_tier_that_is_used)
{
	bool any = strcmp(fixture_io(), "auto") == 0;
	struct mount *mount = mount_start("");
	char text[4096] = "";
	int fd = OK(open(mount->log, O_RDONLY));

	OK(read(fd, text, sizeof(text) - 1));
	OK(close(fd));
	if (any)
		ck_assert_msg(strstr(text, "passthrough") || strstr(text, "cached"),
		    "expected a tier in the log, got: %s", text);
	else
		ck_assert_msg(strstr(text, fixture_io()) != NULL, "expected %s in the log, got: %s",
		    fixture_io(), text);
	mount_stop(mount);
}
END_TEST

static TCase *watched_case(Suite *suite, const char *name)
{
	TCase *tcase = tcase_create(name);

	tcase_add_checked_fixture(tcase, watch_processes_and_mounts, NULL);
	tcase_set_timeout(tcase, 25);
	suite_add_tcase(suite, tcase);
	return tcase;
}

void add_daemon_cases(Suite *suite)
{
	TCase *ending = watched_case(suite, "start and end");
	TCase *options = watched_case(suite, "options");

	tcase_add_loop_test(ending, a_signal_unmounts_and_ends_it_with_0, 0, 2);
	tcase_add_test(ending, a_signal_right_after_readiness_ends_it_with_0);
	tcase_add_test(ending, a_signal_ends_it_although_an_object_is_in_use);
	tcase_add_test(ending, umount_ends_it_with_0);
	tcase_add_test(ending, a_mount_in_use_cannot_be_unmounted);
	tcase_add_test(ending, two_mounts_are_two_namespaces);
	tcase_add_test(ending, the_background_start_returns_when_the_mount_answers);
	tcase_add_test(ending, the_background_daemon_ends_by_signal);
	tcase_add_test(ending, the_background_daemon_lets_go_of_its_starter);
	tcase_add_test(ending, a_relative_mount_point_works);
	tcase_add_test(options, help_goes_to_standard_output);
	tcase_add_test(options, the_version_is_one_line);
	tcase_add_loop_test(options, the_mount_table_shows_source_and_type, 0, 2);
	tcase_add_test(options, options_may_come_first_and_more_than_once);
	tcase_add_test(options, the_root_directory_is_as_the_options_say);
	tcase_add_loop_test(options, a_size_has_a_unit, 0, 7);
	tcase_add_test(options, options_of_every_mount_are_passed_on);
	tcase_add_test(options, root_mounts_for_everybody);
	tcase_add_test(options, the_log_names_the_tier_that_is_used);
}
