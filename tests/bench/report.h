/* SPDX-License-Identifier: BSD-2-Clause */
/* How figures are shown, in the table and in the JSON object. */
#ifndef SHMFS_BENCH_REPORT_H
#define SHMFS_BENCH_REPORT_H

#include "bench.h"

const char *report_unit(const struct result *result);
double report_shown(const struct result *result, int side);

/* The cost among many objects over that among few. */
double report_growth(const struct growth *growth, int side);

#endif
