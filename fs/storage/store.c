/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tmpfs of one's own for the memory of objects; see shmfs_os.h.
 *
 * It is in no table of mounts: whoever has its descriptor makes files in it, and nobody else finds
 * it. Its own size and number of files have no limit. What is charged is the size of objects, while
 * a tmpfs counts pages, and also those of objects that are gone and still being freed; and where
 * its limit is hit it cannot refuse: whoever touches what was granted would get SIGBUS.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/failpoint.h"
#include "fs/shmfs.h"

/* What was made, and by whoever made it. */
struct result {
	int fd; /* or a negative errno */
	char why[256];
};

static int fail(struct result *result, const char *step)
{
	int error = errno;

	snprintf(result->why, sizeof result->why, "%s: %s", step, strerror(error));
	/* Reserved for what the kernel says about a value. */
	result->fd = error == EINVAL ? -EOPNOTSUPP : -error;
	return result->fd;
}

/* The kernel says in a line of its own what it does not like: "e tmpfs: Bad value for 'mpol'". */
static int refuse(struct result *result, int fs, const char *key, const char *value)
{
	char line[200];
	ssize_t length;

	if (errno != EINVAL)
		return fail(result, key);
	length = read(fs, line, sizeof line - 1);
	line[length > 0 ? length : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	snprintf(result->why, sizeof result->why, "%s%s%s: %s", key, value != NULL ? "=" : "",
	    value != NULL ? value : "", strncmp(line, "e ", 2) == 0 ? line + 2 : strerror(EINVAL));
	result->fd = -EINVAL;
	return -EINVAL;
}

static int set(struct result *result, int fs, const char *key, const char *value)
{
	int rc;

	if (value != NULL)
		rc = fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
	else
		rc = fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	return rc < 0 ? refuse(result, fs, key, value) : 0;
}

static int set_all(struct result *result, int fs, const struct shmfs_store *store)
{
	int rc = set(result, fs, "size", "0");

	if (rc == 0)
		rc = set(result, fs, "nr_inodes", "0");
	if (rc == 0 && store->huge != NULL)
		rc = set(result, fs, "huge", store->huge);
	if (rc == 0 && store->mpol != NULL)
		rc = set(result, fs, "mpol", store->mpol);
	if (rc == 0 && store->noswap)
		rc = set(result, fs, "noswap", NULL);
	return rc;
}

/* Objects may be mapped executable, as on any tmpfs. */
static int make(struct result *result, const struct shmfs_store *store)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), rc;

	if (fs < 0)
		return fail(result, "fsopen");
	rc = set_all(result, fs, store);
	if (rc == 0 && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		rc = fail(result, "fsconfig");
	if (rc == 0) {
		result->fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
		rc = result->fd < 0 ? fail(result, "fsmount") : 0;
	}
	close(fs);
	return rc;
}

/* --- without privileges ----------------------------------------------------------------------- */

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

/* The one user and group that files will have. */
static bool map_ids(uid_t uid, gid_t gid)
{
	char users[64], groups[64];

	snprintf(users, sizeof users, "%u %u 1", uid, uid);
	snprintf(groups, sizeof groups, "%u %u 1", gid, gid);
	return write_text("/proc/self/setgroups", "deny") &&
	       write_text("/proc/self/uid_map", users) && write_text("/proc/self/gid_map", groups);
}

/* The tmpfs belongs to the new namespace, and its descriptor to the one who waits. */
static _Noreturn void make_in_namespace(struct result *result, const struct shmfs_store *store)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		(void)fail(result, "unshare");
	else if (!map_ids(uid, gid))
		(void)fail(result, "/proc/self/uid_map");
	else
		(void)make(result, store);
	_exit(0);
}

/*
 * In a process that shares this one's table of descriptors and nothing else: namespaces of users
 * are entered for good. It is waited for by its number and sends no signal.
 */
static int make_by_child(struct result *result, const struct shmfs_store *store)
{
	struct result *shared =
	    mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	if (shared == MAP_FAILED)
		return fail(result, "mmap");
	snprintf(shared->why, sizeof shared->why, "the process that makes it died");
	shared->fd = -ECHILD;
	pid = (pid_t)syscall(SYS_clone, (unsigned long)CLONE_FILES, 0, 0, 0, 0);
	if (pid == 0)
		make_in_namespace(shared, store);
	if (pid < 0)
		(void)fail(shared, "clone");
	else
		while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
			;
	*result = *shared;
	munmap(shared, sizeof *shared);
	return result->fd < 0 ? result->fd : 0;
}

int shmfs_store_open(const struct shmfs_store *store, char *why, size_t why_size)
{
	struct result result;
	int rc = make(&result, store);

	if (rc == -EPERM)
		rc = make_by_child(&result, store);
	failpoint("store made");
	if (rc < 0)
		snprintf(why, why_size, "%s", result.why);
	return rc < 0 ? rc : result.fd;
}
