/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfs: from the command line to a mount that is served, and back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/background.h"
#include "common/log.h"
#include "confine/confine.h"
#include "control/socket.h"
#include "fs/failpoint.h"
#include "fuse/session.h"
#include "options/options.h"
#include "policy/policy.h"
#include "process/assemble.h"
#include "process/mount.h"
#include "process/remount.h"
#include "process/stores.h"
#include "process/upgrade.h"
#include "roles/zygote.h"
#include "supervisor.h"
#include "system/mount_namespace.h"
#include "system/mountpoint.h"

/* Exit statuses, as mount(8) wants them of its helpers. */
enum { END_OK = 0, END_USAGE = 1, END_SYSTEM = 2, END_MOUNT = 32 };

/* Served to the end. */
static int serve(struct server *server, const struct upgrade *upgrade)
{
	int rc = supervise(server, upgrade);

	control_remove(server->handover->mountpoint.device, server->handover->control_inode);
	shmfs_close(server->channel.fs);
	channel_close(&server->channel);
	return rc < 0 ? END_SYSTEM : END_OK;
}

/* Before anything is there that would have to be undone. */
static int give_up_privileges(void)
{
	char why[512];
	int rc = confine_prepare(CONFINE_SUPERVISOR, CONFINE_KEEPER, why, sizeof why);

	if (rc == 0)
		rc = confine(CONFINE_SUPERVISOR, why, sizeof why);
	if (rc < 0)
		log_error("%s", why);
	return rc;
}

static int begin(const struct options *options, const struct policy *policy,
    const struct mountpoint *mountpoint, struct upgrade *upgrade)
{
	struct handover *handover = NULL;
	char memory[1024];
	struct server server;
	int rc;

	if (give_up_privileges() < 0)
		return END_SYSTEM;
	rc = handover_create(&upgrade->handover_fd, &handover);
	if (rc < 0) {
		log_error("cannot make the handover: %s", strerror(-rc));
		return END_SYSTEM;
	}
	server_init(&server, options, handover);
	handover->mountpoint = *mountpoint;
	if (stores_make(handover, options, memory, sizeof memory) < 0)
		return END_USAGE;
	if (mount_begin(&server) < 0)
		return END_MOUNT;
	log_info("%s", memory);
	if (mount_make_namespace(&server, policy) < 0) {
		(void)mount_unmount(handover);
		channel_close(&server.channel);
		return END_SYSTEM;
	}
	handover->control_fd =
	    control_listen(handover->mountpoint.device, &handover->control_inode);
	if (handover->control_fd < 0)
		log_info("no control socket: %s", strerror(-handover->control_fd));
	handover->mount_namespace = mount_namespace_leave(handover->mountpoint.device);
	return serve(&server, upgrade);
}

/* Whether this program can go on with what another one left, and the parts for it. */
static int take_up(
    const struct options *options, const struct upgrade_start *start, struct server *server)
{
	struct handover *handover = NULL;
	int rc = handover_map(start->handover_fd, &handover);

	if (rc < 0)
		return rc;
	server_init(server, options, handover);
	rc = shmfs_check(handover->arena_fd);
	return rc < 0 ? rc : channel_repeat_init(&server->channel);
}

/* A program that knew no tmpfs has left memfds, which stay what they are beside new memory. */
static void adopt_stores(struct server *server)
{
	bool had = server->handover->store_fd > 0;
	char memory[1024];

	if (stores_make(server->handover, server->options, memory, sizeof memory) < 0)
		return;
	stores_own(server->handover);
	if (!had)
		log_info("%s", memory);
}

/* What another program left: checks it, and, but for a trial, goes on with it. */
static int go_on(
    const struct options *options, struct upgrade_start *start, struct upgrade *upgrade)
{
	struct server server;
	int rc = take_up(options, start, &server);

	if (rc < 0) {
		log_error("version %s cannot go on with a mount of this layout: %s", SHMFS_VERSION,
		    strerror(-rc));
		return END_SYSTEM;
	}
	if (give_up_privileges() < 0)
		return END_SYSTEM;
	if (start->trial) {
		failpoints_of_helpers();
		failpoint("trial succeeds");
		server.handover->tried = getpid();
		/* What is left is shared with those who go on. */
		_exit(END_OK);
	}
	rc = shmfs_open_again(server.handover->arena_fd, &server.os, &server.channel.fs);
	if (rc < 0) {
		log_error("cannot take up the arena: %s", strerror(-rc));
		return END_SYSTEM;
	}
	upgrade->handover_fd = start->handover_fd;
	upgrade_take_over(start, server.handover);
	adopt_stores(&server);
	if (server.handover->exchange.tier == TIER_DIRECT_OF_0_1)
		log_info("io=cached instead of io=direct: what is open stays as it was opened");
	return serve(&server, upgrade);
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

/* In a namespace that was made for it, that is what it is for. */
static void warn_of_hidden(const char *path)
{
	unsigned long count = mount_namespace_is_private() ? 0 : mountpoint_hides(path);

	if (count > 0)
		log_error("the tmpfs on '%s' holds %lu name%s, out of reach for who opens by name "
			  "until this is unmounted",
		    path, count, count == 1 ? "" : "s");
}

static int mount_and_serve(
    const struct options *options, const struct policy *policy, struct upgrade *upgrade)
{
	struct mountpoint mountpoint;
	char why[512];
	int rc;

	if (mountpoint_check(options->mountpoint, &mountpoint, why, sizeof why) < 0) {
		log_error("%s", why);
		return END_MOUNT;
	}
	if (options->fake)
		return END_OK;
	warn_of_hidden(mountpoint.path);
	ignore_signals();
	rc = background_close_inherited();
	if (rc < 0) {
		log_error("cannot put descriptors in order: %s", strerror(-rc));
		return END_SYSTEM;
	}
	if (!options->foreground) {
		rc = background_start();
		if (rc < 0) {
			log_error("cannot go to the background: %s", strerror(-rc));
			return END_SYSTEM;
		}
	}
	supervisor_hold_signals();
	return begin(options, policy, &mountpoint, upgrade);
}

/*
 * Whoever mounts by hand is told. A line of fstab(5) that a machine needs to boot goes on with what
 * is to be had, which does all that this one did.
 */
static int check_tier(const struct options *options)
{
	static const char why[] = "io=direct is not offered any more: it loses what is written "
				  "while another program stores to the same page";

	if (!options->asks_direct)
		return 0;
	if (options->helper) {
		log_error("%s; going on with io=auto", why);
		return 0;
	}
	log_error("%s; use io=auto or io=cached", why);
	return -EINVAL;
}

/* The file is read before anything is mounted, and not at all by a program that goes on. */
static int start_anew(const struct options *options, struct upgrade *upgrade)
{
	struct policy policy = {0};
	char why[PATH_MAX + 512];
	int status;

	if (check_tier(options) < 0)
		return END_USAGE;
	if (options->mac != 0 &&
	    policy_read(options->mac_policy, options->mac, &policy, why, sizeof why) < 0) {
		log_error("%s", why);
		return END_USAGE;
	}
	status = mount_and_serve(options, &policy, upgrade);
	policy_free(&policy);
	return status;
}

static int resume(
    const struct options *options, struct upgrade_start *start, struct upgrade *upgrade)
{
	if (!start->trial)
		log_setup(options_log_place(options), options->debug);
	ignore_signals();
	return go_on(options, start, upgrade);
}

static int run(int argc, char **argv, char **kept, struct upgrade_start *start)
{
	struct upgrade upgrade;
	struct options options;
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
	rc = upgrade_prepare(&upgrade, kept);
	if (rc < 0) {
		log_error(
		    "cannot tell which program this is, by /proc/self/exe: %s", strerror(-rc));
		return END_SYSTEM;
	}
	if (options.remount)
		return remount(&options) < 0 ? END_MOUNT : END_OK;
	if (start->handover_fd >= 0)
		return resume(&options, start, &upgrade);
	return start_anew(&options, &upgrade);
}

int main(int argc, char **argv)
{
	struct upgrade_start start;
	enum role role;
	char **kept;
	int status;

	if (argc > 0 && zygote_is(argv[0], &role))
		return zygote_run(role);
	failpoints_begin();
	if (upgrade_read_start(&start) < 0) {
		log_error("SHMFS_RESUME in the environment is nonsense: unset it");
		return END_USAGE;
	}
	kept = upgrade_keep_arguments(argc, argv);
	if (kept == NULL) {
		log_error("no memory for the arguments");
		return END_SYSTEM;
	}
	status = run(argc, argv, kept, &start);
	/* This program was stepped into, and did not get as far as to take over. */
	if (status != END_OK && !start.trial)
		upgrade_return(&start, kept);
	upgrade_drop_arguments(kept);
	return status;
}
