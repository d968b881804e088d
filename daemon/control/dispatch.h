/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request to the method that it calls. */
#ifndef SHMFS_CONTROL_DISPATCH_H
#define SHMFS_CONTROL_DISPATCH_H

#include <stdbool.h>

struct call;
struct request;

/*
 * Runs the method of the request, which was checked; all of the call that tells of the caller is
 * set. False: it is no call, and its sender is to be closed after the answer. With a scan in the
 * call there is no answer yet.
 */
bool dispatch(struct call *call, const struct request *request);

/* The scan is done: makes the answer of it. */
void dispatch_end_scan(struct call *call);

#endif
