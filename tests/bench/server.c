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

static bool same_program(pid_t one, pid_t other)
{
	char paths[2][64], programs[2][4096];
	pid_t pids[2] = {one, other};

	for (int i = 0; i < 2; i++) {
		snprintf(paths[i], sizeof(paths[i]), "/proc/%d/exe", (int)pids[i]);
		ssize_t length = readlink(paths[i], programs[i], sizeof(programs[i]) - 1);

		if (length < 0)
			return false;
		programs[i][length] = '\0';
	}
	return strcmp(programs[0], programs[1]) == 0;
}

pid_t server_serving(pid_t started)
{
	DIR *stream = started == 0 ? NULL : opendir("/proc");
	const struct dirent *entry;
	pid_t serving = started;

	if (stream == NULL)
		return started;
	while ((entry = readdir(stream)) != NULL) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		char path[64];
		double parent;

		snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
		if (pid > 0 && read_line(path, "PPid:", &parent) && (pid_t)parent == started &&
		    same_program(pid, started))
			serving = pid;
	}
	closedir(stream);
	return serving;
}

static double time_of(pid_t pid)
{
	struct timespec time;
	clockid_t clock;

	errno = clock_getcpuclockid(pid, &clock);
	if (errno != 0 || clock_gettime(clock, &time) != 0)
		give_up("processor time", pid);
	return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double server_time(pid_t started)
{
	pid_t serving = server_serving(started);

	return time_of(started) + (serving != started ? time_of(serving) : 0);
}

/* Hands every thread of a process to visit, and adds up what that answers. */
static double each_thread(pid_t pid, double (*visit)(pid_t pid, pid_t thread, int arg), int arg)
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

static double switches_of(pid_t pid, pid_t thread, int arg)
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

double server_switches(pid_t started)
{
	pid_t serving = server_serving(started);

	return each_thread(started, switches_of, 0) +
	       (serving != started ? each_thread(serving, switches_of, 0) : 0);
}

static double memory_of(pid_t pid, const char *key)
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
	pid_t serving = server_serving(started);

	return memory_of(started, key) + (serving != started ? memory_of(serving, key) : 0);
}

static double pin(pid_t pid, pid_t thread, int processor)
{
	cpu_set_t set;

	(void)pid;
	CPU_ZERO(&set);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (processor < 0 || i == processor)
			CPU_SET((size_t)i, &set);
	if (sched_setaffinity(thread, sizeof(set), &set) != 0)
		give_up("processor affinity", thread);
	return 0;
}

void server_pin(pid_t started, int processor)
{
	pid_t serving = server_serving(started);

	each_thread(started, pin, processor);
	if (serving != started)
		each_thread(serving, pin, processor);
}
