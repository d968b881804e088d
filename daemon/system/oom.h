/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom the kernel kills when memory runs short, in a control group or in the whole machine. A
 * server has a successor, so it goes first of the two; with the supervisor goes the mount.
 */
#ifndef SHMFS_SYSTEM_OOM_H
#define SHMFS_SYSTEM_OOM_H

#include <stdint.h>

/* The supervisor is not chosen, where it may say so. */
void oom_protect(void);

/* A child of it, which is chosen before it. */
void oom_expose(void);

/* As before oom_protect(), for another program that begins with that. */
void oom_restore(void);

/* How many processes of the machine were killed for memory; 0: it is not told. */
uint64_t oom_kills(void);

#endif
