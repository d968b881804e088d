/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfsctl: see, limit and clean up shared memory. The command line. */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <string.h>

#include "client.h"
#include "ctl.h"
#include "table.h"

static const struct ctl_verb *const groups[] = {ctl_object_verbs, ctl_list_verbs, ctl_limit_verbs,
    ctl_tenant_verbs, ctl_container_verbs, ctl_hold_verbs, ctl_screen_verbs, ctl_metrics_verbs,
    ctl_mount_verbs, ctl_run_verbs};

#define GROUPS (sizeof groups / sizeof groups[0])

static const struct ctl_option global_options[] = {
    {'m', "mount", "MOUNT", "the mount, by any path in it; before the verb"},
    {'h', "help", NULL, "show this and exit"},
    {'V', "version", NULL, "show the version and exit"},
    {0},
};

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
	for (; options != NULL && !ctl_is_last(options); options++)
		print_option(options);
}

static void print_verb(const struct ctl_verb *verb)
{
	printf("\n  %s%s%s\n      %s\n", verb->name, verb->arguments[0] != '\0' ? " " : "",
	    verb->arguments, verb->help);
	print_options(verb->options);
}

static void print_columns(const struct ctl_column *column)
{
	puts("\n  Columns:");
	for (; column->name != NULL; column++)
		printf("    %-12s %s\n", column->name, column->help);
}

static void print_usage(void)
{
	puts("usage: shmfsctl [-m MOUNT] VERB [OPTION...] [ARGUMENT...]\n"
	     "\n"
	     "Shows, limits and cleans up the shared memory of a shmfs mount: of -m, of the "
	     "working\n"
	     "directory, of /dev/shm, or of the only one there is. OBJECT is a name in the "
	     "mount.\n"
	     "\n"
	     "Options:");
	print_options(global_options);
	fputs("\nVerbs, whose options 'shmfsctl VERB --help' tells:\n", stdout);
	for (size_t i = 0; i < GROUPS; i++) {
		for (const struct ctl_verb *verb = groups[i]; verb->name != NULL; verb++)
			printf("  %-9s %s\n", verb->name, verb->help);
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

static int run_verb(struct ctl *ctl, int argc, char **argv)
{
	bool help = false;
	int status = ctl_parse_options(
	    ctl->verb->options, ctl->verb->max != CTL_COMMAND, argc, argv, ctl->values, &help);

	if (status != 0)
		return status;
	if (help) {
		printf("usage: shmfsctl [-m MOUNT]");
		print_verb(ctl->verb);
		if (ctl->verb->columns != NULL)
			print_columns(ctl->verb->columns);
		return CTL_OK;
	}
	ctl->arguments = argv + optind;
	ctl->count = argc - optind;
	if (ctl->count < ctl->verb->min)
		return ctl_misused("'%s' needs %s", ctl->verb->name, ctl->verb->arguments);
	if (ctl->verb->max >= 0 && ctl->count > ctl->verb->max)
		return ctl_misused("too many arguments: '%s'", ctl->arguments[ctl->verb->max]);
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
	status = ctl_parse_options(global_options, false, argc, argv, values, &help);
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
