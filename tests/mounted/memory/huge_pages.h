/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a mapping huge pages map. */
#ifndef SHMFS_TESTS_MOUNTED_HUGE_PAGES_H
#define SHMFS_TESTS_MOUNTED_HUGE_PAGES_H

#include <stddef.h>

enum { KIB = 1024, MIB = 1024 * KIB, HUGE_PAGE = 2 * MIB };

/* The bytes of the mapping at this address that huge pages map. */
long mapped_huge(const unsigned char *map);

void touch_pages(unsigned char *map, size_t size);

#endif
