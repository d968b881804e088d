/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left of the limits of the shared mount. */
#include "room.h"

#include <check.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "expect.h"
#include "mount_fixture.h"
#include "objects.h"

unsigned long nodes_left(void)
{
	struct statfs status;

	OK(statfs(".", &status));
	return status.f_ffree;
}

static bool pages_left_are(void *context)
{
	const unsigned long *want = context;

	return pages_left() == *want;
}

static bool nodes_left_are(void *context)
{
	const unsigned long *want = context;

	return nodes_left() == *want;
}

void expect_pages_left_soon(unsigned long want)
{
	ck_assert_msg(within_a_second(pages_left_are, &want),
	    "statfs f_bfree within a second: expected %lu, got %lu", want, pages_left());
}

void expect_nodes_left_soon(unsigned long want)
{
	ck_assert_msg(within_a_second(nodes_left_are, &want),
	    "statfs f_ffree within a second: expected %lu, got %lu", want, nodes_left());
}

enum { FIRST_MEMORY = 64 };

unsigned long pages_in_memory(void)
{
	unsigned long blocks = 0;
	struct dirent *entry;
	struct stat status;
	char path[64];
	DIR *numbers;

	snprintf(path, sizeof path, "/proc/%d/fd", shared_mount->pid);
	numbers = opendir(path);
	ck_assert_ptr_nonnull(numbers);
	while ((entry = readdir(numbers)) != NULL)
		if (atoi(entry->d_name) >= FIRST_MEMORY &&
		    fstatat(dirfd(numbers), entry->d_name, &status, 0) == 0)
			blocks += (unsigned long)status.st_blocks;
	closedir(numbers);
	return blocks * 512 / PAGE;
}
