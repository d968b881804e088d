/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: objects that are stored to through mappings alone, and never synced. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "client.h"

enum { OBJECTS = 4, PAGE = 4096, PAGES = 32, SIZE = PAGES * PAGE };

/* Closed at once, mapped for many rounds, and then for many rounds neither. */
static struct mapped {
	bool made;
	unsigned char *map; /* NULL: nobody has it open or mapped */
	unsigned char data[SIZE];
} objects[OBJECTS];

static int open_mapped(struct mapped *it, const char *name)
{
	int fd = (int)OK(open(name, O_RDWR | (it->made ? 0 : O_CREAT | O_EXCL), 0600));

	if (!it->made)
		OK(ftruncate(fd, SIZE));
	it->made = true;
	return fd;
}

/*
 * What was stored last by a mapping that is gone is there, whichever server it was written to: the
 * kernel's own cache of it is dropped before it is looked at.
 */
static void map_again(struct mapped *it, const char *name)
{
	int fd = open_mapped(it, name);

	CHECK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	expect_data(fd, it->data, SIZE, 0);
	it->map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(it->map != MAP_FAILED);
	OK(close(fd));
}

/* Some pages are left out each time: one may be touched for the first time servers later. */
static void use_pages(struct mapped *it)
{
	for (unsigned i = 0; i < PAGES / 2; i++) {
		size_t at = below(PAGES) * PAGE;

		CHECK(memcmp(it->map + at, it->data + at, PAGE) == 0);
		if (below(2) == 0) {
			fill(it->data + at, PAGE, below(UINT64_MAX));
			memcpy(it->map + at, it->data + at, PAGE);
		}
	}
}

void stores_through_mappings(void)
{
	unsigned which = (unsigned)below(OBJECTS);
	struct mapped *it = &objects[which];
	char name[16];
	int fd;

	snprintf(name, sizeof name, "mapped%u", which);
	if (it->map == NULL)
		map_again(it, name);
	use_pages(it);
	if (below(2) == 0) {
		fd = open_mapped(it, name);
		expect_data(fd, it->data, SIZE, 0);
		OK(close(fd));
	}
	if (below(2) == 0) {
		OK(munmap(it->map, SIZE));
		it->map = NULL;
	}
}
