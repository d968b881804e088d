/* SPDX-License-Identifier: BSD-2-Clause */
/* Making the mount and the namespace; see mount.h. */
#define FUSE_USE_VERSION 314
#include "mount.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "fuse/init.h"
#include "fuse/session.h"
#include "options/foreign.h"
#include "system/memory_nodes.h"
#include "system/mountpoint.h"
#include "system/warnings.h"

/* How long the kernel may take to say hello. It does so before mount(2) returns. */
#define NEGOTIATION_MS 10000

/* What could not be unmounted, for want of a process or memory, is tried again so often, after a
 * pause that is longer each time. */
#define UNMOUNT_TRIES 8
#define UNMOUNT_PAUSE_MS 5

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

/* A memfd is made in less time, and takes longer to be asked whether it is in use. */
static unsigned spare_memories(const struct handover *handover)
{
	return handover->store_fd > 0 && memory_nodes_is_one("") ? SHMFS_SPARES_MAX : 0;
}

/* Each by itself, with what it has of commas escaped. */
static int add_passed_on(char **list, const char *passed_on)
{
	char *copy = strdup(passed_on), *rest = copy, *option;
	int rc = copy != NULL ? 0 : -1;

	while (rc == 0 && (option = foreign_next(&rest)) != NULL)
		rc = fuse_opt_add_opt_escaped(list, option);
	free(copy);
	return rc;
}

/* Options for libfuse, which hands them to the kernel or to fusermount3. */
static int mount_arguments(const struct options *options, struct fuse_args *args)
{
	char *list = NULL, *source = NULL;
	int rc = -1;

	if (fuse_opt_add_opt(&list, "subtype=shmfs,default_permissions") == 0 &&
	    (!options->allow_other || fuse_opt_add_opt(&list, "allow_other") == 0) &&
	    (options->vfs[0] == '\0' || add_passed_on(&list, options->vfs) == 0) &&
	    asprintf(&source, "fsname=%s", options->source) >= 0 &&
	    fuse_opt_add_opt_escaped(&list, source) == 0 && fuse_opt_add_arg(args, "shmfs") == 0 &&
	    fuse_opt_add_arg(args, "-o") == 0 && fuse_opt_add_arg(args, list) == 0 &&
	    (!options->debug || fuse_opt_add_arg(args, "-d") == 0))
		rc = 0;
	free(source);
	free(list);
	return rc < 0 ? -ENOMEM : 0;
}

static int mount_at(struct server *server)
{
	struct mountpoint *mountpoint = &server->handover->mountpoint;
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	char why[512] = "out of memory";
	int rc = mount_arguments(server->options, &args);

	if (rc == 0)
		rc = channel_mount(&server->channel, &args, mountpoint->path, why, sizeof why);
	fuse_opt_free_args(&args);
	if (rc < 0) {
		log_error("cannot mount on '%s': %s", mountpoint->path, why);
		return rc;
	}
	mountpoint_note(mountpoint);
	return 0;
}

/* Agrees with the kernel on how to talk, and on the tier. */
static int negotiate(struct channel *channel)
{
	char why[256];
	int rc = channel_negotiate(channel, NEGOTIATION_MS);

	if (rc < 0) {
		log_error("the kernel does not answer on /dev/fuse: %s", strerror(-rc));
		return rc;
	}
	if (channel->idmap && !init_allows_idmap(channel)) {
		log_error("idmap cannot be had: it takes Linux 6.12");
		return -EOPNOTSUPP;
	}
	rc = tier_choose(
	    channel->choice, channel->init_agreed, channel->fd, why, sizeof why, &channel->tier);
	if (rc < 0) {
		log_error("io=%s cannot be had: %s", tier_choice_name(channel->choice), why);
		return rc;
	}
	log_info("io=%s: %s", tier_name(channel->tier), why);
	channel->exchange->tier = channel->tier;
	return 0;
}

int mount_begin(struct server *server)
{
	int rc = mount_at(server);

	if (rc < 0)
		return rc;
	rc = negotiate(&server->channel);
	if (rc < 0) {
		(void)mount_unmount(server->handover);
		channel_close(&server->channel);
	}
	return rc;
}

/* Where the policy file is when it is to be read again, from another directory or program. */
static int note_policy(const struct server *server)
{
	if (server->options->mac_policy == NULL)
		return 0;
	return policy_absolute(server->options->mac_policy, server->handover->policy_path);
}

/* Reads that the kernel serves from its cache cannot be decided one by one. */
static int check_revocation(const struct server *server, const struct policy *policy)
{
	if (!policy->revoke || server->channel.tier != TIER_CACHED)
		return 0;
	log_error("strictness revoke cannot be had with io=cached; it needs io=passthrough");
	return -EOPNOTSUPP;
}

static void log_failure(const struct options *options, int rc)
{
	if (rc == -ENOSPC)
		log_error("'%s' has more than %d different labels", options->mac_policy,
		    SHMFS_LABELS_MAX - 1);
	else if (rc == -EEXIST)
		log_error("cannot make the arena: something else is mapped wherever it may be");
	else
		log_error("cannot make the arena: %s", strerror(-rc));
}

static void warn(void *arg, const char *line)
{
	(void)arg;
	log_error("%s", line);
}

int mount_make_namespace(struct server *server, const struct policy *policy)
{
	const struct options *options = server->options;
	const struct shmfs_mac mac = {
	    .policies = options->mac,
	    .revoke = policy->revoke,
	    .subjects = policy->subjects,
	    .count = policy->count,
	};
	struct shmfs_config config = {
	    .rules = options->rules,
	    .arena_fixed = true,
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
	    .backing = server->channel.tier == TIER_PASSTHROUGH,
	    .descriptor_limit = raise_descriptors(),
	    .spare_memories = spare_memories(server->handover),
	    .os = &server->os,
	};
	int rc = check_revocation(server, policy);

	if (rc < 0)
		return rc;
	rc = note_policy(server);
	if (rc == 0)
		rc = shmfs_open_new(&config, &server->channel.fs);
	if (rc < 0) {
		log_failure(options, rc);
		return rc;
	}
	server->handover->arena_fd = shmfs_arena_fd(server->channel.fs);
	warnings_say("", options->size, warn, NULL);
	return 0;
}

int mount_unmount(const struct handover *handover)
{
	int rc = mountpoint_detach(&handover->mountpoint, handover->mount_namespace);

	for (int i = 0; rc < 0 && rc != -ENOENT && i < UNMOUNT_TRIES; i++) {
		long ms = UNMOUNT_PAUSE_MS << i;

		(void)nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
		rc = mountpoint_detach(&handover->mountpoint, handover->mount_namespace);
	}
	if (rc < 0 && rc != -ENOENT)
		log_error("cannot unmount '%s': %s", handover->mountpoint.path, strerror(-rc));
	return rc;
}
