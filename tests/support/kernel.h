/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel offers to a FUSE daemon, asked without the one under test. */
#ifndef SHMFS_TESTS_SUPPORT_KERNEL_H
#define SHMFS_TESTS_SUPPORT_KERNEL_H

#include <stdbool.h>

/* True if statx(2) reaches a daemon, which alone knows the time of birth. */
bool kernel_asks_statx(void);
/* True if tmpfs knows noswap. */
bool kernel_has_noswap(void);
/* True if tmpfs can have huge pages. */
bool kernel_has_huge(void);

#endif
