/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that others chose, made fit to be shown: no byte of it commands a terminal. */
#ifndef SHMFS_COMMON_PRINTABLE_H
#define SHMFS_COMMON_PRINTABLE_H

#include <stddef.h>

/*
 * Escapes a name without losing any of it: what the locale cannot show, the backslash, and what is
 * in `also`, becomes \xNN. Cut where there is no more room.
 */
const char *printable_escape(const char *name, const char *also, char *out, size_t size);

/* Puts a question mark in place of whatever is not printable ASCII. */
void printable_replace(char *text);

#endif
