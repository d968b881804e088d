/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that tell about the mount, and those that change it; org.shmfs.varlink describes them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "common/log.h"
#include "fuse/notify.h"

void command_get_mount(struct call *call)
{
	const struct server *server = call->server;
	struct shmfs_usage usage;

	shmfs_usage(server->channel.fs, &usage);
	call->answer =
	    json_pack("{s:s,s:s,s:s,s:s,s:i,s:i}", "device", server->handover->mountpoint.device,
		"version", SHMFS_VERSION, "io", tier_name(server->channel.tier), "rules",
		usage.name_max == SHMFS_NAME_MAX ? "linux" : "freebsd", "owner", (int)geteuid(),
		"server", (int)getpid());
	call_set_name(call->answer, "mountpoint", server->handover->mountpoint.path);
}

void command_get_statistics(struct call *call)
{
	const struct server *server = call->server;
	const uint64_t *refused = server->channel.counters->refused;
	struct shmfs_usage usage;

	shmfs_usage(server->channel.fs, &usage);
	call->answer = json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:i,s:I,s:I,s:I,s:I,s:I}",
	    "requests", (json_int_t)server->channel.counters->requests, "size",
	    (json_int_t)(usage.used_pages * SHMFS_PAGE_SIZE), "size_limit",
	    (json_int_t)(usage.limit_pages * SHMFS_PAGE_SIZE), "inodes",
	    (json_int_t)usage.used_nodes, "inodes_limit", (json_int_t)usage.limit_nodes,
	    "descriptors", (json_int_t)usage.handles, "pins", (json_int_t)usage.pins, "arena",
	    (json_int_t)usage.arena_bytes, "clients", (int)server->client_count, "expired",
	    (json_int_t)server->channel.counters->expired, "refused_size",
	    (json_int_t)refused[SHMFS_LIMIT_SIZE], "refused_inodes",
	    (json_int_t)refused[SHMFS_LIMIT_NODES], "refused_user_size",
	    (json_int_t)refused[SHMFS_LIMIT_USER_SIZE], "refused_user_inodes",
	    (json_int_t)refused[SHMFS_LIMIT_USER_NODES]);
}

/* --- limits ----------------------------------------------------------------------------------- */

static json_t *limits_to_json(const struct shmfs_limits *limits)
{
	return json_pack(
	    "{s:I,s:I}", "size", (json_int_t)limits->bytes, "inodes", (json_int_t)limits->nodes);
}

void command_get_limits(struct call *call)
{
	struct shmfs_limits mount, users;

	/* These two are always there. */
	(void)shmfs_get_limits(call->server->channel.fs, SHMFS_SCOPE_MOUNT, 0, &mount);
	(void)shmfs_get_limits(call->server->channel.fs, SHMFS_SCOPE_USERS, 0, &users);
	call->answer = json_pack(
	    "{s:o,s:o}", "mount", limits_to_json(&mount), "users", limits_to_json(&users));
}

static bool get_scope(struct call *call, enum shmfs_scope *out)
{
	static const char *const names[] = {
	    [SHMFS_SCOPE_MOUNT] = "mount",
	    [SHMFS_SCOPE_USERS] = "users",
	    [SHMFS_SCOPE_USER] = "user",
	};
	const char *name = json_string_value(json_object_get(call->params, "scope"));

	for (size_t i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum shmfs_scope)i;
			return true;
		}
	}
	call_refuse_parameter(call, "scope");
	return false;
}

/* What a scope has now; a user who is no exception begins with what counts for all. */
static struct shmfs_limits current_limits(const struct shmfs *fs, enum shmfs_scope scope, uid_t uid)
{
	struct shmfs_limits limits = {0};

	if (shmfs_get_limits(fs, scope, uid, &limits) < 0)
		(void)shmfs_get_limits(fs, SHMFS_SCOPE_USERS, 0, &limits);
	return limits;
}

static void set_limits(struct call *call, enum shmfs_scope scope, uid_t uid, bool inherit)
{
	struct shmfs *fs = call->server->channel.fs;
	struct shmfs_limits limits = current_limits(fs, scope, uid);
	int rc;

	if (!call_get_int(call, "size", INT64_MAX, &limits.bytes) ||
	    !call_get_int(call, "inodes", INT64_MAX, &limits.nodes))
		return;
	shmfs_begin(fs);
	rc = shmfs_set_limits(fs, scope, uid, inherit ? NULL : &limits);
	if (rc < 0) {
		shmfs_rollback(fs);
		call_fail(call, rc);
		return;
	}
	shmfs_commit(fs);
	if (scope == SHMFS_SCOPE_USER)
		log_info("limits of uid %u set by uid %u, pid %ld", uid, call->by.uid,
		    (long)call->peer->pid);
	else
		log_info("limits of %s set by uid %u, pid %ld",
		    scope == SHMFS_SCOPE_MOUNT ? "the mount" : "all users", call->by.uid,
		    (long)call->peer->pid);
	call->answer = json_object();
}

void command_set_limits(struct call *call)
{
	uint64_t uid = UINT32_MAX;
	enum shmfs_scope scope;
	bool inherit = false;

	if (!call->trusted) {
		call_refuse_caller(call);
		return;
	}
	if (!get_scope(call, &scope) || !call_get_int(call, "uid", UINT32_MAX - 1, &uid) ||
	    !call_get_bool(call, "inherit", &inherit))
		return;
	if ((scope == SHMFS_SCOPE_USER) != (uid != UINT32_MAX))
		call_refuse_parameter(call, "uid");
	else if (inherit && scope != SHMFS_SCOPE_USER)
		call_refuse_parameter(call, "inherit");
	else
		set_limits(call, scope, (uid_t)uid, inherit);
}

/* --- pins ------------------------------------------------------------------------------------- */

/* The part that is asked for; without a length, all from the offset on. */
struct part {
	uint64_t id, offset, length;
	bool writes;
};

static bool get_part(struct call *call, struct part *part)
{
	struct shmfs_object object;

	if (!call_get_object(call, &part->id) ||
	    !call_get_int(call, "offset", INT64_MAX, &part->offset) ||
	    !call_get_bool(call, "write", &part->writes))
		return false;
	(void)shmfs_object(call->server->channel.fs, part->id, &object);
	if (!call->trusted && (part->writes || call->by.uid != object.attr.uid)) {
		call_refuse_caller(call);
		return false;
	}
	part->length = object.attr.size > part->offset ? object.attr.size - part->offset : 0;
	return call_get_int(call, "length", INT64_MAX, &part->length);
}

/* The pin is in the arena before anybody has the memory, so that no crash leaves one without the
 * other. */
static int pin(struct call *call, const struct part *part, uint64_t *id)
{
	struct shmfs *fs = call->server->channel.fs;
	int rc = call_ask(call, part->id, SHMFS_ASK_PIN);

	if (rc < 0)
		return rc;
	shmfs_begin(fs);
	rc = shmfs_pin(fs, part->id, part->offset, part->length, part->writes, id);
	if (rc < 0) {
		shmfs_rollback(fs);
		return rc;
	}
	shmfs_commit(fs);
	rc = shmfs_open_pinned(fs, *id, part->writes);
	if (rc < 0) {
		shmfs_begin(fs);
		shmfs_unpin(fs, *id);
		shmfs_commit(fs);
	}
	return rc;
}

void command_pin(struct call *call)
{
	struct peer *peer = call->peer;
	struct shmfs_object object;
	struct part part = {0};
	uint64_t id;
	int rc;

	if (!get_part(call, &part))
		return;
	rc = peer->pin_count < CALL_PINS && !call->oneway ? pin(call, &part, &id) : -EMFILE;
	if (rc < 0) {
		call_fail(call, rc);
		return;
	}
	call->fd = rc;
	peer->pins[peer->pin_count].id = id;
	peer->pins[peer->pin_count++].object = part.id;
	(void)shmfs_object(call->server->channel.fs, part.id, &object);
	call->answer = json_pack("{s:I,s:I,s:I,s:I,s:I}", "pin", (json_int_t)id, "id",
	    (json_int_t)part.id, "offset", (json_int_t)part.offset, "length",
	    (json_int_t)part.length, "size", (json_int_t)object.attr.size);
}

/* Only its own connection knows a pin. */
void command_unpin(struct call *call)
{
	struct peer *peer = call->peer;
	struct shmfs *fs = call->server->channel.fs;
	uint64_t id = 0;

	if (!call_get_int(call, "pin", INT64_MAX, &id))
		return;
	for (unsigned i = 0; i < peer->pin_count; i++) {
		if (peer->pins[i].id != id)
			continue;
		peer->pins[i] = peer->pins[--peer->pin_count];
		shmfs_begin(fs);
		shmfs_unpin(fs, id);
		shmfs_commit(fs);
		call->answer = json_object();
		return;
	}
	call_refuse_parameter(call, "pin");
}

/* --- checks and removal ----------------------------------------------------------------------- */

/* Violations that are told; all are counted. */
#define LINES_MAX 100

static void add_line(void *arg, const char *line)
{
	json_t *lines = arg;

	if (json_array_size(lines) < LINES_MAX)
		(void)json_array_append_new(lines, json_string(line));
}

void command_verify(struct call *call)
{
	json_t *lines;
	unsigned count;

	if (!call->trusted) {
		call_refuse_caller(call);
		return;
	}
	lines = json_array();
	count = shmfs_verify(call->server->channel.fs, add_line, lines);
	call->answer = json_pack("{s:I,s:o}", "violations", (json_int_t)count, "lines", lines);
}

/* Root and the mount's owner; else the object's owner, where he could unlink it. */
static bool may_reap(const struct call *call, const struct shmfs_object *object)
{
	const struct shmfs *fs = call->server->channel.fs;
	char path[SHMFS_PATH_MAX], *slash;
	uint64_t dir;

	if (call->trusted)
		return true;
	if (call->by.uid != object->attr.uid ||
	    shmfs_path(fs, &call->by, object->attr.id, path) < 0)
		return false;
	slash = strrchr(path, '/');
	path[slash != NULL ? slash - path : 0] = '\0';
	return shmfs_find(fs, &call->by, path, &dir) == 0 &&
	       shmfs_access(fs, &call->by, dir, W_OK | X_OK) == 0;
}

/* Names that are taken in one call: an object may have any number. */
#define NAMES_MAX 64

static int reap(struct call *call, uint64_t id, unsigned *names)
{
	struct shmfs *fs = call->server->channel.fs;
	struct shmfs_removal removal;
	int rc = 0;

	for (*names = 0; *names < NAMES_MAX; (*names)++) {
		shmfs_begin(fs);
		rc = shmfs_reap(fs, id, &removal);
		if (rc < 0) {
			shmfs_rollback(fs);
			break;
		}
		notify_removal(&call->server->channel, &removal);
		shmfs_commit(fs);
	}
	return *names > 0 ? 0 : rc;
}

void command_reap(struct call *call)
{
	struct shmfs_object object;
	unsigned names;
	uint64_t id;
	int rc;

	if (!call_get_object(call, &id))
		return;
	(void)shmfs_object(call->server->channel.fs, id, &object);
	if (!may_reap(call, &object) || call_ask(call, id, SHMFS_ASK_MODIFY) < 0) {
		call_refuse_caller(call);
		return;
	}
	rc = reap(call, id, &names);
	if (rc < 0) {
		call_fail(call, rc);
		return;
	}
	log_info("reaped object #%ld, %ld bytes, made by uid %u: uid %u, pid %ld asked for it",
	    (long)id, (long)object.attr.size, object.creator, call->by.uid, (long)call->peer->pid);
	call->answer =
	    json_pack("{s:i,s:I}", "names", (int)names, "size", (json_int_t)object.attr.size);
}
