/* SPDX-License-Identifier: BSD-2-Clause */
/* See steps_page.h. */
#include "steps_page.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon.h"

static char path[] = "/tmp/shmfs-steps-page.XXXXXX";

volatile struct failpoints *steps_page_make(void)
{
	int fd = mkstemp(path);
	void *memory;

	if (fd < 0 || ftruncate(fd, STEPS_PAGE) != 0)
		broken(path);
	memory = mmap(NULL, STEPS_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED || setenv("SHMFS_FAILPOINTS_FILE", path, 1) != 0)
		broken(path);
	close(fd);
	return memory;
}

void steps_page_remove(void)
{
	unlink(path);
}
