/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon says: to stderr in the foreground, to syslog in the background. A daemon that is
 * on its way to the background tells errors to whoever started it, and the rest to syslog.
 */
#ifndef SHMFS_COMMON_LOG_H
#define SHMFS_COMMON_LOG_H

#include <stdbool.h>
#include <time.h>

enum log_place { LOG_TO_STDERR, LOG_ERRORS_TO_STDERR, LOG_TO_SYSLOG };

/* Before this, lines go to stderr. Debug lines are dropped unless debug is set. */
void log_setup(enum log_place place, bool debug);

/* Closes the descriptor that syslog has, until the next line. */
void log_let_go(void);

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);

/* How many lines of one kind, which users cause, were logged of late. */
struct log_budget {
	time_t since; /* begin of the time for which they are counted */
	unsigned logged;
	unsigned long left_out;
};

/* Whether one more such line may be written; then *left_out is the number of those before it that
 * were not. */
bool log_may(struct log_budget *budget, unsigned long *left_out);

#endif
