/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the mount and the namespace; see mounting.h. */
#define FUSE_USE_VERSION 314
#include "mounting.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "channel.h"
#include "log.h"
#include "mountpoint.h"

/* How long the kernel may take to say hello. It does so before mount(2) returns. */
#define NEGOTIATION_MS 10000

/* Freeing as much takes the kernel about as long as a few requests. */
#define DEFERRED_FREE_MIN (1024 * 1024)

/* Raises the number of descriptors as far as the system lets; the number behind the highest. */
static int raise_descriptors(void)
{
	unsigned long long most = 0;
	struct rlimit limit;
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");

	if (file != NULL) {
		if (fscanf(file, "%llu", &most) != 1)
			most = 0;
		fclose(file);
	}
	/* Above the hard limit only with CAP_SYS_RESOURCE. */
	limit = (struct rlimit){most, most};
	if (most == 0 || setrlimit(RLIMIT_NOFILE, &limit) < 0) {
		if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
			return 0;
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT32_MAX)
		return 0;
	return (int)limit.rlim_cur;
}

/* The journal learns of an id before the namespace does; see recovery.c. */
static int backing_open(void *arg, int fd)
{
	const struct server *server = arg;
	struct journal *journal = server->journal;
	int id = tier_backing_open(server->fuse_fd, fd);

	failpoint("backing id given");
	if (id <= 0)
		return id < 0 ? id : -EIO;
	if (id < journal->last_backing)
		journal->backings_wrapped = true;
	journal->last_backing = id;
	failpoint("backing id in the journal");
	return id;
}

static void backing_close(void *arg, int backing)
{
	const struct server *server = arg;

	tier_backing_close(server->fuse_fd, backing);
}

void mounting_use_system(struct server *server)
{
	server->os = *shmfs_os_linux();
	server->os.arg = server;
	server->os.backing_open = backing_open;
	server->os.backing_close = backing_close;
}

/* Options for libfuse, which hands them to the kernel or to fusermount3. */
static int mount_arguments(const struct options *options, struct fuse_args *args)
{
	char *list = NULL, *source = NULL;
	int rc = -1;

	if (fuse_opt_add_opt(&list, "subtype=shmfs,default_permissions") == 0 &&
	    (!options->allow_other || fuse_opt_add_opt(&list, "allow_other") == 0) &&
	    (options->vfs[0] == '\0' || fuse_opt_add_opt(&list, options->vfs) == 0) &&
	    asprintf(&source, "fsname=%s", options->source) >= 0 &&
	    fuse_opt_add_opt_escaped(&list, source) == 0 && fuse_opt_add_arg(args, "shmfs") == 0 &&
	    fuse_opt_add_arg(args, "-o") == 0 && fuse_opt_add_arg(args, list) == 0 &&
	    (!options->debug || fuse_opt_add_arg(args, "-d") == 0))
		rc = 0;
	free(source);
	free(list);
	return rc < 0 ? -ENOMEM : 0;
}

static int mount_at(
    struct server *server, const struct options *options, struct mountpoint *mountpoint)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char why[512] = "out of memory";
	int rc = mount_arguments(options, &args);

	if (rc == 0)
		rc = channel_mount(server, &args, mountpoint->path, why, sizeof why);
	fuse_opt_free_args(&args);
	if (rc < 0) {
		log_error("cannot mount on '%s': %s", mountpoint->path, why);
		return rc;
	}
	mountpoint_note(mountpoint);
	return 0;
}

/* Agrees with the kernel on how to talk, and on the tier. */
static int negotiate(struct server *server, const struct options *options)
{
	char why[256];
	int rc = channel_negotiate(server, NEGOTIATION_MS);

	if (rc < 0) {
		log_error("the kernel does not answer on /dev/fuse: %s", strerror(-rc));
		return rc;
	}
	rc = tier_choose(
	    options->io, server->init_agreed, server->fuse_fd, why, sizeof why, &server->tier);
	if (rc < 0) {
		log_error("io=%s cannot be had: %s", tier_choice_name(options->io), why);
		return rc;
	}
	log_info("io=%s: %s", tier_name(server->tier), why);
	server->journal->tier = server->tier;
	return 0;
}

int mounting_mount(
    struct server *server, const struct options *options, struct mountpoint *mountpoint)
{
	int rc = mount_at(server, options, mountpoint);

	if (rc < 0)
		return rc;
	server->journal->mountpoint = *mountpoint;
	rc = negotiate(server, options);
	if (rc < 0) {
		(void)mounting_unmount(mountpoint);
		channel_close(server);
	}
	return rc;
}

/* Where the policy file is when it is to be read again, from another directory or program. */
static int note_policy(const struct server *server, const struct options *options)
{
	if (options->mac_policy == NULL)
		return 0;
	return policy_absolute(options->mac_policy, server->journal->policy_path);
}

/* Reads that the kernel serves from its cache cannot be decided one by one. */
static int check_revocation(const struct server *server, const struct policy *policy)
{
	if (!policy->revoke || server->tier != TIER_CACHED)
		return 0;
	log_error("strictness revoke cannot be had with io=cached");
	return -EOPNOTSUPP;
}

static void log_failure(const struct options *options, int rc)
{
	if (rc == -ENOSPC)
		log_error("'%s' has more than %d different labels", options->mac_policy,
		    SHMFS_LABELS_MAX - 1);
	else if (rc == -EOPNOTSUPP)
		log_error("cannot make the arena: this system has pages of %ld bytes, not of %d",
		    sysconf(_SC_PAGESIZE), SHMFS_PAGE_SIZE);
	else
		log_error("cannot make the arena: %s", strerror(-rc));
}

int mounting_make_namespace(
    struct server *server, const struct options *options, const struct policy *policy)
{
	const struct shmfs_mac mac = {
	    .policies = options->mac,
	    .revoke = policy->revoke,
	    .subjects = policy->subjects,
	    .count = policy->count,
	};
	struct shmfs_config config = {
	    .rules = options->rules,
	    .arena_base = SHMFS_ARENA_BASE,
	    .size_limit = options->size,
	    .node_limit = options->nr_inodes,
	    .user_size_limit = options->user_size,
	    .user_node_limit = options->user_inodes,
	    .root_mode = options->mode,
	    .root_uid = options->uid,
	    .root_gid = options->gid,
	    .grow_patterns = options->grow,
	    .mac = &mac,
	    .deferred_free_min = DEFERRED_FREE_MIN,
	    .lifetime_patterns = options->lifetime,
	    .lifetime_age = options->lifetime_age,
	    .backing = server->tier == TIER_PASSTHROUGH,
	    .descriptor_limit = raise_descriptors(),
	    .os = &server->os,
	};
	int rc = check_revocation(server, policy);

	if (rc < 0)
		return rc;
	mounting_use_system(server);
	rc = note_policy(server, options);
	if (rc == 0)
		rc = shmfs_open_new(&config, &server->fs);
	if (rc < 0) {
		log_failure(options, rc);
		return rc;
	}
	server->journal->arena_fd = shmfs_arena_fd(server->fs);
	return 0;
}

int mounting_unmount(const struct mountpoint *mountpoint)
{
	int rc = mountpoint_detach(mountpoint);

	if (rc < 0 && rc != -ENOENT)
		log_error("cannot unmount '%s': %s", mountpoint->path, strerror(-rc));
	return rc;
}
