/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of a server; see serving.h. */
#include "serving.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "control.h"
#include "log.h"
#include "loop.h"
#include "mounting.h"
#include "recovery.h"

/*
 * A server without a supervisor would have no successor, so it ends with it, and takes the mount
 * out of the tree. The signal comes from the kernel (LOOP_ORPHANED); it does not come to one whose
 * supervisor has died before it asked for it.
 */
static bool is_orphan(const struct server *server)
{
	return prctl(PR_SET_PDEATHSIG, LOOP_ORPHANED) < 0 ||
	       getppid() != server->journal->supervisor;
}

/* From here on the mount answers. */
static void announce(void *arg)
{
	const struct server *server = arg;

	server->journal->serving = true;
	(void)kill(server->journal->supervisor, SIGUSR1);
}

static enum serving_end end_as_orphan(const struct server *server)
{
	log_error("the supervisor died: unmounting '%s'", server->journal->mountpoint.path);
	(void)mounting_unmount(&server->journal->mountpoint);
	control_remove(server->journal->mountpoint.device);
	return SERVING_ORPHANED;
}

static enum serving_end end_of(int rc)
{
	switch (rc) {
	case 0:
	case -ENODEV:
		return SERVING_UNMOUNTED;
	case -ECONNABORTED:
		return SERVING_ABORTED;
	default:
		log_error("serving failed: %s", strerror(-rc));
		return SERVING_FAILED;
	}
}

enum serving_end serving_run(struct server *server)
{
	int signal = 0, rc;

	(void)prctl(PR_SET_NAME, "shmfs-server");
	if (is_orphan(server))
		return end_as_orphan(server);
	journal_populate(server->journal, server->journal->place);
	server->place_is_ready[server->journal->place] = true;
	failpoint("server started");
	rc = recovery_run(server);
	if (rc == 0)
		rc = loop_run(server, announce, server, &signal);
	if (rc == 0 && signal == LOOP_ORPHANED)
		return end_as_orphan(server);
	if (rc == 0 && signal != 0)
		return SERVING_STOPPED;
	return end_of(rc);
}
