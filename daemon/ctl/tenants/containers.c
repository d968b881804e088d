/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Containers: a tenant, and a device of the Container Device Interface by which an engine gives a
 * container the tenant's directory as its /dev/shm.
 * https://github.com/cncf-tags/container-device-interface
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/text.h"
#include "tenants.h"

/* Where engines look, of what lasts until the system ends, as mounts do. */
#define PLACE "/run/cdi"

#define KIND "shmfs.org/shm"
#define FILE_OF "shmfs.org-shm-"

/* With "/" before: a file that is not there yet, and one that is. */
struct place {
	char file[PATH_MAX], part[PATH_MAX];
};

/* So a device may be called. It is also the name of a file, and of the tenant's directory. */
static bool is_device_name(const char *name)
{
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	size_t length = strlen(name);

	return length > 0 && strspn(name, LETTERS "_-.:") == length &&
	       strchr(LETTERS, name[0]) != NULL && strchr(LETTERS, name[length - 1]) != NULL &&
	       length <= NAME_MAX - strlen(FILE_OF ".json.part");
}

static int find_place(const struct ctl *ctl, const char *name, struct place *out)
{
	const char *dir = ctl_value(ctl, "cdi");
	int length;

	if (!is_device_name(name))
		return ctl_misused(
		    "'%s' is no name of a container: letters and digits, and between "
		    "them '_', '-', '.' and ':'",
		    name);
	if (dir == NULL)
		dir = PLACE;
	length = snprintf(out->file, sizeof out->file, "%s/" FILE_OF "%s.json", dir, name);
	if (length < 0 || (size_t)length >= sizeof out->file - sizeof ".part")
		return ctl_misused("'%s' is too long", dir);
	snprintf(out->part, sizeof out->part, "%.*s.part", length, out->file);
	if (mkdir(dir, 0755) < 0 && errno != EEXIST) {
		ctl_warn("%s: %s", dir, strerror(errno));
		return CTL_FAILED;
	}
	return CTL_OK;
}

/* What an engine does to a container that asks for the device. Its own /dev/shm has these options.
 */
static json_t *device(const struct ctl *ctl, const char *name)
{
	char path[PATH_MAX + NAME_MAX];

	snprintf(path, sizeof path, "%s/%s", ctl->mountpoint, name);
	return json_pack("{s:s, s:s, s:[{s:s, s:{s:[{s:s, s:s, s:[s,s,s,s,s]}]}}]}", "cdiVersion",
	    "0.5.0", "kind", KIND, "devices", "name", name, "containerEdits", "mounts", "hostPath",
	    path, "containerPath", "/dev/shm", "options", "bind", "rw", "nosuid", "nodev",
	    "noexec");
}

static int say_failed(const char *path)
{
	ctl_warn("%s: %s", path, strerror(errno));
	return CTL_FAILED;
}

/* Whoever reads the folder meanwhile finds all of it, or nothing. */
static int write_device(const struct ctl *ctl, const char *name, const struct place *place)
{
	json_t *json = device(ctl, name);
	int fd, rc = json == NULL ? -1 : 0;

	if (json == NULL) {
		ctl_warn("%s: the name of the mount is no UTF-8", ctl->mountpoint);
		return CTL_FAILED;
	}
	fd = open(place->part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		rc = -1;
	if (rc == 0)
		rc = json_dumpfd(json, fd, JSON_INDENT(2));
	if (fd >= 0 && close(fd) < 0)
		rc = -1;
	json_decref(json);
	if (rc == 0 && rename(place->part, place->file) == 0)
		return CTL_OK;
	(void)say_failed(place->file);
	if (fd >= 0)
		(void)unlink(place->part);
	return CTL_FAILED;
}

static int run_create(struct ctl *ctl, const char *name)
{
	struct place place;
	int status = find_place(ctl, name, &place);

	if (status == CTL_OK)
		status = tenant_create(ctl, name);
	if (status != CTL_OK)
		return status;
	status = write_device(ctl, name, &place);
	if (status == CTL_OK)
		printf("--device " KIND "=%s\n", name);
	else
		(void)tenant_remove(ctl, name, false);
	return status;
}

/* Nobody begins with it any more before it goes. What has it mapped keeps that. */
static int run_rm(struct ctl *ctl, const char *name)
{
	struct place place;
	int status = find_place(ctl, name, &place);

	if (status != CTL_OK)
		return status;
	if (unlink(place.file) < 0 && errno != ENOENT)
		return say_failed(place.file);
	return tenant_remove(ctl, name, true);
}

static int run_container(struct ctl *ctl)
{
	const char *what = ctl->arguments[0], *name = ctl->arguments[1];
	bool creates = strcmp(what, "create") == 0;

	if (!creates && strcmp(what, "rm") != 0)
		return ctl_misused("'container' has no '%s'", what);
	if (!ctl_open_root(ctl))
		return CTL_FAILED;
	return creates ? run_create(ctl, name) : run_rm(ctl, name);
}

static const struct ctl_option options[] = {
    {'s', "size", "SIZE", "memory, with k, m, g or t, or N% of the machine's; 0 for no limit"},
    {'i', "inodes", "N", "objects, directories and names; 0 for no limit"},
    {0, "mode", "MODE", "of the directory (default 1777)"},
    {0, "owner", "USER", "of the directory (default: the caller)"},
    {0, "cdi", "DIRECTORY", "where engines look for devices (default " PLACE ")"},
    {0},
};

const struct ctl_verb ctl_container_verbs[] = {
    {"container", "create | rm NAME", 2, 2,
	"makes and removes a /dev/shm for a container, with an account of its own", options,
	run_container, NULL},
    {0},
};
