/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving a mount namespace, and coming back; see mount_namespace.h. */
#include "mount_namespace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "mountinfo.h"

#define OWN "/proc/self/ns/mnt"

/* Of one mount, on top of each other or by binding, when it was just made. More is an error. */
#define COPIES_MAX 1000

/* 0: it cannot be seen. */
static uint64_t number_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_ino : 0;
}

/* The whole range of users is mapped to itself. */
static bool is_initial_user_namespace(void)
{
	FILE *file = fopen("/proc/self/uid_map", "re");
	unsigned long first, outside, count;
	bool is;

	if (file == NULL)
		return true;
	is = fscanf(file, "%lu %lu %lu", &first, &outside, &count) == 3 && first == 0 &&
	     outside == 0 && count == 4294967295;
	fclose(file);
	return is;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], line[128];
	FILE *file;
	int parent = 0;

	snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	while (fgets(line, sizeof line, file) != NULL && sscanf(line, "PPid: %d", &parent) != 1)
		;
	fclose(file);
	return parent;
}

/* Who entered or made it was outside. */
static bool has_ancestor_elsewhere(uint64_t own)
{
	char path[64];

	for (pid_t pid = getppid(); pid > 0; pid = parent_of(pid)) {
		uint64_t number;

		snprintf(path, sizeof path, "/proc/%ld/ns/mnt", (long)pid);
		number = number_of(path);
		if (number != 0 && number != own)
			return true;
	}
	return false;
}

/* Not everybody may look at the first process. In a user namespace, a mount namespace was made. */
bool mount_namespace_is_private(void)
{
	uint64_t own = number_of(OWN), first = number_of("/proc/1/ns/mnt");

	if (own == 0)
		return false;
	if (first != 0)
		return own != first;
	return !is_initial_user_namespace() || has_ancestor_elsewhere(own);
}

/* From another root than that of a mount, the tree cannot be told apart from its original. */
static bool is_at_mount_root(void)
{
	struct statx st;

	return statx(AT_FDCWD, "/", 0, STATX_BASIC_STATS, &st) == 0 &&
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

int mount_namespace_drop(const char *device)
{
	struct mountinfo at;

	for (int i = 0; i < COPIES_MAX; i++) {
		int found = mountinfo_find_device(device, &at);

		if (found <= 0)
			return found;
		if (umount2(at.path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return -errno;
	}
	return -EBUSY;
}

static int go(const char *device)
{
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	/* What happens to the copy is not to happen to its original. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return -errno;
	return mount_namespace_drop(device);
}

uint64_t mount_namespace_leave(const char *device)
{
	uint64_t left = number_of(OWN);
	int fd, rc;

	/* Whose device is not known would be taken along. */
	if (*device == '\0' || !mount_namespace_is_private() || !is_at_mount_root())
		return 0;
	fd = open(OWN, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	rc = go(device);
	if (rc < 0) {
		log_info("the daemon stays in its mount namespace: %s", strerror(-rc));
		/* Not where half of it was done. */
		if (number_of(OWN) != left && setns(fd, CLONE_NEWNS) < 0)
			log_error("cannot go back to the mount namespace: %s", strerror(errno));
		left = 0;
	}
	close(fd);
	return left;
}

/* -ENOENT: it is not there, or not any more. */
static int enter_that_of(const char *pid, uint64_t number)
{
	char path[PATH_MAX];
	int fd, rc;

	snprintf(path, sizeof path, "/proc/%s/ns/mnt", pid);
	if (number_of(path) != number)
		return -ENOENT;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* It may be another process of this number by now. */
	rc = number_of(path) != number ? -ENOENT : setns(fd, CLONE_NEWNS) < 0 ? -errno : 0;
	if (rc == 0 && number_of(OWN) != number)
		rc = -ENOENT;
	close(fd);
	return rc;
}

int mount_namespace_enter(uint64_t number)
{
	const struct dirent *entry;
	DIR *list = opendir("/proc");
	int rc = list != NULL ? -ENOENT : -errno, tried;

	/* Whose threads share a working directory may not go: a sanitizer has one. */
	if (unshare(CLONE_FS) < 0)
		log_debug("the working directory is shared: %s", strerror(errno));

	while (list != NULL && rc < 0) {
		errno = 0;
		entry = readdir(list);
		if (entry == NULL && errno != 0)
			rc = -errno;
		if (entry == NULL)
			break;
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		/* Of who was there and could not be followed, the error is told. */
		tried = enter_that_of(entry->d_name, number);
		if (tried != -ENOENT)
			rc = tried;
	}
	if (list != NULL)
		closedir(list);
	return rc;
}
