/* SPDX-License-Identifier: BSD-2-Clause */
/* Choice of the tier, and what it means for the protocol; see tier.h. */
#include "tier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi.h"

static const char *const choice_names[] = {
    [TIER_AUTO] = "auto",
    [TIER_ONLY_PASSTHROUGH] = "passthrough",
    [TIER_ONLY_CACHED] = "cached",
};

bool tier_choice_parse(const char *text, enum tier_choice *out)
{
	for (size_t i = 0; i < sizeof choice_names / sizeof choice_names[0]; i++) {
		if (strcmp(text, choice_names[i]) == 0) {
			*out = (enum tier_choice)i;
			return true;
		}
	}
	return false;
}

const char *tier_choice_name(enum tier_choice choice)
{
	return choice_names[choice];
}

const char *tier_name(enum tier tier)
{
	return choice_names[tier == TIER_PASSTHROUGH ? TIER_ONLY_PASSTHROUGH : TIER_ONLY_CACHED];
}

enum tier tier_handed_over(uint32_t number)
{
	return number == TIER_PASSTHROUGH ? TIER_PASSTHROUGH : TIER_CACHED;
}

uint64_t tier_init_flags(enum tier_choice choice, uint64_t offered)
{
	return choice == TIER_ONLY_CACHED ? 0 : ABI_INIT_PASSTHROUGH & offered;
}

int tier_backing_open(int fuse_fd, int fd)
{
	struct abi_backing_map map = {.fd = fd};
	int id = ioctl(fuse_fd, ABI_BACKING_OPEN, &map);

	return id < 0 ? -errno : id;
}

void tier_backing_close(int fuse_fd, int backing)
{
	uint32_t id = (uint32_t)backing;

	/* Fails only for an id that is not registered. */
	(void)ioctl(fuse_fd, ABI_BACKING_CLOSE, &id);
}

/* Whether a memfd can be registered: the kernel says so, and this process may. */
static int try_passthrough(uint64_t agreed, int fuse_fd, char *why, size_t why_size)
{
	int fd, id;

	if (!(agreed & ABI_INIT_PASSTHROUGH)) {
		snprintf(why, why_size, "passthrough needs Linux 6.9 with CONFIG_FUSE_PASSTHROUGH");
		return -EOPNOTSUPP;
	}
	fd = memfd_create("shmfs-probe", MFD_CLOEXEC);
	if (fd < 0) {
		snprintf(why, why_size, "passthrough: no memfd: %s", strerror(errno));
		return -EOPNOTSUPP;
	}
	id = tier_backing_open(fuse_fd, fd);
	close(fd);
	if (id < 0) {
		snprintf(why, why_size, "passthrough needs CAP_SYS_ADMIN outside of containers: %s",
		    strerror(-id));
		return -EOPNOTSUPP;
	}
	tier_backing_close(fuse_fd, id);
	snprintf(why, why_size, "mappings and read-only reads go straight to the memory");
	return 0;
}

int tier_choose(enum tier_choice choice, uint64_t agreed, int fuse_fd, char *why, size_t why_size,
    enum tier *out)
{
	if (choice == TIER_ONLY_CACHED) {
		snprintf(why, why_size, "as asked for");
		*out = TIER_CACHED;
		return 0;
	}
	if (try_passthrough(agreed, fuse_fd, why, why_size) == 0) {
		*out = TIER_PASSTHROUGH;
		return 0;
	}
	if (choice == TIER_ONLY_PASSTHROUGH)
		return -EOPNOTSUPP;
	*out = TIER_CACHED;
	return 0;
}

/*
 * FOPEN_PASSTHROUGH alone lets the kernel read, and write, without the server: right for reading,
 * since the memfd ends a read at the object's size, but a write would extend it. With
 * FOPEN_DIRECT_IO only the mappings go straight. All openings of an object must have
 * FOPEN_PASSTHROUGH or none, else open(2) fails with EIO.
 *
 * NOFLUSH: close has nothing to say; dirty pages of the page cache are written back without it.
 * KEEP_CACHE: every change passes through this kernel, so its cache is never stale.
 */
uint32_t tier_open_flags(enum tier tier, int flags, bool revokes)
{
	bool served = revokes || (flags & O_ACCMODE) != O_RDONLY;

	if (tier == TIER_PASSTHROUGH)
		return ABI_OPEN_NOFLUSH | ABI_OPEN_PASSTHROUGH | (served ? ABI_OPEN_DIRECT_IO : 0);
	return ABI_OPEN_NOFLUSH | (revokes ? ABI_OPEN_DIRECT_IO : ABI_OPEN_KEEP_CACHE);
}

enum shmfs_native tier_native_reads(enum tier tier, bool revokes)
{
	if (revokes)
		return SHMFS_NATIVE_NONE;
	return tier == TIER_CACHED ? SHMFS_NATIVE_ALL : SHMFS_NATIVE_READERS;
}
