/* SPDX-License-Identifier: BSD-2-Clause */
/* The handover; see handover.h. */
#include "handover.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "fs/shmfs.h"
#include "fs/step.h"

#define HANDOVER_MAGIC UINT64_C(0x6c616e72756f6a31)

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

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
	if (rc < 0) {
		close(fd);
		return rc;
	}
	handover->magic = HANDOVER_MAGIC;
	handover->layout = HANDOVER_LAYOUT;
	handover->fuse_fd = handover->arena_fd = handover->control_fd = -1;
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

/* Locked, they also stay, as far as the limit of the user lets: without it, a shortage of memory
 * may take one in the moment of a kill. */
void handover_populate(struct handover *handover, uint32_t place)
{
	struct handover_slot *memory = &handover->places[place];

	if (madvise(memory, sizeof *memory, MADV_POPULATE_WRITE) < 0) {
		for (size_t i = 0; i < sizeof *memory; i += HANDOVER_PAGE)
			((volatile char *)memory)[i] = ((char *)memory)[i];
	}
	if (mlock(memory, sizeof *memory) < 0)
		log_debug("the buffer for requests is not locked: %s", strerror(errno));
}

/* The first word of a request is its length. */
static void empty(struct handover *handover, uint32_t place)
{
	volatile uint32_t *length = (volatile void *)handover->places[place].request;

	atomic_signal_fence(memory_order_seq_cst);
	*length = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

void handover_clear(struct handover *handover)
{
	empty(handover, handover->place);
	step("request cleared");
}

void handover_move(struct handover *handover, uint32_t place)
{
	empty(handover, place);
	handover->place = place;
	atomic_signal_fence(memory_order_seq_cst);
	step("another place");
}
