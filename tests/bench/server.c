/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc tells of a daemon; see server.h. */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

static _Noreturn void give_up(const char *what, pid_t pid)
{
	fprintf(stderr, "bench: %s of process %d: %s\n", what, (int)pid, strerror(errno));
	exit(EXIT_ERROR);
}

/* False: there is no such line. */
static bool read_line(const char *path, const char *key, double *out)
{
	FILE *stream = fopen(path, "re");
	char line[256];
	bool found = false;

	if (stream == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), stream) != NULL)
		if (strncmp(line, key, strlen(key)) == 0) {
			*out = strtod(line + strlen(key), NULL);
			found = true;
		}
	fclose(stream);
	return found;
}

/* Of a process that has ended, there is none. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	double parent;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return read_line(path, "PPid:", &parent) ? (pid_t)parent : 0;
}

static bool descends(pid_t pid, pid_t started)
{
	while (pid > 0 && pid != started)
		pid = parent_of(pid);
	return pid == started;
}

/* Hands every process of the daemon to visit, and adds up what that answers. */
static double each_process(
    pid_t started, double (*visit)(pid_t pid, const void *arg), const void *arg)
{
	DIR *stream = opendir("/proc");
	const struct dirent *entry;
	double sum = 0;

	if (stream == NULL)
		give_up("/proc, and the children", started);
	while ((entry = readdir(stream)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid > 0 && descends(pid, started))
			sum += visit(pid, arg);
	}
	closedir(stream);
	return sum;
}

static double time_of(pid_t pid, const void *arg)
{
	struct timespec time;
	clockid_t clock;

	(void)arg;
	errno = clock_getcpuclockid(pid, &clock);
	if (errno != 0 || clock_gettime(clock, &time) != 0)
		give_up("processor time", pid);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double server_time(pid_t started)
{
	return each_process(started, time_of, NULL);
}

/* Hands every thread of a process to visit, and adds up what that answers. */
static double each_thread(
    pid_t pid, double (*visit)(pid_t pid, pid_t thread, const void *arg), const void *arg)
{
	char path[64];
	const struct dirent *entry;
	double sum = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *stream = opendir(path);

	if (stream == NULL)
		give_up("threads", pid);
	while ((entry = readdir(stream)) != NULL)
		if (entry->d_name[0] != '.')
			sum += visit(pid, (pid_t)strtol(entry->d_name, NULL, 10), arg);
	closedir(stream);
	return sum;
}

static double switches_of_thread(pid_t pid, pid_t thread, const void *arg)
{
	char path[64];
	double voluntary, forced;

	(void)arg;
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)pid, (int)thread);
	if (!read_line(path, "voluntary_ctxt_switches:", &voluntary) ||
	    !read_line(path, "nonvoluntary_ctxt_switches:", &forced))
		give_up("context switches", thread);
	return voluntary + forced;
}

static double switches_of(pid_t pid, const void *arg)
{
	return each_thread(pid, switches_of_thread, arg);
}

double server_switches(pid_t started)
{
	return each_process(started, switches_of, NULL);
}

static double memory_of(pid_t pid, const void *key)
{
	char path[64];
	double kib;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	if (!read_line(path, key, &kib))
		give_up("memory", pid);
	return kib / 1024;
}

double server_memory(pid_t started, const char *key)
{
	return each_process(started, memory_of, key);
}

static double pin_thread(pid_t pid, pid_t thread, const void *set)
{
	(void)pid;
	if (sched_setaffinity(thread, sizeof(cpu_set_t), set) != 0)
		give_up("processor affinity", thread);
	return 0;
}

static double pin(pid_t pid, const void *set)
{
	return each_thread(pid, pin_thread, set);
}

void server_pin(pid_t started, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (processor < 0 || i == processor)
			CPU_SET((size_t)i, &set);
	each_process(started, pin, &set);
}
