/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs that list: objects, users, and who holds what. */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "client.h"
#include "columns.h"
#include "servers.h"
#include "text.h"

/* --- ls --------------------------------------------------------------------------------------- */

static const struct ctl_table object_table = {
    .columns = ctl_object_columns,
    .usual = "MODE,OWNER,GROUP,SIZE,PATH",
    .member = "objects",
    .tabs = true,
};

static const struct ctl_table all_mounts_table = {
    .columns = ctl_object_columns,
    .usual = "MOUNT,MODE,OWNER,GROUP,SIZE,PATH",
    .member = "objects",
};

static bool wants_column(const struct ctl *ctl, const char *name)
{
	const char *names = ctl_value(ctl, "o"), *by = ctl_value(ctl, "sort");

	return (names != NULL && strcasestr(names, name) != NULL) ||
	       (by != NULL && strcasecmp(by, name) == 0);
}

/* By its name, by a pattern of fnmatch(3), or since it is below a directory. */
static bool is_meant(const char *argument, const char *path)
{
	size_t length = strlen(argument);

	return strcmp(argument, path) == 0 || fnmatch(argument, path, 0) == 0 ||
	       (strncmp(argument, path, length) == 0 && path[length] == '/');
}

/* The objects that an argument means, added to those that are to be shown. */
static bool add_meant(struct ctl *ctl, const char *argument, const json_t *objects, json_t *to)
{
	const char *name = ctl_relative(ctl, argument);
	size_t before = json_array_size(to), index;
	char escaped[PATH_MAX];
	const json_t *object;

	json_array_foreach((json_t *)(uintptr_t)objects, index, object)
	{
		char *path = ctl_get_path(object);

		if (path != NULL && (name[0] == '\0' || is_meant(name, path)))
			(void)json_array_append(to, (json_t *)(uintptr_t)object);
		free(path);
	}
	if (json_array_size(to) > before)
		return true;
	ctl_warn("%s: no such object", ctl_escape(argument, escaped, sizeof escaped));
	return false;
}

/* Takes the list over, and returns one with what the arguments mean; all of them, if there is none.
 */
static json_t *choose_meant(struct ctl *ctl, json_t *objects, bool *all_known)
{
	json_t *meant;

	if (ctl->count == 0)
		return objects;
	/* For the mount point, which names may begin with. */
	if (!ctl_open_root(ctl)) {
		json_decref(objects);
		return NULL;
	}
	meant = json_array();
	for (int i = 0; i < ctl->count; i++)
		*all_known &= add_meant(ctl, ctl->arguments[i], objects, meant);
	json_decref(objects);
	return meant;
}

static json_t *list_objects(struct ctl *ctl)
{
	bool probe = wants_column(ctl, "MAPPED") || ctl_value(ctl, "J") != NULL;
	json_t *objects =
	    ctl_call_pages(ctl, "List", "objects", ctl_value(ctl, "unlinked") != NULL, probe);

	return ctl_of_tenant(objects, ctl_value(ctl, "tenant"));
}

struct collection {
	const struct ctl *asked;
	json_t *objects;
	bool complete;
};

/* Adds the objects of one mount, each with the mount. */
static void add_mount(void *arg, int fd)
{
	struct collection *collection = arg;
	struct ctl ctl = *collection->asked;
	json_t *objects;

	ctl.socket = fd;
	objects = list_objects(&ctl);
	collection->complete &= objects != NULL;
	if (objects != NULL)
		ctl_add_mount(&ctl, objects);
	(void)json_array_extend(collection->objects, objects);
	json_decref(objects);
	ctl_disconnect(&ctl);
}

static int run_ls_of_all(struct ctl *ctl)
{
	struct collection collection = {ctl, json_array(), true};
	const char *by = ctl_value(ctl, "sort");
	int status;

	if (ctl->count > 0) {
		json_decref(collection.objects);
		return ctl_misused("--all-mounts goes with no object");
	}
	servers_each(add_mount, &collection);
	status = ctl_sort(ctl, ctl_object_columns, by != NULL ? by : "MOUNT",
	    ctl_value(ctl, "r") != NULL, collection.objects);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &all_mounts_table, collection.objects);
	json_decref(collection.objects);
	return status == CTL_OK && !collection.complete ? CTL_FAILED : status;
}

static int run_ls(struct ctl *ctl)
{
	const char *by = ctl_value(ctl, "sort");
	bool known = true;
	json_t *objects;
	int status;

	if (ctl_value(ctl, "all-mounts") != NULL)
		return run_ls_of_all(ctl);
	objects = list_objects(ctl);
	if (objects != NULL)
		objects = choose_meant(ctl, objects, &known);
	if (objects == NULL)
		return CTL_FAILED;
	if (!known && json_array_size(objects) == 0) {
		json_decref(objects);
		return CTL_FAILED;
	}
	status = ctl_sort(ctl, ctl_object_columns, by != NULL ? by : "NAME",
	    ctl_value(ctl, "r") != NULL, objects);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &object_table, objects);
	json_decref(objects);
	return status == CTL_OK && !known ? CTL_FAILED : status;
}

/* --- users ------------------------------------------------------------------------------------ */

static const struct ctl_table user_table = {
    .columns = ctl_user_columns,
    .usual = "USER,SIZE,SIZE-LIMIT,INODES,INODE-LIMIT",
    .member = "users",
};

/* There are accounts of users, and of tenants, but none of a user in a tenant. */
static const struct ctl_table user_in_tenant_table = {
    .columns = ctl_user_columns,
    .usual = "USER,SIZE",
    .member = "users",
};

static void charge(json_t *users, const json_t *object)
{
	int64_t uid = ctl_int(object, "creator"), size = ctl_int(object, "charged");
	json_t *user;
	size_t index;

	json_array_foreach(users, index, user)
	{
		if (ctl_int(user, "uid") != uid)
			continue;
		(void)json_object_set_new(user, "size", json_integer(ctl_int(user, "size") + size));
		return;
	}
	(void)json_array_append_new(
	    users, json_pack("{s:I, s:I}", "uid", (json_int_t)uid, "size", (json_int_t)size));
}

/* What its objects are charged to whom, those without a name too. */
static json_t *users_of_tenant(struct ctl *ctl, const char *name)
{
	json_t *tenant = ctl_find_tenant(ctl, name), *objects, *object, *users;
	size_t index;

	if (tenant == NULL)
		return NULL;
	json_decref(tenant);
	objects = ctl_of_tenant(ctl_call_pages(ctl, "List", "objects", true, false), name);
	if (objects == NULL)
		return NULL;
	users = json_array();
	json_array_foreach(objects, index, object) charge(users, object);
	json_decref(objects);
	return users;
}

static int run_users(struct ctl *ctl)
{
	const char *by = ctl_value(ctl, "sort"), *tenant = ctl_value(ctl, "tenant");
	json_t *users = tenant != NULL ? users_of_tenant(ctl, tenant)
				       : ctl_call_pages(ctl, "ListUsers", "users", false, false);
	int status;

	if (users == NULL)
		return CTL_FAILED;
	status = ctl_sort(ctl, ctl_user_columns, by != NULL ? by : "SIZE", by == NULL, users);
	if (status == CTL_OK)
		status = ctl_print_table(
		    ctl, tenant != NULL ? &user_in_tenant_table : &user_table, users);
	json_decref(users);
	return status;
}

/* --- holders ---------------------------------------------------------------------------------- */

static const struct ctl_table holder_table = {
    .columns = ctl_holder_columns,
    .usual = "USER,PID,ACCESS,COMMAND",
    .member = "holders",
};

/* Of several objects, each line says which; of all, how many. */
static const struct ctl_table several_table = {
    .columns = ctl_holder_columns,
    .usual = "NAME,USER,PID,ACCESS,COMMAND",
    .member = "holders",
};

static const struct ctl_table all_table = {
    .columns = ctl_holder_columns,
    .usual = "USER,PID,OBJECTS,SIZE,ACCESS,COMMAND",
    .member = "holders",
};

/* The one that is asked for, by its number. */
static bool add_tenant(struct ctl *ctl, json_t *params)
{
	const char *name = ctl_value(ctl, "tenant");
	json_t *tenant;

	if (name == NULL)
		return true;
	tenant = ctl_find_tenant(ctl, name);
	if (tenant == NULL)
		return false;
	(void)json_object_set(params, "tenant", json_object_get(tenant, "id"));
	json_decref(tenant);
	return true;
}

/* The holders of one object (NULL: of all), added to a list with the object's path. */
static bool add_holders(struct ctl *ctl, const char *name, json_t *list)
{
	json_t *params = json_object(), *answer = NULL, *item;
	char escaped[PATH_MAX];
	size_t index;
	int rc;

	if (name != NULL)
		ctl_set_path(params, name);
	else
		(void)json_object_set_new(params, "all", json_true());
	if (!ctl_connect(ctl) || !add_tenant(ctl, params)) {
		json_decref(params);
		return false;
	}
	rc = ctl_try(ctl, "Holders", params, &answer);
	if (rc < 0) {
		ctl_warn("%s: %s",
		    name != NULL ? ctl_escape(name, escaped, sizeof escaped) : "Holders",
		    strerror(-rc));
		return false;
	}
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
	if (!known && json_array_size(list) == 0) {
		json_decref(list);
		return HOLDERS_FAILED;
	}
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
    {0, "tenant", "NAME", "only objects of a tenant"},
    {0, "all-mounts", NULL, "of all mounts that can be reached from here"},
    {0},
};

static const struct ctl_option users_options[] = {
    CTL_TABLE_OPTIONS,
    {0, "sort", "COLUMN", "sorted by a column (default: the largest first)"},
    {0, "tenant", "NAME", "the memory that objects of a tenant are charged for"},
    {0},
};

static const struct ctl_option holders_options[] = {
    CTL_TABLE_OPTIONS,
    {'a', "all", NULL, "all objects, summed by process"},
    {0, "tenant", "NAME", "only objects of a tenant"},
    {0},
};

const struct ctl_verb ctl_list_verbs[] = {
    {"ls", "[OBJECT...]", 0, -1,
	"lists objects, all or some: by name, directory or pattern; also called list", ls_options,
	run_ls, ctl_object_columns},
    {"users", "", 0, 0, "lists users, what they use and may use", users_options, run_users,
	ctl_user_columns},
    {"holders", "[OBJECT...]", 0, -1,
	"lists who has objects open, mapped, running or pinned; status 0 if anybody, else 1",
	holders_options, run_holders, ctl_holder_columns},
    {0},
};
