/* SPDX-License-Identifier: BSD-2-Clause */
/* How many nodes a machine's memory comes from. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/system/memory_nodes.h"
#include "put_below.h"
#include "suites.h"

#define NODES "/sys/devices/system/node/possible"

static char root[64];

static void begin(void)
{
	snprintf(root, sizeof root, "/tmp/shmfs-nodes.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(one_node_is_one_number)
{
	static const char *const many[] = {"0-1\n", "0,2\n", "0-1023\n", "\n", ""};

	begin();
	put_below(root, NODES, "0\n");
	ck_assert(memory_nodes_is_one(root));
	put_below(root, NODES, "3\n");
	ck_assert(memory_nodes_is_one(root));
	for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
		put_below(root, NODES, many[i]);
		ck_assert_msg(!memory_nodes_is_one(root), "of '%s'", many[i]);
	}
	end();
}
END_TEST

START_TEST(a_kernel_that_knows_no_nodes_has_one)
{
	begin();
	put_below(root, "/sys/devices/system/cpu/possible", "0-1\n");
	ck_assert(memory_nodes_is_one(root));
	end();
}
END_TEST

START_TEST(where_nothing_is_told_there_may_be_several)
{
	begin();
	ck_assert(!memory_nodes_is_one(root));
	end();
}
END_TEST

Suite *memory_nodes_suite(void)
{
	const TTest *const tests[] = {
	    one_node_is_one_number,
	    a_kernel_that_knows_no_nodes_has_one,
	    where_nothing_is_told_there_may_be_several,
	};

	return suite_of("memory_nodes", tests, sizeof tests / sizeof tests[0]);
}
