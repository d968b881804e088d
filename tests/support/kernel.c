/* SPDX-License-Identifier: BSD-2-Clause */
/* See kernel.h. */
#include "kernel.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

/* With it came FUSE_STATX. */
enum { MINOR_STATX = 39 };

/* The kernel's first request, which says its protocol, read from a mount of its own; 0: none. */
static unsigned minor_of_protocol(void)
{
	_Alignas(struct fuse_in_header) char request[FUSE_MIN_READ_BUFFER];
	const struct fuse_init_in *init = (const void *)(request + sizeof(struct fuse_in_header));
	char dir[] = "/tmp/shmfs-protocol.XXXXXX", options[64];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	unsigned minor = 0;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd >= 0 && mkdtemp(dir) != NULL) {
		if (mount("protocol", dir, "fuse", 0, options) == 0) {
			if (read(fd, request, sizeof(request)) > 0)
				minor = init->minor;
			umount2(dir, MNT_DETACH);
		}
		rmdir(dir);
	}
	close(fd);
	return minor;
}

/* A flag has no value. */
static bool tmpfs_takes(const char *key, const char *value)
{
	unsigned command = value != NULL ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	bool taken = fs >= 0 && fsconfig(fs, command, key, value, 0) == 0;

	if (fs >= 0)
		close(fs);
	return taken;
}

bool kernel_has_noswap(void)
{
	return tmpfs_takes("noswap", NULL);
}

bool kernel_has_huge(void)
{
	return tmpfs_takes("huge", "within_size");
}

bool kernel_asks_statx(void)
{
	return minor_of_protocol() >= MINOR_STATX;
}
