/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmounting when the supervisor died; see keeper.h. */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/log.h"
#include "confine/confine.h"
#include "control/socket.h"
#include "fs/failpoint.h"
#include "process/loop.h"
#include "process/mount.h"

/* The signal comes from the kernel; it does not come to one whose supervisor has died before it
 * asked for it. It is blocked, as it was in the supervisor. */
static void wait_for_death(pid_t supervisor)
{
	sigset_t set;
	int signal;

	sigemptyset(&set);
	sigaddset(&set, LOOP_ORPHANED);
	while (getppid() == supervisor)
		(void)sigwait(&set, &signal);
}

/* It does nothing any more but wait for the keeper's end; but where it is stopped, or hangs, calls
 * on what is still open would wait for it for ever. */
static void end_server(const struct server *server)
{
	if (server->server_fd >= 0)
		(void)syscall(SYS_pidfd_send_signal, server->server_fd, SIGKILL, NULL, 0);
}

_Noreturn void keeper_run(const struct server *server)
{
	const struct handover *handover = server->handover;
	char why[512];

	(void)prctl(PR_SET_NAME, "shmfs-keeper");
	failpoints_of_helpers();
	failpoint("keeper begun");
	if (prctl(PR_SET_PDEATHSIG, LOOP_ORPHANED) < 0) {
		log_error("the keeper cannot wait for its parent: %s", strerror(errno));
		_exit(1);
	}
	if (confine(CONFINE_KEEPER, why, sizeof why) < 0) {
		log_error("the keeper: %s", why);
		_exit(1);
	}
	log_setup(options_log_place(server->options), server->options->debug);
	failpoint("keeper waits");
	wait_for_death(handover->supervisor);
	log_error("the supervisor died: unmounting '%s'", handover->mountpoint.path);
	failpoint("keeper unmounts");
	(void)mount_unmount(handover);
	failpoint("keeper has unmounted");
	control_remove(handover->mountpoint.device, handover->control_inode);
	end_server(server);
	_exit(0);
}

/* --- who waits for whom ----------------------------------------------------------------------- */

/* A child that lives has the number of the descriptor. So it stays open when the process has died,
 * and is the next one's. */
static void watch(struct server *server, int *number, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return;
	if (*number >= 0) {
		(void)dup3(fd, *number, O_CLOEXEC);
	} else if (fd < SHMFS_DESCRIPTOR_FIRST) {
		*number = fd;
		handover_own(server->handover, fd);
		return;
	}
	close(fd);
}

static void forget(struct server *server, int *number)
{
	if (*number < 0)
		return;
	close(*number);
	handover_disown(server->handover, *number);
	*number = -1;
}

void keeper_watch(struct server *server, pid_t pid)
{
	watch(server, &server->keeper_fd, pid);
}

void keeper_watch_server(struct server *server, pid_t pid)
{
	watch(server, &server->server_fd, pid);
}

void keeper_forget(struct server *server)
{
	forget(server, &server->keeper_fd);
	forget(server, &server->server_fd);
}
