/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that list: objects, users, and who holds what. */
#include "list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- columns of objects ----------------------------------------------------------------------- */

/* posixshmcontrol(1) has a slash before names. */
const char *ctl_object_name(const json_t *object, char out[512])
{
	char *path = ctl_get_path(object);

	if (path != NULL) {
		out[0] = '/';
		(void)ctl_escape(path, out + 1, 511);
	} else {
		snprintf(out, 512, "#%" PRId64, ctl_int(object, "id"));
	}
	free(path);
	return out;
}

static const char *print_name(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return ctl_object_name(item, out);
}

static const char *print_size(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_print_size(ctl, "size", item, out);
}

static const char *print_resident(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_print_size(ctl, "resident", item, out);
}

static const char *print_charged(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_print_size(ctl, "charged", item, out);
}

static const char *print_owner(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_user((uid_t)ctl_int(item, "uid"), ctl_value(ctl, "n") != NULL, out);
}

static const char *print_group(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_group((gid_t)ctl_int(item, "gid"), ctl_value(ctl, "n") != NULL, out);
}

static const char *print_creator(const struct ctl *ctl, const json_t *item, char out[512])
{
	return ctl_user((uid_t)ctl_int(item, "creator"), ctl_value(ctl, "n") != NULL, out);
}

static const char *print_mode(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return ctl_mode((unsigned)ctl_int(item, "mode"), out);
}

static const char *print_number(const json_t *item, const char *member, char out[512])
{
	snprintf(out, 512, "%" PRId64, ctl_int(item, member));
	return out;
}

static const char *print_id(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "id", out);
}

static const char *print_nlink(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "nlink", out);
}

static const char *print_opens(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "opens", out);
}

static const char *print_pins(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "pins", out);
}

/* What holds an object that nobody has open or pinned is a mapping; while it is open, only a look
 * through /proc could tell. */
static const char *print_mapped(const struct ctl *ctl, const json_t *item, char out[512])
{
	bool open = ctl_int(item, "opens") > 0 || ctl_int(item, "pins") > 0;

	(void)ctl;
	snprintf(out, 512, "%s",
	    open					  ? "?"
	    : json_is_true(json_object_get(item, "held")) ? "yes"
							  : "no");
	return out;
}

static const char *print_age(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return ctl_age((ctl_now() - ctl_int(item, "btime")) / 1000000000, out);
}

static const char *print_text(const json_t *item, const char *member, char out[512])
{
	const char *text = json_string_value(json_object_get(item, member));

	snprintf(out, 512, "%s", text != NULL ? text : "");
	return out;
}

static const char *print_seals(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_text(item, "seals", out);
}

static const char *print_lifetime(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_text(item, "lifetime", out);
}

static const char *print_label(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_text(item, "label", out);
}

const struct ctl_column ctl_object_columns[] = {
    {"NAME", "path", false, print_name, "path below the root of the mount, or # and a number"},
    {"PATH", "path", false, print_name, "the same"},
    {"SIZE", "size", true, print_size, "size"},
    {"RESIDENT", "resident", true, print_resident, "memory that is in use"},
    {"CHARGED", "charged", true, print_charged, "memory that its creator is charged for"},
    {"OWNER", "uid", false, print_owner, "owner"},
    {"GROUP", "gid", false, print_group, "group"},
    {"MODE", "mode", false, print_mode, "permissions"},
    {"CREATOR", "creator", false, print_creator, "who is charged"},
    {"NLINK", "nlink", true, print_nlink, "names"},
    {"OPENS", "opens", true, print_opens, "openings"},
    {"MAPPED", NULL, false, print_mapped, "mapped though not open; ? while it is open"},
    {"PINS", "pins", true, print_pins, "pins"},
    {"AGE", "btime", true, print_age, "since it was made"},
    {"SEALS", "seals", false, print_seals, "seals"},
    {"LIFETIME", "lifetime", false, print_lifetime, "how long its names live"},
    {"LABEL", "label", false, print_label, "label that policies go by"},
    {"ID", "id", true, print_id, "inode number"},
    {0},
};

/* --- sorting ---------------------------------------------------------------------------------- */

struct sorting {
	const struct ctl *ctl;
	const struct ctl_column *column;
	bool reverse;
};

/* qsort(3) hands nothing on. */
static struct sorting sorting;

static int compare_values(const json_t *a, const json_t *b)
{
	const char *member = sorting.column->member;
	char one[512], other[512];

	if (member != NULL && json_is_integer(json_object_get(a, member))) {
		int64_t x = ctl_int(a, member), y = ctl_int(b, member);

		return x < y ? -1 : x > y;
	}
	return strcmp(sorting.column->print(sorting.ctl, a, one),
	    sorting.column->print(sorting.ctl, b, other));
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
	sorting = (struct sorting){ctl, ctl_find_column(columns, by, strlen(by)), reverse};
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

/* --- ls --------------------------------------------------------------------------------------- */

static const struct ctl_table object_table = {
    .columns = ctl_object_columns,
    .usual = "MODE,OWNER,GROUP,SIZE,PATH",
    .member = "objects",
    .tabs = true,
};

static bool wants_column(const struct ctl *ctl, const char *name)
{
	const char *names = ctl_value(ctl, "o"), *by = ctl_value(ctl, "sort");

	return (names != NULL && strcasestr(names, name) != NULL) ||
	       (by != NULL && strcasecmp(by, name) == 0);
}

static int run_ls(struct ctl *ctl)
{
	const char *by = ctl_value(ctl, "sort");
	bool probe = wants_column(ctl, "MAPPED") || ctl_value(ctl, "J") != NULL;
	json_t *objects;
	int status;

	objects = ctl_call_pages(ctl, "List", "objects", ctl_value(ctl, "unlinked") != NULL, probe);
	if (objects == NULL)
		return CTL_FAILED;
	status = ctl_sort(ctl, ctl_object_columns, by != NULL ? by : "NAME",
	    ctl_value(ctl, "r") != NULL, objects);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &object_table, objects);
	json_decref(objects);
	return status;
}

/* --- users ------------------------------------------------------------------------------------ */

static const char *print_user(const struct ctl *ctl, const json_t *item, char out[512])
{
	return print_owner(ctl, item, out);
}

static const char *print_inodes(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "inodes", out);
}

static const char *print_size_limit(const struct ctl *ctl, const json_t *item, char out[512])
{
	const json_t *limits = json_object_get(item, "limits");

	if (ctl_int(limits, "size") == 0)
		return strcpy(out, "-");
	return ctl_print_size(ctl, "size", limits, out);
}

static const char *print_inode_limit(const struct ctl *ctl, const json_t *item, char out[512])
{
	const json_t *limits = json_object_get(item, "limits");

	(void)ctl;
	if (ctl_int(limits, "inodes") == 0)
		return strcpy(out, "-");
	return print_number(limits, "inodes", out);
}

const struct ctl_column ctl_user_columns[] = {
    {"USER", "uid", false, print_user, "who"},
    {"SIZE", "size", true, print_size, "memory that he is charged for"},
    {"SIZE-LIMIT", NULL, true, print_size_limit, "how much he may have; - if there is no limit"},
    {"INODES", "inodes", true, print_inodes, "objects, directories and names"},
    {"INODE-LIMIT", NULL, true, print_inode_limit, "how many he may have"},
    {0},
};

static const struct ctl_table user_table = {
    .columns = ctl_user_columns,
    .usual = "USER,SIZE,SIZE-LIMIT,INODES,INODE-LIMIT",
    .member = "users",
};

static int run_users(struct ctl *ctl)
{
	json_t *users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	const char *by = ctl_value(ctl, "sort");
	int status;

	if (users == NULL)
		return CTL_FAILED;
	status = ctl_sort(ctl, ctl_user_columns, by != NULL ? by : "SIZE", by == NULL, users);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &user_table, users);
	json_decref(users);
	return status;
}

/* --- holders ---------------------------------------------------------------------------------- */

static const char *print_pid(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "pid", out);
}

static const char *print_access(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_text(item, "access", out);
}

static const char *print_command(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_text(item, "command", out);
}

static const char *print_objects(const struct ctl *ctl, const json_t *item, char out[512])
{
	(void)ctl;
	return print_number(item, "objects", out);
}

static const struct ctl_column holder_columns[] = {
    {"NAME", "path", false, print_name, "the object"},
    {"USER", "uid", false, print_user, "who"},
    {"PID", "pid", true, print_pid, "process"},
    {"ACCESS", "access", false, print_access, "f open, F for writing, m mapped, e run, p pinned"},
    {"OBJECTS", "objects", true, print_objects, "how many it holds"},
    {"SIZE", "size", true, print_size, "and their size"},
    {"COMMAND", "command", false, print_command, "its name"},
    {0},
};

static const struct ctl_table holder_table = {
    .columns = holder_columns,
    .usual = "USER,PID,ACCESS,COMMAND",
    .member = "holders",
};

/* Of several objects, each line says which; of all, how many. */
static const struct ctl_table several_table = {
    .columns = holder_columns,
    .usual = "NAME,USER,PID,ACCESS,COMMAND",
    .member = "holders",
};

static const struct ctl_table all_table = {
    .columns = holder_columns,
    .usual = "USER,PID,OBJECTS,SIZE,ACCESS,COMMAND",
    .member = "holders",
};

/* The holders of one object (NULL: of all), added to a list with the object's path. */
static bool add_holders(struct ctl *ctl, const char *name, json_t *list)
{
	json_t *params = json_object(), *answer, *item;
	size_t index;

	if (name != NULL)
		ctl_set_path(params, name);
	else
		(void)json_object_set_new(params, "all", json_true());
	answer = ctl_call(ctl, "Holders", params);
	if (answer == NULL)
		return false;
	if (json_is_true(json_object_get(answer, "truncated")))
		ctl_warn("there are more holders than are shown");
	json_array_foreach(json_object_get(answer, "holders"), index, item)
	{
		if (name != NULL)
			ctl_set_path(item, name);
		(void)json_array_append(list, item);
	}
	json_decref(answer);
	return true;
}

/* fuser(1): 0 if anybody holds any of them, 1 if nobody does. */
enum { HELD = 0, NOT_HELD = 1, HOLDERS_FAILED = 2 };

static int run_holders(struct ctl *ctl)
{
	const struct ctl_table *table = ctl->count > 1 ? &several_table : &holder_table;
	bool all = ctl_value(ctl, "all") != NULL, known;
	json_t *list = json_array();
	int status;

	if (all == (ctl->count > 0)) {
		json_decref(list);
		return ctl_misused("'holders' needs objects, or --all");
	}
	known = all ? add_holders(ctl, NULL, list) : ctl_open_root(ctl);
	for (int i = 0; i < ctl->count && ctl->root >= 0; i++)
		known &= add_holders(ctl, ctl_relative(ctl, ctl->arguments[i]), list);
	status = ctl_print_table(ctl, all ? &all_table : table, list);
	if (status == CTL_OK)
		status = json_array_size(list) > 0 ? HELD : NOT_HELD;
	json_decref(list);
	return known ? status : HOLDERS_FAILED;
}

static const struct ctl_option ls_options[] = {
    CTL_TABLE_OPTIONS,
    {0, "sort", "COLUMN", "sorted by a column (default NAME)"},
    {'r', "reverse", NULL, "the other way round"},
    {'u', "unlinked", NULL, "also objects without a name that are still held"},
    {0},
};

static const struct ctl_option users_options[] = {
    CTL_TABLE_OPTIONS,
    {0, "sort", "COLUMN", "sorted by a column (default: the largest first)"},
    {0},
};

static const struct ctl_option holders_options[] = {
    CTL_TABLE_OPTIONS,
    {'a', "all", NULL, "all objects, summed by process"},
    {0},
};

const struct ctl_verb ctl_list_verbs[] = {
    {"ls", "", 0, 0, "lists objects; also called list", ls_options, run_ls},
    {"users", "", 0, 0, "lists users, what they use and may use", users_options, run_users},
    {"holders", "[OBJECT...]", 0, -1,
	"lists who has objects open, mapped, running or pinned; status 0 if anybody, else 1",
	holders_options, run_holders},
    {0},
};
