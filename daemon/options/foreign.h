/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options that are not ours: of any filesystem, of the kernel, of tmpfs. */
#ifndef SHMFS_OPTIONS_FOREIGN_H
#define SHMFS_OPTIONS_FOREIGN_H

#include <stddef.h>
#include <stdio.h>

enum foreign {
	FOREIGN_UNKNOWN,
	FOREIGN_PASSED_ON, /* the kernel deals with it */
	FOREIGN_IGNORED,   /* it says nothing here */
	FOREIGN_SHOWN,	  /* what the kernel shows of a mount, and mount(8) repeats to change one */
	FOREIGN_OF_TMPFS, /* tmpfs(5) has it, and this does not */
};

/* What an option is, with its value. instead: for one of tmpfs, what there is here. */
enum foreign foreign_look_up(const char *option, const char **instead);

/*
 * Cuts the first option off a list with commas between them; NULL behind the last. The value of
 * a context of SELinux may stand in double quotes, and have commas there.
 */
char *foreign_next(char **list);

/* The flags of mount(2) for a list of what is passed on, beside those that are always meant. */
unsigned long foreign_mount_flags(const char *list);

/* What --help says of those that are passed on. */
void foreign_print_usage(FILE *to);

#endif
