/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that make system calls that they may not make: one is planted in the midst of a write, as
 * by somebody who has the process in their hands.
 *
 * Environment: that of daemon.h; SHMFS_BIN has to be built with -Dc_args=-DSHMFS_FAILPOINTS.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "../daemon.h"
#include "../steps_page.h"
#include "launch.h"

struct planted {
	const char *name;
	int64_t call[7];
};

static const char path[] = "/tmp/shmfs-planted";

/* The kinds of calls that a list has not, and those that it has with other arguments. */
static const struct planted planted[] = {
    {"ptrace", {SYS_ptrace, PTRACE_TRACEME}},
    {"execve", {SYS_execve, (intptr_t)path}},
    {"umount2", {SYS_umount2, (intptr_t)path, MNT_DETACH}},
    {"setuid", {SYS_setuid, 0}},
    {"bpf", {SYS_bpf}},
    {"capset", {SYS_capset}},
    {"process_vm_writev", {SYS_process_vm_writev, 1}},
    {"socket", {SYS_socket, AF_INET, SOCK_STREAM}},
    {"socket", {SYS_socket, AF_NETLINK, SOCK_RAW}},
    {"kill", {SYS_kill, 1, 0}},
    {"kill", {SYS_kill, -1, SIGUSR1}},
    {"tgkill", {SYS_tgkill, 1, 1, SIGKILL}},
    {"mmap", {SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1}},
    {"openat", {SYS_openat, AT_FDCWD, (intptr_t)path, O_CREAT | O_RDWR, 0600}},
    {"clone", {SYS_clone, CLONE_NEWUSER | SIGCHLD}},
    {"prctl", {SYS_prctl, PR_SET_DUMPABLE, 1}},
    {"ioctl", {SYS_ioctl, 0, TIOCSTI}},
};

static volatile struct failpoints *steps;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static bool comes_to_be_logged(const char *text)
{
	for (int i = 0; i < 1000 * launch_slowness(); i++) {
		if (daemon_log_mentions(text))
			return true;
		pause_ms(5);
	}
	return false;
}

/* Each number once in the log, as all of them stay there. */
static bool ends_a_server(int fd, const struct planted *call)
{
	pid_t server = daemon_server();
	char said[64];

	snprintf(said, sizeof said, "may not make: %d (%s)", (int)call->call[0], call->name);
	memcpy((void *)(uintptr_t)steps->call, call->call, sizeof steps->call);
	snprintf((char *)(uintptr_t)steps->crash_at, sizeof steps->crash_at, "bytes written");
	if (pwrite(fd, "x", 1, 0) == 1 && daemon_server() != server && comes_to_be_logged(said))
		return true;
	fprintf(stderr, "not so: %s ends a server, and the write is done (errno %d: %s)\n",
	    call->name, errno, strerror(errno));
	daemon_show_log();
	return false;
}

static unsigned run_all(void)
{
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof planted / sizeof planted[0]; i++) {
		char name[160];
		int fd;

		daemon_start("");
		snprintf(name, sizeof name, "%s/a", daemon_dir());
		fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd < 0 || ftruncate(fd, 4096) != 0)
			broken(name);
		failed += !ends_a_server(fd, &planted[i]);
		close(fd);
		failed += !daemon_end();
	}
	return failed;
}

int main(void)
{
	const char *reason = daemon_prepare("planted");
	unsigned failed;

	if (reason != NULL)
		return skip_test("planted", reason);
	steps = steps_page_make();
	failed = run_all();
	if (access(path, F_OK) == 0) {
		fprintf(stderr, "a file was made\n");
		unlink(path);
		failed++;
	}
	daemon_clean_up();
	steps_page_remove();
	printf("%zu calls planted, %u failed\n", sizeof planted / sizeof planted[0], failed);
	return failed > 0;
}
