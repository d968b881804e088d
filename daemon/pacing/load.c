/* SPDX-License-Identifier: BSD-2-Clause */
/* How busy the machine is; see load.h. */
#include "load.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int load_open(void)
{
	return open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
}

unsigned load_running(int fd)
{
	char line[128];
	ssize_t count = fd < 0 ? -1 : pread(fd, line, sizeof line - 1, 0);
	unsigned running;

	if (count <= 0)
		return 0;
	line[count] = '\0';
	return sscanf(line, "%*s %*s %*s %u/", &running) == 1 ? running : 0;
}
