/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods that tell about the mount, and those that change it; org.shmfs.varlink describes them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "call.h"
#include "common/log.h"
#include "methods.h"

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
#include "common/metrics.def"
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
	log_info("reaped object #%ld, %ld bytes, made by uid %u: uid %u, pid %ld asked for it",
	    (long)id, (long)object.attr.size, object.creator, call->by.uid, (long)call->peer->pid);
	call->answer =
	    json_pack("{s:i,s:I}", "names", (int)names, "size", (json_int_t)object.attr.size);
}
