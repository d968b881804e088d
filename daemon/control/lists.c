/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that list: objects, users, and who holds what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "common/printable.h"
#include "holders.h"
#include "methods.h"

/*
 * A page has so many objects at the most, and looks at so many nodes. It ends earlier if their
 * names are long, as that is what a look costs; for one that cannot be seen the cost is taken to be
 * this.
 */
#define PAGE_OBJECTS 64
#define PAGE_NODES 1024
#define PAGE_NAME_BYTES 16384
#define UNSEEN_BYTES 256
#define PAGE_USERS 256

static json_t *object_to_json(const struct shmfs_object *object, const char *path,
    const char *tenant, const char *label, bool probed, bool held)
{
	json_t *json = json_object();

#define FIELD(key, type, varlink, ...) call_set_##type(json, #key, __VA_ARGS__);
#include "common/tables/object_fields.def"
	return json;
}

/* Where there are policies; else NULL. */
static const char *get_label(struct shmfs *fs, uint64_t id, char out[SHMFS_LABEL_SIZE + 1])
{
	ssize_t length;

	if (shmfs_policies(fs) == 0)
		return NULL;
	length = shmfs_getxattr(fs, NULL, id, "user.shmfs.label", out, SHMFS_LABEL_SIZE);
	if (length <= 0)
		return NULL;
	out[length] = '\0';
	return out;
}

struct page {
	struct call *call;
	json_t *objects;
	size_t name_bytes;
	bool unlinked, probe;
	bool looked; /* at one object at least */
};

static void put_object(struct page *page, const struct shmfs_object *object, const char *path)
{
	struct shmfs *fs = page->call->config->fs;
	char text[SHMFS_LABEL_SIZE + 1], tenant[CALL_TENANT_SIZE];
	const char *label = get_label(fs, object->attr.id, text);
	bool held = page->probe && shmfs_held(fs, object->attr.id) > 0, removed;

	(void)call_name_tenant(page->call, object->tenant, tenant, &removed);
	page->name_bytes += strlen(path) + strlen(tenant) + (label != NULL ? strlen(label) : 0);
	(void)json_array_append_new(
	    page->objects, object_to_json(object, path, tenant, label, page->probe, held));
}

static int add_object(void *arg, const struct shmfs_object *object)
{
	struct page *page = arg;
	char path[SHMFS_PATH_MAX];
	bool sees, first = !page->looked;

	if (object->attr.nlink == 0 && !page->unlinked)
		return 0;
	if (json_array_size(page->objects) >= PAGE_OBJECTS || page->name_bytes > PAGE_NAME_BYTES)
		return 1;
	sees = call_may_see(page->call, object, false, path);
	/* It has all that a call can look at on the next page, and is unseen where that is too
	 * little. */
	if (page->call->work == 0 && !first)
		return 1;
	page->looked = true;
	if (sees)
		put_object(page, object, path);
	else
		page->name_bytes += UNSEEN_BYTES;
	return 0;
}

/* The last page has no cursor. */
static void answer_page(struct call *call, const char *member, json_t *list, uint64_t cursor)
{
	call->answer = json_pack("{s:o}", member, list);
	if (cursor != 0)
		(void)json_object_set_new(call->answer, "cursor", json_integer((json_int_t)cursor));
}

void command_list(struct call *call)
{
	struct page page = {.call = call};
	uint64_t cursor = 0;

	if (!call_get_int(call, "cursor", INT64_MAX, &cursor) ||
	    !call_get_bool(call, "unlinked", &page.unlinked) ||
	    !call_get_bool(call, "probe", &page.probe))
		return;
	page.objects = json_array();
	cursor = shmfs_list(call->config->fs, cursor, PAGE_NODES, add_object, &page);
	answer_page(call, "objects", page.objects, cursor);
}

struct user_page {
	const struct call *call;
	json_t *users;
};

static json_t *user_to_json(const struct shmfs_user *user)
{
	json_t *json = json_object();

#define FIELD(key, type, varlink, ...) call_set_##type(json, #key, __VA_ARGS__);
#include "common/tables/user_fields.def"
	return json;
}

static int add_user(void *arg, const struct shmfs_user *user)
{
	struct user_page *page = arg;

	if (!page->call->by.exempt && page->call->by.uid != user->uid)
		return 0;
	(void)json_array_append_new(page->users, user_to_json(user));
	return 0;
}

void command_list_users(struct call *call)
{
	struct user_page page = {.call = call};
	uint64_t cursor = 0;

	if (!call_get_int(call, "cursor", INT64_MAX, &cursor))
		return;
	page.users = json_array();
	cursor = shmfs_users(call->config->fs, cursor, PAGE_USERS, add_user, &page);
	answer_page(call, "users", page.users, cursor);
}

/* --- tenants ---------------------------------------------------------------------------------- */

struct tenant_page {
	const struct call *call;
	json_t *tenants;
	size_t name_bytes;
};

static json_t *tenant_to_json(const struct shmfs_tenant *tenant, const char *name, bool removed)
{
	json_t *json = json_object();

#define FIELD(key, type, varlink, ...) call_set_##type(json, #key, __VA_ARGS__);
#include "common/tables/tenant_fields.def"
	return json;
}

static int add_tenant(void *arg, const struct shmfs_tenant *tenant)
{
	struct tenant_page *page = arg;
	char name[CALL_TENANT_SIZE];
	bool removed;

	if (json_array_size(page->tenants) >= PAGE_OBJECTS || page->name_bytes > PAGE_NAME_BYTES)
		return 1;
	if ((!page->call->by.exempt && page->call->by.uid != tenant->uid) ||
	    !call_name_tenant(page->call, tenant->number, name, &removed)) {
		page->name_bytes += UNSEEN_BYTES;
		return 0;
	}
	page->name_bytes += strlen(name);
	(void)json_array_append_new(page->tenants, tenant_to_json(tenant, name, removed));
	return 0;
}

void command_list_tenants(struct call *call)
{
	struct tenant_page page = {.call = call};
	uint64_t cursor = 0;

	if (!call_get_int(call, "cursor", INT64_MAX, &cursor))
		return;
	page.tenants = json_array();
	cursor = shmfs_tenants(call->config->fs, cursor, PAGE_NODES, add_tenant, &page);
	answer_page(call, "tenants", page.tenants, cursor);
}

/* --- holders ---------------------------------------------------------------------------------- */

/* Processes in one answer, and objects that are looked at for it. */
#define ANSWER_MAX 2000
#define LOOKS_MAX 4096

void command_holders(struct call *call)
{
	uint64_t id = 0, tenant = 0;
	bool all = false;

	if (!call_get_int(call, "tenant", UINT32_MAX, &tenant) ||
	    !call_get_bool(call, "all", &all) || (!all && !call_get_object(call, &id)))
		return;
	call->scan = holders_prepare(call->config->device, id);
	if (call->scan == NULL) {
		call_fail(call, -ENOMEM);
		return;
	}
	call->scan->tenant = tenant;
	call->scan->question.skip[0] = call->config->supervisor;
	call->scan->question.skip[1] = getpid();
}

static void print_access(unsigned access, char out[8])
{
	size_t length = 0;

	if (access & HOLDER_OPEN)
		out[length++] = access & HOLDER_WRITES ? 'F' : 'f';
	if (access & HOLDER_MAPS)
		out[length++] = 'm';
	if (access & HOLDER_RUNS)
		out[length++] = 'e';
	if (access & HOLDER_PINS)
		out[length++] = 'p';
	out[length] = '\0';
}

/* What one process holds of what the caller may see. */
struct sum {
	uint64_t objects, size;
	unsigned access;
};

static void add_to_sum(struct call *call, const struct holder *holder, struct sum *sum)
{
	struct shmfs_object object;
	char path[SHMFS_PATH_MAX];

	if (shmfs_object(call->config->fs, holder->id, &object) < 0 ||
	    (call->scan->tenant != 0 && object.tenant != call->scan->tenant) ||
	    (!call->by.exempt && !call_may_see(call, &object, call->scan->question.id != 0, path)))
		return;
	sum->objects++;
	sum->size += object.attr.size;
	sum->access |= holder->access;
}

static json_t *holder_to_json(const struct holder *holder, const struct sum *sum, bool all)
{
	char access[8], command[sizeof holder->command];
	json_t *json = json_object();

	print_access(sum->access, access);
	/* A process calls itself what it likes. */
	memcpy(command, holder->command, sizeof command);
	printable_replace(command);
#define FIELD(key, type, varlink, ...) call_set_##type(json, #key, __VA_ARGS__);
#include "common/tables/holder_fields.def"
	return json;
}

void command_holders_found(struct call *call)
{
	const struct scan *scan = call->scan;
	size_t looks = scan->count < LOOKS_MAX || call->by.exempt ? scan->count : LOOKS_MAX;
	json_t *list;
	bool truncated = scan->truncated;

	if (scan->rc < 0) {
		call_fail(call, scan->rc);
		return;
	}
	list = json_array();
	truncated |= scan->count > looks;
	for (size_t i = 0, end; i < looks; i = end) {
		struct sum sum = {0};

		for (end = i; end < looks && scan->holders[end].pid == scan->holders[i].pid; end++)
			add_to_sum(call, &scan->holders[end], &sum);
		if (sum.objects == 0)
			continue;
		truncated |= json_array_size(list) >= ANSWER_MAX;
		if (json_array_size(list) < ANSWER_MAX)
			(void)json_array_append_new(
			    list, holder_to_json(&scan->holders[i], &sum, scan->question.id == 0));
	}
	truncated |= call->work == 0;
	call->answer = json_pack("{s:o,s:b}", "holders", list, "truncated", (int)truncated);
}
