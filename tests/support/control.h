/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls over the control socket of root's mounts, for tests in C. */
#ifndef SHMFS_TESTS_SUPPORT_CONTROL_H
#define SHMFS_TESTS_SUPPORT_CONTROL_H

#include <stdbool.h>

/*
 * Calls a method of org.shmfs, with parameters as JSON has them, about the mount of this directory.
 * 0; the errno that the server answers with; ECONNRESET: it ended before it answered; EPROTO:
 * another error.
 */
int control_call(const char *dir, const char *method, const char *parameters);

/* The same with a line of parameters as printf(3) makes it. */
__attribute__((format(printf, 3, 4))) int control_callf(
    const char *dir, const char *method, const char *format, ...);

#endif
