/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing a mount; see remount.h. */
#include "remount.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"
#include "options/foreign.h"
#include "options/table.h"
#include "system/mountpoint.h"
#include "system/sibling.h"

/* The client of the control socket knows how limits are changed. */
static int run_client(char *const argv[])
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		sibling_exec("shmfsctl", "../bin", argv);
		log_error("cannot run shmfsctl: %s", strerror(errno));
		_exit(1);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	/* What is wrong it has said itself. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static bool is_given(const struct options *options, const char *name)
{
	return option_is_given(options, option_find(name, strlen(name)));
}

/* Of one scope, those that are given; NULL: it is not. */
static int set_limits(
    const char *path, const char *scope, const uint64_t *size, const uint64_t *inodes)
{
	char size_text[32], inodes_text[32];
	const char *argv[12] = {"shmfsctl", "-m", path, "limits"};
	size_t count = 4;

	if (size == NULL && inodes == NULL)
		return 0;
	if (size != NULL) {
		snprintf(size_text, sizeof size_text, "%" PRIu64, *size);
		argv[count++] = "--size";
		argv[count++] = size_text;
	}
	if (inodes != NULL) {
		snprintf(inodes_text, sizeof inodes_text, "%" PRIu64, *inodes);
		argv[count++] = "--inodes";
		argv[count++] = inodes_text;
	}
	argv[count] = scope;
	return run_client((char *const *)(uintptr_t)argv);
}

static int change_limits(const struct options *options, const char *path)
{
	bool has_size = is_given(options, "size") || is_given(options, "nr_blocks");
	int rc = set_limits(path, "mount", has_size ? &options->size : NULL,
	    is_given(options, "nr_inodes") ? &options->nr_inodes : NULL);

	return rc < 0 ? rc
		      : set_limits(path, "users",
			    is_given(options, "user_size") ? &options->user_size : NULL,
			    is_given(options, "user_inodes") ? &options->user_inodes : NULL);
}

static int change_flags(const struct options *options, const char *path)
{
	if (options->vfs[0] == '\0' ||
	    mount(NULL, path, NULL, MS_REMOUNT | foreign_mount_flags(options->vfs), NULL) == 0)
		return 0;
	log_error("cannot remount '%s': %s", path, strerror(errno));
	return -errno;
}

/* Those of a tmpfs that a remount leaves alone, it leaves alone without a word. */
static bool is_changed_or_moot(const char *name)
{
	static const char *const names[] = {"size", "nr_blocks", "nr_inodes", "user_size",
	    "user_inodes", "mode", "uid", "gid", "allow_other", "noallow_other"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static void say_what_stays(const struct options *options)
{
	for (const struct option_spec *spec = option_next(NULL); spec != NULL;
	     spec = option_next(spec)) {
		if (option_is_given(options, spec) && !is_changed_or_moot(spec->name))
			log_error("'%s' stays as it was: a remount changes limits and flags alone",
			    spec->name);
	}
}

int remount(const struct options *options)
{
	char path[PATH_MAX], why[PATH_MAX + 64];
	int rc = mountpoint_find(options->mountpoint, path, why, sizeof why);

	if (rc < 0) {
		log_error("%s", why);
		return rc;
	}
	if (options->fake)
		return 0;
	say_what_stays(options);
	rc = change_flags(options, path);
	return rc < 0 ? rc : change_limits(options, path);
}
