/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing the command line, of which a line of fstab(5) is a part: it is refused with a line, or
 * taken, and can be printed. Each line of the input is an argument.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/options/options.h"

enum { ARGUMENTS = 32 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_options: %s\n", what);
	abort();
}

static int split(char *text, char **argv)
{
	static char program[] = "shmfs";
	int argc = 0;

	argv[argc++] = program;
	for (char *line; argc < ARGUMENTS && (line = strsep(&text, "\n")) != NULL;)
		argv[argc++] = line;
	argv[argc] = NULL;
	return argc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Options point into the arguments, which live as long as the process. */
	char *text = malloc(size + 1), *argv[ARGUMENTS + 1], why[512] = "", list[4096];
	struct options options;
	int rc, argc;

	must(text != NULL, "no memory");
	memcpy(text, data, size);
	text[size] = '\0';
	argc = split(text, argv);
	rc = options_parse(&options, argc, argv, why, sizeof why);
	if (rc < 0)
		must(why[0] != '\0' && memchr(why, '\0', sizeof why) != NULL, "no message");
	else if (!options.help && !options.version)
		options_print(&options, list, sizeof list);
	free(text);
	return 0;
}
