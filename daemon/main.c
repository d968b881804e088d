/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfs: from the command line to a mount that is served, and back. */
#define FUSE_USE_VERSION 314
#include <errno.h>
#include <fuse_lowlevel.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "background.h"
#include "channel.h"
#include "log.h"
#include "loop.h"
#include "mountpoint.h"
#include "options.h"

/* Exit statuses, as mount(8) wants them of its helpers. */
enum { END_OK = 0, END_USAGE = 1, END_SYSTEM = 2, END_MOUNT = 32 };

/* How long the kernel may take to say hello. It does so before mount(2) returns. */
#define NEGOTIATION_MS 10000

/* Descriptors that objects never take: stdio, /dev/fuse, the arena, the loop's, and for files that
 * are opened for a moment. */
#define OWN_DESCRIPTORS 64

/* Raises the number of descriptors as far as the system lets; returns how many objects may have. */
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
	return limit.rlim_cur > 2 * OWN_DESCRIPTORS ? (int)limit.rlim_cur - OWN_DESCRIPTORS
						    : (int)limit.rlim_cur / 2;
}

static int backing_open(void *arg, int fd)
{
	const struct server *server = arg;

	return tier_backing_open(server->fuse_fd, fd);
}

static void backing_close(void *arg, int backing)
{
	const struct server *server = arg;

	tier_backing_close(server->fuse_fd, backing);
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
	if (rc < 0)
		log_error("io=%s cannot be had: %s", tier_choice_name(options->io), why);
	else
		log_info("io=%s: %s", tier_name(server->tier), why);
	return rc;
}

static int make_namespace(struct server *server, const struct options *options)
{
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
	    .backing = server->tier == TIER_PASSTHROUGH,
	    .descriptor_limit = raise_descriptors(),
	    .os = &server->os,
	};
	int rc;

	server->os = *shmfs_os_linux();
	server->os.arg = server;
	server->os.backing_open = backing_open;
	server->os.backing_close = backing_close;
	rc = shmfs_open_new(&config, &server->fs);
	if (rc < 0)
		log_error("cannot make the arena: %s", strerror(-rc));
	return rc;
}

/*
 * A mount that is in use goes from the tree all the same; its users get ENOTCONN once we end.
 * -ENOENT: it was gone already.
 */
static int unmount(const struct server *server, const struct mountpoint *mountpoint)
{
	struct shmfs_usage usage;
	int rc = mountpoint_detach(mountpoint);

	if (rc < 0) {
		if (rc != -ENOENT)
			log_error("cannot unmount '%s': %s", mountpoint->path, strerror(-rc));
		return rc;
	}
	if (server->fs == NULL)
		return 0;
	shmfs_usage(server->fs, &usage);
	if (usage.handles > 0)
		log_info("unmounted '%s' while %" PRIu64 " descriptors were open", mountpoint->path,
		    usage.handles);
	return 0;
}

/* The loop has ended with rc, or by a signal (0: none). 0 if that was asked for. */
static int finish(
    const struct server *server, const struct mountpoint *mountpoint, int rc, int signal)
{
	int unmounted;

	if (rc == 0 && signal == 0) {
		log_info("'%s' was unmounted", mountpoint->path);
		return 0;
	}
	if (signal != 0)
		log_info("signal %d: unmounting '%s'", signal, mountpoint->path);
	unmounted = unmount(server, mountpoint);
	/* An unmount that overtakes a request ends the connection in the same way as an abort, but
	 * then the mount is gone. */
	if (rc == -ECONNABORTED && unmounted == -ENOENT)
		return 0;
	if (rc < 0)
		log_error("serving '%s' failed: %s", mountpoint->path, strerror(-rc));
	return rc;
}

struct start {
	const struct options *options;
	const struct mountpoint *mountpoint;
};

/* From here on the mount answers. */
static void announce(void *arg)
{
	const struct start *start = arg;
	char list[4096];

	options_print(start->options, list, sizeof list);
	log_info(
	    "mounted on '%s'%s%s", start->mountpoint->path, list[0] != '\0' ? " with " : "", list);
	log_setup(
	    start->options->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG, start->options->debug);
	background_ready();
}

/* Serves until the end; 0 if that was asked for. */
static int serve(
    struct server *server, const struct options *options, const struct mountpoint *mountpoint)
{
	struct start start = {options, mountpoint};
	int signal = 0;
	int rc = loop_run(server, announce, &start, &signal);

	background_stopping();
	return finish(server, mountpoint, rc, signal);
}

static int run(const struct options *options, struct mountpoint *mountpoint)
{
	struct server server = {.fuse_fd = -1, .choice = options->io};
	int status = END_MOUNT;

	loop_hold_signals();
	if (mount_at(&server, options, mountpoint) < 0)
		return END_MOUNT;
	if (negotiate(&server, options) < 0)
		goto end_mount;
	if (make_namespace(&server, options) < 0) {
		status = END_SYSTEM;
		goto end_mount;
	}
	status = serve(&server, options, mountpoint) < 0 ? END_SYSTEM : END_OK;
	shmfs_close(server.fs);
	channel_close(&server);
	return status;

end_mount:
	unmount(&server, mountpoint);
	channel_close(&server);
	return status;
}

/* Neither a limit on the size of files, nor a pipe without a reader, nor a lease that somebody
 * breaks (struct shmfs_os, unused) may end the server. */
static void ignore_signals(void)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGXFSZ, &ignore, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGIO, &ignore, NULL);
	if (setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) < 0)
		log_debug("RLIMIT_FSIZE stays: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct options options;
	struct mountpoint mountpoint;
	char why[512];
	int rc;

	if (options_parse(&options, argc, argv, why, sizeof why) < 0) {
		log_error("%s", why);
		return END_USAGE;
	}
	if (options.help) {
		options_usage(stdout);
		return fflush(stdout) == 0 ? END_OK : END_SYSTEM;
	}
	if (options.version) {
		printf("shmfs %s\n", SHMFS_VERSION);
		return fflush(stdout) == 0 ? END_OK : END_SYSTEM;
	}
	log_setup(options.foreground ? LOG_TO_STDERR : LOG_ERRORS_TO_STDERR, options.debug);
	if (mountpoint_check(options.mountpoint, &mountpoint, why, sizeof why) < 0) {
		log_error("%s", why);
		return END_MOUNT;
	}
	if (options.fake)
		return END_OK;
	ignore_signals();
	if (!options.foreground) {
		rc = background_start();
		if (rc < 0) {
			log_error("cannot go to the background: %s", strerror(-rc));
			return END_SYSTEM;
		}
	}
	return run(&options, &mountpoint);
}
