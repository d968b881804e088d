/* SPDX-License-Identifier: BSD-2-Clause */
/* See launch.h. */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { START_TRIES = 2000, PAUSE_NS = 5000000, EXIT_CANNOT_BEGIN = 126, EXIT_NO_PROGRAM = 127 };

static const char *environment(const char *name, const char *usual)
{
	const char *given = getenv(name);

	return given != NULL && given[0] != '\0' ? given : usual;
}

const char *launch_binary(void)
{
	return environment("SHMFS_BIN", "./shmfs");
}

const char *launch_io(void)
{
	return environment("SHMFS_TEST_IO", "auto");
}

int launch_slowness(void)
{
	int slowness = atoi(environment("SHMFS_TEST_SLOW", "1"));

	return slowness > 0 ? slowness : 1;
}

bool launch_has_memfds(void)
{
	return strcmp(environment("SHMFS_TEST_HUGE", ""), "memfd") == 0;
}

const char *launch_huge(void)
{
	const char *given = environment("SHMFS_TEST_HUGE", "");

	return given[0] == '\0' || launch_has_memfds() ? NULL : given;
}

bool launch_without_store(void)
{
	struct sock_filter code[] = {
	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsopen, 0, 1),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof code / sizeof code[0], code};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool launch_with_descriptors(unsigned most)
{
	struct rlimit limit = {most, most};

	/* Without it in the bounding set, a program that root executes does not get it back. */
	return prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0) == 0 &&
	       setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* What the environment asks for. */
static bool limit_descriptors(void)
{
	int most = atoi(environment("SHMFS_TEST_DESCRIPTORS", "0"));

	return most <= 0 || launch_with_descriptors((unsigned)most);
}

const char *launch_privately(void)
{
	if (geteuid() != 0)
		return "must be root to mount";
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return "no private mount namespace";
	return NULL;
}

bool launch_directory(char *path, size_t size, const char *name)
{
	const char *parent = environment("TMPDIR", "/tmp");

	snprintf(path, size, "%s/shmfs-%s.XXXXXX", parent[0] == '/' ? parent : "/tmp", name);
	return mkdtemp(path) != NULL && chmod(path, 0755) == 0;
}

static bool arrange(const struct launch *how)
{
	int log = open(how->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (how->notify == NULL)
		unsetenv("NOTIFY_SOCKET");
	else if (setenv("NOTIFY_SOCKET", how->notify, 1) != 0)
		return false;
	return log >= 0 && null >= 0 && dup2(null, 0) == 0 && dup2(null, 1) == 1 &&
	       dup2(log, 2) == 2 && prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 &&
	       close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0;
}

pid_t launch(const struct launch *how)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!arrange(how))
		_exit(EXIT_CANNOT_BEGIN);
	if (launch_has_memfds() && !launch_without_store())
		_exit(EXIT_CANNOT_BEGIN);
	if (how->prepare != NULL)
		how->prepare();
	else if (!limit_descriptors())
		_exit(EXIT_CANNOT_BEGIN);
	execl(how->binary, "shmfs", "-f", "-o", how->options, how->dir, NULL);
	_exit(EXIT_NO_PROGRAM);
}

bool launch_is_mounted(const char *dir, bool (*ended)(void))
{
	int tries = START_TRIES * launch_slowness();
	struct statfs st;

	for (int i = 0; i < tries && !ended(); i++) {
		if (statfs(dir, &st) == 0 && st.f_type == FUSE_SUPER_MAGIC)
			return true;
		nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
	}
	return false;
}

unsigned log_count(const char *log, const char *text)
{
	FILE *file = fopen(log, "re");
	char line[1024];
	unsigned count = 0;

	while (file != NULL && fgets(line, sizeof line, file) != NULL)
		count += strstr(line, text) != NULL;
	if (file != NULL)
		fclose(file);
	return count;
}

void log_show(const char *log, const char *before, long last)
{
	FILE *file = fopen(log, "re");
	char line[1024];

	if (file == NULL)
		return;
	if (last > 0 && fseek(file, -last, SEEK_END) == 0)
		(void)!fgets(line, sizeof line, file);
	else
		rewind(file);
	while (fgets(line, sizeof line, file) != NULL)
		fprintf(stderr, "%s%s", before, line);
	fclose(file);
}

int skip_test(const char *test, const char *reason)
{
	printf("skip: %s: %s\n", test, reason);
	return strcmp(environment("SHMFS_TESTS_MUST_RUN", "0"), "1") == 0 ? EXIT_FAILURE
									  : STATUS_SKIP;
}
