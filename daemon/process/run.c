/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a server; see run.h. */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/log.h"
#include "confine/confine.h"
#include "fs/failpoint.h"
#include "fuse/recovery.h"
#include "loop.h"

/* For a program of another process that a busy machine has to load first. */
#define KEEPER_MS 10000

/*
 * A server without a supervisor would have no successor, so it ends with it, once the keeper has
 * taken the mount out of the tree. The signal comes from the kernel (LOOP_ORPHANED); it does not
 * come to one whose supervisor has died before it asked for it.
 */
static bool is_orphan(const struct server *server)
{
	return prctl(PR_SET_PDEATHSIG, LOOP_ORPHANED) < 0 ||
	       getppid() != server->handover->supervisor;
}

/* From here on the mount answers. */
static void announce(void *arg)
{
	const struct server *server = arg;

	server->handover->serving = true;
	(void)kill(server->handover->supervisor, SIGUSR1);
}

/*
 * Waits until the keeper (supervisor/keeper.h) has taken the mount out of the tree, as long as that
 * takes by any measure.
 */
static void wait_for_keeper(const struct server *server)
{
	struct pollfd keeper = {.fd = server->keeper_fd, .events = POLLIN};

	/* The signal of a child's end may be the next one to come. */
	while (server->keeper_fd >= 0 && poll(&keeper, 1, KEEPER_MS) < 0 && errno == EINTR)
		;
}

/* A keeper that is stopped has the table of descriptors, too: nobody answers by this one now. */
static enum server_end end_as_orphan(const struct server *server)
{
	wait_for_keeper(server);
	close(server->channel.fd);
	return SERVER_ORPHANED;
}

static enum server_end end_of(int rc)
{
	switch (rc) {
	case 0:
	case -ENODEV:
		return SERVER_UNMOUNTED;
	case -ECONNABORTED:
		return SERVER_ABORTED;
	default:
		log_error("serving failed: %s", strerror(-rc));
		return SERVER_FAILED;
	}
}

enum server_end server_run(struct server *server)
{
	struct channel *channel = &server->channel;
	int signal = 0, rc;
	char why[512];

	(void)prctl(PR_SET_NAME, "shmfs-server");
	if (is_orphan(server))
		return end_as_orphan(server);
	/* At once, so that all servers have as many descriptors. If it fails, it is tried again. */
	(void)reply_pipe_open(&channel->pipe);
	memory_room_open("", &channel->room);
	if (confine(CONFINE_SERVER, why, sizeof why) < 0) {
		log_error("a server keeps its privileges: %s", why);
		return SERVER_FAILED;
	}
	failpoint("server started");
	rc = recovery_run(channel);
	if (rc == 0)
		rc = loop_run(server, announce, server, &signal);
	if (rc == 0 && signal == LOOP_ORPHANED)
		return end_as_orphan(server);
	if (rc == 0 && signal != 0)
		return SERVER_STOPPED;
	return end_of(rc);
}
