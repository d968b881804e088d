/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines; see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

/* Of a budget, in so many seconds. */
#define LINES 10
#define SECONDS 5

static enum log_place place;
static bool show_debug, show_priority;

void log_setup(enum log_place new_place, bool debug)
{
	place = new_place;
	show_debug = debug;
	/* systemd reads the priority of a line from such a prefix; sd-daemon(3). */
	show_priority = place == LOG_TO_STDERR && getenv("JOURNAL_STREAM") != NULL;
	log_let_go();
}

void log_let_go(void)
{
	closelog();
	if (place != LOG_TO_STDERR)
		openlog("shmfs", LOG_PID, LOG_DAEMON);
}

/* One write for a line, so that lines of several processes do not mix. */
__attribute__((format(printf, 2, 0))) static void say(
    int priority, const char *format, va_list args)
{
	char line[1024], prefix[8] = "";

	if (place == LOG_TO_SYSLOG || (place == LOG_ERRORS_TO_STDERR && priority != LOG_ERR)) {
		vsyslog(priority, format, args);
		return;
	}
	if (show_priority)
		snprintf(prefix, sizeof prefix, "<%d>", priority);
	vsnprintf(line, sizeof line, format, args);
	fprintf(stderr, "%sshmfs: %s\n", prefix, line);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_ERR, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(LOG_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	if (!show_debug)
		return;
	va_start(args, format);
	say(LOG_DEBUG, format, args);
	va_end(args);
}

bool log_may(struct log_budget *budget, unsigned long *left_out)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec - budget->since >= SECONDS) {
		budget->since = now.tv_sec;
		budget->logged = 0;
	}
	if (budget->logged == LINES) {
		budget->left_out++;
		return false;
	}
	budget->logged++;
	*left_out = budget->left_out;
	budget->left_out = 0;
	return true;
}
