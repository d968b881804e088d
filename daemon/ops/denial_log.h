/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines about limits and policies: who was refused what, and by which. */
#ifndef SHMFS_OPS_DENIAL_LOG_H
#define SHMFS_OPS_DENIAL_LOG_H

#include "state.h"

/*
 * To be called with every error that an operation ends with, before it is undone: counts it, and
 * writes one line, if a limit or a policy is the reason. Not more than a few lines a second of
 * either kind, whoever tries; what was left out is counted in the next.
 */
void denial_log(
    struct denial_log *log, const struct channel *channel, const struct shmfs_cred *cred);

#endif
