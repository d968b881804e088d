/* SPDX-License-Identifier: BSD-2-Clause */
/* Giving up rights; see settle.h. */
#include "settle.h"

#include <errno.h>
#include <grp.h>
#include <jansson.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confine/confine.h"
#include "confine/sanitized.h"

static const enum confine_role roles[ROLES] = {
    [ROLE_PARSER] = CONFINE_PARSER,
    [ROLE_HOLDERS] = CONFINE_HOLDERS,
};

/* Both hold what a message, or 65536 holders, take many times. */
#define MEMORY_MAX (64 << 20)

/* A message takes milliseconds. */
#define PARSER_SECONDS 2

/* Of a worker: those that it has, and its socket. */
#define PARSER_FILES 3
#define HOLDERS_FILES 64

/*
 * The directory in /proc of a process that is gone has nothing in it, and nobody can make anything
 * there. So it takes no directory of the system's; and root and working directory are shared with
 * the process that goes.
 */
static int leave_tree(void)
{
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_FS | SIGCHLD), 0, 0, 0, 0);

	if (pid < 0)
		return -errno;
	if (pid == 0)
		_exit(chdir("/proc/self/fdinfo") < 0 || chroot(".") < 0 ? errno : 0);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (!WIFEXITED(status))
		return -EINTR;
	return -WEXITSTATUS(status);
}

static void find_user(uid_t *uid, gid_t *gid)
{
	const struct passwd *user = getpwnam("shmfs");

	if (user == NULL)
		user = getpwnam("nobody");
	*uid = user != NULL ? user->pw_uid : 65534;
	*gid = user != NULL ? user->pw_gid : 65534;
}

/* A namespace of users may have none but the one. The other one has no capabilities, and gets none.
 */
static int become(uid_t uid, gid_t gid)
{
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		(void)prctl(PR_CAPBSET_DROP, i, 0, 0, 0);
	if (setgroups(0, NULL) == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(uid, uid, uid) == 0)
		return 0;
	return errno == EPERM || errno == EINVAL ? 0 : -errno;
}

static int leave_user_and_tree(void)
{
	uid_t uid;
	gid_t gid;
	int rc;

	/* It reads a file for its secret, which there is none of later. */
	json_object_seed(0);
	if (geteuid() != 0)
		return 0;
	find_user(&uid, &gid);
	rc = leave_tree();
	return rc < 0 && rc != -EPERM ? rc : become(uid, gid);
}

/* There may be secrets of whoever started the daemon. */
static void forget_environment(void)
{
	for (char **line = environ; *line != NULL; line++)
		explicit_bzero(*line, strlen(*line));
	environ = NULL;
}

/* No function, as C libraries differ in the type of what is limited. */
#define limit(what, value) (setrlimit(what, &(struct rlimit){value, value}) < 0 ? -errno : 0)

/* Another user than root has lost all by becoming it. */
static int give_up_privileges(enum role role)
{
	char why[512];

	if (role != ROLE_PARSER || geteuid() == 0)
		return confine_privileges(roles[role], why, sizeof why);
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int settle_zygote(enum role role)
{
	pid_t supervisor = getppid();
	char why[512];
	int rc = confine_prepare(roles[role], roles[role], why, sizeof why);

	if (rc == 0 && role == ROLE_PARSER)
		rc = leave_user_and_tree();
	/* Under a sanitizer memory is what it takes for itself. */
	if (rc == 0 && !SANITIZED)
		rc = limit(RLIMIT_DATA, MEMORY_MAX);
	if (rc == 0)
		rc = limit(RLIMIT_CORE, 0);
	if (rc == 0)
		rc = limit(RLIMIT_FSIZE, 0);
	if (rc < 0)
		return rc;
	forget_environment();
	rc = give_up_privileges(role);
	if (rc < 0)
		return rc;
	/* Behind the change of user and capabilities, which takes both back. */
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return -errno;
	return getppid() == supervisor ? 0 : -ESRCH;
}

int settle_worker(enum role role)
{
	char why[512];
	int rc = limit(RLIMIT_NPROC, 0);

	if (rc == 0)
		rc = limit(RLIMIT_NOFILE, role == ROLE_PARSER ? PARSER_FILES : HOLDERS_FILES);
	if (rc == 0 && role == ROLE_PARSER)
		rc = limit(RLIMIT_CPU, PARSER_SECONDS);
	return rc < 0 ? rc : confine_calls(roles[role], why, sizeof why);
}
