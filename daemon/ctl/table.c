/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables: columns that are chosen, for people, for scripts, and as JSON. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#include "ctl.h"

#define COLUMNS_MAX 32
#define CELL 512

struct chosen {
	const struct ctl_column *column[COLUMNS_MAX];
	int width[COLUMNS_MAX];
	int count;
};

const struct ctl_column *ctl_find_column(
    const struct ctl_column *columns, const char *name, size_t length)
{
	for (; columns->name != NULL; columns++) {
		if (strlen(columns->name) == length &&
		    strncasecmp(columns->name, name, length) == 0)
			return columns;
	}
	return NULL;
}

static int choose(const struct ctl_table *table, const char *names, struct chosen *out)
{
	for (out->count = 0;; names++) {
		size_t length = strcspn(names, ",");
		const struct ctl_column *column = ctl_find_column(table->columns, names, length);

		if (column == NULL)
			return ctl_misused("there is no column '%.*s'", (int)length, names);
		if (out->count == COLUMNS_MAX)
			return ctl_misused("too many columns");
		out->width[out->count] = (int)strlen(column->name);
		out->column[out->count++] = column;
		names += length;
		if (*names == '\0')
			return CTL_OK;
	}
}

const char *ctl_print_size(const struct ctl *ctl, const char *member, const json_t *item, char *out)
{
	int64_t bytes = ctl_int(item, member);
	char human[32];

	if (ctl_value(ctl, "h") != NULL)
		snprintf(out, CELL, "%s", ctl_human((uint64_t)bytes, human));
	else
		snprintf(out, CELL, "%" PRId64, bytes);
	return out;
}

/* How many places of a terminal a text takes. */
static int width_of(const char *text)
{
	mbstate_t state = {0};
	int width = 0;
	wchar_t wide;
	size_t length;

	while ((length = mbrtowc(&wide, text, MB_CUR_MAX, &state)) != 0) {
		if (length > MB_LEN_MAX)
			return width + (int)strlen(text);
		width += wcwidth(wide) > 0 ? wcwidth(wide) : 0;
		text += length;
	}
	return width;
}

static void measure(const struct ctl *ctl, struct chosen *chosen, const json_t *items)
{
	char cell[CELL];
	const json_t *item;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)items, index, item)
	{
		for (int i = 0; i < chosen->count; i++) {
			int width = width_of(chosen->column[i]->print(ctl, item, cell));

			if (width > chosen->width[i])
				chosen->width[i] = width;
		}
	}
}

enum style { ALIGNED, RAW, TABS };

static void print_cell(const struct chosen *chosen, int i, const char *text, enum style style)
{
	bool last = i == chosen->count - 1;
	int pad = style == ALIGNED ? chosen->width[i] - width_of(text) : 0;

	if (chosen->column[i]->right)
		printf("%*s", pad, "");
	/* An empty cell would shift the others. */
	fputs(style == RAW && *text == '\0' ? "-" : text, stdout);
	if (!last && !chosen->column[i]->right)
		printf("%*s", pad, "");
	fputs(last ? "\n" : style == TABS ? "\t" : " ", stdout);
}

static void print_rows(
    const struct ctl *ctl, const struct chosen *chosen, const json_t *items, enum style style)
{
	char cell[CELL];
	const json_t *item;
	size_t index;

	if (ctl_value(ctl, "noheadings") == NULL) {
		/* posixshmcontrol(1) has its first heading as wide as a mode. */
		for (int i = 0; i < chosen->count; i++)
			print_cell(chosen, i,
			    style == TABS && i == 0 ? "MODE    " : chosen->column[i]->name, style);
	}
	json_array_foreach((json_t *)(uintptr_t)items, index, item)
	{
		for (int i = 0; i < chosen->count; i++)
			print_cell(chosen, i, chosen->column[i]->print(ctl, item, cell), style);
	}
}

/* What a column stands for, by the name of its member; a name may be in another form. */
static void copy_member(json_t *to, const json_t *from, const char *member)
{
	char hex[64];
	json_t *value = json_object_get(from, member);

	snprintf(hex, sizeof hex, "%s_hex", member);
	if (value == NULL && json_object_get(from, hex) != NULL) {
		member = hex;
		value = json_object_get(from, hex);
	}
	(void)json_object_set_new(to, member, value != NULL ? json_incref(value) : json_null());
}

static json_t *pick(const struct ctl *ctl, const struct chosen *chosen, const json_t *item)
{
	json_t *picked = json_object();
	char cell[CELL];

	for (int i = 0; i < chosen->count; i++) {
		const struct ctl_column *column = chosen->column[i];
		char name[64];

		if (column->member != NULL) {
			copy_member(picked, item, column->member);
			continue;
		}
		snprintf(name, sizeof name, "%s", column->name);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
		(void)json_object_set_new(
		    picked, name, json_string(column->print(ctl, item, cell)));
	}
	return picked;
}

/* Without a choice of columns, items are printed as they are, with all they have. */
static int print_json(const struct ctl *ctl, const struct ctl_table *table,
    const struct chosen *chosen, const json_t *items)
{
	json_t *list = json_array(), *all;
	const json_t *item;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)items, index, item)(void) json_array_append_new(
	    list, ctl_value(ctl, "o") != NULL ? pick(ctl, chosen, item) : json_deep_copy(item));
	all = json_pack("{s:o}", table->member, list);
	(void)json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
	return CTL_OK;
}

int ctl_print_table(const struct ctl *ctl, const struct ctl_table *table, const json_t *items)
{
	const char *names = ctl_value(ctl, "o");
	struct chosen chosen;
	enum style style = ALIGNED;
	int status = choose(table, names != NULL ? names : table->usual, &chosen);

	if (status != CTL_OK)
		return status;
	if (ctl_value(ctl, "J") != NULL)
		return print_json(ctl, table, &chosen, items);
	if (ctl_value(ctl, "raw") != NULL)
		style = RAW;
	else if (names == NULL && table->tabs)
		style = TABS;
	if (style == ALIGNED)
		measure(ctl, &chosen, items);
	print_rows(ctl, &chosen, items, style);
	return CTL_OK;
}
