/* SPDX-License-Identifier: BSD-2-Clause */
/* How the checks of verify report what they find. */
#ifndef SHMFS_COMPLAIN_H
#define SHMFS_COMPLAIN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

struct complaints {
	void (*line)(void *arg, const char *line); /* may be NULL */
	void *arg;
};

/* Returns 0 where the condition holds, else 1 after one line to whoever listens. */
__attribute__((format(printf, 3, 4))) static inline unsigned expect(
    bool holds, const struct complaints *to, const char *format, ...)
{
	char line[256];
	va_list args;

	if (holds)
		return 0;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (to->line != NULL)
		to->line(to->arg, line);
	return 1;
}

#endif
