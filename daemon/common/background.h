/* SPDX-License-Identifier: BSD-2-Clause */
/* Going to the background, and telling whoever started us how it went. */
#ifndef SHMFS_COMMON_BACKGROUND_H
#define SHMFS_COMMON_BACKGROUND_H

#include <stdbool.h>

/*
 * Lets go of the descriptors that whoever started us left open, and sees to it that the first three
 * are there, so that nothing that is opened later is taken for one of them. 0, or a negative errno.
 */
int background_close_inherited(void);

/*
 * Splits the process. The child goes on, in a session of its own; the parent waits until the child
 * says that it is ready or ends, and then ends with the child's word. So this returns in the child
 * alone. 0, or a negative errno in the only process there is.
 */
int background_start(void);

/*
 * The mount answers: tells the service manager (sd_notify(3)) and, after background_start(), lets
 * the parent end with status 0 and lets go of the terminal, but for standard error where that is
 * kept.
 */
void background_ready(bool keep_stderr);

/* Tells a service manager that asked for it (WatchdogSec=) that this process is alive. */
void background_alive(void);

/* Tells the service manager that the end has begun. */
void background_stopping(void);

#endif
