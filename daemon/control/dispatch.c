/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and methods; see dispatch.h. */
#include "dispatch.h"

#include <stdio.h>
#include <string.h>

#include "call.h"
#include "holders.h"
#include "methods.h"
#include "roles/request.h"

#define OWN_INTERFACE "org.shmfs"
#define SERVICE_INTERFACE "org.varlink.service"

static call_method get_info, get_interface_description;

static call_method *const methods[] = {
#define METHOD(interface, name, function) function,
#include "roles/methods.def"
#undef METHOD
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
	const char *name = call->request->interface;

	if (call->request->values[PARAMETER_interface].kind != VALUE_TEXT)
		call_refuse_parameter(call, "interface");
	else if (strcmp(name, OWN_INTERFACE) == 0)
		call->answer = describe(own_interface);
	else if (strcmp(name, SERVICE_INTERFACE) == 0)
		call->answer = describe(service_interface);
	else
		call_fail_with(call, SERVICE_INTERFACE ".InterfaceNotFound",
		    json_pack("{s:s}", "interface", name));
}

bool dispatch(struct call *call, const struct request *request)
{
	call->fd = -1;
	call->request = request;
	call->oneway = request->oneway;
	if (request->method < METHODS)
		methods[request->method](call);
	else if (request->method == METHOD_UNKNOWN)
		call_fail_with(call, SERVICE_INTERFACE ".MethodNotFound",
		    json_pack("{s:s}", "method", request->word));
	else
		call_fail_with(call, OWN_INTERFACE ".BadMessage",
		    json_pack("{s:s}", "message", request->word));
	call->request = NULL;
	return request->method != METHOD_NONE;
}

void dispatch_end_scan(struct call *call)
{
	command_holders_found(call);
	holders_free(call->scan);
	call->scan = NULL;
}
