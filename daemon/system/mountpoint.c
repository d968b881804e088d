/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks of the mount point, by /proc/self/mountinfo; see mountpoint.h. */
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

#define TYPE "fuse.shmfs"

/* Undoes the escapes of mountinfo: \ and three octal digits for blanks and backslashes. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from != '\0'; from++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
		    from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/*
 * Reads one line: "id parent major:minor root path options [fields] - type source options".
 * The pieces point into the line.
 */
static bool parse_line(char *line, const char **device, const char **path, const char **type)
{
	char *separator = strstr(line, " - "), *rest, *piece[5];

	if (separator == NULL)
		return false;
	rest = separator + 3;
	*type = strsep(&rest, " \n");
	*separator = '\0';
	rest = line;
	for (int i = 0; i < 5; i++) {
		piece[i] = strsep(&rest, " ");
		if (piece[i] == NULL)
			return false;
	}
	unescape(piece[4]);
	*device = piece[2];
	*path = piece[4];
	return true;
}

/* What is mounted on top at a path: its device, and whether it is a shmfs. False: nothing. */
static bool find_mount(const char *path, char *device, size_t device_size, bool *is_shmfs)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	const char *line_device, *line_path, *line_type;
	bool found = false;
	size_t size = 0;
	char *line = NULL;

	if (file == NULL)
		return false;
	while (getline(&line, &size, file) > 0) {
		if (!parse_line(line, &line_device, &line_path, &line_type) ||
		    strcmp(line_path, path) != 0)
			continue;
		found = true;
		snprintf(device, device_size, "%s", line_device);
		*is_shmfs = strcmp(line_type, TYPE) == 0;
	}
	free(line);
	fclose(file);
	return found;
}

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
	bool is_shmfs = false;
	int rc;

	if (realpath(path, out->path) == NULL)
		snprintf(out->path, sizeof out->path, "%s", path);
	if (find_mount(out->path, out->device, sizeof out->device, &is_shmfs) && is_shmfs) {
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
	char device[32];
	bool is_shmfs = false;

	if (realpath(path, out) != NULL && find_mount(out, device, sizeof device, &is_shmfs) &&
	    is_shmfs)
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
	bool is_shmfs;

	if (!find_mount(mountpoint->path, mountpoint->device, sizeof mountpoint->device, &is_shmfs))
		mountpoint->device[0] = '\0';
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

int mountpoint_detach(const struct mountpoint *mountpoint)
{
	char device[sizeof mountpoint->device];
	bool is_shmfs = false;

	if (!find_mount(mountpoint->path, device, sizeof device, &is_shmfs) ||
	    (mountpoint->device[0] != '\0' && strcmp(device, mountpoint->device) != 0))
		return -ENOENT;
	if (umount2(mountpoint->path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? run_fusermount(mountpoint->path) : -errno;
}
