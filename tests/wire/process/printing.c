/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options are printed so that they can be read back, policies among them. */
#include <string.h>

#include "arguments.h"
#include "suites.h"

static const char *printed(const struct options *options)
{
	static char out[4096];

	options_print(options, out, sizeof out);
	return out;
}

START_TEST(defaults_are_not_printed)
{
	static const char *const lines[] = {"/m", "src /m -fd", "/m -o size=50%,mode=01777,io=auto",
	    "/m -o rules=linux", "/m -o grow=" GROW_BY_DEFAULT ",defaults,x-a",
	    "/m -o size=1m,size=50%"};

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct parsed *p = accept_line(lines[i]);

		ck_assert_str_eq(printed(&p->options), "");
		done(p);
	}
}
END_TEST

START_TEST(what_differs_is_printed)
{
	struct parsed *p = accept_line(
	    "/m -o nosuid,io=cached,grow=,mode=0700,size=1m,nr_inodes=0,uid=12,gid=13,ro");

	ck_assert_str_eq(printed(&p->options),
	    "nosuid,ro,size=1048576,nr_inodes=0,mode=700,uid=12,gid=13,io=cached,grow=");
	done(p);
}
END_TEST

static void expect_same(const struct options *a, const struct options *b, const char *line)
{
	ck_assert_msg(a->size == b->size && a->nr_inodes == b->nr_inodes && a->mode == b->mode &&
			  a->uid == b->uid && a->gid == b->gid && a->io == b->io &&
			  a->rules == b->rules && a->user_size == b->user_size &&
			  a->user_inodes == b->user_inodes && a->allow_other == b->allow_other &&
			  strcmp(a->grow, b->grow) == 0 && strcmp(a->vfs, b->vfs) == 0,
	    "'%s' is printed as '%s', which is something else", line, printed(a));
}

START_TEST(what_is_printed_means_the_same_when_it_is_read)
{
	static const char *const lines[] = {"/m", "/m -o size=0", "/m -o size=73%",
	    "/m -o nr_inodes=0,size=4096", "/m -o mode=0,uid=0,gid=0", "/m -o mode=7777",
	    "/m -o uid=4294967294,gid=4294967294", "/m -o io=cached", "/m -o io=passthrough",
	    "/m -o grow=", "/m -o grow=*", "/m -o grow=+a:b", "/m -o grow=+a,rules=freebsd",
	    "/m -o grow=a=b:c", "/m -o allow_other", "/m -o noallow_other", "/m -o rules=freebsd",
	    "/m -o rules=freebsd,mode=1777,grow=sem.*:tmp-*", "/m -o like=tmpfs",
	    "/m -o like=tmpfs,grow=a,nr_blocks=3", "/m -o context=\"a,b\",ro",
	    "/m -o rules=linux,mode=777,grow=", "/m -o ro,nosuid,size=8388607t",
	    "/m -o nr_inodes=18446744073709551615,noexec,io=cached,grow=::,noallow_other"};
	char again[4200];

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct parsed *first = accept_line(lines[i]), *second;
		const char *list = printed(&first->options);

		snprintf(again, sizeof again, "/m -o %s", *list != '\0' ? list : "''");
		second = accept_line(again);
		expect_same(&first->options, &second->options, lines[i]);
		done(first);
		done(second);
	}
}
END_TEST

START_TEST(what_does_not_fit_is_left_out_whole)
{
	struct parsed *p = accept_line("/m -o size=1m,mode=700,grow=abcdefghij,noallow_other");
	char out[32];

	options_print(&p->options, out, sizeof out);
	ck_assert_str_eq(out, "size=1048576,mode=700");
	done(p);
}
END_TEST

/* The commas of the list are those between options, so it goes on behind them. */
START_TEST(policies_are_named_and_have_a_file)
{
	static const struct {
		const char *list;
		unsigned policies;
	} cases[] = {
	    {"mac=biba,mac_policy=F", 1},
	    {"mac=mls,mac_policy=F", 2},
	    {"mac=biba,mls,mac_policy=F", 3},
	    {"mac=mls,biba,mac_policy=F", 3},
	    {"mac=biba:mls,mac_policy=F", 3},
	    {"mac_policy=F,mac=biba,mls,size=1m", 3},
	    {"mac=biba,mls,mac_policy=F,mac=mls", 2},
	};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o %s", cases[i].list);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.mac, cases[i].policies);
		ck_assert_str_eq(p->options.mac_policy, "F");
		done(p);
	}
}
END_TEST

START_TEST(policies_that_make_no_sense_are_refused)
{
	refuse_line("/m -o mac=biba", "mac_policy=FILE");
	refuse_line("/m -o mac_policy=F", "mac=POLICIES");
	refuse_line("/m -o mac=,mac_policy=F", "mac=POLICIES");
	refuse_line("/m -o mac=Biba,mac_policy=F", "Biba");
	refuse_line("/m -o mac=biba:,mac_policy=F", "biba:");
	refuse_line("/m -o mac=biba:biba,mac_policy=F", "biba:biba");
	refuse_line("/m -o mac=biba,biba,mac_policy=F", "'biba' twice");
	refuse_line("/m -o mac=biba,lomac,mac_policy=F", "unknown option 'lomac'");
	refuse_line("/m -o mac=biba,size=1m,mls,mac_policy=F", "unknown option 'mls'");
	refuse_line("/m -o mac=biba -o mls,mac_policy=F", "unknown option 'mls'");
	refuse_line("/m -o mls", "unknown option 'mls'");
	refuse_line("/m -o mac=mls,mac_policy=", "mac_policy=FILE");
	refuse_line("/m -o mac", "mac");
}
END_TEST

START_TEST(policies_are_printed_as_they_are_given)
{
	struct parsed *p = accept_line("/m -o mac=mls,biba,mac_policy=/etc/p"), *again;
	char list[512], line[600];

	options_print(&p->options, list, sizeof list);
	ck_assert_ptr_nonnull(strstr(list, "mac=biba,mls,mac_policy=/etc/p"));
	snprintf(line, sizeof line, "/m -o %s", list);
	again = accept_line(line);
	ck_assert_uint_eq(again->options.mac, 3);
	done(again);
	done(p);
	p = accept_line("/m");
	options_print(&p->options, list, sizeof list);
	ck_assert_ptr_null(strstr(list, "mac"));
	done(p);
}
END_TEST

Suite *printing_suite(void)
{
	const TTest *const tests[] = {
	    defaults_are_not_printed,
	    what_differs_is_printed,
	    what_is_printed_means_the_same_when_it_is_read,
	    what_does_not_fit_is_left_out_whole,
	    policies_are_named_and_have_a_file,
	    policies_that_make_no_sense_are_refused,
	    policies_are_printed_as_they_are_given,
	};

	return suite_of("printing", tests, sizeof tests / sizeof tests[0]);
}
