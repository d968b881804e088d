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

struct ctl_verb {
	const char *name;
	const char *arguments; /* how --help shows them; "" for none */
	int least, most;       /* how many there may be */
	const char *help;
	const struct ctl_option *options; /* up to one without letter and name; NULL: none */
	int (*run)(struct ctl *ctl);
};

extern const struct ctl_verb ctl_object_verbs[], ctl_list_verbs[], ctl_limit_verbs[],
    ctl_hold_verbs[], ctl_screen_verbs[], ctl_run_verbs[];

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

/* The value of an option by its name or letter; NULL: not given. */
const char *ctl_value(const struct ctl *ctl, const char *option);

/* A line on standard error, with the program's name before it. */
__attribute__((format(printf, 1, 2))) void ctl_warn(const char *format, ...);

/* "Try --help": the arguments make no sense. Returns CTL_USAGE. */
__attribute__((format(printf, 1, 2))) int ctl_misused(const char *format, ...);

/* Bytes with k, m, g or t behind them, or digits alone; as number.h. */
bool ctl_read_size(const char *text, uint64_t *out);
/* Seconds with s, m, h or d behind them, or digits alone. */
bool ctl_read_seconds(const char *text, uint64_t *out);

/* A size into a member of parameters, strictly; without a text there is none. */
bool ctl_add_size(json_t *params, const char *member, const char *text);
/* A user's name or number. */
bool ctl_read_user(const char *text, uid_t *out);

/* --- the mount and its server ----------------------------------------------------------------- */

/* Finds the mount: by -m, by the working directory, or because there is only one. False: the reason
 * was told. */
bool ctl_connect(struct ctl *ctl);

/* And opens its root directory. */
bool ctl_open_root(struct ctl *ctl);

void ctl_disconnect(struct ctl *ctl);

/* Calls a method; the answer's parameters, to be given back, or NULL: the reason was told. params
 * is taken over, and may be NULL. */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params);

/* The same, with an errno instead of words: 0, or what the server or the system said. */
int ctl_try(struct ctl *ctl, const char *method, json_t *params, json_t **answer);

/* All pages of a list, as one array; member is "objects" or "users". */
json_t *ctl_call_pages(
    struct ctl *ctl, const char *method, const char *member, bool unlinked, bool probe);

/* The name of an object as it is on the command line, relative to the root of the mount. */
const char *ctl_relative(const struct ctl *ctl, const char *name);

/* Sets "path" or "path_hex" of parameters. */
void ctl_set_path(json_t *params, const char *path);

/* An object's path in bytes: to be freed; NULL: it has none. */
char *ctl_get_path(const json_t *object);

/* --- text ------------------------------------------------------------------------------------- */

/* A name as it can be shown on a terminal, in out: what is not printable is \xNN. */
const char *ctl_escape(const char *name, char *out, size_t size);

/* "4.5K" and the like. */
const char *ctl_human(uint64_t bytes, char out[32]);
/* "12s", "5m", "3h", "2d". */
const char *ctl_age(int64_t seconds, char out[32]);
/* "rw-r--r--" */
const char *ctl_mode(unsigned mode, char out[32]);
/* The name of a user or group, or the number. */
const char *ctl_user(uid_t uid, bool numeric, char out[64]);
const char *ctl_group(gid_t gid, bool numeric, char out[64]);

int64_t ctl_now(void); /* nanoseconds */

static inline int64_t ctl_int(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A column: what it shows of an item. */
struct ctl_column {
	const char *name;
	const char *member; /* of the item, for JSON and for sorting; NULL: computed */
	bool right;	    /* aligned */
	const char *(*print)(const struct ctl *ctl, const json_t *item, char out[512]);
	const char *help;
};

/* How the options -o, -J, -r/--raw, --noheadings say a table is to be. */
struct ctl_table {
	const struct ctl_column *columns; /* up to one without a name */
	const char *usual;		  /* names of those shown, with commas */
	const char *member;		  /* what JSON calls the list */
	bool tabs;			  /* usual columns stand as posixshmcontrol(1) has them */
};

/* Prints an array of items. CTL_OK or CTL_USAGE. */
int ctl_print_table(const struct ctl *ctl, const struct ctl_table *table, const json_t *items);

const struct ctl_column *ctl_find_column(
    const struct ctl_column *columns, const char *name, size_t length);

/* Options that all tables have; and columns of tables that others show too. */
#define CTL_TABLE_OPTIONS                                                                          \
	{'o', "output", "COLUMNS", "columns to show, with commas between"},                        \
	    {'J', "json", NULL, "JSON, with plain bytes and nanoseconds"},                         \
	    {0, "raw", NULL, "one blank between columns, names with \\xNN"},                       \
	    {0, "noheadings", NULL, "no first line"},                                              \
	    {'b', "bytes", NULL, "sizes in bytes (the default)"},                                  \
	    {'h', NULL, NULL, "sizes for people"},                                                 \
	{                                                                                          \
		'n', "numeric", NULL, "numbers of users and groups"                                \
	}

const char *ctl_print_size(
    const struct ctl *ctl, const char *member, const json_t *item, char *out);

/* --- progress --------------------------------------------------------------------------------- */

/* A line on a terminal for what takes longer than a second. */
struct ctl_progress {
	const char *what;
	int64_t began, shown;
};
void ctl_progress_begin(struct ctl_progress *progress, const char *what);
/* total 0: not known. */
void ctl_progress(struct ctl_progress *progress, uint64_t done, uint64_t total);
void ctl_progress_end(struct ctl_progress *progress);

#endif
