/* SPDX-License-Identifier: BSD-2-Clause */
/* How often each kind of call was made and what came of it: whether the generator is any good. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_COUNTS_H
#define SHMFS_TESTS_DIFFERENTIAL_COUNTS_H

#include "call.h"

void counts_add(const struct call *calls, const struct result *results, unsigned count);
void counts_print(void);

#endif
