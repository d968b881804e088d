/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that make system calls that they may not make: one is planted in the midst of a write,
 * of a message, of a look for holders, as by somebody who has the process in their hands.
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
#include "control.h"
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
    {"rt_sigaction", {SYS_rt_sigaction, SIGSYS, 0, 0, 8}},
    /* The kernel looks at the lower half of it. */
    {"rt_sigaction", {SYS_rt_sigaction, INT64_C(1) << 32 | SIGSYS, 0, 0, 8}},
    {"unknown", {1000}},
#ifdef __x86_64__
    /* Of x32. */
    {NULL, {0x40000000 + SYS_getpid}},
#endif
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static volatile struct failpoints *steps;

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

/* Once more than so often. */
static bool comes_to_be_logged(const char *text, unsigned before)
{
	for (int i = 0; i < 1000 * launch_slowness(); i++) {
		if (daemon_log_count(text) > before)
			return true;
		pause_ms(5);
	}
	return false;
}

/* --- whose calls they are --------------------------------------------------------------------- */

static bool write_one(void)
{
	char name[160];
	bool done;
	int fd;

	snprintf(name, sizeof name, "%s/a", daemon_dir());
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4096) != 0)
		broken(name);
	done = pwrite(fd, "x", 1, 0) == 1;
	close(fd);
	return done;
}

static bool send_message(void)
{
	return control_call(daemon_dir(), "GetLimits", "{}") == 0;
}

static bool look_for_holders(void)
{
	return control_call(daemon_dir(), "Holders", "{\"all\":true}") == 0;
}

/* It comes to its step by itself. */
static bool do_nothing(void)
{
	return true;
}

static const struct role {
	const char *said, *label;
	bool (*work)(void);
} roles[] = {
    {"the server died by signal 31", "bytes written", write_one},
    {"a process of shmfs-parsers died by signal 31", "question received", send_message},
    {"a process of shmfs-holders died by signal 31", "part of an answer sent", look_for_holders},
    {"the keeper died by signal 31", "keeper waits", do_nothing},
};

static bool is_ended_for(const struct role *role, const struct planted *call)
{
	unsigned before, before_of_role = daemon_log_count(role->said);
	char said[64];

	if (call->name != NULL)
		snprintf(
		    said, sizeof said, "may not make: %d (%s)", (int)call->call[0], call->name);
	else
		snprintf(said, sizeof said, "a system call of another architecture");
	memcpy((void *)(uintptr_t)steps->call, call->call, sizeof steps->call);
	snprintf((char *)(uintptr_t)steps->crash_at, sizeof steps->crash_at, "%s", role->label);
	before = daemon_log_count(said);
	daemon_start("");
	if (role->work() && comes_to_be_logged(role->said, before_of_role) &&
	    comes_to_be_logged(said, before) && send_message() && write_one())
		return true;
	fprintf(stderr, "not so: '%s' for %s, and the work is done (errno %d: %s)\n", role->said,
	    said, errno, strerror(errno));
	daemon_show_log();
	return false;
}

static unsigned run_all(void)
{
	unsigned failed = 0;

	for (size_t i = 0; i < COUNT(roles) * COUNT(planted); i++) {
		const struct role *role = &roles[i / COUNT(planted)];
		const struct planted *call = &planted[i % COUNT(planted)];

		failed += !is_ended_for(role, call);
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
	printf("%zu calls planted in %zu roles, %u failed\n", COUNT(planted), COUNT(roles), failed);
	return failed > 0;
}
