/* SPDX-License-Identifier: BSD-2-Clause */
/* See test_memory.h. */
#include "test_memory.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/shmfs.h"

static bool is_small;

void test_memory_is_small(void)
{
	is_small = true;
}

/* What to open it with; NULL: nothing. */
static const char *huge(void)
{
	const char *given = getenv("SHMFS_TEST_HUGE");

	if (given == NULL || given[0] == '\0' || strcmp(given, "memfd") == 0)
		return NULL;
	return is_small ? "never" : given;
}

/* The tmpfs, made once in each process. 0: there is none. */
static int store(void)
{
	static int made;
	char why[512];

	if (made == 0 && huge() != NULL) {
		made = shmfs_store_open(&(struct shmfs_store){.huge = huge()}, why, sizeof why);
		if (made < 0) {
			fprintf(stderr, "SHMFS_TEST_HUGE: %s\n", why);
			abort();
		}
	}
	return made;
}

int test_memory_create(int fd)
{
	return shmfs_memory_create(store(), fd);
}

/* Moves a descriptor to where it is wanted. */
static int moved(int fd, int lowest)
{
	int result = fcntl(fd, F_DUPFD_CLOEXEC, lowest);

	close(fd);
	return result;
}

static int open_again(int fd, int flags)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof fd];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return open(path, flags | O_CLOEXEC);
}

/* That of a memfd is none (shmfs_os.unused), another opening would be. */
int test_memory_keep(int fd, int lowest)
{
	return store() == 0 ? fcntl(fd, F_DUPFD_CLOEXEC, lowest)
			    : moved(open_again(fd, O_PATH), lowest);
}

int test_memory_borrow(int kept, int lowest)
{
	return store() == 0 ? fcntl(kept, F_DUPFD_CLOEXEC, lowest)
			    : moved(open_again(kept, O_RDWR), lowest);
}

int test_memory_take(int kept, int fd)
{
	int again = store() == 0 ? kept : open_again(kept, O_RDWR);
	int result = dup2(again, fd);

	if (again != kept)
		close(again);
	return result;
}
