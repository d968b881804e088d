/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options of tmpfs, of SELinux and of the kernel. */
#include <inttypes.h>
#include <unistd.h>

#include "arguments.h"
#include "daemon/options/table.h"
#include "suites.h"

START_TEST(like_tmpfs_is_one_word_for_objects_that_grow)
{
	static const struct {
		const char *line, *grow;
		enum shmfs_rules rules;
	} cases[] = {
	    {"like=tmpfs", "*", SHMFS_RULES_LINUX},
	    {"like=tmpfs,grow=a", "a", SHMFS_RULES_LINUX},
	    {"grow=a,like=tmpfs", "a", SHMFS_RULES_LINUX},
	    {"like=tmpfs,grow=+a", "*:a", SHMFS_RULES_LINUX},
	    {"like=tmpfs,rules=linux", "*", SHMFS_RULES_LINUX},
	    {"rules=freebsd,like=tmpfs", "*", SHMFS_RULES_LINUX},
	    {"like=tmpfs,rules=freebsd", "", SHMFS_RULES_FREEBSD},
	};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o %s", cases[i].line);
		p = accept_line(line);
		ck_assert_str_eq(p->options.grow, cases[i].grow);
		ck_assert_int_eq(p->options.rules, cases[i].rules);
		done(p);
	}
	refuse_line("/m -o like=ext4", "like");
	refuse_line("/m -o like=", "like");
	refuse_line("/m -o like", "like");
}
END_TEST

START_TEST(blocks_are_another_word_for_the_size)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct parsed *p = accept_line("/m -o nr_blocks=3k,inode64,inode32");
	char line[64];

	ck_assert_uint_eq(p->options.size, 3072 * page);
	done(p);
	p = accept_line("/m -o nr_blocks=7,size=4096");
	ck_assert_uint_eq(p->options.size, 4096);
	done(p);
	p = accept_line("/m -o size=4096,nr_blocks=0");
	ck_assert_uint_eq(p->options.size, 0);
	done(p);
	snprintf(line, sizeof line, "/m -o nr_blocks=%" PRIu64, UINT64_MAX / page + 1);
	refuse_line(line, "nr_blocks");
	refuse_line("/m -o nr_blocks=50%", "nr_blocks");
}
END_TEST

START_TEST(what_tmpfs_has_and_this_has_not_is_told_with_what_there_is)
{
	refuse_line("/m -o usrquota", "'usrquota' of tmpfs is not to be had: use user_size=");
	refuse_line("/m -o quota", "user_inodes=");
	refuse_line("/m -o usrquota_block_hardlimit=1m", "use user_size=");
	refuse_line("/m -o usrquota_inode_hardlimit=7", "use user_inodes=");
	refuse_line("/m -o grpquota", "no limits of groups");
	refuse_line("/m -o grpquota_block_hardlimit=1m", "no limits of groups");
	refuse_line("/m -o casefold=utf8-12.1.0", "of tmpfs");
	refuse_line("/m -o strict_encoding", "of tmpfs");
	refuse_line("/m -o quotas", "unknown option 'quotas'");
}
END_TEST

START_TEST(a_label_of_selinux_is_handed_on_with_its_commas)
{
	struct parsed *p = accept_line(
	    "/m -o ro,context=\"a:b:c:s0:c1,c2\",size=1m -o fscontext=d,rootcontext=\"e,f\"");

	ck_assert_str_eq(
	    p->options.vfs, "ro,context=\"a:b:c:s0:c1,c2\",fscontext=d,rootcontext=\"e,f\"");
	ck_assert_uint_eq(p->options.size, 1 << 20);
	done(p);
	p = accept_line("/m -o defcontext=\"\",size=1m");
	ck_assert_uint_eq(p->options.size, 1 << 20);
	done(p);
	/* Without quotes a comma ends it, and a quote that is never closed quotes nothing. */
	refuse_line("/m -o context=a:c1,c2", "'c2'");
	refuse_line("/m -o context=\"a:c1,c2", "'c2'");
	refuse_line("/m -o grow=\"a,b\"", "'b\"'");
}
END_TEST

START_TEST(a_remount_knows_what_was_given)
{
	struct parsed *p = accept_line("/m -o rw,nosuid,nodev,relatime,user_id=0,group_id=0,"
				       "default_permissions,allow_other,remount,size=1m");
	const struct option_spec *size = option_find("size", 4), *mode = option_find("mode", 4);

	ck_assert(p->options.remount);
	ck_assert(option_is_given(&p->options, size) && !option_is_given(&p->options, mode));
	ck_assert_str_eq(p->options.vfs, "rw,nosuid,nodev");
	done(p);
	p = accept_line("/m");
	ck_assert(!p->options.remount);
	done(p);
	refuse_line("/m -o user_id=0", "unknown option 'user_id=0'");
}
END_TEST

Suite *foreign_suite(void)
{
	const TTest *const tests[] = {
	    like_tmpfs_is_one_word_for_objects_that_grow,
	    blocks_are_another_word_for_the_size,
	    what_tmpfs_has_and_this_has_not_is_told_with_what_there_is,
	    a_label_of_selinux_is_handed_on_with_its_commas,
	    a_remount_knows_what_was_given,
	};

	return suite_of("foreign", tests, sizeof tests / sizeof tests[0]);
}
