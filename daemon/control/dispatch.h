/* SPDX-License-Identifier: BSD-2-Clause */
/* From a message to the method that it calls. */
#ifndef SHMFS_CONTROL_DISPATCH_H
#define SHMFS_CONTROL_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>

struct call;

/*
 * Parses the message of so many bytes and runs its method; all of the call that tells of the caller
 * is set. False: the message is none, and its sender is to be closed after the answer. With a scan
 * in the call there is no answer yet.
 */
bool dispatch(struct call *call, const char *message, size_t size);

/* The scan is done: makes the answer of it. */
void dispatch_end_scan(struct call *call);

#endif
