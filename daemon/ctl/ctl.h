/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shmfsctl: the command line client of the control socket. What is a file operation it does by the
 * mount, as the kernel lets it; what is not, it asks the server.
 */
#ifndef SHMFS_CTL_CTL_H
#define SHMFS_CTL_CTL_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Exit statuses, as posixshmcontrol(1) has them. "holders" has 1 for an object that nobody holds,
 * as fuser(1), and 2 for failures. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2 };

/* One option of a verb. */
struct ctl_option {
	char letter;	   /* 0: it has none */
	const char *name;  /* NULL: it has none */
	const char *value; /* how --help shows the value; NULL: it takes none */
	const char *help;
};

#define CTL_OPTIONS_MAX 16

struct ctl;
struct ctl_column;

#define CTL_COMMAND (-2)

struct ctl_verb {
	const char *name;
	const char *arguments; /* how --help shows them; "" for none */
	int min, max; /* how many there may be; max -1: any number; CTL_COMMAND: with options of
			 their own */
	const char *help;
	const struct ctl_option *options; /* up to one without letter and name; NULL: none */
	int (*run)(struct ctl *ctl);
	const struct ctl_column
	    *columns; /* that -o may name, up to one without a name; NULL: none */
};

extern const struct ctl_verb ctl_object_verbs[], ctl_list_verbs[], ctl_limit_verbs[],
    ctl_tenant_verbs[], ctl_container_verbs[], ctl_hold_verbs[], ctl_screen_verbs[],
    ctl_metrics_verbs[], ctl_run_verbs[], ctl_mount_verbs[];

struct ctl {
	const char *mount; /* as -m says; NULL: look for it */
	const struct ctl_verb *verb;
	const char *values[CTL_OPTIONS_MAX]; /* of the verb's options; "" for one without a value */
	char **arguments;
	int count;

	int socket; /* -1: not connected */
	int root;   /* the mount's root directory; -1: not open */
	char mountpoint[PATH_MAX];
	int passed; /* descriptor that came with the last answer; -1: none */
	char *buffer;
	size_t used, room;
};

/* --- the command line ------------------------------------------------------------------------- */

/*
 * Reads options, up to the first argument or, anywhere, all of them, with arguments last in argv.
 * values: one for each option, "" for one without a value. 0, or a status to end with; *help is set
 * where that was asked for.
 */
int ctl_parse_options(const struct ctl_option *options, bool anywhere, int argc, char **argv,
    const char **values, bool *help);

/* The table of options ends here. */
static inline bool ctl_is_last(const struct ctl_option *option)
{
	return option->letter == 0 && option->name == NULL;
}

/* The value of an option by its name or letter; NULL: not given. */
const char *ctl_value(const struct ctl *ctl, const char *option);

/* A line on standard error, with the program's name before it. */
__attribute__((format(printf, 1, 2))) void ctl_warn(const char *format, ...);

/* "See --help": the arguments make no sense. Returns CTL_USAGE. */
__attribute__((format(printf, 1, 2))) int ctl_misused(const char *format, ...);

/* A member of what a server says. */
static inline int64_t ctl_int(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

#endif
