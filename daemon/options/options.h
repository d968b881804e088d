/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line and the mount options. */
#ifndef SHMFS_OPTIONS_OPTIONS_H
#define SHMFS_OPTIONS_OPTIONS_H

#include <stdio.h>

#include "values.h"

/*
 * Sets the defaults, then applies the arguments. Called as mount.TYPE, by the name that argv[0]
 * has, they are those that mount(8) gives its helpers: SOURCE MOUNTPOINT [-sfnv] [-N NS] [-o LIST]
 * [-t TYPE]. On failure one line that names what is wrong is in why. 0, or -EINVAL. Help and
 * version are only noted.
 */
int options_parse(struct options *options, int argc, char **argv, char *why, size_t why_size);

/* Writes "size=..,mode=.." with whatever differs from the defaults, "" where nothing does. */
void options_print(const struct options *options, char *out, size_t size);

/* Where a mount that answers logs to. */
static inline enum log_place options_log_place(const struct options *options)
{
	return options->foreground ? LOG_TO_STDERR : options->log;
}

/* What --help says. */
void options_usage(FILE *to);

#endif
