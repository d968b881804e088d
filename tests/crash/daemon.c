/* SPDX-License-Identifier: BSD-2-Clause */
/* See daemon.h. */
#include "daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch.h"
#include "pidfd.h"

enum { END_TRIES = 4000, PAUSE_NS = 5000000 };

static char run_dir[PATH_MAX / 2], mount_dir[PATH_MAX], log_path[PATH_MAX], control_dir[PATH_MAX];
static pid_t supervisor, frozen;
static unsigned connection;
static bool mounted;

void broken(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	daemon_show_log();
	if (supervisor > 0)
		kill(supervisor, SIGKILL);
	daemon_clean_up();
	exit(2);
}

static void rest(void)
{
	nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

const char *daemon_prepare(const char *test)
{
	const char *reason = launch_privately();

	if (reason != NULL)
		return reason;
	if (access("/dev/fuse", R_OK | W_OK) != 0)
		return "no /dev/fuse";
	if (!launch_directory(run_dir, sizeof run_dir, test))
		return "no temporary directory";
	snprintf(mount_dir, sizeof mount_dir, "%s/mount", run_dir);
	snprintf(log_path, sizeof log_path, "%s/log", run_dir);
	snprintf(control_dir, sizeof control_dir, "%s/control", run_dir);
	if (mkdir(mount_dir, 0755) != 0 || mkdir(control_dir, 0755) != 0 ||
	    mount("fusectl", control_dir, "fusectl", 0, NULL) != 0)
		return "no fusectl";
	return NULL;
}

void daemon_start(const char *options)
{
	const char *huge = launch_huge();
	char all[512];
	struct stat status;

	snprintf(all, sizeof all, "io=%s,mode=1777%s%s%s%s", launch_io(),
	    huge != NULL ? ",huge=" : "", huge != NULL ? huge : "", options[0] != '\0' ? "," : "",
	    options);
	supervisor = launch(&(struct launch){
	    .binary = launch_binary(), .options = all, .dir = mount_dir, .log = log_path});
	if (supervisor < 0)
		broken("fork");
	if (!launch_is_mounted(mount_dir, daemon_has_ended)) {
		errno = ETIMEDOUT;
		broken("the daemon does not mount (see SHMFS_BIN)");
	}
	if (stat(mount_dir, &status) != 0)
		broken(mount_dir);
	/* The number of the connection is the device's. */
	connection = minor(status.st_dev);
	mounted = true;
}

const char *daemon_dir(void)
{
	return mount_dir;
}

pid_t daemon_supervisor(void)
{
	return supervisor;
}

/* The state letter of a process, 0 if there is none, and whether it is called so. */
static char state_of(pid_t pid, const char *name, bool *is_named)
{
	char path[64], line[512], named[64], state = 0;
	const char *end;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	snprintf(named, sizeof named, "(%s)", name);
	if (fgets(line, sizeof line, file) != NULL) {
		end = strrchr(line, ')');
		state = end != NULL && end[1] == ' ' ? end[2] : 0;
		*is_named = strstr(line, named) != NULL;
	}
	fclose(file);
	return state;
}

/* Calls visit with every child of the supervisor until it returns other than 0, which it returns.
 */
static pid_t each_child(pid_t (*visit)(pid_t child))
{
	char path[64];
	pid_t child, found = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", supervisor, supervisor);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (found == 0 && fscanf(file, "%d", &child) == 1)
		found = visit(child);
	fclose(file);
	return found;
}

static bool is_dead(char state)
{
	return state == 0 || state == 'Z' || state == 'X';
}

/* A new server gets its name before it serves; another child tries a program out. */
static pid_t living_server(pid_t child)
{
	bool is_server = false;

	return is_dead(state_of(child, "shmfs-server", &is_server)) || !is_server ? 0 : child;
}

pid_t daemon_server(void)
{
	return each_child(living_server);
}

pid_t daemon_kill_server(void)
{
	pid_t server = daemon_server();

	return server != 0 && kill(server, SIGKILL) == 0 ? server : 0;
}

bool daemon_freeze(void)
{
	pid_t server = daemon_server();
	bool is_server;
	char state;

	if (server == 0 || kill(server, SIGSTOP) != 0)
		return false;
	while ((state = state_of(server, "shmfs-server", &is_server)) != 'T')
		if (is_dead(state))
			return false;
	frozen = server;
	return true;
}

void daemon_thaw(void)
{
	kill(frozen, SIGCONT);
}

static unsigned zombies;

static pid_t count_zombie(pid_t child)
{
	bool is_server;

	zombies += state_of(child, "", &is_server) == 'Z';
	return 0;
}

unsigned daemon_zombies(void)
{
	for (unsigned tries = 0; tries < 100; tries++) {
		zombies = 0;
		each_child(count_zombie);
		if (zombies == 0)
			break;
		rest();
	}
	return zombies;
}

/* Calls visit with the number and the link of each descriptor until it returns true. */
static int each_descriptor(bool (*visit)(void *arg, const char *link), void *arg)
{
	char path[64], link[128];
	struct dirent *entry;
	int found = -1;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/%d/fd", supervisor);
	dir = opendir(path);
	if (dir == NULL)
		return -1;
	while (found < 0 && (entry = readdir(dir)) != NULL) {
		ssize_t length = readlinkat(dirfd(dir), entry->d_name, link, sizeof link - 1);

		if (length < 0)
			continue;
		link[length] = '\0';
		if (visit(arg, link))
			found = atoi(entry->d_name);
	}
	closedir(dir);
	return found;
}

static bool count_any(void *arg, const char *link)
{
	(void)link;
	++*(unsigned *)arg;
	return false;
}

unsigned daemon_descriptors(void)
{
	unsigned count = 0;

	each_descriptor(count_any, &count);
	return count;
}

/* A memfd, or a file of the private tmpfs, with a number for a name or without one. */
static bool count_memory(void *arg, const char *link)
{
	bool named = link[0] == '/' && link[1] != '\0' &&
		     strspn(link + 1, "0123456789abcdef") == strlen(link + 1);

	*(unsigned *)arg +=
	    named || strncmp(link, "/#", 2) == 0 || strcmp(link, "/memfd:shmfs (deleted)") == 0;
	return false;
}

unsigned daemon_memories(void)
{
	unsigned count = 0;

	each_descriptor(count_memory, &count);
	return count;
}

struct wanted {
	const char *link;
	unsigned skip; /* so many of them */
};

static bool is_this(void *arg, const char *link)
{
	struct wanted *wanted = arg;

	return strcmp(link, wanted->link) == 0 && wanted->skip-- == 0;
}

int daemon_open_descriptor(const char *link, unsigned skip, bool duplicate)
{
	struct wanted wanted = {link, skip};
	int number, pidfd, fd;
	char path[64];

	number = each_descriptor(is_this, &wanted);
	if (number < 0)
		return -1;
	if (!duplicate) {
		snprintf(path, sizeof path, "/proc/%d/fd/%d", supervisor, number);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	pidfd = pidfd_open(supervisor, 0);
	if (pidfd < 0)
		return -1;
	fd = pidfd_getfd(pidfd, number, 0);
	close(pidfd);
	return fd;
}

bool daemon_has_ended(void)
{
	if (supervisor > 0 && waitpid(supervisor, NULL, WNOHANG) == supervisor)
		supervisor = -1;
	return supervisor <= 0;
}

unsigned daemon_log_count(const char *text)
{
	return log_count(log_path, text);
}

bool daemon_log_mentions(const char *text)
{
	return daemon_log_count(text) > 0;
}

/* The end of it: what came last says why. */
void daemon_show_log(void)
{
	log_show(log_path, "daemon: ", 4000);
}

unsigned daemon_connection(void)
{
	return connection;
}

void daemon_abort(unsigned number)
{
	char path[PATH_MAX + 32];
	int fd;

	snprintf(path, sizeof path, "%s/%u/abort", control_dir, number);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static bool nothing_waits(void)
{
	char path[PATH_MAX + 32];
	unsigned long waiting = 1;
	FILE *file;

	snprintf(path, sizeof path, "%s/%u/waiting", control_dir, connection);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	if (fscanf(file, "%lu", &waiting) != 1)
		waiting = 1;
	fclose(file);
	return waiting == 0;
}

bool daemon_is_idle(void)
{
	for (unsigned tries = 0; tries < 1000; tries++) {
		if (nothing_waits())
			return true;
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	return false;
}

static bool ends_well(void)
{
	int status;

	for (unsigned tries = 0; tries < END_TRIES * (unsigned)launch_slowness(); tries++) {
		pid_t pid = waitpid(supervisor, &status, WNOHANG);

		if (pid == supervisor) {
			supervisor = 0;
			if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
				return true;
			fprintf(stderr, "the daemon ended with status %#x\n", (unsigned)status);
			return false;
		}
		rest();
	}
	fprintf(stderr, "the daemon does not end\n");
	kill(supervisor, SIGKILL);
	return false;
}

bool daemon_end(void)
{
	bool well = !daemon_has_ended();

	if (mounted && umount2(mount_dir, 0) != 0) {
		fprintf(stderr, "umount %s: %s\n", mount_dir, strerror(errno));
		umount2(mount_dir, MNT_DETACH);
		well = false;
	}
	mounted = false;
	if (supervisor > 0 && !ends_well())
		well = false;
	if (!well)
		daemon_show_log();
	return well;
}

void daemon_clean_up(void)
{
	if (run_dir[0] == '\0')
		return;
	umount2(mount_dir, MNT_DETACH);
	umount2(control_dir, MNT_DETACH);
	unlink(log_path);
	rmdir(mount_dir);
	rmdir(control_dir);
	rmdir(run_dir);
}
