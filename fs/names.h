/* SPDX-License-Identifier: BSD-2-Clause */
/* Taking names away, for whoever has decided on it. */
#ifndef SHMFS_NAMES_H
#define SHMFS_NAMES_H

struct entry;
struct shmfs;

/* Removes an entry, and its node where that was the last that knew it. */
void names_remove(struct shmfs *fs, struct entry *entry);

#endif
