/* SPDX-License-Identifier: BSD-2-Clause */
/* Fail points that kill; see failpoint.h. */
#include "failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile struct failpoints *page;
static enum failpoint_part part;

void failpoints_begin(void)
{
	const char *path = getenv("SHMFS_FAILPOINTS_FILE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		page = memory;
}

void failpoints_of_helpers(void)
{
	part = FAILPOINTS_OF_HELPERS;
}

/* Who lives on has made it. */
static void call_once(void)
{
	int64_t call[7];

	memcpy(call, (const int64_t *)(uintptr_t)page->call, sizeof call);
	page->crash_at[0] = '\0';
	page->call[0] = 0;
	(void)syscall(call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
}

void failpoint(const char *label)
{
	uint64_t number;

	if (page == NULL)
		return;
	if (strcmp((const char *)(uintptr_t)page->crash_at, label) == 0) {
		if (page->call[0] != 0)
			call_once();
		else
			kill(getpid(), SIGSEGV);
	}
	if (page->part != part)
		return;
	/* Several helpers come here at once. */
	number = __atomic_add_fetch(&page->count, 1, __ATOMIC_SEQ_CST);
	snprintf((char *)(uintptr_t)page->label, sizeof page->label, "%s", label);
	if (page->armed_at == 0 || number != page->armed_at)
		return;
	page->armed_at = page->again != 0 ? number + page->again : 0;
	page->again = 0;
	snprintf((char *)(uintptr_t)page->killed_at, sizeof page->killed_at, "%s", label);
	kill(getpid(), SIGKILL);
}
