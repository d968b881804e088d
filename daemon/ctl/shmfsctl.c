/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfsctl: see, limit and clean up shared memory. The command line. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static const struct ctl_verb *const groups[] = {ctl_object_verbs, ctl_list_verbs, ctl_limit_verbs,
    ctl_hold_verbs, ctl_screen_verbs, ctl_run_verbs};

#define GROUPS (sizeof groups / sizeof groups[0])

static const struct ctl_option global_options[] = {
    {'m', "mount", "MOUNT", "the mount, by any path in it; before the verb"},
    {'h', "help", NULL, "show this and exit"},
    {'V', "version", NULL, "show the version and exit"},
    {0},
};

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

static bool is_last(const struct ctl_option *option)
{
	return option->letter == 0 && option->name == NULL;
}

static void print_option(const struct ctl_option *option)
{
	printf("    ");
	if (option->letter != 0)
		printf("-%c%s", option->letter, option->name != NULL ? ", " : "");
	if (option->name != NULL)
		printf("--%s", option->name);
	if (option->value != NULL)
		printf(" %s", option->value);
	printf("\n        %s\n", option->help);
}

static void print_options(const struct ctl_option *options)
{
	for (; options != NULL && !is_last(options); options++)
		print_option(options);
}

static void print_verb(const struct ctl_verb *verb)
{
	printf("\n  %s%s%s\n      %s\n", verb->name, verb->arguments[0] != '\0' ? " " : "",
	    verb->arguments, verb->help);
	print_options(verb->options);
}

static void print_usage(void)
{
	puts("usage: shmfsctl [-m MOUNT] VERB [OPTION...] [ARGUMENT...]\n"
	     "\n"
	     "Shows, limits and cleans up the shared memory of a shmfs mount: of -m, of the "
	     "working\n"
	     "directory, or of the only one there is. OBJECT is a name in the mount.\n"
	     "\n"
	     "Options:");
	print_options(global_options);
	fputs("\nVerbs:", stdout);
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct ctl_verb *verb = groups[i]; verb->name != NULL; verb++)
			print_verb(verb);
	}
}

static const struct ctl_verb *find_verb(const char *name)
{
	if (strcmp(name, "list") == 0)
		name = "ls";
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct ctl_verb *verb = groups[i]; verb->name != NULL; verb++) {
			if (strcmp(name, verb->name) == 0)
				return verb;
		}
	}
	return NULL;
}

/* Options for getopt_long(3): values of long ones are the option's place, above all letters. */
#define LONG_BASE 256

struct getopt_table {
	char letters[2 * CTL_OPTIONS_MAX + 4];
	struct option names[CTL_OPTIONS_MAX + 2];
};

static void make_getopt_table(const struct ctl_option *options, struct getopt_table *out)
{
	char *letter = out->letters;
	size_t count = 0;

	/* "+": options end at the first argument, as "run" and "pin" need it. */
	*letter++ = '+';
	*letter++ = ':';
	for (int i = 0; options != NULL && !is_last(&options[i]); i++) {
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
	for (int i = 0; !is_last(&options[i]); i++) {
		if (options[i].letter == found)
			return i;
	}
	return 0;
}

/* 0, or a status to end with; *help is set where that was asked for. */
static int parse_options(
    const struct ctl_option *options, int argc, char **argv, const char **values, bool *help)
{
	struct getopt_table table;
	int found;

	make_getopt_table(options, &table);
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

	for (int i = 0; options != NULL && !is_last(&options[i]); i++) {
		if ((options[i].name != NULL && strcmp(options[i].name, option) == 0) ||
		    (option[0] == options[i].letter && option[1] == '\0'))
			return ctl->values[i];
	}
	return NULL;
}

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	bool help = false;
	int status = parse_options(ctl->verb->options, argc, argv, ctl->values, &help);

	if (status != 0)
		return status;
	if (help) {
		printf("usage: shmfsctl [-m MOUNT]");
		print_verb(ctl->verb);
		return CTL_OK;
	}
	ctl->arguments = argv + optind;
	ctl->count = argc - optind;
	if (ctl->count < ctl->verb->least)
		return ctl_misused("'%s' needs %s", ctl->verb->name, ctl->verb->arguments);
	if (ctl->verb->most >= 0 && ctl->count > ctl->verb->most)
		return ctl_misused("too many arguments: '%s'", ctl->arguments[ctl->verb->most]);
	status = ctl->verb->run(ctl);
	ctl_disconnect(ctl);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ctl_warn("standard output: %s", strerror(errno));
		return CTL_FAILED;
	}
	return status;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.socket = -1, .root = -1, .passed = -1};
	const char *values[CTL_OPTIONS_MAX] = {NULL};
	bool help = false;
	int status;

	setlocale(LC_CTYPE, "");
	status = parse_options(global_options, argc, argv, values, &help);
	if (status != 0)
		return status;
	if (help || values[1] != NULL) {
		print_usage();
		return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
	}
	if (values[2] != NULL) {
		puts("shmfsctl " SHMFS_VERSION);
		return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
	}
	ctl.mount = values[0];
	if (optind == argc)
		return ctl_misused("no verb given");
	ctl.verb = find_verb(argv[optind]);
	if (ctl.verb == NULL)
		return ctl_misused("unknown verb '%s'", argv[optind]);
	return run_verb(&ctl, argc - optind, argv + optind);
}
