/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages of the control socket; see control_call.h. */
#include "call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "holders.h"
#include "interface.h"

#define OWN_INTERFACE "org.shmfs"
#define SERVICE_INTERFACE "org.varlink.service"

static call_method get_info, get_interface_description;

static const struct {
	const char *name;
	call_method *run;
} methods[] = {
    {SERVICE_INTERFACE ".GetInfo", get_info},
    {SERVICE_INTERFACE ".GetInterfaceDescription", get_interface_description},
    {OWN_INTERFACE ".GetMount", command_get_mount},
    {OWN_INTERFACE ".List", command_list},
    {OWN_INTERFACE ".ListUsers", command_list_users},
    {OWN_INTERFACE ".GetLimits", command_get_limits},
    {OWN_INTERFACE ".SetLimits", command_set_limits},
    {OWN_INTERFACE ".GetStatistics", command_get_statistics},
    {OWN_INTERFACE ".Holders", command_holders},
    {OWN_INTERFACE ".Pin", command_pin},
    {OWN_INTERFACE ".Unpin", command_unpin},
    {OWN_INTERFACE ".Verify", command_verify},
    {OWN_INTERFACE ".Reap", command_reap},
};

/* The interface that every service has, in its own words. */
static const char *const service_interface[] = {"interface org.varlink.service\n",
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, ",
    "interfaces: []string)\n",
    "method GetInterfaceDescription(interface: string) -> (description: string)\n",
    "error InterfaceNotFound (interface: string)\n", "error MethodNotFound (method: string)\n",
    "error MethodNotImplemented (method: string)\n", "error InvalidParameter (parameter: string)\n",
    "error PermissionDenied ()\n", "error ExpectedMore ()\n", NULL};

static void fail_with(struct call *call, const char *error, json_t *parameters)
{
	json_decref(call->answer);
	call->answer = parameters;
	call->error = error;
}

void call_fail(struct call *call, int rc)
{
	fail_with(call, OWN_INTERFACE ".SystemError",
	    json_pack("{s:i,s:s}", "errno", -rc, "message", strerror(-rc)));
}

void call_refuse_parameter(struct call *call, const char *name)
{
	fail_with(
	    call, SERVICE_INTERFACE ".InvalidParameter", json_pack("{s:s}", "parameter", name));
}

void call_refuse_caller(struct call *call)
{
	fail_with(call, SERVICE_INTERFACE ".PermissionDenied", json_object());
}

static void get_info(struct call *call)
{
	call->answer = json_pack("{s:s,s:s,s:s,s:s,s:[s,s]}", "vendor", "shmfs", "product", "shmfs",
	    "version", SHMFS_VERSION, "url", "", "interfaces", SERVICE_INTERFACE, OWN_INTERFACE);
}

static json_t *describe(const char *const *lines)
{
	char text[16384];
	size_t used = 0;

	for (; *lines != NULL && used < sizeof text; lines++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s", *lines);
	return json_pack("{s:s}", "description", text);
}

static void get_interface_description(struct call *call)
{
	const char *name = json_string_value(json_object_get(call->params, "interface"));

	if (name == NULL)
		call_refuse_parameter(call, "interface");
	else if (strcmp(name, OWN_INTERFACE) == 0)
		call->answer = describe(control_interface);
	else if (strcmp(name, SERVICE_INTERFACE) == 0)
		call->answer = describe(service_interface);
	else
		fail_with(call, SERVICE_INTERFACE ".InterfaceNotFound",
		    json_pack("{s:s}", "interface", name));
}

static void run_method(struct call *call, const char *name)
{
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (strcmp(name, methods[i].name) == 0) {
			methods[i].run(call);
			return;
		}
	}
	fail_with(call, SERVICE_INTERFACE ".MethodNotFound", json_pack("{s:s}", "method", name));
}

/* {"method": name, "parameters": {}, "oneway": false, "more": false, "upgrade": false} */
static const char *check_message(struct call *call)
{
	json_t *params = json_object_get(call->message, "parameters");
	const char *name = json_string_value(json_object_get(call->message, "method"));

	call->oneway = json_is_true(json_object_get(call->message, "oneway"));
	if (params != NULL && !json_is_null(params) && !json_is_object(params))
		return NULL;
	call->params = json_is_object(params) ? params : NULL;
	return name;
}

bool call_begin(struct call *call, const char *message, size_t size)
{
	json_error_t error;
	const char *name;

	call->fd = -1;
	call->message = json_loadb(message, size, JSON_REJECT_DUPLICATES, &error);
	name = call->message != NULL ? check_message(call) : NULL;
	if (name == NULL) {
		fail_with(call, OWN_INTERFACE ".BadMessage",
		    json_pack("{s:s}", "message",
			call->message == NULL ? error.text : "not a call of Varlink"));
		return false;
	}
	run_method(call, name);
	return true;
}

void call_finish_scan(struct call *call)
{
	holders_answer(call, call->scan);
	holders_free(call->scan);
	call->scan = NULL;
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
	json_decref(call->message);
	json_decref(call->answer);
	call->message = call->answer = NULL;
	call->scan = NULL;
}

/* --- parameters and names --------------------------------------------------------------------- */

bool call_get_int(struct call *call, const char *name, uint64_t most, uint64_t *out)
{
	const json_t *value = json_object_get(call->params, name);

	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    (uint64_t)json_integer_value(value) > most) {
		call_refuse_parameter(call, name);
		return false;
	}
	*out = (uint64_t)json_integer_value(value);
	return true;
}

bool call_get_bool(struct call *call, const char *name, bool *out)
{
	const json_t *value = json_object_get(call->params, name);

	if (value == NULL || json_is_null(value))
		return true;
	if (!json_is_boolean(value)) {
		call_refuse_parameter(call, name);
		return false;
	}
	*out = json_is_true(value);
	return true;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Two digits for each byte, none of which is 0. */
static bool read_hex(const char *hex, char *out, size_t size)
{
	size_t length = strlen(hex) / 2;

	if (strlen(hex) % 2 != 0 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			return false;
		out[i] = (char)(high * 16 + low);
	}
	out[length] = '\0';
	return true;
}

static bool get_path(struct call *call, char out[SHMFS_PATH_MAX])
{
	const char *path = json_string_value(json_object_get(call->params, "path"));
	const char *hex = json_string_value(json_object_get(call->params, "path_hex"));

	if (path != NULL && strlen(path) < SHMFS_PATH_MAX) {
		snprintf(out, SHMFS_PATH_MAX, "%s", path);
		return true;
	}
	if (path == NULL && hex != NULL && read_hex(hex, out, SHMFS_PATH_MAX))
		return true;
	call_refuse_parameter(call, hex != NULL && path == NULL ? "path_hex" : "path");
	return false;
}

int call_ask(const struct call *call, uint64_t id, enum shmfs_ask what)
{
	struct shmfs_cred cred = {.uid = call->by.uid, .gid = call->by.gid, .pid = call->peer->pid};

	return shmfs_ask(call->server->channel.fs, &cred, id, what);
}

/* One that the caller may not see is to him as if it were not there. */
static bool check_object(struct call *call, uint64_t id)
{
	struct shmfs_object object;
	char path[SHMFS_PATH_MAX];
	int rc = shmfs_object(call->server->channel.fs, id, &object);

	if (rc == 0 && !call_may_see(call, &object, path))
		rc = -ESTALE;
	if (rc < 0)
		call_fail(call, rc == -ESTALE ? -ENOENT : rc);
	return rc == 0;
}

bool call_get_object(struct call *call, uint64_t *id)
{
	char path[SHMFS_PATH_MAX];
	uint64_t found = 0;
	int rc;

	if (!call_get_int(call, "id", INT64_MAX, &found))
		return false;
	if (found == 0) {
		if (!get_path(call, path))
			return false;
		rc = shmfs_find(call->server->channel.fs, &call->by, path, &found);
		if (rc < 0) {
			call_fail(call, rc);
			return false;
		}
	}
	*id = found;
	return check_object(call, found);
}

bool call_may_see(
    const struct call *call, const struct shmfs_object *object, char path[SHMFS_PATH_MAX])
{
	int rc;

	if (call_ask(call, object->attr.id, SHMFS_ASK_OBSERVE) < 0)
		return false;
	rc = shmfs_path(call->server->channel.fs, &call->by, object->attr.id, path);
	if (rc == 0)
		return true;
	path[0] = '\0';
	return call->trusted || call->by.uid == object->attr.uid ||
	       (rc != -EACCES && call->by.uid == object->creator);
}

void call_set_name(json_t *object, const char *member, const char *name)
{
	char key[64], hex[2 * SHMFS_PATH_MAX];
	json_t *text = json_string(name);

	if (text != NULL) {
		(void)json_object_set_new(object, member, text);
		return;
	}
	for (size_t i = 0; i < strlen(name) && i < SHMFS_PATH_MAX; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)name[i]);
	snprintf(key, sizeof key, "%s_hex", member);
	(void)json_object_set_new(object, key, json_string(hex));
}
