/* SPDX-License-Identifier: BSD-2-Clause */
/* Choosing, sorting and printing; see table.h. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

#define COLUMNS_MAX 32

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

static struct ctl_style style_of(const struct ctl *ctl)
{
	return (struct ctl_style){
	    .human = ctl_value(ctl, "h") != NULL,
	    .numeric = ctl_value(ctl, "n") != NULL,
	};
}

/* --- sorting ---------------------------------------------------------------------------------- */

struct sorting {
	struct ctl_style style;
	const struct ctl_column *column;
	bool reverse;
};

/* qsort(3) hands nothing on. */
static struct sorting sorting;

static int compare_values(const json_t *a, const json_t *b)
{
	const char *member = sorting.column->member;
	char one[CTL_CELL_SIZE], other[CTL_CELL_SIZE];

	if (member != NULL && json_is_integer(json_object_get(a, member))) {
		int64_t x = ctl_int(a, member), y = ctl_int(b, member);

		return x < y ? -1 : x > y;
	}
	return strcmp(ctl_print_cell(&sorting.style, sorting.column, a, one),
	    ctl_print_cell(&sorting.style, sorting.column, b, other));
}

static int compare(const void *a, const void *b)
{
	int order = compare_values(*(json_t *const *)a, *(json_t *const *)b);

	return sorting.reverse ? -order : order;
}

int ctl_sort(const struct ctl *ctl, const struct ctl_column *columns, const char *by, bool reverse,
    json_t *items)
{
	size_t count = json_array_size(items);
	json_t **sorted = calloc(count + 1, sizeof *sorted);

	if (sorted == NULL)
		return CTL_FAILED;
	sorting =
	    (struct sorting){style_of(ctl), ctl_find_column(columns, by, strlen(by)), reverse};
	if (sorting.column == NULL) {
		free(sorted);
		return ctl_misused("there is no column '%s'", by);
	}
	for (size_t i = 0; i < count; i++)
		sorted[i] = json_incref(json_array_get(items, i));
	if (count > 0)
		qsort(sorted, count, sizeof *sorted, compare);
	for (size_t i = 0; i < count; i++)
		(void)json_array_set_new(items, i, sorted[i]);
	free(sorted);
	return CTL_OK;
}

/* --- printing --------------------------------------------------------------------------------- */

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

static void measure(const struct ctl_style *style, struct chosen *chosen, const json_t *items)
{
	char cell[CTL_CELL_SIZE];
	const json_t *item;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)items, index, item)
	{
		for (int i = 0; i < chosen->count; i++) {
			int width = width_of(ctl_print_cell(style, chosen->column[i], item, cell));

			if (width > chosen->width[i])
				chosen->width[i] = width;
		}
	}
}

enum layout { ALIGNED, RAW, TABS };

static void print_cell(const struct chosen *chosen, int i, const char *text, enum layout layout)
{
	bool last = i == chosen->count - 1;
	int pad = layout == ALIGNED ? chosen->width[i] - width_of(text) : 0;

	if (chosen->column[i]->look->right)
		printf("%*s", pad, "");
	/* An empty cell would shift the others. */
	fputs(layout == RAW && *text == '\0' ? "-" : text, stdout);
	if (!last && !chosen->column[i]->look->right)
		printf("%*s", pad, "");
	fputs(last ? "\n" : layout == TABS ? "\t" : " ", stdout);
}

static void print_rows(
    const struct ctl *ctl, const struct chosen *chosen, const json_t *items, enum layout layout)
{
	const struct ctl_style style = style_of(ctl);
	char cell[CTL_CELL_SIZE];
	const json_t *item;
	size_t index;

	if (ctl_value(ctl, "noheadings") == NULL) {
		/* posixshmcontrol(1) has its first heading as wide as a mode. */
		for (int i = 0; i < chosen->count; i++)
			print_cell(chosen, i,
			    layout == TABS && i == 0 ? "MODE    " : chosen->column[i]->name,
			    layout);
	}
	json_array_foreach((json_t *)(uintptr_t)items, index, item)
	{
		for (int i = 0; i < chosen->count; i++)
			print_cell(chosen, i, ctl_print_cell(&style, chosen->column[i], item, cell),
			    layout);
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
	const struct ctl_style style = style_of(ctl);
	json_t *picked = json_object();
	char cell[CTL_CELL_SIZE];

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
		    picked, name, json_string(ctl_print_cell(&style, column, item, cell)));
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

int ctl_check_columns(const struct ctl *ctl, const struct ctl_table *table)
{
	const char *names = ctl_value(ctl, "o");
	struct chosen chosen;

	return choose(table, names != NULL ? names : table->usual, &chosen);
}

int ctl_print_table(const struct ctl *ctl, const struct ctl_table *table, const json_t *items)
{
	const char *names = ctl_value(ctl, "o");
	struct chosen chosen;
	enum layout layout = ALIGNED;
	const struct ctl_style style = style_of(ctl);
	int status = choose(table, names != NULL ? names : table->usual, &chosen);

	if (status != CTL_OK)
		return status;
	if (ctl_value(ctl, "J") != NULL)
		return print_json(ctl, table, &chosen, items);
	if (ctl_value(ctl, "raw") != NULL)
		layout = RAW;
	else if (names == NULL && table->tabs)
		layout = TABS;
	if (layout == ALIGNED)
		measure(&style, &chosen, items);
	print_rows(ctl, &chosen, items, layout);
	return CTL_OK;
}
