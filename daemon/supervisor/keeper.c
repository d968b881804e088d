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
	(void)mount_unmount(handover);
	control_remove(handover->mountpoint.device, handover->control_inode);
	_exit(0);
}

/* A server that lives has the number of the descriptor. So it stays open when a keeper has died,
 * which nobody waits for then, and is the next one's. */
void keeper_watch(struct server *server, pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return;
	if (server->keeper_fd >= 0) {
		(void)dup3(fd, server->keeper_fd, O_CLOEXEC);
	} else if (fd < SHMFS_DESCRIPTOR_FIRST) {
		server->keeper_fd = fd;
		handover_own(server->handover, fd);
		return;
	}
	close(fd);
}

void keeper_forget(struct server *server)
{
	if (server->keeper_fd < 0)
		return;
	close(server->keeper_fd);
	handover_disown(server->handover, server->keeper_fd);
	server->keeper_fd = -1;
}
