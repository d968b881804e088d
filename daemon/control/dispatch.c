/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages and methods; see dispatch.h. */
#include "dispatch.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "holders.h"
#include "methods.h"

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
    {OWN_INTERFACE ".CreateTenant", command_create_tenant},
    {OWN_INTERFACE ".SetTenant", command_set_tenant},
    {OWN_INTERFACE ".ListTenants", command_list_tenants},
    {OWN_INTERFACE ".GetStatistics", command_get_statistics},
    {OWN_INTERFACE ".Holders", command_holders},
    {OWN_INTERFACE ".Pin", command_pin},
    {OWN_INTERFACE ".Unpin", command_unpin},
    {OWN_INTERFACE ".Verify", command_verify},
    {OWN_INTERFACE ".Reap", command_reap},
};

static const char *const own_interface[] = {
/* Made of org.shmfs.varlink by the build. */
#include "org.shmfs.varlink.inc"
    NULL};

/* The interface that every service has, in its own words. */
static const char *const service_interface[] = {"interface org.varlink.service\n",
    "method GetInfo() -> (vendor: string, product: string, version: string, url: string, ",
    "interfaces: []string)\n",
    "method GetInterfaceDescription(interface: string) -> (description: string)\n",
    "error InterfaceNotFound (interface: string)\n", "error MethodNotFound (method: string)\n",
    "error MethodNotImplemented (method: string)\n", "error InvalidParameter (parameter: string)\n",
    "error PermissionDenied ()\n", "error ExpectedMore ()\n", NULL};

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
		call->answer = describe(own_interface);
	else if (strcmp(name, SERVICE_INTERFACE) == 0)
		call->answer = describe(service_interface);
	else
		call_fail_with(call, SERVICE_INTERFACE ".InterfaceNotFound",
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
	call_fail_with(
	    call, SERVICE_INTERFACE ".MethodNotFound", json_pack("{s:s}", "method", name));
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

bool dispatch(struct call *call, const char *message, size_t size)
{
	json_error_t error;
	const char *name;

	call->fd = -1;
	call->message = json_loadb(message, size, JSON_REJECT_DUPLICATES, &error);
	name = call->message != NULL ? check_message(call) : NULL;
	if (name == NULL) {
		call_fail_with(call, OWN_INTERFACE ".BadMessage",
		    json_pack("{s:s}", "message",
			call->message == NULL ? error.text : "not a call of Varlink"));
		return false;
	}
	run_method(call, name);
	return true;
}

void dispatch_end_scan(struct call *call)
{
	command_holders_found(call);
	holders_free(call->scan);
	call->scan = NULL;
}
