/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins, which the namespace has, and the connections that they belong to. */
#ifndef SHMFS_CONTROL_PINS_H
#define SHMFS_CONTROL_PINS_H

struct peer;
struct scan;
struct shmfs;

/* The connection is closed. */
void pins_end(struct shmfs *fs, struct peer *peer);

/* Pins that are in the namespace and nobody's. */
void pins_end_left(struct shmfs *fs);

/* What /proc does not show: who holds objects by pins. */
void pins_add_holders(const struct peer *peer, struct scan *scan);

#endif
