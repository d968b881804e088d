/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line around the mount options. */
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "suites.h"

START_TEST(one_or_two_words_say_where)
{
	static const struct {
		const char *line, *source, *mountpoint;
	} cases[] = {
	    {"/m", "shmfs", "/m"},
	    {"src /m", "src", "/m"},
	    {"src /m -o rw", "src", "/m"},
	    {"-o rw src /m", "src", "/m"},
	    {"src -f /m", "src", "/m"},
	    {"-- -src -m", "-src", "-m"},
	    {"src -- -m", "src", "-m"},
	    {"- /m", "-", "/m"},
	    {"a,b=c\\d /m", "a,b=c\\d", "/m"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p = accept_line(cases[i].line);

		ck_assert_str_eq(p->options.source, cases[i].source);
		ck_assert_str_eq(p->options.mountpoint, cases[i].mountpoint);
		done(p);
	}
	refuse_line("", "no mount point");
	refuse_line("-f", "no mount point");
	refuse_line("-o size=1m", "no mount point");
	refuse_line("src /m more", "'more'");
	refuse_line("src /m more -o rw", "'more'");
	refuse_line("'' /m", "source");
}
END_TEST

START_TEST(flags_have_a_short_and_a_long_form)
{
	static const struct {
		const char *line;
		bool foreground, debug, help, version;
	} cases[] = {
	    {"/m -f", true, false, false, false},
	    {"/m --foreground", true, false, false, false},
	    {"/m -d", true, true, false, false},
	    {"/m --debug", true, true, false, false},
	    {"/m -fd", true, true, false, false},
	    {"-h", false, false, true, false},
	    {"--help", false, false, true, false},
	    {"-V", false, false, false, true},
	    {"--version", false, false, false, true},
	    {"-hV", false, false, true, true},
	    /* Help needs no mount point, and no sense in the rest of the words. */
	    {"-h a b c", false, false, true, false},
	    {"-o nr_inodes=1 -h", false, false, true, false},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p = accept_line(cases[i].line);

		ck_assert_int_eq(p->options.foreground, cases[i].foreground);
		ck_assert_int_eq(p->options.debug, cases[i].debug);
		ck_assert_int_eq(p->options.help, cases[i].help);
		ck_assert_int_eq(p->options.version, cases[i].version);
		done(p);
	}
	refuse_line("-h -o nonsense", "nonsense");
}
END_TEST

/* mount(8): mount.TYPE SOURCE MOUNTPOINT [-sfnv] [-N NS] [-o LIST] [-t TYPE] */
START_TEST(a_mount_helper_takes_the_arguments_of_mount)
{
	static const char *const names[] = {
	    "mount.fuse.shmfs", "/sbin/mount.fuse.shmfs", "mount.shmfs", "./x/mount.shmfs"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct parsed *p = parse_as(
		    names[i], "src /m -s -n -v -N /proc/1/ns/mnt -t fuse.shmfs -o rw,size=1m");

		ck_assert_msg(p->rc == 0, "%s: %s", names[i], p->why);
		ck_assert_str_eq(p->options.source, "src");
		ck_assert_str_eq(p->options.mountpoint, "/m");
		ck_assert_uint_eq(p->options.size, 1 << 20);
		ck_assert(!p->options.fake && !p->options.foreground);
		done(p);
		p = parse_as(names[i], "src /m -f");
		ck_assert_msg(p->rc == 0, "%s: %s", names[i], p->why);
		ck_assert(p->options.fake && !p->options.foreground);
		done(p);
		p = parse_as(names[i], "src /m -z");
		ck_assert_int_eq(p->rc, -EINVAL);
		ck_assert_msg(strstr(p->why, "-z") != NULL, "'%s'", p->why);
		done(p);
	}
}
END_TEST

START_TEST(only_the_name_of_a_helper_makes_one)
{
	static const char *const names[] = {
	    "shmfs", "/usr/sbin/shmfs", "mount", "/sbin/mount.d/shmfs", "umount.shmfs", ""};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct parsed *p = parse_as(names[i], "/m -f");

		ck_assert_int_eq(p->rc, 0);
		ck_assert(p->options.foreground && !p->options.fake);
		done(p);
		p = parse_as(names[i], "/m -n");
		ck_assert_int_eq(p->rc, -EINVAL);
		done(p);
	}
}
END_TEST

START_TEST(options_come_in_one_list_or_several_and_the_later_wins)
{
	struct parsed *p =
	    accept_line("-o size=1m,mode=700 /m -osize=2m --options=uid=5 --options gid=6");

	ck_assert_uint_eq(p->options.size, 2 << 20);
	ck_assert_uint_eq(p->options.mode, 0700);
	ck_assert_uint_eq(p->options.uid, 5);
	ck_assert_uint_eq(p->options.gid, 6);
	done(p);
	p = accept_line("/m -o io=auto,io=cached,allow_other,noallow_other,grow=a,grow=b");
	ck_assert_int_eq(p->options.io, TIER_ONLY_CACHED);
	ck_assert(!p->options.allow_other);
	ck_assert_str_eq(p->options.grow, "b");
	done(p);
	p = accept_line("/m -o noallow_other,allow_other");
	ck_assert(p->options.allow_other);
	done(p);
	refuse_line("/m -o size=1m,size=x,size=2m", "'x'");
	/* Only what counts in the end has to make sense. */
	done(accept_line("/m -o nr_inodes=1,nr_inodes=2"));
}
END_TEST

START_TEST(empty_options_are_nothing)
{
	struct parsed *p = accept_line("/m -o '' -o , -o ,size=1m,,mode=700,");

	ck_assert_uint_eq(p->options.size, 1 << 20);
	ck_assert_uint_eq(p->options.mode, 0700);
	done(p);
}
END_TEST

START_TEST(what_concerns_others_is_ignored)
{
	struct parsed *p = accept_line(
	    "/m -o defaults,auto,noauto,nofail,_netdev,user,users,relatime,x-systemd.automount,"
	    "x-anything=1,X-mount.mkdir,x-,comment=what=ever,default_permissions,size=1m");

	ck_assert_uint_eq(p->options.size, 1 << 20);
	ck_assert_str_eq(p->options.vfs, "");
	done(p);
}
END_TEST

START_TEST(options_of_mount_are_collected_in_order)
{
	struct parsed *p = accept_line("/m -o nosuid,size=1m,nodev -o noexec,ro,noatime");

	ck_assert_str_eq(p->options.vfs, "nosuid,nodev,noexec,ro,noatime");
	done(p);
	p = accept_line(
	    "/m -o rw,suid,nosuid,dev,nodev,exec,noexec,sync,async,dirsync,atime,noatime");
	ck_assert_str_eq(p->options.vfs,
	    "rw,suid,nosuid,dev,nodev,exec,noexec,sync,async,dirsync,atime,noatime");
	done(p);
}
END_TEST

START_TEST(too_many_options_of_mount_are_refused)
{
	char line[2048] = "/m -o ";

	for (int i = 0; i < 73; i++)
		strcat(line, "nosuid,");
	done(accept_line(line));
	strcat(line, "nosuid");
	refuse_line(line, "too many");
}
END_TEST

START_TEST(the_usage_names_every_option)
{
	static const char *const words[] = {"rules=", "user_size=", "user_inodes=", "size=",
	    "nr_inodes=", "mode=", "uid=", "gid=", "io=", "grow=", "allow_other", "noallow_other",
	    "--options", "--foreground", "--debug", "--help", "--version", "SOURCE", "MOUNTPOINT",
	    "nosuid", "ro"};
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	ck_assert_ptr_nonnull(to);
	options_usage(to);
	ck_assert_int_eq(fclose(to), 0);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		ck_assert_msg(strstr(text, words[i]) != NULL, "the usage lacks %s", words[i]);
	free(text);
}
END_TEST

Suite *arguments_suite(void)
{
	const TTest *const tests[] = {
	    one_or_two_words_say_where,
	    flags_have_a_short_and_a_long_form,
	    a_mount_helper_takes_the_arguments_of_mount,
	    only_the_name_of_a_helper_makes_one,
	    options_come_in_one_list_or_several_and_the_later_wins,
	    empty_options_are_nothing,
	    what_concerns_others_is_ignored,
	    options_of_mount_are_collected_in_order,
	    too_many_options_of_mount_are_refused,
	    the_usage_names_every_option,
	};

	return suite_of("arguments", tests, sizeof tests / sizeof tests[0]);
}
