/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mount options: one table says what there is, how it is read, what it means, what it is if it
 * is not given, and how it is printed. An option is added in the table, in struct options, and in
 * shmfs(8), which tests/lint compares.
 */
#ifndef SHMFS_OPTIONS_TABLE_H
#define SHMFS_OPTIONS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "values.h"

/* How a value is read and kept. */
enum option_kind {
	SIZE,
	BLOCKS,
	COUNT,
	SECONDS,
	MODE,
	ID,
	TIME,
	IO,
	RULES,
	LIKE,
	LOG,
	PATTERNS,
	POLICIES,
	HUGE,
	MPOL,
	FILENAME,
	YES,
	NO
};

struct option_spec {
	const char *name;
	enum option_kind kind;
	size_t offset;	     /* in struct options */
	const char *value;   /* how --help shows the value; NULL: the option has none */
	const char *initial; /* what it is, if it is not given; NULL: nothing, or computed */
	const char *usually; /* the same for people; NULL: as initial */
	const char *help;
};

/* The option of this name, of so many bytes. NULL: there is none. */
const struct option_spec *option_find(const char *name, size_t length);

/* The option behind another one in the table; the first behind NULL; NULL behind the last. */
const struct option_spec *option_next(const struct option_spec *before);

/* Reads a value. Texts are kept, not copied. False: it is not well-formed, or out of bounds. */
bool option_read(struct options *options, const struct option_spec *spec, const char *text);

/* Prints a value as it would be given. */
void option_print(
    const struct options *options, const struct option_spec *spec, char *out, size_t size);

/* Which options were given, not what they are by default. */
void option_note_given(struct options *options, const struct option_spec *spec);
bool option_is_given(const struct options *options, const struct option_spec *spec);

void option_set_defaults(struct options *options);

/* Those that depend on other options, where they were not given. */
void option_set_later_defaults(struct options *options);

#endif
