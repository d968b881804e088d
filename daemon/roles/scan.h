/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looking for holders: through /proc, for the device of the mount and the numbers of its objects.
 * That sees mappings whose descriptor is closed, forked children, and processes in other mount
 * namespaces.
 *
 * The look takes its time, and a process that hangs may hold it up: the server waits for neither.
 */
#ifndef SHMFS_ROLES_SCAN_H
#define SHMFS_ROLES_SCAN_H

#include <stddef.h>

/* The question is a struct holders_question, and answers are parts; see holders.h. */
void scan_answer(const void *question, size_t size, int socket);

#endif
