/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: columns that are chosen, for people, for scripts, and as JSON. */
#ifndef SHMFS_CTL_TABLE_H
#define SHMFS_CTL_TABLE_H

#include "ctl.h"

/* Bytes of what a column shows of an item. */
#define CTL_CELL_SIZE 512

/* How cells are written. */
struct ctl_style {
	bool human;   /* sizes */
	bool numeric; /* users and groups */
};

/* How one kind of members is shown. */
struct ctl_look {
	bool right; /* aligned */
	const char *(*print)(const struct ctl_style *style, const char *member, const json_t *item,
	    char out[CTL_CELL_SIZE]);
};

struct ctl_column {
	const char *name;
	const char *member; /* of the item, for JSON and for sorting; NULL: made of several */
	const struct ctl_look *look;
	const char *help;
};

/* How the options -o, -J, -r/--raw, --noheadings say a table is to be. */
struct ctl_table {
	const struct ctl_column *columns; /* up to one without a name */
	const char *usual;		  /* names of those shown, with commas */
	const char *member;		  /* what JSON calls the list */
	bool tabs;			  /* usual columns stand as posixshmcontrol(1) has them */
};

/* Whether the columns that are asked for exist, for verbs that change something before they print.
 * CTL_OK or CTL_USAGE. */
int ctl_check_columns(const struct ctl *ctl, const struct ctl_table *table);

/* Prints an array of items. CTL_OK or CTL_USAGE. */
int ctl_print_table(const struct ctl *ctl, const struct ctl_table *table, const json_t *items);

const struct ctl_column *ctl_find_column(
    const struct ctl_column *columns, const char *name, size_t length);

/* Sorts items by a column. CTL_OK, CTL_FAILED, CTL_USAGE. */
int ctl_sort(const struct ctl *ctl, const struct ctl_column *columns, const char *by, bool reverse,
    json_t *items);

/* What a column shows of an item. */
static inline const char *ctl_print_cell(const struct ctl_style *style,
    const struct ctl_column *column, const json_t *item, char out[CTL_CELL_SIZE])
{
	return column->look->print(style, column->member, item, out);
}

/* Options that all tables have. */
#define CTL_TABLE_OPTIONS                                                                          \
	{'o', "output", "COLUMNS", "columns to show, with commas between"},                        \
	    {'J', "json", NULL, "JSON, with plain bytes and nanoseconds"},                         \
	    {0, "raw", NULL, "one blank between columns, names with \\xNN"},                       \
	    {0, "noheadings", NULL, "no first line"},                                              \
	    {'b', "bytes", NULL, "sizes in bytes (the default)"},                                  \
	    {'h', NULL, NULL, "sizes for people"},                                                 \
	{                                                                                          \
		'n', "numeric", NULL, "numbers of users and groups"                                \
	}

#endif
