/* SPDX-License-Identifier: BSD-2-Clause */
/* See mounts.h. */
#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "worker.h"

static char run_dir[PATH_MAX / 2];
static char log_path[PATH_MAX];
static char mounted[2][PATH_MAX];
static unsigned mounted_count;
static pid_t daemon_pid;

const char *mounts_begin(void)
{
	const char *parent = getenv("TMPDIR");

	if (geteuid() != 0)
		return "must be root to mount";
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return "no private mount namespace";
	snprintf(run_dir, sizeof run_dir, "%s/shmfs-differential.XXXXXX",
	    parent != NULL && parent[0] == '/' ? parent : "/tmp");
	if (mkdtemp(run_dir) == NULL || chmod(run_dir, 0755) != 0)
		return "no temporary directory";
	snprintf(log_path, sizeof log_path, "%s/log", run_dir);
	return NULL;
}

static void make_mount_point(char dir[PATH_MAX])
{
	snprintf(dir, PATH_MAX, "%s/%u", run_dir, mounted_count);
	if (mkdir(dir, 0755) != 0)
		broken(dir);
	snprintf(mounted[mounted_count], PATH_MAX, "%s", dir);
	mounted_count++;
}

void mount_tmpfs(char dir[PATH_MAX])
{
	make_mount_point(dir);
	if (mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV,
		"size=64g,nr_inodes=1000000,mode=1777") != 0)
		broken("mount tmpfs");
}

static _Noreturn void become_daemon(const char *binary, const char *dir, const char *options)
{
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	unsetenv("NOTIFY_SOCKET");
	if (log >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(log, 1) == 1 && dup2(log, 2) == 2 &&
	    prctl(PR_SET_PDEATHSIG, SIGTERM) == 0)
		execl(binary, "shmfs", "-f", "-o", options, dir, NULL);
	_exit(127);
}

static void show_log(void)
{
	FILE *log = fopen(log_path, "r");
	char line[1024];

	while (log != NULL && fgets(line, sizeof line, log) != NULL)
		fprintf(stderr, "daemon: %s", line);
	if (log != NULL)
		fclose(log);
}

void mount_shmfs(char dir[PATH_MAX], const char *options)
{
	const char *binary = getenv("SHMFS_BIN");
	struct timespec pause = {0, 5000000};
	struct statfs st;

	if (binary == NULL)
		binary = "./shmfs";
	make_mount_point(dir);
	daemon_pid = fork();
	if (daemon_pid < 0)
		broken("fork");
	if (daemon_pid == 0)
		become_daemon(binary, dir, options);
	for (unsigned tries = 0; tries < 2000 && !daemon_has_ended(); tries++) {
		if (statfs(dir, &st) == 0 && st.f_type == FUSE_SUPER_MAGIC)
			return;
		nanosleep(&pause, NULL);
	}
	fprintf(stderr, "differential: %s does not mount (see SHMFS_BIN)\n", binary);
	if (daemon_pid > 0)
		kill(daemon_pid, SIGKILL);
	mounts_end();
	exit(2);
}

bool daemon_has_ended(void)
{
	if (daemon_pid == 0 || waitpid(daemon_pid, NULL, WNOHANG) != daemon_pid)
		return false;
	fprintf(stderr, "the daemon has ended\n");
	show_log();
	daemon_pid = -1;
	return true;
}

bool daemon_log_mentions(const char *text)
{
	FILE *log = fopen(log_path, "r");
	char line[1024];
	bool found = false;

	while (log != NULL && !found && fgets(line, sizeof line, log) != NULL)
		found = strstr(line, text) != NULL;
	if (log != NULL)
		fclose(log);
	return found;
}

static bool daemon_ends_well(void)
{
	struct timespec pause = {0, 5000000};
	int status;

	for (unsigned tries = 0; tries < 2000; tries++) {
		if (waitpid(daemon_pid, &status, WNOHANG) == daemon_pid)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		nanosleep(&pause, NULL);
	}
	kill(daemon_pid, SIGKILL);
	return false;
}

bool mounts_end(void)
{
	bool well = daemon_pid >= 0;

	for (unsigned i = 0; i < mounted_count; i++) {
		if (umount2(mounted[i], daemon_pid < 0 ? MNT_DETACH : 0) != 0 && errno != EINVAL) {
			fprintf(stderr, "umount %s: %s\n", mounted[i], strerror(errno));
			umount2(mounted[i], MNT_DETACH);
			well = false;
		}
		rmdir(mounted[i]);
	}
	if (daemon_pid > 0 && !daemon_ends_well()) {
		fprintf(stderr, "the daemon did not end with 0 after umount\n");
		show_log();
		well = false;
	}
	unlink(log_path);
	rmdir(run_dir);
	return well;
}
