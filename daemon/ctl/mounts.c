/* SPDX-License-Identifier: BSD-2-Clause */
/* The verb that lists mounts. */
#include <stdlib.h>

#include "client.h"
#include "columns.h"
#include "servers.h"
#include "text.h"

/* What a server says of its mount, and how full that is, unless it keeps that to itself. */
static void ask(void *arg, int fd)
{
	struct ctl ctl = {.socket = fd, .root = -1, .passed = -1};
	json_t *list = arg, *mount = NULL, *statistics = NULL;

	if (ctl_try(&ctl, "GetMount", NULL, &mount) == 0) {
		if (ctl_try(&ctl, "GetStatistics", NULL, &statistics) == 0)
			(void)json_object_update(mount, statistics);
		(void)json_array_append_new(list, mount);
	}
	json_decref(statistics);
	ctl_disconnect(&ctl);
}

static const char *print_mountpoint(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	char *path = ctl_get_path(item);

	(void)style;
	(void)member;
	(void)ctl_escape(path != NULL ? path : "", out, CTL_CELL_SIZE);
	free(path);
	return out;
}

static const struct ctl_look look_mountpoint = {false, print_mountpoint};

static const struct ctl_column columns[] = {
    {"MOUNT", "mountpoint", &look_mountpoint, "where it is mounted"},
    {"OWNER", "owner", &ctl_look_user, "who runs it"},
    {"SIZE", "size", &ctl_look_size, "memory that is in use"},
    {"SIZE-LIMIT", "size_limit", &ctl_look_size_or_none, "how much may be"},
    {"INODES", "inodes", &ctl_look_number, "objects, directories and names"},
    {"INODE-LIMIT", "inodes_limit", &ctl_look_number_or_none, "how many there may be"},
    {"IO", "io", &ctl_look_text, "how memory is reached"},
    {"RULES", "rules", &ctl_look_text, "linux or freebsd"},
    {"VERSION", "version", &ctl_look_text, "of the server"},
    {"SERVER", "server", &ctl_look_number, "its process"},
    {"DEVICE", "device", &ctl_look_text, "the number of the device, as stat(1) has it"},
    {0},
};

static const struct ctl_table table = {
    .columns = columns,
    .usual = "MOUNT,OWNER,SIZE,SIZE-LIMIT,IO,VERSION",
    .member = "mounts",
};

static int run_mounts(struct ctl *ctl)
{
	json_t *list = json_array();
	int status;

	servers_each(ask, list);
	status = ctl_sort(ctl, columns, "MOUNT", false, list);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &table, list);
	json_decref(list);
	return status;
}

static const struct ctl_option options[] = {CTL_TABLE_OPTIONS, {0}};

const struct ctl_verb ctl_mount_verbs[] = {
    {"mounts", "", 0, 0, "lists the mounts that can be reached from here", options, run_mounts,
	columns},
    {0},
};
