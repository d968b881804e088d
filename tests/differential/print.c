/* SPDX-License-Identifier: BSD-2-Clause */
/* See print.h. */
#include "print.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "acl.h"
#include "times.h"

static void print_quoted(FILE *out, const char *text)
{
	size_t length = strlen(text);

	if (length > 100 && strspn(text, "0") > 90) {
		fprintf(out, "<%zu bytes>", length);
		return;
	}
	putc('"', out);
	for (; *text != '\0'; text++) {
		if (isprint((unsigned char)*text))
			putc(*text, out);
		else
			fprintf(out, "\\x%02x", (unsigned char)*text);
	}
	putc('"', out);
}

static void print_choice(FILE *out, const struct choice *choices, int value)
{
	for (; choices->name != NULL; choices++)
		if (choices->value == value) {
			fputs(choices->name, out);
			return;
		}
	fprintf(out, "%d", value);
}

static void print_bits(FILE *out, const struct choice *bits, int value)
{
	const char *separator = "";

	for (; bits->name != NULL; bits++)
		if (value & bits->value) {
			fprintf(out, "%s%s", separator, bits->name);
			separator = "|";
		}
	if (*separator == '\0')
		putc('0', out);
}

static void print_id(FILE *out, unsigned id)
{
	if (id == (unsigned)-1)
		fputs("-1", out);
	else
		fprintf(out, "%u", id);
}

/* False: the field is none of these. */
static bool print_number(FILE *out, const struct call *call, char field)
{
	switch (field) {
	case 'm':
		fprintf(out, "%#o", call->mode);
		break;
	case 'u':
		print_id(out, call->uid);
		break;
	case 'v':
		print_id(out, call->gid);
		break;
	case 'o':
	case 's':
	case 'P':
		fprintf(out, "%" PRId64, call->offset);
		break;
	case 'O':
		fprintf(out, "%" PRId64, call->offset2);
		break;
	case 'n':
	case 'N':
		fprintf(out, "%" PRId64, call->length);
		break;
	default:
		return false;
	}
	return true;
}

static bool print_data(FILE *out, const struct call *call, char field)
{
	char text[256];

	switch (field) {
	case 't':
		times_print(call->data, text, sizeof text);
		fputs(text, out);
		break;
	case 'A':
		acl_print(call->data, text, sizeof text);
		fputs(text, out);
		break;
	case 'd':
		fprintf(out, "data:%" PRIx64, call->data);
		break;
	default:
		return false;
	}
	return true;
}

static void print_field(FILE *out, const struct call *call, char field)
{
	const struct kind *kind = &kinds[call->kind];

	switch (field) {
	case 'f':
		fprintf(out, "fd%u", call->slot);
		break;
	case 'g':
		fprintf(out, "fd%u", call->slot2);
		break;
	case 'k':
		fprintf(out, "map%u", call->map);
		break;
	case 'p':
	case 'D':
	case 'L':
	case 'S':
		print_quoted(out, call->path);
		break;
	case 'q':
	case 'x':
		print_quoted(out, call->path2);
		break;
	case 'c':
		print_choice(out, kind->choices, call->choice);
		break;
	case 'b':
		print_bits(out, kind->bits, call->bits);
		break;
	default:
		if (!print_number(out, call, field) && !print_data(out, call, field))
			fputs("3 parts", out);
		break;
	}
}

void print_call(FILE *out, const struct call *call)
{
	const struct kind *kind = &kinds[call->kind];

	fprintf(out, "%s %s(", call->worker == 0 ? "root" : "user", kind->name);
	for (const char *field = kind->fields; *field != '\0'; field++) {
		if (field != kind->fields)
			fputs(", ", out);
		print_field(out, call, *field);
	}
	fprintf(out, ")%s", call->watched ? " watched" : "");
}

static void print_error(FILE *out, int error)
{
	const char *name = strerrorname_np(error);

	if (error == ERROR_SKIPPED)
		fputs(" (nothing to do)", out);
	else if (error > ERROR_SIGNAL)
		fprintf(out, " SIG%s", sigabbrev_np(error - ERROR_SIGNAL));
	else
		fprintf(out, " %s", name != NULL ? name : "no errno");
}

void print_result(FILE *out, const struct result *result)
{
	static const char *const nodes[] = {"descriptor", "path", "directory", "second"};

	if (!result->done) {
		fputs("did not return", out);
		return;
	}
	fprintf(out, "%" PRId64, result->ret);
	if (result->ret == -1)
		print_error(out, result->error);
	for (unsigned i = 0; i < 3; i++)
		if (result->words[i] != 0)
			fprintf(out, " word%u=%#" PRIx64, i, result->words[i]);
	if (result->length > 0) {
		fprintf(out, " data %u:%016" PRIx64 " ", result->length, result->hash);
		for (unsigned i = 0; i < HEAD && i < result->length; i++)
			fprintf(out, "%02x", result->head[i]);
	}
	for (unsigned i = 0; i < WATCHED; i++)
		if (result->changes[i] != 0)
			fprintf(out, " %s:%s%s%s%s", nodes[i],
			    result->changes[i] & CHANGE_CTIME ? "ctime " : "",
			    result->changes[i] & CHANGE_MTIME ? "mtime " : "",
			    result->changes[i] & CHANGE_CAME ? "came " : "",
			    result->changes[i] & CHANGE_WENT ? "went " : "");
}

static void print_time(FILE *out, const char *name, int64_t seconds, uint32_t nanoseconds)
{
	if (seconds == 0 && nanoseconds == 0)
		fprintf(out, " %s=now", name);
	else
		fprintf(out, " %s=%" PRId64 ".%09u", name, seconds, nanoseconds);
}

void print_view(FILE *out, const struct view *view)
{
	fprintf(out, "%s ino %" PRIu64, view->name, view->ino);
	if (view->only_ino)
		return;
	fprintf(out, " mode=%o nlink=%u uid=%u gid=%u size=%" PRIu64 " rdev=%x", view->mode,
	    view->nlink, view->uid, view->gid, view->size, view->rdev);
	print_time(out, "atime", view->atime, view->atime_ns);
	print_time(out, "mtime", view->mtime, view->mtime_ns);
}

static const char *line_end(const char *at, const char *end)
{
	const char *newline = memchr(at, '\n', (size_t)(end - at));

	return newline != NULL ? newline : end;
}

static bool has_line(const char *text, uint32_t length, const char *line, size_t line_length)
{
	const char *end = text + length;

	for (const char *at = text, *stop; at < end; at = stop + 1) {
		stop = line_end(at, end);
		if ((size_t)(stop - at) == line_length && memcmp(at, line, line_length) == 0)
			return true;
	}
	return false;
}

void print_text_difference(
    FILE *out, const struct side sides[2], const struct result *const results[2])
{
	for (unsigned i = 0; i < 2; i++) {
		const char *text = sides[i].shared->text + results[i]->text;
		const char *other = sides[1 - i].shared->text + results[1 - i]->text;
		const char *end = text + results[i]->text_length;

		for (const char *at = text, *stop; at < end; at = stop + 1) {
			stop = line_end(at, end);
			if (!has_line(other, results[1 - i]->text_length, at, (size_t)(stop - at)))
				fprintf(out, "    %s: %.*s\n", sides[i].name, (int)(stop - at), at);
		}
	}
}
