/* SPDX-License-Identifier: BSD-2-Clause */
/* What methods share; see call.h. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/hex.h"
#include "holders.h"
#include "roles/request.h"

void call_fail_with(struct call *call, const char *error, json_t *parameters)
{
	json_decref(call->answer);
	call->answer = parameters;
	call->error = error;
}

void call_fail(struct call *call, int rc)
{
	call_fail_with(call, "org.shmfs.SystemError",
	    json_pack("{s:i,s:s}", "errno", -rc, "message", strerror(-rc)));
}

void call_refuse_parameter(struct call *call, const char *name)
{
	call_fail_with(
	    call, "org.varlink.service.InvalidParameter", json_pack("{s:s}", "parameter", name));
}

void call_refuse_caller(struct call *call)
{
	call_fail_with(call, "org.varlink.service.PermissionDenied", json_object());
}

bool call_begin(struct call *call, const struct control_config *config, struct peer *peer,
    gid_t groups[CALL_GROUPS_MAX])
{
	struct ucred cred;
	socklen_t size = sizeof cred, groups_size = CALL_GROUPS_MAX * sizeof groups[0];

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0)
		return false;
	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
		groups_size = 0;
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	*call = (struct call){
	    .config = config,
	    .peer = peer,
	    .by = {cred.uid, cred.gid, groups, groups_size / sizeof groups[0], cred.pid, false,
		&call->work},
	    .work = CALL_WORK,
	};
	return true;
}

char *call_reply(const struct call *call, size_t *size)
{
	json_t *reply;
	char *text;

	if (call->oneway)
		return NULL;
	reply = json_pack("{s:O?}", "parameters", call->answer);
	if (reply != NULL && call->error != NULL &&
	    json_object_set_new(reply, "error", json_string(call->error)) < 0) {
		json_decref(reply);
		return NULL;
	}
	text = json_dumps(reply, JSON_COMPACT);
	json_decref(reply);
	/* The NUL that ends the string ends the message. */
	*size = text != NULL ? strlen(text) + 1 : 0;
	return text;
}

void call_end(struct call *call)
{
	if (call->scan != NULL)
		holders_free(call->scan);
	json_decref(call->answer);
	call->answer = NULL;
	call->scan = NULL;
}

/* --- parameters and names --------------------------------------------------------------------- */

bool call_get_int(struct call *call, const char *name, uint64_t max, uint64_t *out)
{
	const struct value *value = request_value(call->request, name);

	if (value->kind == VALUE_NONE)
		return true;
	if (value->kind != VALUE_NUMBER || value->number < 0 || (uint64_t)value->number > max) {
		call_refuse_parameter(call, name);
		return false;
	}
	*out = (uint64_t)value->number;
	return true;
}

bool call_get_bool(struct call *call, const char *name, bool *out)
{
	const struct value *value = request_value(call->request, name);

	if (value->kind == VALUE_NONE)
		return true;
	if (value->kind != VALUE_TRUTH) {
		call_refuse_parameter(call, name);
		return false;
	}
	*out = value->number != 0;
	return true;
}

bool call_get_path(struct call *call, char out[SHMFS_PATH_MAX])
{
	uint32_t path = call->request->values[PARAMETER_path].kind;
	uint32_t hex = call->request->values[PARAMETER_path_hex].kind;
	bool is_hex =
	    path != VALUE_TEXT && path != VALUE_LONG && (hex == VALUE_TEXT || hex == VALUE_LONG);

	if ((is_hex ? hex : path) == VALUE_TEXT) {
		snprintf(out, SHMFS_PATH_MAX, "%s", call->request->path);
		return true;
	}
	call_refuse_parameter(call, is_hex ? "path_hex" : "path");
	return false;
}

int call_ask(const struct call *call, uint64_t id, enum shmfs_ask what)
{
	struct shmfs_cred cred = {.uid = call->by.uid, .gid = call->by.gid, .pid = call->by.pid};

	return shmfs_ask(call->config->fs, &cred, id, what);
}

/* One that the caller may not see is as if it were not there. */
static bool check_object(struct call *call, uint64_t id, bool named)
{
	struct shmfs_object object;
	char path[SHMFS_PATH_MAX];
	int rc = call_ask(call, id, SHMFS_ASK_OBSERVE) < 0
		     ? -ESTALE
		     : shmfs_object(call->config->fs, id, &object);

	if (rc == 0 && !call_may_see(call, &object, named, path))
		rc = -ESTALE;
	if (rc < 0)
		call_fail(call, rc == -ESTALE ? -ENOENT : rc);
	return rc == 0;
}

bool call_get_object(struct call *call, uint64_t *id)
{
	char path[SHMFS_PATH_MAX];
	uint64_t found = 0;
	bool named;
	int rc;

	if (!call_get_int(call, "id", INT64_MAX, &found))
		return false;
	named = found == 0;
	if (named) {
		if (!call_get_path(call, path))
			return false;
		rc = shmfs_find(call->config->fs, &call->by, path, &found);
		if (rc < 0) {
			call_fail(call, rc);
			return false;
		}
	}
	*id = found;
	return check_object(call, found, named);
}

bool call_may_see(const struct call *call, const struct shmfs_object *object, bool named,
    char path[SHMFS_PATH_MAX])
{
	int rc;

	if (call_ask(call, object->attr.id, SHMFS_ASK_OBSERVE) < 0)
		return false;
	rc = shmfs_path(call->config->fs, &call->by, object->attr.id, !named, path);
	if (rc == 0)
		return true;
	path[0] = '\0';
	return call->by.exempt || call->by.uid == object->attr.uid ||
	       (rc != -EACCES && call->by.uid == object->creator);
}

bool call_name_tenant(
    const struct call *call, uint32_t number, char out[CALL_TENANT_SIZE], bool *removed)
{
	struct shmfs_tenant tenant;
	int rc = shmfs_tenant_path(call->config->fs, &call->by, number, out);

	*removed = rc == -ENOENT;
	if (rc == 0)
		return true;
	out[0] = '\0';
	if (rc != -ENOENT || shmfs_tenant(call->config->fs, number, &tenant) < 0)
		return false;
	snprintf(out, CALL_TENANT_SIZE, "#%u:%s", number, tenant.name);
	return true;
}

/* --- members of answers ----------------------------------------------------------------------- */

void call_set_int(json_t *object, const char *member, uint64_t value)
{
	(void)json_object_set_new(object, member, json_integer((json_int_t)value));
}

void call_set_int_if(json_t *object, const char *member, bool wanted, uint64_t value)
{
	if (wanted)
		call_set_int(object, member, value);
}

void call_set_bool(json_t *object, const char *member, bool value)
{
	(void)json_object_set_new(object, member, json_boolean(value));
}

void call_set_bool_if(json_t *object, const char *member, bool wanted, bool value)
{
	if (wanted)
		call_set_bool(object, member, value);
}

void call_set_text(json_t *object, const char *member, const char *text)
{
	if (text != NULL)
		(void)json_object_set_new(object, member, json_string(text));
}

void call_set_time(json_t *object, const char *member, const struct timespec *time)
{
	(void)json_object_set_new(
	    object, member, json_integer((json_int_t)time->tv_sec * 1000000000 + time->tv_nsec));
}

void call_set_limits(json_t *object, const char *member, const struct shmfs_limits *limits)
{
	json_t *json = json_object();

	call_set_int(json, "size", limits->bytes);
	call_set_int(json, "inodes", limits->nodes);
	(void)json_object_set_new(object, member, json);
}

void call_set_name(json_t *object, const char *member, const char *name)
{
	char key[64], hex[2 * CALL_TENANT_SIZE];
	json_t *text;

	if (name[0] == '\0')
		return;
	text = json_string(name);
	if (text != NULL) {
		(void)json_object_set_new(object, member, text);
		return;
	}
	hex_write(name, strnlen(name, CALL_TENANT_SIZE - 1), hex);
	snprintf(key, sizeof key, "%s_hex", member);
	(void)json_object_set_new(object, key, json_string(hex));
}
