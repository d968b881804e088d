/* SPDX-License-Identifier: BSD-2-Clause */
/* The journal; see journal.h. */
#include "journal.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../fs/failpoint.h"
#include "../fs/shmfs.h"
#include "log.h"

#define JOURNAL_MAGIC UINT64_C(0x6c616e72756f6a31)

/* Since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static int map(int fd, struct journal **out)
{
	void *memory =
	    mmap(NULL, sizeof(struct journal), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	*out = memory;
	return 0;
}

int journal_create(int *fd_out, struct journal **out)
{
	int fd = memfd_create("shmfs-journal", MFD_CLOEXEC);
	struct journal *journal = NULL;
	int rc;

	if (fd < 0)
		return -errno;
	rc = ftruncate(fd, sizeof *journal) < 0 ? -errno : map(fd, &journal);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	journal->magic = JOURNAL_MAGIC;
	journal->layout = JOURNAL_LAYOUT;
	journal->fuse_fd = journal->arena_fd = journal->control_fd = -1;
	journal->previous_program = -1;
	*fd_out = fd;
	*out = journal;
	return 0;
}

int journal_map(int fd, struct journal **out)
{
	struct journal *journal = NULL;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0 || st.st_size != sizeof *journal)
		return -EPROTO;
	rc = map(fd, &journal);
	if (rc < 0)
		return rc;
	if (journal->magic != JOURNAL_MAGIC || journal->layout != JOURNAL_LAYOUT) {
		journal_unmap(journal);
		return -EPROTO;
	}
	*out = journal;
	return 0;
}

void journal_unmap(struct journal *journal)
{
	munmap(journal, sizeof *journal);
}

void journal_own(struct journal *journal, int fd)
{
	assert(fd >= 0 && fd < SHMFS_DESCRIPTOR_FIRST);
	journal->own_descriptors |= UINT64_C(1) << fd;
}

void journal_disown(struct journal *journal, int fd)
{
	assert(fd >= 0 && fd < SHMFS_DESCRIPTOR_FIRST);
	journal->own_descriptors &= ~(UINT64_C(1) << fd);
}

bool journal_owns(const struct journal *journal, int fd)
{
	return (journal->own_descriptors & UINT64_C(1) << fd) != 0;
}

/* Locked, they also stay, as far as the limit of the user lets: without it, a shortage of memory
 * may take one in the moment of a kill. */
void journal_populate(struct journal *journal, uint32_t place)
{
	struct journal_place *memory = &journal->places[place];

	if (madvise(memory, sizeof *memory, MADV_POPULATE_WRITE) < 0) {
		for (size_t i = 0; i < sizeof *memory; i += JOURNAL_PAGE)
			((volatile char *)memory)[i] = ((char *)memory)[i];
	}
	if (mlock(memory, sizeof *memory) < 0)
		log_debug("the buffer for requests is not locked: %s", strerror(errno));
}

/* The first word of a request is its length. */
static void empty(struct journal *journal, uint32_t place)
{
	volatile uint32_t *length = (volatile void *)journal->places[place].request;

	atomic_signal_fence(memory_order_seq_cst);
	*length = 0;
	atomic_signal_fence(memory_order_seq_cst);
}

void journal_clear(struct journal *journal)
{
	empty(journal, journal->place);
	failpoint("request cleared");
}

void journal_move(struct journal *journal, uint32_t place)
{
	empty(journal, place);
	journal->place = place;
	atomic_signal_fence(memory_order_seq_cst);
	failpoint("another place");
}
