/* SPDX-License-Identifier: BSD-2-Clause */
/* One of the programs that meet at POSIX named semaphores: does what its arguments say, in their
 * order. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_OPEN = 8 };

struct peer {
	sem_t *open[MAX_OPEN];
	size_t count;
	/* What the operations without a name act on: the semaphore opened last, or the one chosen
	 * by `use`. */
	sem_t *current;
};

struct operation {
	const char *name;
	const char *argument;
	bool needs_current;
	int (*run)(struct peer *peer, char *argument);
};

static int parse_number(const char *text, unsigned int *number)
{
	char *end;
	unsigned long parsed;

	errno = 0;
	parsed = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || parsed > SEM_VALUE_MAX)
		return -EINVAL;
	*number = (unsigned int)parsed;
	return 0;
}

static int negative_errno(int result)
{
	return result < 0 ? -errno : 0;
}

static int keep(struct peer *peer, sem_t *sem)
{
	if (sem == SEM_FAILED)
		return -errno;
	if (peer->count == MAX_OPEN)
		return -EMFILE;
	peer->open[peer->count++] = sem;
	peer->current = sem;
	return 0;
}

static int run_create(struct peer *peer, char *argument)
{
	char *equals = strchr(argument, '=');
	unsigned int value;

	if (!equals || parse_number(equals + 1, &value) < 0)
		return -EINVAL;
	*equals = '\0';
	return keep(peer, sem_open(argument, O_CREAT | O_EXCL, (mode_t)0600, value));
}

static int run_open(struct peer *peer, char *argument)
{
	return keep(peer, sem_open(argument, 0));
}

static int run_use(struct peer *peer, char *argument)
{
	unsigned int index;

	if (parse_number(argument, &index) < 0 || index >= peer->count)
		return -EINVAL;
	peer->current = peer->open[index];
	return 0;
}

static int run_value(struct peer *peer, char *argument)
{
	int value;

	(void)argument;
	if (sem_getvalue(peer->current, &value) < 0)
		return -errno;
	return printf("%d\n", value) < 0 ? -EIO : 0;
}

static int run_post(struct peer *peer, char *argument)
{
	(void)argument;
	return negative_errno(sem_post(peer->current));
}

static int run_wait(struct peer *peer, char *argument)
{
	(void)argument;
	return negative_errno(sem_wait(peer->current));
}

static int run_trywait(struct peer *peer, char *argument)
{
	(void)argument;
	return negative_errno(sem_trywait(peer->current));
}

static int run_timedwait(struct peer *peer, char *argument)
{
	struct timespec deadline;
	unsigned int milliseconds;

	if (parse_number(argument, &milliseconds) < 0)
		return -EINVAL;
	if (clock_gettime(CLOCK_REALTIME, &deadline) < 0)
		return -errno;
	deadline.tv_sec += milliseconds / 1000;
	deadline.tv_nsec += (long)(milliseconds % 1000) * 1000000;
	if (deadline.tv_nsec >= 1000000000) {
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000;
	}
	return negative_errno(sem_timedwait(peer->current, &deadline));
}

static int run_relay(struct peer *peer, char *argument)
{
	unsigned int rounds;

	if (peer->count < 2 || parse_number(argument, &rounds) < 0)
		return -EINVAL;
	for (unsigned int i = 0; i < rounds; i++)
		if (sem_wait(peer->open[0]) < 0 || sem_post(peer->open[1]) < 0)
			return -errno;
	return 0;
}

static int run_say(struct peer *peer, char *argument)
{
	(void)peer;
	return printf("%s\n", argument) < 0 || fflush(stdout) == EOF ? -EIO : 0;
}

static int run_close(struct peer *peer, char *argument)
{
	(void)argument;
	return negative_errno(sem_close(peer->current));
}

static int run_unlink(struct peer *peer, char *argument)
{
	(void)peer;
	return negative_errno(sem_unlink(argument));
}

static const struct operation operations[] = {
    {"create", "NAME=VALUE", false, run_create},
    {"open", "NAME", false, run_open},
    {"use", "INDEX", false, run_use},
    {"value", NULL, true, run_value},
    {"post", NULL, true, run_post},
    {"wait", NULL, true, run_wait},
    {"trywait", NULL, true, run_trywait},
    {"timedwait", "MILLISECONDS", true, run_timedwait},
    /* As often as said: wait for the first semaphore opened, then post the second one. */
    {"relay", "ROUNDS", false, run_relay},
    {"say", "TEXT", false, run_say},
    {"close", NULL, true, run_close},
    {"unlink", "NAME", false, run_unlink},
};

enum { OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

static int usage(void)
{
	fputs("usage: sem_peer OPERATION[:ARGUMENT]...\n", stderr);
	for (size_t i = 0; i < OPERATIONS; i++)
		fprintf(stderr, "  %s%s%s\n", operations[i].name, operations[i].argument ? ":" : "",
		    operations[i].argument ? operations[i].argument : "");
	return 2;
}

static const struct operation *find_operation(const char *name, bool has_argument)
{
	for (size_t i = 0; i < OPERATIONS; i++)
		if (strcmp(operations[i].name, name) == 0)
			return (operations[i].argument != NULL) == has_argument ? &operations[i]
										: NULL;
	return NULL;
}

/* 0, a negative errno, or 1 for what is no operation, or none that can be done here. */
static int run_one(struct peer *peer, char *text)
{
	char *argument = strchr(text, ':');
	const struct operation *operation;

	if (argument)
		*argument++ = '\0';
	operation = find_operation(text, argument != NULL);
	if (!operation || (operation->needs_current && !peer->current))
		return 1;
	return operation->run(peer, argument);
}

int main(int argc, char **argv)
{
	struct peer peer = {.count = 0};

	if (argc < 2)
		return usage();
	for (int i = 1; i < argc; i++) {
		int result = run_one(&peer, argv[i]);

		if (result > 0)
			return usage();
		if (result < 0) {
			fprintf(stderr, "sem_peer: %s: %s\n", argv[i], strerror(-result));
			return 1;
		}
	}
	return fflush(stdout) == EOF ? 1 : 0;
}
