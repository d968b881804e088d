/* SPDX-License-Identifier: BSD-2-Clause */
/* See sealing.h. */
#include "sealing.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "objects.h"
#include "xattr_values.h"

int seal(const char *name, const char *seals)
{
	return set_text(name, SEALS, seals);
}

static bool seal_write_works(void *context)
{
	(void)context;
	return seal("a", "write") == 0;
}

/* The kernel tells the daemon of the last close a moment later. */
void expect_write_seal_soon(void)
{
	ck_assert_msg(within_a_second(seal_write_works, NULL),
	    "the seal 'write' within a second: expected success, got %s", strerrorname_np(errno));
}

void make_sealed(off_t size, const char *seals)
{
	int fd = new_object("a", size);

	write_pattern(fd, 0, (size_t)size);
	OK(close(fd));
	if (strstr(seals, "write") != NULL)
		expect_write_seal_soon();
	OK(seal("a", seals));
}
