/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that tell about the mount, and those that change it; org.shmfs.varlink describes them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "common/log.h"
#include "common/printable.h"
#include "fs/failpoint.h"
#include "methods.h"
#include "roles/request.h"

void command_get_mount(struct call *call)
{
	const struct control_config *config = call->config;
	struct shmfs_usage usage;

	shmfs_usage(config->fs, &usage);
	call->answer = json_pack("{s:s,s:s,s:s,s:s,s:s,s:i,s:i}", "device", config->device,
	    "version", SHMFS_VERSION, "io", config->tier, "memory", config->memory, "rules",
	    usage.name_max == SHMFS_NAME_MAX ? "linux" : "freebsd", "owner", (int)geteuid(),
	    "server", (int)getpid());
	call_set_name(call->answer, "mountpoint", config->mountpoint);
}

static json_t *statistics_to_json(
    const struct shmfs_usage *usage, const struct counters *counters, unsigned clients)
{
	json_t *json = json_object();

#define VALUE(member, labels, value) call_set_int(json, #member, value);
#include "common/tables/metrics.def"
	return json;
}

/* Everybody moves these numbers, whatever its label: where policies keep users apart, they would
 * tell one what another does. */
void command_get_statistics(struct call *call)
{
	struct shmfs_usage usage;

	if (!call->by.exempt && shmfs_policies(call->config->fs) != 0) {
		call_refuse_caller(call);
		return;
	}
	shmfs_usage(call->config->fs, &usage);
	call->answer = statistics_to_json(&usage, call->config->counters, call->clients);
}

/* --- limits ----------------------------------------------------------------------------------- */

void command_get_limits(struct call *call)
{
	struct shmfs_limits mount, users;

	/* These two are always there. */
	(void)shmfs_get_limits(call->config->fs, SHMFS_SCOPE_MOUNT, 0, &mount);
	(void)shmfs_get_limits(call->config->fs, SHMFS_SCOPE_USERS, 0, &users);
	call->answer = json_object();
	call_set_limits(call->answer, "mount", &mount);
	call_set_limits(call->answer, "users", &users);
}

static bool get_scope(struct call *call, enum shmfs_scope *out)
{
	static const char *const names[] = {
	    [SHMFS_SCOPE_MOUNT] = "mount",
	    [SHMFS_SCOPE_USERS] = "users",
	    [SHMFS_SCOPE_USER] = "user",
	};
	const char *name = call->request->scope;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
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
	struct shmfs *fs = call->config->fs;
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

	if (!call->by.exempt) {
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

/* --- tenants ---------------------------------------------------------------------------------- */

static bool get_tenant_limits(struct call *call, struct shmfs_limits *out)
{
	return call_get_int(call, "size", INT64_MAX, &out->bytes) &&
	       call_get_int(call, "inodes", INT64_MAX, &out->nodes);
}

static bool get_tenant_config(struct call *call, struct shmfs_tenant_config *out)
{
	uint64_t mode, uid = call->by.uid, gid = call->by.gid;
	struct shmfs_usage usage;

	shmfs_usage(call->config->fs, &usage);
	mode = usage.name_max == SHMFS_NAME_MAX ? 01777 : 0777;
	*out = (struct shmfs_tenant_config){.mode = 0};
	if (!get_tenant_limits(call, &out->limits) || !call_get_int(call, "mode", 07777, &mode) ||
	    !call_get_int(call, "uid", UINT32_MAX - 1, &uid) ||
	    !call_get_int(call, "gid", UINT32_MAX - 1, &gid))
		return false;
	out->mode = (mode_t)mode;
	out->uid = (uid_t)uid;
	out->gid = (gid_t)gid;
	return true;
}

static void log_tenant(const struct call *call, const char *what, uint32_t number)
{
	char name[CALL_TENANT_SIZE], text[512];
	bool removed;

	(void)call_name_tenant(call, number, name, &removed);
	(void)printable_escape(name, "'", text, sizeof text);
	log_info(
	    "tenant '%s' %s by uid %u, pid %ld", text, what, call->by.uid, (long)call->peer->pid);
}

void command_create_tenant(struct call *call)
{
	struct shmfs *fs = call->config->fs;
	struct shmfs_tenant_config config;
	char path[SHMFS_PATH_MAX];
	struct shmfs_made made;
	int rc;

	if (!call->by.exempt) {
		call_refuse_caller(call);
		return;
	}
	if (!call_get_path(call, path) || !get_tenant_config(call, &config))
		return;
	shmfs_begin(fs);
	rc = shmfs_tenant_create(fs, &call->by, path, &config, &made);
	if (rc < 0) {
		shmfs_rollback(fs);
		call_fail(call, rc);
		return;
	}
	call->config->made(call->config->arg, made.dir);
	failpoint("tenant half made");
	shmfs_commit(fs);
	log_tenant(call, "made", made.tenant);
	call->answer = json_pack("{s:I}", "id", (json_int_t)made.tenant);
}

/* The tenant that "id", "path" or "path_hex" says, and that the policies let the caller change. */
static bool get_tenant(struct call *call, struct shmfs_tenant *out)
{
	const struct shmfs *fs = call->config->fs;
	uint64_t number = 0, dir = 0;
	char path[SHMFS_PATH_MAX];
	int rc = 0;

	if (!call_get_int(call, "id", UINT32_MAX, &number))
		return false;
	if (number == 0) {
		if (!call_get_path(call, path))
			return false;
		rc = shmfs_find(fs, &call->by, path, &dir);
		number = rc == 0 ? shmfs_tenant_at(fs, dir) : 0;
	}
	if (rc == 0)
		rc = shmfs_tenant(fs, (uint32_t)number, out);
	if (rc < 0) {
		call_fail(call, rc);
		return false;
	}
	if (shmfs_policies(fs) == 0 || call_ask(call, out->dir, SHMFS_ASK_MODIFY) == 0)
		return true;
	call_refuse_caller(call);
	return false;
}

void command_set_tenant(struct call *call)
{
	struct shmfs *fs = call->config->fs;
	struct shmfs_tenant tenant;

	if (!call->by.exempt) {
		call_refuse_caller(call);
		return;
	}
	if (!get_tenant(call, &tenant) || !get_tenant_limits(call, &tenant.limits))
		return;
	shmfs_begin(fs);
	/* It is there, and the limits are none that are refused. */
	(void)shmfs_tenant_set_limits(fs, tenant.number, &tenant.limits);
	failpoint("tenant half limited");
	shmfs_commit(fs);
	log_tenant(call, "limited", tenant.number);
	call->answer = json_object();
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

	if (!call->by.exempt) {
		call_refuse_caller(call);
		return;
	}
	lines = json_array();
	count = shmfs_verify(call->config->fs, add_line, lines);
	call->answer = json_pack("{s:I,s:o}", "violations", (json_int_t)count, "lines", lines);
}

/* Names that are taken in one call: an object may have any number. */
#define NAMES_MAX 64

static int reap(struct call *call, uint64_t id, unsigned *names)
{
	struct shmfs *fs = call->config->fs;
	struct shmfs_removal removal;
	int rc = 0;

	for (*names = 0; *names < NAMES_MAX; (*names)++) {
		shmfs_begin(fs);
		rc = shmfs_reap(fs, &call->by, id, &removal);
		if (rc < 0) {
			shmfs_rollback(fs);
			break;
		}
		call->config->removed(call->config->arg, &removal);
		shmfs_commit(fs);
	}
	return *names > 0 ? 0 : rc;
}

static void log_reaping(const struct call *call, uint64_t id, const struct shmfs_object *object)
{
	unsigned long left_out;

	if (!log_may(call->config->removals, &left_out))
		return;
	log_info("reaped object #%ld, %ld bytes, made by uid %u: uid %u, pid %ld asked for it",
	    (long)id, (long)object->attr.size, object->creator, call->by.uid,
	    (long)call->peer->pid);
	if (left_out > 0)
		log_info("%lu removals before that were not logged", left_out);
}

void command_reap(struct call *call)
{
	struct shmfs_object object;
	unsigned names;
	uint64_t id;
	int rc;

	if (!call_get_object(call, &id))
		return;
	(void)shmfs_object(call->config->fs, id, &object);
	/* Root and the mount's owner, or the object's. */
	if ((!call->by.exempt && call->by.uid != object.attr.uid) ||
	    call_ask(call, id, SHMFS_ASK_MODIFY) < 0) {
		call_refuse_caller(call);
		return;
	}
	rc = reap(call, id, &names);
	if (rc == -EACCES) {
		call_refuse_caller(call);
		return;
	}
	if (rc < 0) {
		call_fail(call, rc);
		return;
	}
	log_reaping(call, id, &object);
	call->answer =
	    json_pack("{s:i,s:I}", "names", (int)names, "size", (json_int_t)object.attr.size);
}
