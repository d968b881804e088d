/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfs: from the command line to a mount that is served, and back. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "background.h"
#include "channel.h"
#include "control.h"
#include "log.h"
#include "mounting.h"
#include "mountpoint.h"
#include "options.h"
#include "policy.h"
#include "supervisor.h"
#include "upgrade.h"

/* Exit statuses, as mount(8) wants them of its helpers. */
enum { END_OK = 0, END_USAGE = 1, END_SYSTEM = 2, END_MOUNT = 32 };

/* Served to the end. */
static int serve(struct server *server, const struct options *options,
    struct mountpoint *mountpoint, const struct upgrade *upgrade)
{
	int rc = supervise(server, options, mountpoint, upgrade);

	control_remove(mountpoint->device);
	shmfs_close(server->fs);
	channel_close(server);
	return rc < 0 ? END_SYSTEM : END_OK;
}

static int begin(const struct options *options, const struct policy *policy,
    struct mountpoint *mountpoint, struct upgrade *upgrade)
{
	struct server server = {.fuse_fd = -1,
	    .choice = options->io,
	    .poll_us = options->poll_us,
	    .follow = options->follow};
	int rc = journal_create(&upgrade->journal_fd, &server.journal);

	if (rc < 0) {
		log_error("cannot make the journal: %s", strerror(-rc));
		return END_SYSTEM;
	}
	if (mounting_mount(&server, options, mountpoint) < 0)
		return END_MOUNT;
	if (mounting_make_namespace(&server, options, policy) < 0) {
		(void)mounting_unmount(mountpoint);
		channel_close(&server);
		return END_SYSTEM;
	}
	server.journal->control_fd = control_listen(mountpoint->device);
	if (server.journal->control_fd < 0)
		log_info("no control socket: %s", strerror(-server.journal->control_fd));
	return serve(&server, options, mountpoint, upgrade);
}

/* What another program left: checks it, and, but for a trial, goes on with it. */
static int go_on(
    const struct options *options, struct upgrade_start *start, struct upgrade *upgrade)
{
	struct server server = {.fuse_fd = -1,
	    .choice = options->io,
	    .poll_us = options->poll_us,
	    .follow = options->follow};
	struct mountpoint mountpoint;
	int rc = journal_map(start->journal_fd, &server.journal);

	if (rc == 0)
		rc = shmfs_check(server.journal->arena_fd);
	if (rc == 0)
		rc = channel_repeat_init(&server);
	if (rc < 0) {
		log_error("version %s cannot go on with a mount of this layout: %s", SHMFS_VERSION,
		    strerror(-rc));
		return END_SYSTEM;
	}
	if (start->trial) {
		server.journal->tried = getpid();
		/* What is left is shared with those who go on. */
		_exit(END_OK);
	}
	server.tier = server.journal->tier;
	mounting_use_system(&server);
	rc = shmfs_open_again(server.journal->arena_fd, &server.os, &server.fs);
	if (rc < 0) {
		log_error("cannot take up the arena: %s", strerror(-rc));
		return END_SYSTEM;
	}
	upgrade->journal_fd = start->journal_fd;
	upgrade_take_over(start, server.journal);
	mountpoint = server.journal->mountpoint;
	return serve(&server, options, &mountpoint, upgrade);
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
	ignore_signals();
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

/* The file is read before anything is mounted, and not at all by a program that goes on. */
static int start_anew(const struct options *options, struct upgrade *upgrade)
{
	struct policy policy = {0};
	char why[PATH_MAX + 512];
	int status;

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
		log_setup(options->foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG, options->debug);
	ignore_signals();
	return go_on(options, start, upgrade);
}

static int run(int argc, char **argv, struct upgrade_start *start)
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
	rc = upgrade_prepare(&upgrade, argv);
	if (rc < 0) {
		log_error(
		    "cannot tell which program this is, by /proc/self/exe: %s", strerror(-rc));
		return END_SYSTEM;
	}
	if (start->journal_fd >= 0)
		return resume(&options, start, &upgrade);
	return start_anew(&options, &upgrade);
}

int main(int argc, char **argv)
{
	struct upgrade_start start;
	int status;

	failpoints_begin();
	if (upgrade_read_start(&start) < 0) {
		log_error("SHMFS_RESUME in the environment is nonsense: unset it");
		return END_USAGE;
	}
	status = run(argc, argv, &start);
	/* This program was stepped into, and did not get as far as to take over. */
	if (status != END_OK && !start.trial)
		upgrade_return(&start, argv);
	return status;
}
