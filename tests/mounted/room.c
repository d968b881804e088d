/* SPDX-License-Identifier: BSD-2-Clause */
/* What is left of the limits of the shared mount. */
#include "room.h"

#include <check.h>
#include <stdbool.h>
#include <sys/statfs.h>

#include "expect.h"
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
