/* SPDX-License-Identifier: BSD-2-Clause */
/* See mounts.h. */
#include "mounts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "worker.h"

static char run_dir[PATH_MAX / 2];
static char log_path[PATH_MAX];
static char mounted[2][PATH_MAX];
static unsigned mounted_count;
static pid_t daemon_pid;

const char *mounts_begin(void)
{
	const char *reason = launch_privately();

	if (reason != NULL)
		return reason;
	if (!launch_directory(run_dir, sizeof run_dir, "differential"))
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

void mount_tmpfs(char dir[PATH_MAX], const char *huge)
{
	char options[128];

	make_mount_point(dir);
	snprintf(options, sizeof options, "size=64g,nr_inodes=1000000,mode=1777,huge=%s", huge);
	if (mount("tmpfs", dir, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
		broken("mount tmpfs");
}

static void show_log(void)
{
	log_show(log_path, "daemon: ", 0);
}

void mount_shmfs(char dir[PATH_MAX], const char *options)
{
	make_mount_point(dir);
	daemon_pid = launch(&(struct launch){
	    .binary = launch_binary(), .options = options, .dir = dir, .log = log_path});
	if (daemon_pid < 0)
		broken("fork");
	if (launch_is_mounted(dir, daemon_has_ended))
		return;
	fprintf(stderr, "differential: %s does not mount (see SHMFS_BIN)\n", launch_binary());
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
	return log_count(log_path, text) > 0;
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
