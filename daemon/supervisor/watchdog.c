/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking whether a server answers; see watchdog.h. */
#include "watchdog.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "process/handover.h"

/* Whether there is something to do for the server that it could not wait with. */
static bool has_work(const struct server *server)
{
	struct handover *handover = server->handover;
	struct pollfd fd = {.fd = server->channel.fd, .events = POLLIN};
	uint32_t length;

	if (!handover->serving)
		return true;
	/* The kernel and the server write it meanwhile; 0: there is no request. */
	memcpy(&length, exchange_request(&handover->exchange, handover->exchange.current),
	    sizeof length);
	return length != 0 || handover->exchange.queued > 0 || poll(&fd, 1, 0) > 0;
}

enum fate watchdog_fate_of(pid_t pid)
{
	enum fate fate = FATE_RUNS;
	char path[64], line[256];
	FILE *file;
	long tracer;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return FATE_RUNS;
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "State:\tT", 8) == 0)
			fate = FATE_STOPPED;
		else if (sscanf(line, "TracerPid: %ld", &tracer) == 1 && tracer != 0)
			fate = FATE_TRACED;
	}
	fclose(file);
	return fate;
}

bool watchdog_look(struct watchdog *watchdog, const struct server *server)
{
	uint64_t served = server->handover->counters.requests;

	if (served != watchdog->served || !has_work(server))
		watchdog->misses = 0;
	else
		watchdog->misses++;
	watchdog->served = served;
	if (watchdog->misses < WATCHDOG_MISSES)
		return false;
	watchdog->misses = 0;
	return true;
}
