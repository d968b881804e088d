/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine that a run is from. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

/* The name is decoration and not on every architecture: without it the table is as good. */
static void read_processor(char *name, size_t size)
{
	static const char key[] = "model name";
	FILE *stream = fopen("/proc/cpuinfo", "re");
	char line[256];

	snprintf(name, size, "unknown processor");
	if (stream == NULL)
		return;
	while (fgets(line, sizeof(line), stream) != NULL) {
		const char *value = strchr(line, ':');

		if (strncmp(line, key, sizeof(key) - 1) != 0 || value == NULL)
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(name, size, "%.*s", (int)size - 1, value + 1 + strspn(value + 1, " \t"));
		break;
	}
	fclose(stream);
}

struct machine describe_machine(void)
{
	struct machine machine;
	struct utsname system;

	if (uname(&system) != 0) {
		perror("bench: uname");
		exit(EXIT_ERROR);
	}
	snprintf(machine.system, sizeof(machine.system), "%s", system.release);
	snprintf(machine.architecture, sizeof(machine.architecture), "%s", system.machine);
	read_processor(machine.processor, sizeof(machine.processor));
	machine.processors = sysconf(_SC_NPROCESSORS_ONLN);
	return machine;
}
