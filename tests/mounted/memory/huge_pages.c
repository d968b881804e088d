/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a mapping huge pages map; see huge_pages.h. */
#include "huge_pages.h"

#include <check.h>
#include <stdint.h>
#include <stdio.h>

#include "objects.h"

long mapped_huge(const unsigned char *map)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long begin, end;
	char line[512];
	bool here = false;
	long kib = -1;

	ck_assert_ptr_nonnull(file);
	while (kib < 0 && fgets(line, sizeof line, file) != NULL) {
		if (sscanf(line, "%lx-%lx ", &begin, &end) == 2)
			here = begin <= (uintptr_t)map && (uintptr_t)map < end;
		else if (here)
			(void)sscanf(line, "ShmemPmdMapped: %ld kB", &kib);
	}
	fclose(file);
	ck_assert_int_ge(kib, 0);
	return kib * KIB;
}

void touch_pages(unsigned char *map, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE)
		map[at]++;
}
