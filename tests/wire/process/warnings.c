/* SPDX-License-Identifier: BSD-2-Clause */
/* What is said of a system that would break a promise. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/system/warnings.h"
#include "put_below.h"
#include "suites.h"
#include "wire.h"

static char root[64], said[4096];

static void note(void *arg, const char *line)
{
	size_t used = strlen(said);

	(void)arg;
	snprintf(said + used, sizeof said - used, "%s\n", line);
}

static void put(const char *path, const char *text)
{
	put_below(root, path, text);
}

static const char *warnings_of(uint64_t size)
{
	said[0] = '\0';
	warnings_say(root, size, note, NULL);
	return said;
}

static void begin(void)
{
	snprintf(root, sizeof root, "/tmp/shmfs-warnings.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	put("/proc/sys/kernel/osrelease", "6.18.1-test\n");
	put("/proc/sys/fs/fuse/default_request_timeout", "0\n");
	put("/proc/sys/fs/fuse/max_request_timeout", "0\n");
	put("/proc/sys/vm/overcommit_memory", "0\n");
	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/b/memory.max", "max\n");
	put("/sys/fs/cgroup/a/memory.max", "1048576\n");
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

START_TEST(a_system_that_keeps_promises_needs_no_word)
{
	begin();
	ck_assert_str_eq(warnings_of(1048576), "");
	end();
}
END_TEST

START_TEST(nothing_is_said_of_what_cannot_be_read)
{
	snprintf(root, sizeof root, "/nonexistent");
	ck_assert_str_eq(warnings_of(0), "");
}
END_TEST

START_TEST(an_older_kernel_than_tested_is_named)
{
	begin();
	put("/proc/sys/kernel/osrelease", "6.1.0-56-cloud-amd64\n");
	ck_assert_str_eq(warnings_of(1), "");
	put("/proc/sys/kernel/osrelease", "6.0.9\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(1), "Linux 6.0.9 is older"));
	put("/proc/sys/kernel/osrelease", "5.19.0\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(1), "Linux 5.19.0 is older"));
	end();
}
END_TEST

START_TEST(timeouts_of_requests_are_named)
{
	begin();
	put("/proc/sys/fs/fuse/default_request_timeout", "20\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(1), "fs.fuse.default_request_timeout is 20"));
	put("/proc/sys/fs/fuse/default_request_timeout", "0\n");
	put("/proc/sys/fs/fuse/max_request_timeout", "60\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(1), "fs.fuse.max_request_timeout is 60"));
	end();
}
END_TEST

START_TEST(strict_overcommit_is_named)
{
	begin();
	put("/proc/sys/vm/overcommit_memory", "1\n");
	ck_assert_str_eq(warnings_of(1), "");
	put("/proc/sys/vm/overcommit_memory", "2\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(1), "vm.overcommit_memory is 2"));
	end();
}
END_TEST

/* At the limit, above it, and without any; the limit may be a group's further up. */
START_TEST(a_mount_larger_than_its_control_group_is_named)
{
	begin();
	ck_assert_str_eq(warnings_of(1048576), "");
	ck_assert_ptr_nonnull(
	    strstr(warnings_of(1048577), "group '/a' of this daemon ends at 1048576"));
	ck_assert_ptr_nonnull(strstr(warnings_of(0), "use size=1048576"));
	put("/sys/fs/cgroup/a/b/memory.max", "4096\n");
	ck_assert_ptr_nonnull(strstr(warnings_of(4097), "group '/a/b'"));
	ck_assert_str_eq(warnings_of(4096), "");
	end();
}
END_TEST

START_TEST(the_older_control_groups_are_known)
{
	begin();
	put("/proc/self/cgroup", "5:cpu:/x\n4:memory:/m\n0::/\n");
	put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "8192\n");
	ck_assert_str_eq(warnings_of(8192), "");
	ck_assert_ptr_nonnull(strstr(warnings_of(8193), "group '/m' of this daemon ends at 8192"));
	put("/sys/fs/cgroup/memory/m/memory.limit_in_bytes", "9223372036854771712\n");
	ck_assert_str_eq(warnings_of(0), "");
	end();
}
END_TEST

Suite *warnings_suite(void)
{
	const TTest *const tests[] = {
	    a_system_that_keeps_promises_needs_no_word,
	    nothing_is_said_of_what_cannot_be_read,
	    an_older_kernel_than_tested_is_named,
	    timeouts_of_requests_are_named,
	    strict_overcommit_is_named,
	    a_mount_larger_than_its_control_group_is_named,
	    the_older_control_groups_are_known,
	};

	return suite_of("warnings", tests, sizeof tests / sizeof tests[0]);
}
