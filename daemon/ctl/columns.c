/* SPDX-License-Identifier: BSD-2-Clause */
/* Columns and their looks; see columns.h. */
#include "columns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "text.h"

/* --- looks: of any member --------------------------------------------------------------------- */

static const char *print_number(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)style;
	snprintf(out, CTL_CELL_SIZE, "%" PRId64, ctl_int(item, member));
	return out;
}

const struct ctl_look ctl_look_number = {true, print_number};

static const char *print_size(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	if (!style->human)
		return print_number(style, member, item, out);
	return ctl_human((uint64_t)ctl_int(item, member), out);
}

const struct ctl_look ctl_look_size = {true, print_size};

static const char *print_user(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	return ctl_user((uid_t)ctl_int(item, member), style->numeric, out);
}

const struct ctl_look ctl_look_user = {false, print_user};

static const char *print_group(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	return ctl_group((gid_t)ctl_int(item, member), style->numeric, out);
}

static const struct ctl_look look_group = {false, print_group};

static const char *print_mode(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)style;
	return ctl_mode((unsigned)ctl_int(item, member), out);
}

static const struct ctl_look look_mode = {false, print_mode};

static const char *print_age(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)style;
	(void)member;
	return ctl_age(ctl_object_age(item), out);
}

static const struct ctl_look look_age = {true, print_age};

static const char *print_text(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	const char *text = json_string_value(json_object_get(item, member));

	(void)style;
	snprintf(out, CTL_CELL_SIZE, "%s", text != NULL ? text : "");
	return out;
}

const struct ctl_look ctl_look_text = {false, print_text};

static const char *print_size_or_none(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	return ctl_int(item, member) == 0 ? strcpy(out, "-") : print_size(style, member, item, out);
}

const struct ctl_look ctl_look_size_or_none = {true, print_size_or_none};

static const char *print_number_or_none(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	return ctl_int(item, member) == 0 ? strcpy(out, "-")
					  : print_number(style, member, item, out);
}

const struct ctl_look ctl_look_number_or_none = {true, print_number_or_none};

/* --- looks: of several members ---------------------------------------------------------------- */

/* posixshmcontrol(1) has a slash before names. */
const char *ctl_object_name(const json_t *object, char out[CTL_CELL_SIZE])
{
	char *path = ctl_get_path(object);

	if (path != NULL) {
		out[0] = '/';
		(void)ctl_escape(path, out + 1, CTL_CELL_SIZE - 1);
	} else {
		snprintf(out, CTL_CELL_SIZE, "#%" PRId64, ctl_int(object, "id"));
	}
	free(path);
	return out;
}

static const char *print_name(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)style;
	(void)member;
	return ctl_object_name(item, out);
}

static const struct ctl_look look_name = {false, print_name};

/* In bytes, as ctl_get_path() has paths. */
static char *name_of(const json_t *item, const char *member)
{
	char hex[64];

	snprintf(hex, sizeof hex, "%s_hex", member);
	return ctl_get_name(item, member, hex);
}

static const char *print_named(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	char *name = name_of(item, member);

	(void)style;
	(void)ctl_escape(name != NULL ? name : "", out, CTL_CELL_SIZE);
	free(name);
	return out;
}

const struct ctl_look ctl_look_named = {false, print_named};

bool ctl_is_tenant(const json_t *item, const char *member, const char *name)
{
	char *own = name_of(item, member);
	bool is_it = own != NULL && strcmp(own, name) == 0;

	free(own);
	return is_it;
}

void ctl_add_mount(struct ctl *ctl, json_t *items)
{
	json_t *mount = ctl_call(ctl, "GetMount", NULL), *item;
	char *path = ctl_get_path(mount);
	size_t index;

	json_array_foreach(items, index, item)
	    ctl_set_name(item, "mount", path != NULL ? path : "");
	free(path);
	json_decref(mount);
}

json_t *ctl_find_tenant(struct ctl *ctl, const char *name)
{
	json_t *tenants = ctl_call_pages(ctl, "ListTenants", "tenants", false, false);
	json_t *tenant, *found = NULL;
	char text[CTL_CELL_SIZE];
	size_t index;

	if (tenants == NULL)
		return NULL;
	json_array_foreach(tenants, index, tenant)
	{
		if (found == NULL && ctl_is_tenant(tenant, "name", name))
			found = json_incref(tenant);
	}
	json_decref(tenants);
	if (found == NULL)
		ctl_warn("%s: no such tenant", ctl_escape(name, text, sizeof text));
	return found;
}

json_t *ctl_of_tenant(json_t *objects, const char *name)
{
	json_t *chosen, *object;
	size_t index;

	if (name == NULL || objects == NULL)
		return objects;
	chosen = json_array();
	json_array_foreach(objects, index, object)
	{
		if (ctl_is_tenant(object, "tenant", name))
			(void)json_array_append(chosen, object);
	}
	json_decref(objects);
	return chosen;
}

/* Of a directory that is gone there is no owner. */
static const char *print_owner(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	return json_object_get(item, member) == NULL ? strcpy(out, "-")
						     : print_user(style, member, item, out);
}

static const struct ctl_look look_owner = {false, print_owner};

static const char *print_refused(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)style;
	(void)member;
	snprintf(out, CTL_CELL_SIZE, "%" PRId64,
	    ctl_int(item, "refused_size") + ctl_int(item, "refused_inodes"));
	return out;
}

static const struct ctl_look look_refused = {true, print_refused};

/* What holds an object that nobody has open or pinned is a mapping; while it is open, only a look
 * through /proc could tell. */
static const char *print_mapped(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	bool open = ctl_int(item, "opens") > 0 || ctl_int(item, "pins") > 0;

	(void)style;
	(void)member;
	return strcpy(out, open ? "?" : json_is_true(json_object_get(item, "held")) ? "yes" : "no");
}

static const struct ctl_look look_mapped = {false, print_mapped};

static const char *print_size_limit(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)member;
	return print_size_or_none(style, "size", json_object_get(item, "limits"), out);
}

static const struct ctl_look look_size_limit = {true, print_size_limit};

static const char *print_inode_limit(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	(void)member;
	return print_number_or_none(style, "inodes", json_object_get(item, "limits"), out);
}

static const struct ctl_look look_inode_limit = {true, print_inode_limit};

/* --- columns ---------------------------------------------------------------------------------- */

#define look_named ctl_look_named
#define look_user ctl_look_user
#define look_text ctl_look_text
#define look_number ctl_look_number
#define look_size ctl_look_size

const struct ctl_column ctl_object_columns[] = {
#define COLUMN(name, member, look, help) {name, member, &look_##look, help},
#include "common/tables/object_fields.def"
    {0},
};

const struct ctl_column ctl_user_columns[] = {
#define COLUMN(name, member, look, help) {name, member, &look_##look, help},
#include "common/tables/user_fields.def"
    {0},
};

const struct ctl_column ctl_tenant_columns[] = {
#define COLUMN(name, member, look, help) {name, member, &look_##look, help},
#include "common/tables/tenant_fields.def"
    {0},
};

const struct ctl_column ctl_holder_columns[] = {
#define COLUMN(name, member, look, help) {name, member, &look_##look, help},
#include "common/tables/holder_fields.def"
    {0},
};
