/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server may still take of its memory control group. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/system/memory_group.h"
#include "daemon/system/memory_room.h"
#include "put_below.h"
#include "suites.h"
#include "wire.h"

#define MIB (1024 * 1024)

static char root[64];

static void put(const char *path, const char *text)
{
	put_below(root, path, text);
}

static void put_number(const char *path, unsigned long number)
{
	char text[32];

	snprintf(text, sizeof text, "%lu\n", number);
	put(path, text);
}

static void begin(void)
{
	snprintf(root, sizeof root, "/tmp/shmfs-room.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
}

static void end(struct memory_room *room)
{
	char command[128];

	if (room->fd > 0)
		close(room->fd);
	snprintf(command, sizeof command, "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(without_a_limit_there_is_room)
{
	struct memory_room room;

	begin();
	put("/proc/self/cgroup", "0::/a\n");
	put("/sys/fs/cgroup/a/memory.max", "max\n");
	put("/sys/fs/cgroup/a/memory.current", "999999999999\n");
	memory_room_open(root, &room);
	ck_assert_int_eq(room.fd, 0);
	ck_assert(memory_room_any(&room));
	end(&room);
	begin();
	memory_room_open(root, &room);
	ck_assert(memory_room_any(&room));
	end(&room);
}
END_TEST

START_TEST(the_least_of_the_groups_on_the_way_counts_and_keeps_six_megabytes)
{
	struct memory_room room;

	begin();
	put("/proc/self/cgroup", "0::/a/b\n");
	put_number("/sys/fs/cgroup/a/b/memory.max", 60 * MIB);
	put_number("/sys/fs/cgroup/a/memory.max", 48 * MIB);
	put_number("/sys/fs/cgroup/a/b/memory.current", 0);
	put_number("/sys/fs/cgroup/a/memory.current", 42 * MIB);
	put_number("/sys/fs/cgroup/a/memory.swap.max", 0);
	put_number("/sys/fs/cgroup/a/memory.swap.current", 0);
	memory_room_open(root, &room);
	ck_assert_int_gt(room.fd, 0);
	ck_assert(memory_room_any(&room));
	put_number("/sys/fs/cgroup/a/memory.current", 42 * MIB + 4096);
	ck_assert(!memory_room_any(&room));
	/* It is seen at once that the limit is another. */
	put_number("/sys/fs/cgroup/a/memory.max", 49 * MIB);
	ck_assert(memory_room_any(&room));
	end(&room);
}
END_TEST

START_TEST(what_the_kernel_takes_back_counts_as_room)
{
	struct memory_room room;

	begin();
	put("/proc/self/cgroup", "0::/a\n");
	put_number("/sys/fs/cgroup/a/memory.max", 48 * MIB);
	put_number("/sys/fs/cgroup/a/memory.current", 48 * MIB);
	put_number("/sys/fs/cgroup/a/memory.swap.max", 0);
	put_number("/sys/fs/cgroup/a/memory.swap.current", 0);
	put("/sys/fs/cgroup/a/memory.stat", "anon 7\nfile 50331648\nshmem 50331648\n"
					    "inactive_file 4194304\nactive_file 2097152\n");
	memory_room_open(root, &room);
	ck_assert(memory_room_any(&room));
	put("/sys/fs/cgroup/a/memory.stat", "inactive_file 4194304\nactive_file 2097151\n");
	ck_assert(!memory_room_any(&room));
	end(&room);
}
END_TEST

START_TEST(the_older_version_of_groups_has_other_names)
{
	struct memory_room room;

	begin();
	put("/proc/self/cgroup", "5:cpu:/x\n4:memory:/a\n0::/\n");
	put_number("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", 48 * MIB);
	put_number("/sys/fs/cgroup/memory/a/memory.usage_in_bytes", 48 * MIB);
	put_number("/sys/fs/cgroup/memory/a/memory.memsw.limit_in_bytes", 48 * MIB);
	put_number("/sys/fs/cgroup/memory/a/memory.memsw.usage_in_bytes", 48 * MIB);
	put("/sys/fs/cgroup/memory/a/memory.stat", "inactive_file 9999999\n");
	memory_room_open(root, &room);
	ck_assert(!memory_room_any(&room));
	put("/sys/fs/cgroup/memory/a/memory.stat", "total_inactive_file 6291456\n");
	ck_assert(memory_room_any(&room));
	end(&room);
}
END_TEST

Suite *memory_room_suite(void)
{
	const TTest *const tests[] = {
	    without_a_limit_there_is_room,
	    the_least_of_the_groups_on_the_way_counts_and_keeps_six_megabytes,
	    what_the_kernel_takes_back_counts_as_room,
	    the_older_version_of_groups_has_other_names,
	};

	return suite_of("memory_room", tests, sizeof tests / sizeof tests[0]);
}
