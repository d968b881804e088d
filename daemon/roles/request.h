/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A call as the parser hands it to the server: numbers, and texts with bounds. Who the caller is
 * does not stand here, as the server has that from the kernel; so whoever takes over the parser of
 * a connection can ask for what that connection could have asked for, and nothing else.
 */
#ifndef SHMFS_ROLES_REQUEST_H
#define SHMFS_ROLES_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/shmfs.h"

enum request_method {
#define METHOD(interface, name, function) METHOD_##name,
#include "methods.def"
#undef METHOD
	METHODS,
	METHOD_UNKNOWN, /* a call of another one, whose name is in `word` */
	METHOD_NONE,	/* no call at all; `word` says why */
};

enum request_parameter {
#define PARAMETER(name) PARAMETER_##name,
#include "parameters.def"
#undef PARAMETER
	PARAMETERS,
};

enum value_kind {
	VALUE_NONE, /* it is not there, or null */
	VALUE_NUMBER,
	VALUE_TRUTH, /* number is 0 or 1 */
	VALUE_TEXT,  /* in the buffer that is for it */
	VALUE_LONG,  /* a text that does not fit, or no name in hexadecimal digits */
	VALUE_OTHER,
	VALUE_KINDS,
};

struct value {
	uint32_t kind;
	int64_t number;
};

/* Bytes of a word with its NUL; longer ones are cut. */
#define REQUEST_WORD 256

/* Those bytes that are not set are 0. */
struct request {
	uint32_t method;
	uint32_t oneway; /* 1: nobody waits for an answer */
	struct value values[PARAMETERS];
	char word[REQUEST_WORD];
	char scope[REQUEST_WORD], interface[REQUEST_WORD];
	char path[SHMFS_PATH_MAX]; /* of "path", or else what "path_hex" means */
};

/* Copies what came from a parser. False: it is no request that an honest parser could have made. */
bool request_check(const void *data, size_t size, struct request *out);

/* NULL: there is no such parameter. */
const struct value *request_value(const struct request *request, const char *name);

/* "INTERFACE.NAME" of a method below METHODS. */
const char *request_method_name(enum request_method method);
const char *request_parameter_name(enum request_parameter parameter);

#endif
