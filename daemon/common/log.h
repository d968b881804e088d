/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the daemon says: to stderr in the foreground, to syslog in the background. A daemon that is
 * on its way to the background tells errors to whoever started it, and the rest to syslog.
 */
#ifndef SHMFS_COMMON_LOG_H
#define SHMFS_COMMON_LOG_H

#include <stdbool.h>

enum log_place { LOG_TO_STDERR, LOG_ERRORS_TO_STDERR, LOG_TO_SYSLOG };

/* Before this, lines go to stderr. Debug lines are dropped unless debug is set. */
void log_setup(enum log_place place, bool debug);

/* Closes the descriptor that syslog has, until the next line. */
void log_let_go(void);

__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_info(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_debug(const char *format, ...);

#endif
