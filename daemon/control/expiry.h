/* SPDX-License-Identifier: BSD-2-Clause */
/* The sweep: objects whose names go when nobody holds them, looked at from time to time. */
#ifndef SHMFS_CONTROL_EXPIRY_H
#define SHMFS_CONTROL_EXPIRY_H

struct server;

/*
 * Looks at some of the objects and removes what is over, with a log line for each. Returns the
 * milliseconds after which to go on: few within a round, a second between two of them, 0 if there
 * is nothing to watch.
 */
unsigned sweep(struct server *server);

#endif
