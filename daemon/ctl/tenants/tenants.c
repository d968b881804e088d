/* SPDX-License-Identifier: BSD-2-Clause */
/* Tenants: directories with an account of their own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/columns.h"
#include "ctl/text.h"
#include "tenants.h"

static int fail(const char *name, int error)
{
	char text[PATH_MAX];

	ctl_warn("%s: %s", ctl_escape(name, text, sizeof text), strerror(error));
	return CTL_FAILED;
}

/* Calls a method about one tenant, whose name its failure tells; params is taken over. */
static int change(struct ctl *ctl, const char *method, const char *name, json_t *params)
{
	json_t *answer = NULL;
	char text[PATH_MAX];
	int rc;

	ctl_set_path(params, name);
	rc = ctl_try(ctl, method, params, &answer);
	json_decref(answer);
	if (rc == -EINVAL) {
		ctl_warn("%s: no path below the root of the mount, or in a tenant",
		    ctl_escape(name, text, sizeof text));
		return CTL_FAILED;
	}
	return rc < 0 ? fail(name, -rc) : CTL_OK;
}

static int add_limits(const struct ctl *ctl, json_t *params)
{
	const char *size = ctl_value(ctl, "size"), *inodes = ctl_value(ctl, "inodes");

	if (!ctl_add_part_of_memory(params, "size", size))
		return ctl_misused("'%s' is no size: bytes, with k, m, g or t, or N%%", size);
	if (!ctl_add_size(params, "inodes", inodes))
		return ctl_misused("'%s' is no number", inodes);
	return CTL_OK;
}

/* --- create, set ------------------------------------------------------------------------------ */

/* With the group that the system has for the user. */
static int add_owner(json_t *params, const char *text)
{
	const struct passwd *entry;
	uid_t uid;

	if (text == NULL)
		return CTL_OK;
	if (!ctl_read_user(text, &uid))
		return ctl_misused("there is no user '%s'", text);
	entry = getpwuid(uid);
	(void)json_object_set_new(params, "uid", json_integer(uid));
	(void)json_object_set_new(
	    params, "gid", json_integer(entry != NULL ? entry->pw_gid : (gid_t)uid));
	return CTL_OK;
}

static int add_mode(json_t *params, const char *text)
{
	uint64_t mode;

	if (text == NULL)
		return CTL_OK;
	if (!ctl_read_mode(text, 07777, &mode))
		return ctl_misused("'%s' is no mode", text);
	(void)json_object_set_new(params, "mode", json_integer((json_int_t)mode));
	return CTL_OK;
}

/*
 * A kernel before 6.16 that was told that there is no such name believes it, and no server can
 * change its mind. It asks again when somebody is about to make the name.
 */
static void have_kernel_ask(const struct ctl *ctl, const char *name)
{
	if (mkdirat(ctl->root, name, 0700) == 0)
		(void)unlinkat(ctl->root, name, AT_REMOVEDIR);
}

int tenant_create(struct ctl *ctl, const char *name)
{
	json_t *params = json_object();
	int status = add_limits(ctl, params);

	if (status == CTL_OK)
		status = add_mode(params, ctl_value(ctl, "mode"));
	if (status == CTL_OK)
		status = add_owner(params, ctl_value(ctl, "owner"));
	if (status != CTL_OK) {
		json_decref(params);
		return status;
	}
	status = change(ctl, "CreateTenant", name, params);
	if (status == CTL_OK)
		have_kernel_ask(ctl, name);
	return status;
}

static int run_set(struct ctl *ctl, const char *name)
{
	json_t *params = json_object();
	int status = add_limits(ctl, params);

	if (status == CTL_OK && json_object_size(params) == 0)
		status = ctl_misused("'tenant set' needs --size or --inodes");
	if (status == CTL_OK)
		return change(ctl, "SetTenant", name, params);
	json_decref(params);
	return status;
}

/* --- ls --------------------------------------------------------------------------------------- */

static const struct ctl_table table = {
    .columns = ctl_tenant_columns,
    .usual = "NAME,OWNER,SIZE,SIZE-LIMIT,INODES,INODE-LIMIT,REFUSED",
    .member = "tenants",
};

static int run_ls(struct ctl *ctl)
{
	json_t *tenants = ctl_call_pages(ctl, "ListTenants", "tenants", false, false);
	const char *by = ctl_value(ctl, "sort");
	int status;

	if (tenants == NULL)
		return CTL_FAILED;
	status = ctl_sort(ctl, ctl_tenant_columns, by != NULL ? by : "NAME", false, tenants);
	if (status == CTL_OK)
		status = ctl_print_table(ctl, &table, tenants);
	json_decref(tenants);
	return status;
}

/* --- rm --------------------------------------------------------------------------------------- */

/* Removes a name. 0; 1: it is a directory that is not empty; a negative errno. */
static int remove_name(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno == EISDIR && unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno == ENOTEMPTY)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* A directory in, or above, another. 0: it is not there any more; a negative errno. */
static int open_directory(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ESTALE))
		return 0;
	return fd < 0 ? -errno : fd;
}

/* Removes the names of a directory, up to the first that is a directory and not empty, which is
 * opened. 0: nothing is left; a negative errno. */
static int clear(int dir)
{
	int fd = open_directory(dir, "."), rc = 0;
	DIR *listing = fd > 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (listing == NULL) {
		if (fd > 0)
			close(fd);
		return fd > 0 ? -ENOMEM : fd;
	}
	while (rc == 0 && (entry = readdir(listing)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		rc = remove_name(dir, entry->d_name);
		if (rc > 0)
			rc = open_directory(dir, entry->d_name);
	}
	closedir(listing);
	return rc;
}

static bool is_same(int a, int b)
{
	struct stat one, other;

	return fstat(a, &one) == 0 && fstat(b, &other) == 0 && one.st_ino == other.st_ino;
}

/* From a directory in which nothing is left to where there may be: up, or, where others have
 * removed it, to the root again. 0: that is empty. */
static int go_up(int at, int root)
{
	int fd;

	if (is_same(at, root))
		return 0;
	fd = open_directory(at, "..");
	return fd == 0 ? open_directory(root, ".") : fd;
}

/*
 * Removes all below a tenant's directory, however deep, with few descriptors: down and up. Others
 * may move directories about meanwhile, but the way up leads through the tenant's own from wherever
 * it begins. 0, or a negative errno.
 */
static int clear_tree(int root)
{
	int at = open_directory(root, "."), next;

	while (at > 0) {
		next = clear(at);
		if (next == 0)
			next = go_up(at, root);
		close(at);
		at = next;
	}
	return at;
}

static void set_inodes(struct ctl *ctl, const char *name, int64_t inodes)
{
	(void)change(ctl, "SetTenant", name, json_pack("{s:I}", "inodes", (json_int_t)inodes));
}

/* Nothing can be made there once there may be one node; so this comes to an end. */
static int clear_tenant(struct ctl *ctl, const char *name, const json_t *tenant)
{
	int dir = open_directory(ctl->root, name), rc;

	if (dir <= 0)
		return fail(name, dir == 0 ? ENOENT : -dir);
	set_inodes(ctl, name, 1);
	rc = clear_tree(dir);
	close(dir);
	if (rc == 0)
		return CTL_OK;
	set_inodes(ctl, name, ctl_int(json_object_get(tenant, "limits"), "inodes"));
	return fail(name, -rc);
}

int tenant_remove(struct ctl *ctl, const char *name, bool force)
{
	json_t *tenant = ctl_find_tenant(ctl, name);
	int status = CTL_OK;

	if (tenant == NULL)
		return CTL_FAILED;
	if (force)
		status = clear_tenant(ctl, name, tenant);
	json_decref(tenant);
	if (status == CTL_OK && unlinkat(ctl->root, name, AT_REMOVEDIR) < 0)
		status = fail(name, errno);
	return status;
}

static int run_rm(struct ctl *ctl, const char *name)
{
	return tenant_remove(ctl, name, ctl_value(ctl, "force") != NULL);
}

/* --- the verb --------------------------------------------------------------------------------- */

static const struct action {
	const char *name;
	int (*run)(struct ctl *ctl, const char *name);
} actions[] = {{"create", tenant_create}, {"set", run_set}, {"rm", run_rm}};

static int run_tenant(struct ctl *ctl)
{
	const char *what = ctl->arguments[0];

	if (strcmp(what, "ls") == 0 && ctl->count > 1)
		return ctl_misused("too many arguments: '%s'", ctl->arguments[1]);
	if (strcmp(what, "ls") == 0)
		return run_ls(ctl);
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (strcmp(what, actions[i].name) != 0)
			continue;
		if (ctl->count < 2)
			return ctl_misused("'tenant %s' needs a name", what);
		/* For the mount point, which names may begin with. */
		if (!ctl_open_root(ctl))
			return CTL_FAILED;
		return actions[i].run(ctl, ctl_relative(ctl, ctl->arguments[1]));
	}
	return ctl_misused("'tenant' has no '%s'", what);
}

static const struct ctl_option options[] = {
    CTL_TABLE_OPTIONS,
    {0, "sort", "COLUMN", "sorted by a column (default NAME)"},
    {'s', "size", "SIZE", "memory, with k, m, g or t, or N% of the machine's; 0 for no limit"},
    {'i', "inodes", "N", "objects, directories and names; 0 for no limit"},
    {'m', "mode", "MODE", "of a directory that is made (default 1777)"},
    {0, "owner", "USER", "of a directory that is made (default: the caller)"},
    {'f', "force", NULL, "remove what is in the directory, too"},
    {0},
};

const struct ctl_verb ctl_tenant_verbs[] = {
    {"tenant", "create | set | ls | rm [NAME]", 1, 2,
	"makes, limits, lists and removes directories with an account of their own", options,
	run_tenant, ctl_tenant_columns},
    {0},
};
