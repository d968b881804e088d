/* SPDX-License-Identifier: BSD-2-Clause */
/* Situations; see situation.h. */
#include "situation.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

enum {
	MOST_PROCESSORS = 256,
};

static cpu_set_t before;
static pid_t busy[MOST_PROCESSORS];
static int busy_count;

static void pin_all(const struct side *sides, int processor)
{
	for (int i = 0; i < SIDES; i++)
		if (side_is_there(&sides[i]) && sides[i].started != 0)
			server_pin(sides[i].started, processor);
}

static void pin_self(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0) {
		perror("bench: sched_setaffinity");
		exit(EXIT_ERROR);
	}
}

static int first_processor(const cpu_set_t *set)
{
	int i = 0;

	while (i < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)i, set))
		i++;
	return i;
}

static void enter_pinned(const struct side *sides)
{
	if (sched_getaffinity(0, sizeof(before), &before) != 0) {
		perror("bench: sched_getaffinity");
		exit(EXIT_ERROR);
	}
	pin_self(first_processor(&before));
	pin_all(sides, first_processor(&before));
}

static void leave_pinned(const struct side *sides)
{
	if (sched_setaffinity(0, sizeof(before), &before) != 0) {
		perror("bench: sched_setaffinity");
		exit(EXIT_ERROR);
	}
	pin_all(sides, -1);
}

/* Ends with the benchmark, whatever ends that. */
static _Noreturn void loop(int processor)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_self(processor);
	for (volatile unsigned long i = 0;; i++)
		;
}

static void enter_busy(const struct side *sides)
{
	cpu_set_t set;

	(void)sides;
	if (sched_getaffinity(0, sizeof(set), &set) != 0) {
		perror("bench: sched_getaffinity");
		exit(EXIT_ERROR);
	}
	for (int i = 0; i < CPU_SETSIZE && busy_count < MOST_PROCESSORS; i++) {
		if (!CPU_ISSET((size_t)i, &set))
			continue;
		pid_t pid = fork();

		if (pid == 0)
			loop(i);
		if (pid < 0) {
			perror("bench: fork");
			exit(EXIT_ERROR);
		}
		busy[busy_count++] = pid;
	}
}

static void leave_busy(const struct side *sides)
{
	(void)sides;
	while (busy_count > 0) {
		pid_t pid = busy[--busy_count];

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void nothing(const struct side *sides)
{
	(void)sides;
}

/* With busy processors a sample has to be longer than a few turns of the others. */
const struct situation situations[] = {
    {"", 2e6, 1e6, 1, false, nothing, nothing},
    {"-pinned", 2e6, 1e6, 2, true, enter_pinned, leave_pinned},
    {"-busy", 40e6, 20e6, 3, false, enter_busy, leave_busy},
};

const size_t situation_count = sizeof(situations) / sizeof(situations[0]);

bool situation_possible(const struct situation *situation, const struct options *options)
{
	if (!situation->needs_servers)
		return true;
	return options->servers[SHMFS] != 0 &&
	       (options->paths[PLAIN] == NULL || options->servers[PLAIN] != 0);
}

int situation_running(const struct situation *situation)
{
	return situation->enter == enter_busy ? busy_count : 0;
}
