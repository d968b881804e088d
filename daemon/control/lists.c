/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that list: objects, users, and who holds what. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "holders.h"

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

static json_int_t nanoseconds(const struct timespec *time)
{
	return (json_int_t)time->tv_sec * 1000000000 + time->tv_nsec;
}

static json_t *object_to_json(const struct shmfs_object *object)
{
	const struct shmfs_attr *attr = &object->attr;

	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:I,s:I,s:I,s:I,s:I,s:s,s:b,s:s,s:I,s:I,s:I,"
			 "s:I}",
	    "id", (json_int_t)attr->id, "size", (json_int_t)attr->size, "resident",
	    (json_int_t)attr->blocks * 512, "charged", (json_int_t)object->charged, "uid",
	    (json_int_t)attr->uid, "gid", (json_int_t)attr->gid, "mode", (int)attr->mode, "creator",
	    (json_int_t)object->creator, "nlink", (json_int_t)attr->nlink, "opens",
	    (json_int_t)object->opens, "writers", (json_int_t)object->writers, "pins",
	    (json_int_t)object->pins, "seals", object->seals, "grows", (int)object->grows,
	    "lifetime", attr->expires ? "holders" : "names", "atime", nanoseconds(&attr->atime),
	    "mtime", nanoseconds(&attr->mtime), "ctime", nanoseconds(&attr->ctime), "btime",
	    nanoseconds(&attr->btime));
}

/* Where there are policies. Returns how long it is. */
static size_t add_label(const struct call *call, uint64_t id, json_t *json)
{
	struct shmfs *fs = call->server->channel.fs;
	char label[SHMFS_LABEL_SIZE];
	ssize_t length;

	if (shmfs_policies(fs) == 0)
		return 0;
	length = shmfs_getxattr(fs, NULL, id, "user.shmfs.label", label, sizeof label);
	if (length <= 0)
		return 0;
	(void)json_object_set_new(json, "label", json_stringn(label, (size_t)length));
	return (size_t)length;
}

struct page {
	struct call *call;
	json_t *objects;
	size_t name_bytes;
	bool unlinked, probe;
};

static int add_object(void *arg, const struct shmfs_object *object)
{
	struct page *page = arg;
	char path[SHMFS_PATH_MAX];
	json_t *json;

	if (object->attr.nlink == 0 && !page->unlinked)
		return 0;
	if (json_array_size(page->objects) >= PAGE_OBJECTS || page->name_bytes > PAGE_NAME_BYTES)
		return 1;
	if (!call_may_see(page->call, object, path)) {
		page->name_bytes += UNSEEN_BYTES;
		return 0;
	}
	page->name_bytes += strlen(path);
	json = object_to_json(object);
	page->name_bytes += add_label(page->call, object->attr.id, json);
	if (path[0] != '\0')
		call_set_name(json, "path", path);
	if (page->probe)
		(void)json_object_set_new(json, "held",
		    json_boolean(shmfs_held(page->call->server->channel.fs, object->attr.id) > 0));
	(void)json_array_append_new(page->objects, json);
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
	cursor = shmfs_list(call->server->channel.fs, cursor, PAGE_NODES, add_object, &page);
	answer_page(call, "objects", page.objects, cursor);
}

struct user_page {
	const struct call *call;
	json_t *users;
};

static int add_user(void *arg, const struct shmfs_user *user)
{
	struct user_page *page = arg;

	if (!page->call->trusted && page->call->by.uid != user->uid)
		return 0;
	(void)json_array_append_new(
	    page->users, json_pack("{s:I,s:I,s:I,s:{s:I,s:I},s:b}", "uid", (json_int_t)user->uid,
			     "size", (json_int_t)user->bytes, "inodes", (json_int_t)user->nodes,
			     "limits", "size", (json_int_t)user->limits.bytes, "inodes",
			     (json_int_t)user->limits.nodes, "exception", (int)user->exception));
	return 0;
}

void command_list_users(struct call *call)
{
	struct user_page page = {.call = call};
	uint64_t cursor = 0;

	if (!call_get_int(call, "cursor", INT64_MAX, &cursor))
		return;
	page.users = json_array();
	cursor = shmfs_users(call->server->channel.fs, cursor, PAGE_USERS, add_user, &page);
	answer_page(call, "users", page.users, cursor);
}

/* --- holders ---------------------------------------------------------------------------------- */

/* Processes in one answer, and objects that are looked at for it. */
#define ANSWER_MAX 2000
#define LOOKS_MAX 4096

void command_holders(struct call *call)
{
	uint64_t id = 0;
	bool all = false;

	if (!call_get_bool(call, "all", &all) || (!all && !call_get_object(call, &id)))
		return;
	call->scan = holders_prepare(call->server->handover->mountpoint.device, id);
	if (call->scan == NULL) {
		call_fail(call, -ENOMEM);
		return;
	}
	call->scan->skip[0] = call->server->handover->supervisor;
	call->scan->skip[1] = getpid();
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

/* Commands are bytes that a process chose. */
static json_t *command_to_json(const char *command)
{
	char text[sizeof((struct holder *)0)->command];

	for (size_t i = 0; i < sizeof text; i++)
		text[i] = command[i] == '\0' || (command[i] >= ' ' && command[i] <= '~')
			      ? command[i]
			      : '?';
	text[sizeof text - 1] = '\0';
	return json_string(text);
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

	if (shmfs_object(call->server->channel.fs, holder->id, &object) < 0 ||
	    (!call->trusted && !call_may_see(call, &object, path)))
		return;
	sum->objects++;
	sum->size += object.attr.size;
	sum->access |= holder->access;
}

static json_t *holder_to_json(const struct holder *holder, const struct sum *sum, bool all)
{
	char access[8];
	json_t *json;

	print_access(sum->access, access);
	json = json_pack("{s:i,s:I,s:o,s:s}", "pid", (int)holder->pid, "uid",
	    (json_int_t)holder->uid, "command", command_to_json(holder->command), "access", access);
	if (all) {
		(void)json_object_set_new(json, "objects", json_integer((json_int_t)sum->objects));
		(void)json_object_set_new(json, "size", json_integer((json_int_t)sum->size));
	}
	return json;
}

void holders_answer(struct call *call, const struct scan *scan)
{
	size_t looks = scan->count < LOOKS_MAX || call->trusted ? scan->count : LOOKS_MAX;
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
			    list, holder_to_json(&scan->holders[i], &sum, scan->id == 0));
	}
	call->answer = json_pack("{s:o,s:b}", "holders", list, "truncated", (int)truncated);
}
