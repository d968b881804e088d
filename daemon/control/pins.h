/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins, which the namespace has, and the connections that they belong to. */
#ifndef SHMFS_CONTROL_PINS_H
#define SHMFS_CONTROL_PINS_H

struct control_config;
struct peer;
struct scan;
struct shmfs;

/* The connection is closed. */
void pins_end(const struct control_config *config, struct peer *peer);

/* Those of a connection that outlived another server. */
void pins_find(const struct shmfs *fs, struct peer *peer);

/* Pins that are in the namespace and of no connection that is kept. */
void pins_end_left(const struct control_config *config);

/* What /proc does not show: who holds objects by pins. */
void pins_add_holders(const struct peer *peer, struct scan *scan);

#endif
