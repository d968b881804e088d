/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts and stops the daemon, or a tmpfs in its place, for the mounted tests. */
#include "mount_fixture.h"

#include <errno.h>
#include <ftw.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "launch.h"
#include "left_over.h"
#include "pidfd.h"

enum { READY_TIMEOUT_MS = 10000, END_TIMEOUT_MS = 10000 };

struct mount *shared_mount;

static SRunner *the_runner;
static pid_t main_process;
static int unclean_ends;
static char run_dir[PATH_MAX - 64];
static char binary[PATH_MAX];
static char tier[16];

bool fixture_is_tmpfs(void)
{
	const char *filesystem = getenv("SHMFS_TEST_FS");

	return filesystem != NULL && strcmp(filesystem, "tmpfs") == 0;
}

const char *fixture_binary(void)
{
	return binary;
}

const char *fixture_io(void)
{
	return launch_io();
}

int fixture_patience(int milliseconds)
{
	return milliseconds * launch_slowness();
}

const char *fixture_tier(void)
{
	return tier;
}

bool fixture_find_binary(void)
{
	if (fixture_is_tmpfs())
		return true;
	return realpath(launch_binary(), binary) != NULL && access(binary, X_OK) == 0;
}

static bool read_tier(const char *log)
{
	FILE *file = fopen(log, "re");
	char line[1024];

	while (file != NULL && tier[0] == '\0' && fgets(line, sizeof(line), file) != NULL)
		(void)!sscanf(line, "shmfs: io=%15[a-z]: ", tier);
	if (file != NULL)
		fclose(file);
	return tier[0] != '\0';
}

static bool never(void)
{
	return false;
}

bool fixture_find_tier(void)
{
	char dir[PATH_MAX], log[PATH_MAX];
	bool found;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/tier", run_dir);
	snprintf(log, sizeof(log), "%s/tier-log", run_dir);
	snprintf(tier, sizeof(tier), "%s", fixture_is_tmpfs() ? "tmpfs" : fixture_io());
	if (strcmp(tier, "auto") != 0)
		return true;
	tier[0] = '\0';
	if (mkdir(dir, 0755) != 0)
		return false;
	pid = launch(
	    &(struct launch){.binary = binary, .options = "io=auto", .dir = dir, .log = log});
	found = pid > 0 && launch_is_mounted(dir, never) && read_tier(log) && umount(dir) == 0 &&
		waitpid(pid, NULL, 0) == pid;
	if (!found)
		log_show(log, "", 0);
	return found && rmdir(dir) == 0 && unlink(log) == 0;
}

bool fixture_begin(SRunner *runner, const char **reason)
{
	the_runner = runner;
	main_process = getpid();
	unsetenv("NOTIFY_SOCKET");
	*reason = launch_privately();
	if (*reason != NULL)
		return false;
	*reason = "no /dev/fuse";
	if (!fixture_is_tmpfs() && access("/dev/fuse", R_OK | W_OK) != 0)
		return false;
	*reason = "no temporary directory";
	if (!launch_directory(run_dir, sizeof(run_dir), "mounted"))
		return false;
	*reason = "prctl(PR_SET_CHILD_SUBREAPER)";
	return adopt_orphans();
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	if (where->level > 0 && remove(path) != 0 && errno != ENOENT)
		return -1;
	return 0;
}

static int empty_directory(const char *path)
{
	return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/*
 * A failed test may leave its own mount behind. Detaching takes the mount away from everybody, so
 * removing the directories afterwards cannot reach into it.
 */
static void detach_mounts(void)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;

	if (table == NULL)
		return;
	while ((entry = getmntent(table)) != NULL)
		if (strncmp(entry->mnt_dir, run_dir, strlen(run_dir)) == 0)
			umount2(entry->mnt_dir, MNT_DETACH);
	endmntent(table);
}

bool fixture_end(void)
{
	int left = kill_left_over();

	if (left > 0)
		fprintf(stderr, "%d processes of the tests were left running\n", left);
	detach_mounts();
	if (empty_directory(run_dir) != 0 || rmdir(run_dir) != 0)
		fprintf(stderr, "%s cannot be removed: %s\n", run_dir, strerror(errno));
	if (unclean_ends > 0)
		fprintf(stderr, "%d mounts did not end cleanly\n", unclean_ends);
	return left == 0 && unclean_ends == 0;
}

void fixture_directory(char path[PATH_MAX], const char *prefix)
{
	snprintf(path, PATH_MAX, "%s/%s-XXXXXX", run_dir, prefix);
	ck_assert_msg(mkdtemp(path) != NULL, "mkdtemp %s: %s", path, strerror(errno));
	OK(chmod(path, 0755));
}

bool mounted_on(const char *dir, char *type, size_t size)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	bool found = false;

	ck_assert_msg(table != NULL, "/proc/self/mounts: %s", strerror(errno));
	while ((entry = getmntent(table)) != NULL)
		if (strcmp(entry->mnt_dir, dir) == 0) {
			found = true;
			snprintf(type, size, "%s", entry->mnt_type);
		}
	endmntent(table);
	return found;
}

void start_mount_of_small_pages(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000,huge=never");
}

static void show_log(const struct mount *mount)
{
	fprintf(stderr, "--- standard error of the daemon on %s:\n", mount->dir);
	log_show(mount->log, "", 0);
	fprintf(stderr, "---\n");
}

/*
 * Ends the running test. Unchecked teardowns run in the main process, where libcheck cannot report
 * a failed assertion: there the failure is counted, and the program's exit status tells it.
 */
__attribute__((format(printf, 2, 3))) static void misbehaved(
    const struct mount *mount, const char *format, ...)
{
	char what[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(what, sizeof(what), format, arguments);
	va_end(arguments);
	show_log(mount);
	if (getpid() != main_process)
		ck_abort_msg("%s", what);
	fprintf(stderr, "%s: %s\n", mount->dir, what);
	unclean_ends++;
}

static int notify_socket(const struct mount *mount, struct sockaddr_un *address)
{
	int fd = OK(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	size_t length;

	address->sun_family = AF_UNIX;
	/* An abstract name: the mount's path may be longer than sun_path. */
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "shmfs-test-%s",
	    strrchr(mount->dir, '/') + 1);
	length = offsetof(struct sockaddr_un, sun_path) + 1 + strlen(address->sun_path + 1);
	OK(bind(fd, (struct sockaddr *)address, (socklen_t)length));
	return fd;
}

static void never_ready(const struct mount *mount, bool ended)
{
	show_log(mount);
	kill(mount->pid, SIGKILL);
	waitpid(mount->pid, NULL, 0);
	ck_abort_msg("the daemon %s without READY=1", ended ? "ended" : "stays");
}

static void wait_until_ready(const struct mount *mount, int fd)
{
	struct pollfd events[] = {{fd, POLLIN, 0}, {mount->pidfd, POLLIN, 0}};
	char message[256];
	ssize_t length;

	do {
		int count = OK(poll(events, 2, fixture_patience(READY_TIMEOUT_MS)));

		if ((events[0].revents & POLLIN) == 0)
			never_ready(mount, count > 0);
		length = OK(recv(fd, message, sizeof(message) - 1, 0));
		message[length] = '\0';
	} while (strstr(message, "READY=1") == NULL);
}

static void start_daemon(struct mount *mount, const char *options, void (*before_exec)(void))
{
	struct sockaddr_un address = {0};
	char all[1024], notify[sizeof(address.sun_path) + 1];
	const char *huge = launch_huge();
	int fd = notify_socket(mount, &address);

	snprintf(all, sizeof(all), "io=%s%s%s%s%s", fixture_io(), huge != NULL ? ",huge=" : "",
	    huge != NULL ? huge : "", options[0] != '\0' ? "," : "", options);
	snprintf(notify, sizeof(notify), "@%s", address.sun_path + 1);
	mount->pid =
	    OK(launch(&(struct launch){binary, all, mount->dir, mount->log, notify, before_exec}));
	mount->pidfd = OK(pidfd_open(mount->pid, 0));
	wait_until_ready(mount, fd);
	OK(close(fd));
}

/* The options that tmpfs has too. */
static void tmpfs_options(char *result, size_t size, const char *options)
{
	static const char *const known[] = {"size=", "nr_inodes=", "mode=", "uid=", "gid="};
	char copy[1024];
	char *rest = copy;
	char *option;

	snprintf(copy, sizeof(copy), "%s", options);
	snprintf(result, size, "mode=1777");
	while ((option = strsep(&rest, ",")) != NULL)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strncmp(option, known[i], strlen(known[i])) == 0) {
				strncat(result, ",", size - strlen(result) - 1);
				strncat(result, option, size - strlen(result) - 1);
			}
}

struct mount *mount_start_prepared(const char *options, void (*before_exec)(void))
{
	struct mount *mount_ = calloc(1, sizeof(*mount_));
	char tmpfs[1024];

	ck_assert(mount_ != NULL);
	mount_->pidfd = -1;
	mount_->failed_before = srunner_ntests_failed(the_runner);
	fixture_directory(mount_->dir, "mnt");
	snprintf(
	    mount_->log, sizeof(mount_->log), "%s/log-%s", run_dir, strrchr(mount_->dir, '/') + 1);
	if (fixture_is_tmpfs()) {
		tmpfs_options(tmpfs, sizeof(tmpfs), options);
		OK(mount("tmpfs", mount_->dir, "tmpfs", 0, tmpfs));
	} else {
		start_daemon(mount_, options, before_exec);
	}
	return mount_;
}

struct mount *mount_start(const char *options)
{
	return mount_start_prepared(options, NULL);
}

static bool has_ended(const struct mount *mount)
{
	struct pollfd event = {mount->pidfd, POLLIN, 0};

	return mount->pid != 0 && poll(&event, 1, 0) != 0;
}

static void expect_exit_0(struct mount *mount)
{
	struct pollfd event = {mount->pidfd, POLLIN, 0};
	int status = 0;

	if (poll(&event, 1, fixture_patience(END_TIMEOUT_MS)) != 1) {
		misbehaved(mount, "the daemon did not end");
		kill(mount->pid, SIGKILL);
		waitpid(mount->pid, &status, 0);
		return;
	}
	if (waitpid(mount->pid, &status, 0) != mount->pid)
		misbehaved(mount, "waitpid: %s", strerror(errno));
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		misbehaved(
		    mount, "expected the daemon's exit status 0, got wait status 0x%x", status);
}

void mount_ended(struct mount *mount)
{
	char type[64];

	if (mount->pid != 0) {
		expect_exit_0(mount);
		close(mount->pidfd);
	}
	if (mounted_on(mount->dir, type, sizeof(type))) {
		misbehaved(mount, "a %s was left mounted", type);
		umount2(mount->dir, MNT_DETACH);
	}
	if (rmdir(mount->dir) != 0)
		misbehaved(mount, "rmdir of the mount point: %s", strerror(errno));
	free(mount);
}

void mount_stop(struct mount *mount)
{
	if (getpid() == main_process && srunner_ntests_failed(the_runner) > mount->failed_before)
		show_log(mount);
	if (mount->pid == 0 && umount(mount->dir) != 0)
		misbehaved(mount, "umount: %s", strerror(errno));
	if (has_ended(mount))
		misbehaved(mount, "the daemon ended before it was told to");
	else if (mount->pid != 0 && kill(mount->pid, SIGTERM) != 0)
		misbehaved(mount, "kill: %s", strerror(errno));
	mount_ended(mount);
}

const char *mount_path(const struct mount *mount, const char *name)
{
	static char paths[8][PATH_MAX + NAME_MAX + 2];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", mount->dir, name);
	return path;
}

bool fixture_maps_natively(void)
{
	return fixture_is_tmpfs() || strcmp(fixture_tier(), "passthrough") == 0;
}

bool fixture_is_cached(void)
{
	return !fixture_is_tmpfs() && strcmp(fixture_tier(), "cached") == 0;
}

void start_ordinary_mount(void)
{
	shared_mount = mount_start("size=256m,nr_inodes=20000");
}

static void stop_shared_mount(void)
{
	mount_stop(shared_mount);
	shared_mount = NULL;
}

/* Not part of mount_start, because tests of the daemon's start must find it untouched. */
static void note_nodes_left(void)
{
	struct statfs status;

	OK(statfs(shared_mount->dir, &status));
	shared_mount->nodes_left = status.f_ffree;
}

/* Nothing but the directory that was just made. */
static bool nothing_charged(void *context)
{
	struct statfs status;

	(void)context;
	OK(statfs(shared_mount->dir, &status));
	return status.f_bfree == status.f_blocks && status.f_ffree == shared_mount->nodes_left - 1;
}

/*
 * What the test before left is removed here and not at its end: only now its process is gone with
 * all descriptors and mappings, so that nothing of it stays charged.
 */
static void enter_fresh_directory(void)
{
	OK(empty_directory(shared_mount->dir));
	OK(chdir(shared_mount->dir));
	OK(mkdir("here", 0755));
	OK(chdir("here"));
	ck_assert_msg(within_a_second(nothing_charged, NULL),
	    "statfs of an emptied mount: expected f_bfree and f_ffree as at its start");
}

static void leave_fresh_directory(void)
{
	if (has_ended(shared_mount))
		misbehaved(shared_mount, "the daemon ended during this test");
	OK(chdir("/"));
}

TCase *case_on_mount(Suite *suite, const char *name, void (*start)(void))
{
	TCase *tcase = tcase_create(name);

	tcase_add_unchecked_fixture(
	    tcase, start != NULL ? start : start_ordinary_mount, stop_shared_mount);
	tcase_add_unchecked_fixture(tcase, note_nodes_left, NULL);
	tcase_add_checked_fixture(tcase, enter_fresh_directory, leave_fresh_directory);
	tcase_set_timeout(tcase, 10);
	suite_add_tcase(suite, tcase);
	return tcase;
}
