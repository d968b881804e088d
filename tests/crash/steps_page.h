/* SPDX-License-Identifier: BSD-2-Clause */
/* The page by which a test and a daemon with steps know of each other; see fs/failpoint.h. */
#ifndef SHMFS_TESTS_CRASH_STEPS_PAGE_H
#define SHMFS_TESTS_CRASH_STEPS_PAGE_H

/* The daemon's build says so too; its tests are of any build. */
#ifndef SHMFS_FAILPOINTS
#define SHMFS_FAILPOINTS
#endif
#include "fs/failpoint.h"

/* Bytes of it; what the steps do not use is the test's. */
enum { STEPS_PAGE = 4096 };

/* Makes it, and names it in the environment of daemons to come. Ends the test if that fails. */
volatile struct failpoints *steps_page_make(void);
void steps_page_remove(void);

#endif
