/* SPDX-License-Identifier: BSD-2-Clause */
/* From JSON to a request; see parse.h. */
#include "parse.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/hex.h"

/* Cut between two characters, as half of one is no text. */
static void put_word(char out[REQUEST_WORD], const char *text)
{
	size_t length = strlen(text);

	if (length >= REQUEST_WORD) {
		length = REQUEST_WORD - 1;
		while (length > 0 && (text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(out, text, length);
	out[length] = '\0';
}

static uint32_t put_path(struct request *out, const char *text)
{
	size_t length = strlen(text);

	if (length >= sizeof out->path)
		return VALUE_LONG;
	memcpy(out->path, text, length + 1);
	return VALUE_TEXT;
}

/* A path that is there as text counts more. */
static uint32_t put_path_hex(struct request *out, const char *text)
{
	char path[SHMFS_PATH_MAX];

	if (!hex_read(text, path, sizeof path))
		return VALUE_LONG;
	if (out->values[PARAMETER_path].kind != VALUE_TEXT)
		memcpy(out->path, path, strlen(path) + 1);
	return VALUE_TEXT;
}

static uint32_t put_text(struct request *out, enum request_parameter parameter, const char *text)
{
	switch (parameter) {
	case PARAMETER_path:
		return put_path(out, text);
	case PARAMETER_path_hex:
		return put_path_hex(out, text);
	case PARAMETER_scope:
		put_word(out->scope, text);
		return VALUE_TEXT;
	case PARAMETER_interface:
		put_word(out->interface, text);
		return VALUE_TEXT;
	default:
		return VALUE_OTHER;
	}
}

static void put_value(struct request *out, enum request_parameter parameter, const json_t *value)
{
	struct value *to = &out->values[parameter];

	switch (json_typeof(value)) {
	case JSON_NULL:
		break;
	case JSON_INTEGER:
		to->kind = VALUE_NUMBER;
		to->number = json_integer_value(value);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		to->kind = VALUE_TRUTH;
		to->number = json_is_true(value);
		break;
	case JSON_STRING:
		to->kind = put_text(out, parameter, json_string_value(value));
		break;
	default:
		to->kind = VALUE_OTHER;
	}
}

static void put_method(struct request *out, const char *name)
{
	for (unsigned i = 0; i < METHODS; i++) {
		if (strcmp(name, request_method_name(i)) == 0) {
			out->method = i;
			return;
		}
	}
	out->method = METHOD_UNKNOWN;
	put_word(out->word, name);
}

/* {"method": name, "parameters": {}, "oneway": false, "more": false, "upgrade": false} */
static bool put_call(struct request *out, const json_t *message)
{
	const json_t *params = json_object_get(message, "parameters");
	const char *name = json_string_value(json_object_get(message, "method"));

	out->oneway = json_is_true(json_object_get(message, "oneway"));
	if (name == NULL || (params != NULL && !json_is_null(params) && !json_is_object(params)))
		return false;
	put_method(out, name);
	for (unsigned i = 0; i < PARAMETERS; i++) {
		const json_t *value = json_object_get(params, request_parameter_name(i));

		if (value != NULL)
			put_value(out, i, value);
	}
	return true;
}

void parse_message(const char *message, size_t size, struct request *out)
{
	json_error_t error;
	json_t *json = json_loadb(message, size, JSON_REJECT_DUPLICATES, &error);

	*out = (struct request){.method = METHOD_NONE};
	if (json == NULL || !put_call(out, json))
		put_word(out->word, json == NULL ? error.text : "not a call of Varlink");
	json_decref(json);
}

void parse_answer(const void *question, size_t size, int socket)
{
	struct request request;

	parse_message(question, size - 1, &request);
	/* Who asked may have gone away. */
	(void)!send(socket, &request, sizeof request, MSG_NOSIGNAL);
}
