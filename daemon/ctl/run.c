/* SPDX-License-Identifier: BSD-2-Clause */
/* shmfsctl run: a command with a /dev/shm of its own. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/sibling.h"
#include "text.h"

#define MOUNTPOINT "/dev/shm"

/* As the shell has them: the command cannot be run, or is not there. */
enum { NOT_RUN = 126, NOT_FOUND = 127 };

static int complain(const char *what)
{
	ctl_warn("%s: %s", what, strerror(errno));
	return CTL_FAILED;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* A user gets the right to mount from a new namespace, in which its processes stay that user's. */
static int enter_user_namespace(void)
{
	unsigned uid = geteuid(), gid = getegid();
	char map[64];

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return complain("user namespaces are not allowed here");
	snprintf(map, sizeof map, "%u %u 1", uid, uid);
	if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
		return complain("/proc/self/uid_map");
	snprintf(map, sizeof map, "%u %u 1", gid, gid);
	return write_file("/proc/self/gid_map", map) ? CTL_OK : complain("/proc/self/gid_map");
}

static int enter_namespace(void)
{
	if (geteuid() != 0)
		return enter_user_namespace();
	return unshare(CLONE_NEWNS) == 0 ? CTL_OK : complain("unshare");
}

/* Programs that are executed keep no capability of a user's namespace unless it is ambient. */
static bool keep_mount_capability(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];

	if (geteuid() == 0)
		return true;
	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	data[0].inheritable |= 1u << CAP_SYS_ADMIN;
	return syscall(SYS_capset, &header, data) == 0 &&
	       prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_ADMIN, 0, 0) == 0;
}

static int wait_for(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0) {
		if (errno != EINTR)
			return complain("waitpid");
	}
	return CTL_OK;
}

/* Returns when the mount answers: then the process that was started ends. */
static int mount_shmfs(const char *options)
{
	const char *const argv[] = {"shmfs", MOUNTPOINT, "-o", options, NULL};
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return complain("fork");
	if (pid == 0) {
		if (keep_mount_capability())
			sibling_exec("shmfs", "../sbin", (char *const *)(uintptr_t)argv);
		ctl_warn("cannot run shmfs: %s", strerror(errno));
		_exit(NOT_FOUND);
	}
	if (wait_for(pid, &status) != CTL_OK)
		return CTL_FAILED;
	/* What is wrong it has said itself. */
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CTL_OK : CTL_FAILED;
}

/*
 * Kills the command and unmounts when this process has died without doing so. What the command has
 * left running would keep the mount, which keeps the server.
 */
static _Noreturn void guard(pid_t parent, int command)
{
	sigset_t all;
	int signal = 0;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	(void)setsid();
	if (prctl(PR_SET_PDEATHSIG, SIGUSR1) == 0 && getppid() == parent)
		while (sigwait(&all, &signal) != 0 || signal != SIGUSR1)
			;
	(void)syscall(SYS_pidfd_send_signal, command, SIGKILL, NULL, 0);
	_exit(umount2(MOUNTPOINT, MNT_DETACH) < 0);
}

/* 0: there is no process for it. */
static pid_t start_guard(pid_t command)
{
	int fd = (int)syscall(SYS_pidfd_open, command, 0);
	pid_t self = getpid(), pid = fork();

	if (pid == 0)
		guard(self, fd);
	if (fd >= 0)
		close(fd);
	return pid > 0 ? pid : 0;
}

static void unmount(pid_t watcher)
{
	int status;

	if (watcher > 0 && kill(watcher, SIGKILL) == 0)
		(void)wait_for(watcher, &status);
	/* It is gone where the supervisor was killed. */
	if (umount2(MOUNTPOINT, MNT_DETACH) < 0 && errno != EINVAL)
		(void)complain(MOUNTPOINT);
}

/* --- the command ------------------------------------------------------------------------------ */

/* Whoever presses ^Z wants both to stop, and goes on with both. */
static sigset_t forwarded_signals(void)
{
	static const int others[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT};
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		sigdelset(&set, others[i]);
	return set;
}

/*
 * It goes with this process, however that ends: what it would have left of it is a mount that
 * nobody unmounts. The kernel forgets that of a program that becomes another user, so it begins
 * when there is a guard, who does not.
 */
static void begin_command(pid_t parent, char **command, const sigset_t *signals, int go)
{
	char byte;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || read(go, &byte, 1) != 1)
		_exit(NOT_RUN);
	sigprocmask(SIG_SETMASK, signals, NULL);
	execvp(command[0], command);
	ctl_warn("%s: %s", command[0], strerror(errno));
	_exit(errno == ENOENT ? NOT_FOUND : NOT_RUN);
}

/*
 * A terminal sends the signals of its keys to the command, too. That it is gone it tells the leader
 * of the session alone.
 */
static bool is_for_command(const siginfo_t *info)
{
	return info->si_code != SI_KERNEL || (info->si_signo == SIGHUP && getsid(0) == getpid());
}

static int forward_until_end(pid_t pid, const sigset_t *signals)
{
	siginfo_t info;
	int status;

	for (;;) {
		int signal = sigwaitinfo(signals, &info);

		if (signal == SIGCHLD && waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (signal > 0 && signal != SIGCHLD && is_for_command(&info))
			(void)kill(pid, signal);
	}
}

static int run_command(char **command, pid_t *watcher)
{
	sigset_t signals = forwarded_signals(), before;
	pid_t self = getpid(), pid;
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		return complain("pipe");
	sigprocmask(SIG_BLOCK, &signals, &before);
	/* Where it is ignored, children end without a word. */
	signal(SIGCHLD, SIG_DFL);
	pid = fork();
	if (pid == 0)
		begin_command(self, command, &before, go[0]);
	if (pid < 0)
		return complain("fork");
	*watcher = start_guard(pid);
	if (write(go[1], "", 1) != 1)
		(void)kill(pid, SIGKILL);
	return forward_until_end(pid, &signals);
}

/* --- the verb --------------------------------------------------------------------------------- */

/* False: they are too long. */
static bool join_options(const struct ctl *ctl, char *out, size_t room)
{
	const char *size = ctl_value(ctl, "size"), *more = ctl_value(ctl, "options");
	int length = snprintf(out, room, "%s%s%s%s%s",
	    ctl_value(ctl, "capped") != NULL ? "" : "like=tmpfs", size != NULL ? ",size=" : "",
	    size != NULL ? size : "", more != NULL ? "," : "", more != NULL ? more : "");

	return length >= 0 && (size_t)length < room;
}

static int run_run(struct ctl *ctl)
{
	const char *size = ctl_value(ctl, "size");
	char options[8192];
	uint64_t bytes;
	pid_t watcher = 0;
	int status;

	if (size != NULL && !ctl_read_size(size, &bytes))
		return ctl_misused("'%s' is no size", size);
	if (!join_options(ctl, options, sizeof options))
		return ctl_misused("too many options");
	status = enter_namespace();
	if (status != CTL_OK)
		return status;
	/* What is mounted here must not be seen elsewhere. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return complain("/");
	status = mount_shmfs(options);
	if (status != CTL_OK)
		return status;
	status = run_command(ctl->arguments, &watcher);
	unmount(watcher);
	return status;
}

static const struct ctl_option options[] = {
    {'s', "size", "SIZE", "how large it may be, with k, m, g or t"},
    {'o', "options", "LIST", "mount options, as for shmfs(8)"},
    {0, "capped", NULL, "objects keep their size when they are written, as on other mounts"},
    {0},
};

const struct ctl_verb ctl_run_verbs[] = {
    {"run", "COMMAND [ARGUMENT...]", 1, CTL_COMMAND,
	"runs a command with a /dev/shm of its own, and ends with its status", options, run_run,
	NULL},
    {0},
};
