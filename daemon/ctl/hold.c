/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs about what is held, and what is not: pin, reap, verify. */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "columns.h"
#include "text.h"

/* --- pin -------------------------------------------------------------------------------------- */

static void export_number(const char *name, int64_t number)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, number);
	(void)setenv(name, text, 1);
}

/* The command inherits the memory and the connection, so that the pin ends with it. */
static int run_command(struct ctl *ctl, const json_t *answer, const char *command)
{
	if (fcntl(ctl->passed, F_SETFD, 0) < 0 || fcntl(ctl->socket, F_SETFD, 0) < 0) {
		ctl_warn("%s", strerror(errno));
		return CTL_FAILED;
	}
	export_number("SHMFS_FD", ctl->passed);
	export_number("SHMFS_OFFSET", ctl_int(answer, "offset"));
	export_number("SHMFS_LENGTH", ctl_int(answer, "length"));
	export_number("SHMFS_SIZE", ctl_int(answer, "size"));
	fflush(NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	ctl_warn("/bin/sh: %s", strerror(errno));
	return CTL_FAILED;
}

/* Until somebody ends this, or the mount ends. */
static int wait_for_end(struct ctl *ctl)
{
	char byte;

	puts("pinned");
	fflush(stdout);
	while (read(ctl->socket, &byte, 1) < 0 && errno == EINTR)
		;
	ctl_warn("the pin was lost: the mount ended");
	return CTL_FAILED;
}

static int run_pin(struct ctl *ctl)
{
	const char *command = ctl_value(ctl, "exec");
	json_t *params = json_object(), *answer;
	int status;

	if (!ctl_add_size(params, "offset", ctl_value(ctl, "offset")) ||
	    !ctl_add_size(params, "length", ctl_value(ctl, "length"))) {
		json_decref(params);
		return ctl_misused("the part is no size");
	}
	if (ctl_value(ctl, "write") != NULL)
		(void)json_object_set_new(params, "write", json_true());
	if (!ctl_open_root(ctl)) {
		json_decref(params);
		return CTL_FAILED;
	}
	ctl_set_path(params, ctl_relative(ctl, ctl->arguments[0]));
	answer = ctl_call(ctl, "Pin", params);
	if (answer == NULL)
		return CTL_FAILED;
	status = command != NULL ? run_command(ctl, answer, command) : wait_for_end(ctl);
	json_decref(answer);
	return status;
}

/* --- reap ------------------------------------------------------------------------------------- */

/* Nobody holds it, it is old enough, and its name is one that was meant. */
static bool is_reapable(const json_t *object, int64_t seconds, const char *pattern)
{
	char *path;
	bool matches;

	if (json_is_true(json_object_get(object, "held")) || ctl_object_age(object) < seconds)
		return false;
	if (pattern == NULL)
		return true;
	path = ctl_get_path(object);
	matches = path != NULL && fnmatch(pattern, path, 0) == 0;
	free(path);
	return matches;
}

static json_t *find_reapable(struct ctl *ctl, int64_t seconds, const char *pattern)
{
	json_t *objects = ctl_call_pages(ctl, "List", "objects", false, true), *found, *object;
	size_t index;

	objects = ctl_of_tenant(objects, ctl_value(ctl, "tenant"));
	if (objects == NULL)
		return NULL;
	found = json_array();
	json_array_foreach(objects, index, object)
	{
		if (is_reapable(object, seconds, pattern))
			(void)json_array_append(found, object);
	}
	json_decref(objects);
	return found;
}

/* One that is held meanwhile, or gone, is none of ours. The kernel of older systems keeps a name
 * that it knows until it asks for it. */
static int reap_one(struct ctl *ctl, json_t *object, json_t *removed)
{
	json_t *answer = NULL;
	int rc = ctl_try(
	    ctl, "Reap", json_pack("{s:I}", "id", (json_int_t)ctl_int(object, "id")), &answer);
	char name[CTL_CELL_SIZE];

	json_decref(answer);
	if (rc == 0)
		(void)json_array_append(removed, object);
	if (rc == -EBUSY || rc == -ENOENT)
		return CTL_OK;
	if (rc < 0)
		ctl_warn("%s: %s", ctl_object_name(object, name), strerror(-rc));
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

static int reap_all(struct ctl *ctl, json_t *objects, json_t *removed)
{
	struct ctl_progress progress;
	int status = CTL_OK;
	json_t *object;
	size_t index;

	ctl_progress_begin(&progress, "reaped");
	json_array_foreach(objects, index, object)
	{
		if (reap_one(ctl, object, removed) != CTL_OK)
			status = CTL_FAILED;
		ctl_progress(&progress, index + 1, json_array_size(objects));
	}
	ctl_progress_end(&progress);
	return status;
}

static const struct ctl_table reap_table = {
    .columns = ctl_object_columns,
    .usual = "NAME,SIZE,CREATOR,AGE",
    .member = "objects",
};

/* For people: scripts that read lines ask for no first one either. */
static void print_total(const struct ctl *ctl, const json_t *objects)
{
	bool removed = ctl_value(ctl, "yes") != NULL;
	const json_t *object;
	uint64_t size = 0;
	size_t index;
	char text[32];

	if (ctl_value(ctl, "J") != NULL || ctl_value(ctl, "raw") != NULL ||
	    ctl_value(ctl, "noheadings") != NULL)
		return;
	json_array_foreach((json_t *)(uintptr_t)objects, index, object) size +=
	    (uint64_t)ctl_int(object, "size");
	printf("%zu object%s of %s %s\n", index, index == 1 ? "" : "s", ctl_human(size, text),
	    removed ? "removed" : "can go: --yes removes them");
}

static int run_reap(struct ctl *ctl)
{
	const char *age = ctl_value(ctl, "age");
	uint64_t seconds = 60;
	json_t *objects, *removed;
	int status, printed;

	if (age != NULL && !ctl_read_seconds(age, &seconds))
		return ctl_misused("'%s' is no age", age);
	status = ctl_check_columns(ctl, &reap_table);
	if (status != CTL_OK)
		return status;
	objects = find_reapable(ctl, (int64_t)seconds, ctl_value(ctl, "pattern"));
	if (objects == NULL)
		return CTL_FAILED;
	(void)ctl_sort(ctl, ctl_object_columns, "NAME", false, objects);
	if (ctl_value(ctl, "yes") != NULL) {
		removed = json_array();
		status = reap_all(ctl, objects, removed);
		json_decref(objects);
		objects = removed;
	}
	printed = ctl_print_table(ctl, &reap_table, objects);
	if (printed == CTL_OK)
		print_total(ctl, objects);
	json_decref(objects);
	return printed != CTL_OK ? printed : status;
}

/* --- verify ----------------------------------------------------------------------------------- */

static int run_verify(struct ctl *ctl)
{
	json_t *answer = ctl_call(ctl, "Verify", NULL), *line;
	int64_t count;
	size_t index;

	if (answer == NULL)
		return CTL_FAILED;
	json_array_foreach(json_object_get(answer, "lines"), index, line)
	    puts(json_string_value(line));
	count = ctl_int(answer, "violations");
	printf("%" PRId64 " violation%s\n", count, count == 1 ? "" : "s");
	json_decref(answer);
	return count == 0 ? CTL_OK : CTL_FAILED;
}

static const struct ctl_option pin_options[] = {
    {0, "offset", "BYTES", "where the part begins (default 0)"},
    {0, "length", "BYTES", "how long it is (default: all from there on)"},
    {'w', "write", NULL, "the memory may be written to; for root"},
    {0, "exec", "COMMAND",
	"run by the shell, with the memory as descriptor $SHMFS_FD; the pin ends with it"},
    {0},
};

static const struct ctl_option reap_options[] = {
    CTL_TABLE_OPTIONS,
    {'y', "yes", NULL, "and remove them"},
    {0, "age", "TIME", "only what is older, in seconds or with m, h or d (default 60)"},
    {'p', "pattern", "PATTERN", "only names that match, by fnmatch(3)"},
    {0, "tenant", "NAME", "only objects of a tenant"},
    {0},
};

const struct ctl_verb ctl_hold_verbs[] = {
    {"pin", "OBJECT", 1, 1, "keeps an object from shrinking until this ends", pin_options, run_pin,
	NULL},
    {"reap", "", 0, 0, "lists objects that nobody has open, mapped or pinned", reap_options,
	run_reap, ctl_object_columns},
    {"verify", "", 0, 0, "checks the whole namespace; files wait meanwhile", NULL, run_verify,
	NULL},
    {0},
};
