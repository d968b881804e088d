/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the mount point, and unmounting; see mountpoint.h. */
#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mount_namespace.h"
#include "mountinfo.h"

/* A filesystem stays in the tree when its server dies, and answers nothing any more. */
static bool is_dead(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 && errno == ENOTCONN;
}

static int check_directory(const char *path, char *why, size_t why_size)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		int error = errno;

		snprintf(why, why_size, "mount point '%s': %s%s", path, strerror(error),
		    error == ENOTCONN ? ": unmount the dead filesystem there first" : "");
		return -error;
	}
	if (S_ISDIR(st.st_mode))
		return 0;
	snprintf(why, why_size, "mount point '%s': not a directory", path);
	return -ENOTDIR;
}

static int check_device(char *why, size_t why_size)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	int error = errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	/* For users, fusermount3 opens it. */
	if (error == EACCES && geteuid() != 0)
		return 0;
	snprintf(why, why_size, "cannot open /dev/fuse: %s: %s", strerror(error),
	    error == ENOENT || error == ENODEV || error == ENXIO
		? "is the kernel module loaded (modprobe fuse)?"
		: "is this a container without that device?");
	return -error;
}

int mountpoint_check(const char *path, struct mountpoint *out, char *why, size_t why_size)
{
	struct mountinfo there;
	int rc;

	if (realpath(path, out->path) == NULL)
		snprintf(out->path, sizeof out->path, "%s", path);
	if (mountinfo_find_path(out->path, &there) > 0 && there.is_shmfs) {
		snprintf(why, why_size, "a shmfs%s is already mounted on '%s'%s",
		    is_dead(out->path) ? " whose server is gone" : "", out->path,
		    is_dead(out->path) ? ": unmount it first" : "");
		return -EBUSY;
	}
	out->device[0] = '\0';
	rc = check_directory(out->path, why, why_size);
	if (rc == 0)
		rc = check_device(why, why_size);
	return rc;
}

int mountpoint_find(const char *path, char out[PATH_MAX], char *why, size_t why_size)
{
	struct mountinfo there;

	if (realpath(path, out) != NULL && mountinfo_find_path(out, &there) > 0 && there.is_shmfs)
		return 0;
	snprintf(why, why_size, "no shmfs is mounted on '%s'", path);
	return -EINVAL;
}

unsigned long mountpoint_hides(const char *path)
{
	const struct dirent *entry;
	unsigned long count = 0;
	struct statfs of;
	DIR *dir;

	if (statfs(path, &of) < 0 || of.f_type != TMPFS_MAGIC)
		return 0;
	dir = opendir(path);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	if (dir != NULL)
		closedir(dir);
	return count;
}

void mountpoint_note(struct mountpoint *mountpoint)
{
	struct mountinfo there;

	mountpoint->device[0] = '\0';
	if (mountinfo_find_path(mountpoint->path, &there) > 0)
		memcpy(mountpoint->device, there.device, sizeof mountpoint->device);
}

/* A user's mount can only be undone by the helper that made it. */
static int run_fusermount(const char *path)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-q", "-z", "--", path, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

static int detach_here(const struct mountpoint *mountpoint)
{
	struct mountinfo there;
	int found;

	found = mountinfo_find_path(mountpoint->path, &there);
	if (found < 0)
		return found;
	if (found == 0 ||
	    (mountpoint->device[0] != '\0' && strcmp(there.device, mountpoint->device) != 0))
		return -ENOENT;
	if (umount2(mountpoint->path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? run_fusermount(mountpoint->path) : -errno;
}

/* A process of its own goes there, and ends there. */
static int detach_in(uint64_t namespace, const struct mountpoint *mountpoint)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int rc = mount_namespace_enter(namespace);

		_exit(-(rc < 0 ? rc : detach_here(mountpoint)));
	}
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EPERM;
}

int mountpoint_detach(const struct mountpoint *mountpoint, uint64_t namespace)
{
	return namespace == 0 ? detach_here(mountpoint) : detach_in(namespace, mountpoint);
}
