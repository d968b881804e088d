/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of requests, and what is checked of one; see request.h. */
#include "request.h"

#include <string.h>

static const char *const methods[] = {
#define METHOD(interface, name, function) interface "." #name,
#include "methods.def"
#undef METHOD
};

static const char *const parameters[] = {
#define PARAMETER(name) #name,
#include "parameters.def"
#undef PARAMETER
};

static bool is_text(const char *bytes, size_t size)
{
	return memchr(bytes, '\0', size) != NULL;
}

static bool is_value(const struct value *value)
{
	return value->kind < VALUE_KINDS &&
	       (value->kind != VALUE_TRUTH || value->number == 0 || value->number == 1);
}

bool request_check(const void *data, size_t size, struct request *out)
{
	if (size != sizeof *out)
		return false;
	memcpy(out, data, size);
	for (size_t i = 0; i < PARAMETERS; i++) {
		if (!is_value(&out->values[i]))
			return false;
	}
	return out->method <= METHOD_NONE && out->method != METHODS && out->oneway <= 1 &&
	       is_text(out->word, sizeof out->word) && is_text(out->scope, sizeof out->scope) &&
	       is_text(out->interface, sizeof out->interface) &&
	       is_text(out->path, sizeof out->path);
}

const struct value *request_value(const struct request *request, const char *name)
{
	for (size_t i = 0; i < PARAMETERS; i++) {
		if (strcmp(parameters[i], name) == 0)
			return &request->values[i];
	}
	return NULL;
}

const char *request_method_name(enum request_method method)
{
	return methods[method];
}

const char *request_parameter_name(enum request_parameter parameter)
{
	return parameters[parameter];
}
