/* SPDX-License-Identifier: BSD-2-Clause */
/* Refusals by a limit, in words; see refusal.h. */
#include "refusal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "server.h"

/* Lines in so many seconds. */
#define LINES 10
#define SECONDS 5

/* True if one more line may be written; then *left_out is the number of those that were not. */
static bool may_log(struct server *server, unsigned long *left_out)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec - server->refusals_since >= SECONDS) {
		server->refusals_since = now.tv_sec;
		server->refusals_logged = 0;
	}
	if (server->refusals_logged == LINES) {
		server->refusals_left_out++;
		return false;
	}
	server->refusals_logged++;
	*left_out = server->refusals_left_out;
	server->refusals_left_out = 0;
	return true;
}

/* What the process calls itself: anything, so only harmless characters are kept. */
static void command_of(pid_t pid, char *out, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(out, size, "?");
	snprintf(path, sizeof path, "/proc/%ld/comm", (long)pid);
	file = pid > 0 ? fopen(path, "re") : NULL;
	if (file == NULL)
		return;
	if (fgets(out, (int)size, file) == NULL)
		snprintf(out, size, "?");
	fclose(file);
	out[strcspn(out, "\n")] = '\0';
}

static void make_printable(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

static const char *limit_name(enum shmfs_limit limit)
{
	switch (limit) {
	case SHMFS_LIMIT_SIZE:
		return "size";
	case SHMFS_LIMIT_NODES:
		return "nr_inodes";
	case SHMFS_LIMIT_USER_SIZE:
		return "user_size";
	case SHMFS_LIMIT_USER_NODES:
		return "user_inodes";
	case SHMFS_LIMIT_NONE:
		break;
	}
	return "?";
}

void refusal_log(struct server *server, uid_t uid, pid_t pid)
{
	struct shmfs_refusal refusal;
	unsigned long left_out;
	char command[32];
	uint64_t unit = 1;

	if (!shmfs_refused(server->fs, &refusal))
		return;
	server->refused[refusal.limit]++;
	if (!may_log(server, &left_out))
		return;
	if (refusal.limit == SHMFS_LIMIT_SIZE || refusal.limit == SHMFS_LIMIT_USER_SIZE)
		unit = SHMFS_PAGE_SIZE;
	command_of(pid, command, sizeof command);
	make_printable(command);
	make_printable(refusal.object);
	log_info("refused: uid %u, pid %ld (%s), object '%s' of uid %u: asked for %" PRIu64
		 " more, %" PRIu64 " used, limit %s=%" PRIu64,
	    uid, (long)pid, command, refusal.object, refusal.uid, refusal.asked * unit,
	    refusal.used * unit, limit_name(refusal.limit), refusal.allowed * unit);
	if (left_out > 0)
		log_info("%lu refusals before that were not logged", left_out);
}
