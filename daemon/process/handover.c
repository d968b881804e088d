/* SPDX-License-Identifier: BSD-2-Clause */
/* What outlives a server; see handover.h. */
#include "handover.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/shmfs.h"

#define HANDOVER_MAGIC UINT64_C(0x6c616e72756f6a31)

static int map(int fd, struct handover **out)
{
	void *memory =
	    mmap(NULL, sizeof(struct handover), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*out = memory;
	return 0;
}

int handover_create(int *fd_out, struct handover **out)
{
	int fd = memfd_create("shmfs-handover", MFD_CLOEXEC);
	struct handover *handover = NULL;
	int rc;

	if (fd < 0)
		return -errno;
	rc = ftruncate(fd, sizeof *handover) < 0 ? -errno : map(fd, &handover);
	if (rc == 0)
		rc = exchange_init(&handover->exchange);
	if (rc < 0) {
		if (handover != NULL)
			handover_unmap(handover);
		close(fd);
		return rc;
	}
	handover->magic = HANDOVER_MAGIC;
	handover->layout = HANDOVER_LAYOUT;
	handover->arena_fd = handover->control_fd = -1;
	handover->previous_program = -1;
	*fd_out = fd;
	*out = handover;
	return 0;
}

int handover_map(int fd, struct handover **out)
{
	struct handover *handover = NULL;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0 || st.st_size != sizeof *handover)
		return -EPROTO;
	rc = map(fd, &handover);
	if (rc < 0)
		return rc;
	if (handover->magic != HANDOVER_MAGIC || handover->layout != HANDOVER_LAYOUT) {
		handover_unmap(handover);
		return -EPROTO;
	}
	*out = handover;
	return 0;
}

void handover_unmap(struct handover *handover)
{
	munmap(handover, sizeof *handover);
}

void handover_own(struct handover *handover, int fd)
{
	assert(fd >= 0 && fd < SHMFS_DESCRIPTOR_FIRST);
	handover->own_descriptors |= UINT64_C(1) << fd;
}

void handover_disown(struct handover *handover, int fd)
{
	assert(fd >= 0 && fd < SHMFS_DESCRIPTOR_FIRST);
	handover->own_descriptors &= ~(UINT64_C(1) << fd);
}

bool handover_owns(const struct handover *handover, int fd)
{
	return (handover->own_descriptors & UINT64_C(1) << fd) != 0;
}
