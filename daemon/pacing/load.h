/* SPDX-License-Identifier: BSD-2-Clause */
/* How busy the machine is, as /proc/loadavg tells. */
#ifndef SHMFS_PACING_LOAD_H
#define SHMFS_PACING_LOAD_H

/* A descriptor to ask by, or -1. */
int load_open(void);

/* Threads of the whole machine that run or want to, the caller included; 0: that cannot be told. */
unsigned load_running(int fd);

#endif
