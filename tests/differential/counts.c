/* SPDX-License-Identifier: BSD-2-Clause */
/* See counts.h. */
#include "counts.h"

#include <stdio.h>
#include <string.h>

enum { KINDS = 256, ERRORS = 1100 };

static struct {
	unsigned long made, succeeded;
	unsigned errors[ERRORS];
} counts[KINDS];

void counts_add(const struct call *calls, const struct result *results, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned kind = calls[i].kind;

		counts[kind].made++;
		if (results[i].ret != -1)
			counts[kind].succeeded++;
		else if (results[i].error >= 0 && results[i].error < ERRORS)
			counts[kind].errors[results[i].error]++;
	}
}

void counts_print(void)
{
	for (unsigned kind = 0; kind < kind_count; kind++) {
		printf("%-18s %7lu made, %7lu succeeded", kinds[kind].name, counts[kind].made,
		    counts[kind].succeeded);
		for (int error = 0; error < ERRORS; error++) {
			const char *name = strerrorname_np(error);

			if (counts[kind].errors[error] > 0)
				printf(" %s:%u",
				    error == ERROR_SKIPPED ? "skipped"
				    : name != NULL	   ? name
							   : "signal",
				    counts[kind].errors[error]);
		}
		putchar('\n');
	}
}
