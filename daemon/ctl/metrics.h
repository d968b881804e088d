/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics, as common/tables/metrics.def has them. */
#ifndef SHMFS_CTL_METRICS_H
#define SHMFS_CTL_METRICS_H

#include "ctl.h"

/* All series of a metric together, in an answer of GetStatistics. */
int64_t ctl_sum_metric(const json_t *statistics, const char *name);

#endif
