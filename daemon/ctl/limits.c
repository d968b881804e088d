/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits: shown, and changed while the mount is in use. */
#include <string.h>

#include "client.h"
#include "columns.h"
#include "text.h"

#define NO_LIMIT_OF_ROOT "root has no limit of its own: limit the mount, or users"

/* --- the table -------------------------------------------------------------------------------- */

static const char *print_scope(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	const char *scope = json_string_value(json_object_get(item, "scope"));

	(void)member;
	if (scope == NULL)
		return ctl_look_user.print(style, "uid", item, out);
	snprintf(out, CTL_CELL_SIZE, "%s", scope);
	return out;
}

static const struct ctl_look look_scope = {false, print_scope};

static const struct ctl_column columns[] = {
    {"SCOPE", NULL, &look_scope, "mount, users, or one user who is an exception"},
    {"SIZE", "size", &ctl_look_size_or_none, "memory; - if there is no limit"},
    {"INODES", "inodes", &ctl_look_number_or_none, "objects, directories and names"},
    {0},
};

static const struct ctl_table table = {
    .columns = columns,
    .usual = "SCOPE,SIZE,INODES",
    .member = "limits",
};

static void add_scope(json_t *list, const json_t *limits, const char *scope)
{
	json_t *item = json_deep_copy(json_object_get(limits, scope));

	(void)json_object_set_new(item, "scope", json_string(scope));
	(void)json_array_append_new(list, item);
}

static void add_exceptions(json_t *list, const json_t *users)
{
	const json_t *user;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)users, index, user)
	{
		json_t *item;

		if (!json_is_true(json_object_get(user, "exception")))
			continue;
		item = json_deep_copy(json_object_get(user, "limits"));
		(void)json_object_set(item, "uid", json_object_get(user, "uid"));
		(void)json_array_append_new(list, item);
	}
}

/* Of one scope alone: of a user, what counts for it, be that its own or what all users have. */
static json_t *pick_scope(const json_t *all, const char *name, uid_t uid)
{
	const json_t *item, *users = NULL;
	json_t *picked = json_array(), *own;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)all, index, item)
	{
		const char *scope = json_string_value(json_object_get(item, "scope"));

		if (scope != NULL ? strcmp(scope, name) == 0 : (uid_t)ctl_int(item, "uid") == uid)
			(void)json_array_append(picked, (json_t *)(uintptr_t)item);
		if (scope != NULL && strcmp(scope, "users") == 0)
			users = item;
	}
	if (json_array_size(picked) > 0)
		return picked;
	own = json_deep_copy(users);
	(void)json_object_del(own, "scope");
	(void)json_object_set_new(own, "uid", json_integer(uid));
	(void)json_array_append_new(picked, own);
	return picked;
}

static bool is_scope(const char *name)
{
	return strcmp(name, "mount") == 0 || strcmp(name, "users") == 0;
}

/* The limits of one scope, which is named, or all that there are. */
static int show(struct ctl *ctl, const char *name)
{
	uid_t uid = (uid_t)-1;

	json_t *limits, *users, *list;
	int status;

	if (name != NULL && !is_scope(name) && !ctl_read_user(name, &uid))
		return ctl_misused("there is no user '%s'", name);
	if (uid == 0)
		return ctl_misused(NO_LIMIT_OF_ROOT);
	limits = ctl_call(ctl, "GetLimits", NULL);
	if (limits == NULL)
		return CTL_FAILED;
	users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	if (users == NULL) {
		json_decref(limits);
		return CTL_FAILED;
	}
	list = json_array();
	add_scope(list, limits, "mount");
	add_scope(list, limits, "users");
	add_exceptions(list, users);
	if (name != NULL) {
		json_t *all = list;

		list = pick_scope(all, name, uid);
		json_decref(all);
	}
	status = ctl_print_table(ctl, &table, list);
	json_decref(list);
	json_decref(users);
	json_decref(limits);
	return status;
}

/* --- changes ---------------------------------------------------------------------------------- */

static int add_scope_of(json_t *params, const char *name)
{
	uid_t uid;

	if (is_scope(name)) {
		(void)json_object_set_new(params, "scope", json_string(name));
		return CTL_OK;
	}
	if (!ctl_read_user(name, &uid))
		return ctl_misused("there is no user '%s'", name);
	if (uid == 0)
		return ctl_misused(NO_LIMIT_OF_ROOT);
	(void)json_object_set_new(params, "scope", json_string("user"));
	(void)json_object_set_new(params, "uid", json_integer(uid));
	return CTL_OK;
}

static int make_change(const struct ctl *ctl, json_t *params)
{
	const char *size = ctl_value(ctl, "size"), *inodes = ctl_value(ctl, "inodes");
	bool inherit = ctl_value(ctl, "inherit") != NULL;
	int status = add_scope_of(params, ctl->arguments[0]);

	if (status != CTL_OK)
		return status;
	if (inherit && (size != NULL || inodes != NULL))
		return ctl_misused("--inherit goes with no other limit");
	if (!ctl_add_part_of_memory(params, "size", size))
		return ctl_misused("'%s' is no size: bytes, with k, m, g or t, or N%%", size);
	if (!ctl_add_size(params, "inodes", inodes))
		return ctl_misused("'%s' is no number", inodes);
	if (inherit)
		(void)json_object_set_new(params, "inherit", json_true());
	return CTL_OK;
}

static int run_limits(struct ctl *ctl)
{
	bool changes = ctl_value(ctl, "size") != NULL || ctl_value(ctl, "inodes") != NULL ||
		       ctl_value(ctl, "inherit") != NULL;
	json_t *params, *answer;
	int status;

	if (changes && ctl->count == 0)
		return ctl_misused("'limits' needs to know whose: mount, users or a user");
	if (!changes)
		return show(ctl, ctl->count > 0 ? ctl->arguments[0] : NULL);
	params = json_object();
	status = make_change(ctl, params);
	if (status != CTL_OK) {
		json_decref(params);
		return status;
	}
	answer = ctl_call(ctl, "SetLimits", params);
	json_decref(answer);
	return answer != NULL ? CTL_OK : CTL_FAILED;
}

static const struct ctl_option options[] = {
    CTL_TABLE_OPTIONS,
    {'s', "size", "SIZE", "memory, with k, m, g or t, or N% of the machine's; 0 for no limit"},
    {'i', "inodes", "N", "objects, directories and names; 0 for no limit"},
    {0, "inherit", NULL, "the user has the limits of all users again"},
    {0},
};

const struct ctl_verb ctl_limit_verbs[] = {
    {"limits", "[mount | users | USER]", 0, 1,
	"shows the limits, or changes those of the mount, of each user, or of one user", options,
	run_limits, columns},
    {0},
};
