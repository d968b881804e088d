/* SPDX-License-Identifier: BSD-2-Clause */
/* Labelled steps that kill; see step.h. */
#include "step.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile struct steps *steps;

void steps_begin(void)
{
	const char *path = getenv("SHMFS_STEPS_FILE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *memory;

	if (fd < 0)
		return;
	memory = mmap(NULL, sizeof *steps, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory != MAP_FAILED)
		steps = memory;
}

bool steps_hide_resend(void)
{
	return getenv("SHMFS_STEPS_NO_RESEND") != NULL;
}

void step(const char *label)
{
	if (steps == NULL)
		return;
	steps->count++;
	snprintf((char *)(uintptr_t)steps->label, sizeof steps->label, "%s", label);
	if (strcmp((const char *)(uintptr_t)steps->crash_at, label) == 0)
		kill(getpid(), SIGSEGV);
	if (steps->armed_at == 0 || steps->count != steps->armed_at)
		return;
	steps->armed_at = steps->again != 0 ? steps->count + steps->again : 0;
	steps->again = 0;
	snprintf((char *)(uintptr_t)steps->killed_at, sizeof steps->killed_at, "%s", label);
	kill(getpid(), SIGKILL);
}
