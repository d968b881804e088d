/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loaded into a program (LD_PRELOAD), takes addresses before anybody else: those that the file
 * SHMFS_TEST_TAKEN lists, as "0x200000000000", one a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static void take(uintptr_t address)
{
	void *wanted = (void *)address;
	void *got = mmap(wanted, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (got != wanted)
		abort();
}

__attribute__((constructor)) static void take_all(void)
{
	const char *name = getenv("SHMFS_TEST_TAKEN");
	FILE *list = name != NULL ? fopen(name, "re") : NULL;
	uintptr_t address;

	if (list == NULL)
		abort();
	while (fscanf(list, "%" SCNxPTR, &address) == 1)
		take(address);
	fclose(list);
}
