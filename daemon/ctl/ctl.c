/* SPDX-License-Identifier: BSD-2-Clause */
/* What verbs know of the command line; see ctl.h. */
#include "ctl.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

void ctl_warn(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs("shmfsctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int ctl_misused(const char *format, ...)
{
	va_list args;

	fputs("shmfsctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs(" (see shmfsctl --help)\n", stderr);
	return CTL_USAGE;
}

/* Options for getopt_long(3): values of long ones are the option's place, above all letters. */
#define LONG_BASE 256

struct getopt_table {
	char letters[2 * CTL_OPTIONS_MAX + 4];
	struct option names[CTL_OPTIONS_MAX + 2];
};

static void make_getopt_table(
    const struct ctl_option *options, bool anywhere, struct getopt_table *out)
{
	char *letter = out->letters;
	size_t count = 0;

	/* Options end at the first argument. */
	if (!anywhere)
		*letter++ = '+';
	*letter++ = ':';
	for (int i = 0; options != NULL && !ctl_is_last(&options[i]); i++) {
		int has = options[i].value != NULL ? required_argument : no_argument;

		if (options[i].letter != 0) {
			*letter++ = options[i].letter;
			if (has == required_argument)
				*letter++ = ':';
		}
		if (options[i].name != NULL)
			out->names[count++] =
			    (struct option){options[i].name, has, NULL, LONG_BASE + i};
	}
	*letter = '\0';
	out->names[count++] = (struct option){"help", no_argument, NULL, '?' + LONG_BASE};
	out->names[count] = (struct option){0};
}

static int place_of(const struct ctl_option *options, int found)
{
	if (found >= LONG_BASE)
		return found - LONG_BASE;
	for (int i = 0; !ctl_is_last(&options[i]); i++) {
		if (options[i].letter == found)
			return i;
	}
	return 0;
}

int ctl_parse_options(const struct ctl_option *options, bool anywhere, int argc, char **argv,
    const char **values, bool *help)
{
	struct getopt_table table;
	int found;

	make_getopt_table(options, anywhere, &table);
	optind = 0; /* glibc: start over */
	while ((found = getopt_long(argc, argv, table.letters, table.names, NULL)) != -1) {
		if (found == '?' + LONG_BASE) {
			*help = true;
			return 0;
		}
		if (found == ':')
			return ctl_misused("'%s' needs a value", argv[optind - 1]);
		if (found == '?')
			return ctl_misused("unknown option '%s'", argv[optind - 1]);
		values[place_of(options, found)] = optarg != NULL ? optarg : "";
	}
	return 0;
}

const char *ctl_value(const struct ctl *ctl, const char *option)
{
	const struct ctl_option *options = ctl->verb->options;

	for (int i = 0; options != NULL && !ctl_is_last(&options[i]); i++) {
		if ((options[i].name != NULL && strcmp(options[i].name, option) == 0) ||
		    (option[0] == options[i].letter && option[1] == '\0'))
			return ctl->values[i];
	}
	return NULL;
}
