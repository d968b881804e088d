/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options: what is accepted, and what it means. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "arguments.h"
#include "suites.h"

static uint64_t ram(void)
{
	struct sysinfo info;

	ck_assert_int_eq(sysinfo(&info), 0);
	return (uint64_t)info.totalram * info.mem_unit;
}

START_TEST(defaults_are_those_of_the_manual)
{
	struct parsed *p = accept_line("/m");
	const struct options *o = &p->options;

	ck_assert_uint_eq(o->size, ram() / 100 * 50);
	ck_assert_uint_eq(o->nr_inodes, ram() / 2 / (uint64_t)sysconf(_SC_PAGESIZE));
	ck_assert_uint_eq(o->user_size, 0);
	ck_assert_uint_eq(o->user_inodes, 0);
	ck_assert_uint_eq(o->mode, 01777);
	ck_assert_uint_eq(o->uid, geteuid());
	ck_assert_uint_eq(o->gid, getegid());
	ck_assert_int_eq(o->io, TIER_AUTO);
	ck_assert_ptr_null(o->huge);
	ck_assert_ptr_null(o->mpol);
	ck_assert(!o->noswap);
	ck_assert_uint_eq(o->poll_us, 50);
	ck_assert(o->follow);
	ck_assert_int_eq(o->log, LOG_TO_SYSLOG);
	ck_assert_str_eq(o->grow, GROW_BY_DEFAULT);
	ck_assert_int_eq(o->allow_other, geteuid() == 0);
	ck_assert_str_eq(o->source, "shmfs");
	ck_assert_str_eq(o->mountpoint, "/m");
	ck_assert_str_eq(o->vfs, "");
	ck_assert(!o->foreground && !o->debug && !o->help && !o->version);
	done(p);
}
END_TEST

/* --- values ----------------------------------------------------------------------------------- */

struct number {
	const char *text;
	uint64_t value;
};

START_TEST(sizes_are_read_with_their_suffixes)
{
	static const struct number cases[] = {
	    {"0", 0},
	    {"1", 1},
	    {"4095", 4095},
	    {"4097", 4097},
	    {"4k", 4096},
	    {"10K", 10240},
	    {"1m", 1 << 20},
	    {"1M", 1 << 20},
	    {"3g", UINT64_C(3) << 30},
	    {"3G", UINT64_C(3) << 30},
	    {"2t", UINT64_C(2) << 40},
	    {"2T", UINT64_C(2) << 40},
	    {"0t", 0},
	    {"00010k", 10240},
	    {"9223372036854775807", INT64_MAX},
	    {"8388607t", UINT64_C(8388607) << 40},
	    {"0%", 0},
	};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(
		    line, sizeof line, "/m -o size=%s,user_size=%s", cases[i].text, cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.user_size, cases[i].value);
		ck_assert_msg(p->options.size == cases[i].value, "size=%s is %" PRIu64,
		    cases[i].text, p->options.size);
		done(p);
	}
}
END_TEST

START_TEST(a_size_in_percent_is_of_ram)
{
	static const unsigned percents[] = {1, 50, 99, 100, 101, 200, 100000};
	char line[128];

	for (size_t i = 0; i < sizeof percents / sizeof percents[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o size=%u%%", percents[i]);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.size, ram() / 100 * percents[i]);
		done(p);
	}
}
END_TEST

START_TEST(numbers_of_nodes_are_read_with_their_suffixes)
{
	static const struct number cases[] = {
	    {"0", 0},
	    {"2", 2},
	    {"7k", 7168},
	    {"1m", 1 << 20},
	    {"1g", 1 << 30},
	    {"18446744073709551615", UINT64_MAX},
	    {"17179869183g", UINT64_C(17179869183) << 30},
	};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o nr_inodes=%s,user_inodes=%s", cases[i].text,
		    cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.user_inodes, cases[i].value);
		ck_assert_msg(p->options.nr_inodes == cases[i].value, "nr_inodes=%s is %" PRIu64,
		    cases[i].text, p->options.nr_inodes);
		done(p);
	}
}
END_TEST

START_TEST(the_log_goes_where_it_is_sent)
{
	struct parsed *p = accept_line("/m -o log=stderr");

	ck_assert_int_eq(options_log_place(&p->options), LOG_TO_STDERR);
	done(p);
	p = accept_line("/m -o log=stderr,log=syslog");
	ck_assert_int_eq(options_log_place(&p->options), LOG_TO_SYSLOG);
	done(p);
	p = accept_line("-f /m");
	ck_assert_int_eq(options_log_place(&p->options), LOG_TO_STDERR);
	done(p);
	refuse_line("/m -o log=", "log");
	refuse_line("/m -o log=file", "log");
	refuse_line("/m -o log", "log");
}
END_TEST

START_TEST(clients_are_followed_unless_that_is_refused)
{
	struct parsed *p = accept_line("/m -o nofollow");

	ck_assert(!p->options.follow);
	done(p);
	p = accept_line("/m -o nofollow,follow");
	ck_assert(p->options.follow);
	done(p);
	refuse_line("/m -o follow=1", "takes no value");
}
END_TEST

START_TEST(the_time_to_poll_is_at_most_a_millisecond)
{
	static const struct number cases[] = {{"0", 0}, {"1", 1}, {"0050", 50}, {"1000", 1000}};
	static const char *const refused[] = {"1001", "-1", "50us", "1k", "", "4294967346"};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o poll_us=%s", cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.poll_us, cases[i].value);
		done(p);
	}
	for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
		snprintf(line, sizeof line, "/m -o poll_us=%s", refused[i]);
		refuse_line(line, "poll_us");
	}
}
END_TEST

START_TEST(modes_are_octal)
{
	static const struct number cases[] = {{"0", 0}, {"7", 7}, {"700", 0700}, {"0755", 0755},
	    {"1777", 01777}, {"7777", 07777}, {"0000007777", 07777}};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o mode=%s", cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.mode, cases[i].value);
		done(p);
	}
}
END_TEST

START_TEST(owners_are_numbers)
{
	static const struct number cases[] = {
	    {"0", 0}, {"1000", 1000}, {"65534", 65534}, {"4294967294", UINT32_MAX - 1}};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o uid=%s,gid=7", cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.uid, cases[i].value);
		ck_assert_uint_eq(p->options.gid, 7);
		done(p);
		snprintf(line, sizeof line, "/m -o uid=7,gid=%s", cases[i].text);
		p = accept_line(line);
		ck_assert_uint_eq(p->options.gid, cases[i].value);
		done(p);
	}
}
END_TEST

START_TEST(tiers_are_named)
{
	static const char *const names[] = {"auto", "passthrough", "cached"};
	char line[128];

	for (int i = 0; i < 3; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o io=%s", names[i]);
		p = accept_line(line);
		ck_assert_int_eq(p->options.io, i);
		done(p);
	}
}
END_TEST

START_TEST(huge_pages_are_as_of_tmpfs)
{
	static const char *const names[] = {"never", "within_size", "always", "advise"};
	char line[64];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o huge=%s,noswap", names[i]);
		p = accept_line(line);
		ck_assert_str_eq(p->options.huge, names[i]);
		ck_assert(p->options.noswap);
		done(p);
	}
	refuse_line("/m -o huge=sometimes", "huge");
	refuse_line("/m -o huge=", "huge");
	refuse_line("/m -o noswap=1", "takes no value");
}
END_TEST

/* What it means, the kernel decides. */
START_TEST(a_list_of_nodes_has_commas)
{
	static const struct {
		const char *line, *mpol, *printed;
	} cases[] = {
	    {"/m -o mpol=bind:0,2,5-7,poll_us=7", "bind:0,2,5-7", "mpol=bind:0,2,5-7,poll_us=7"},
	    {"/m -o poll_us=7,mpol=interleave:1,3", "interleave:1,3",
		"mpol=interleave:1,3,poll_us=7"},
	    {"/m -o mpol=bind:0 -o poll_us=7", "bind:0", "mpol=bind:0"},
	    {"/m -o mpol=local,mpol=prefer:1", "prefer:1", "mpol=prefer:1"},
	};
	char list[512];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p = accept_line(cases[i].line);

		ck_assert_str_eq(p->options.mpol, cases[i].mpol);
		options_print(&p->options, list, sizeof list);
		ck_assert_msg(strstr(list, cases[i].printed) != NULL, "expected '%s' in '%s'",
		    cases[i].printed, list);
		done(p);
	}
	refuse_line("/m -o mpol=", "mpol");
	refuse_line("/m -o mpol=bind:0,x", "'x'");
	refuse_line("/m -o mpol=bind:0 -o 1", "'1'");
	refuse_line("/m -o poll_us=7,1", "'1'");
}
END_TEST

START_TEST(rules_are_named_and_say_the_defaults_of_others)
{
	struct parsed *p = accept_line("/m -o rules=linux");

	ck_assert_int_eq(p->options.rules, SHMFS_RULES_LINUX);
	ck_assert_uint_eq(p->options.mode, 01777);
	ck_assert_str_eq(p->options.grow, GROW_BY_DEFAULT);
	done(p);
	p = accept_line("/m -o rules=freebsd");
	ck_assert_int_eq(p->options.rules, SHMFS_RULES_FREEBSD);
	ck_assert_uint_eq(p->options.mode, 0777);
	ck_assert_str_eq(p->options.grow, "");
	done(p);
	p = accept_line("/m -o mode=1700,grow=a,rules=freebsd");
	ck_assert_uint_eq(p->options.mode, 01700);
	ck_assert_str_eq(p->options.grow, "a");
	done(p);
	p = accept_line("/m -o rules=freebsd,rules=linux");
	ck_assert_uint_eq(p->options.mode, 01777);
	ck_assert_str_eq(p->options.grow, GROW_BY_DEFAULT);
	done(p);
	refuse_line("/m -o rules=", "rules");
	refuse_line("/m -o rules=Linux", "rules");
	refuse_line("/m -o rules", "rules");
}
END_TEST

START_TEST(patterns_are_kept_as_they_are)
{
	static const char *const patterns[] = {
	    "", "*", "a:b", "sem.*:tmp-*:x[0-9]=?", ":", "::a", "a:+b", "[+]a", "a+"};
	char line[128];

	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o grow=%s", patterns[i]);
		p = accept_line(line);
		ck_assert_str_eq(p->options.grow, patterns[i]);
		done(p);
	}
}
END_TEST

START_TEST(patterns_behind_a_plus_are_added_to_the_default)
{
	/* What is given, and what grows then. */
	static const char *const cases[][2] = {
	    {"grow=+a*:b", GROW_BY_DEFAULT ":a*:b"},
	    {"grow=+", GROW_BY_DEFAULT ":"},
	    {"grow=++a", GROW_BY_DEFAULT ":+a"},
	    {"grow=a,grow=+b", GROW_BY_DEFAULT ":b"},
	    {"grow=+a,grow=+b", GROW_BY_DEFAULT ":b"},
	    {"grow=+a,grow=b", "b"},
	    {"grow=+a*:b,rules=freebsd", "a*:b"},
	    {"rules=freebsd,grow=+", ""},
	};
	char line[128];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct parsed *p;

		snprintf(line, sizeof line, "/m -o %s", cases[i][0]);
		p = accept_line(line);
		ck_assert_str_eq(p->options.grow, cases[i][1]);
		done(p);
	}
}
END_TEST

/* Accepts so many bytes of a list of one-letter patterns behind a +, or refuses them. */
static void add_patterns(size_t length, bool accepted)
{
	char *line = malloc(8192);
	size_t at;

	ck_assert_ptr_nonnull(line);
	at = (size_t)sprintf(line, "/m -o grow=+");
	for (size_t i = 0; i < length; i++)
		line[at + i] = i % 2 == 0 ? 'a' : ':';
	line[at + length] = '\0';
	if (accepted)
		done(accept_line(line));
	else
		refuse_line(line, "longer than 4000 bytes");
	free(line);
}

START_TEST(patterns_are_bounded_together_with_the_default)
{
	const size_t room = 4000 - strlen(GROW_BY_DEFAULT ":");

	add_patterns(room - 1, true);
	add_patterns(room, true);
	add_patterns(room + 1, false);
	add_patterns(4000, false);
	add_patterns(8000, false);
}
END_TEST

START_TEST(lifetimes_are_patterns_and_whole_seconds)
{
	struct parsed *p = accept_line("/m");

	ck_assert_str_eq(p->options.lifetime, "");
	ck_assert_uint_eq(p->options.lifetime_age, 60);
	done(p);
	p = accept_line("/m -o lifetime=a*:b,lifetime_age=0");
	ck_assert_str_eq(p->options.lifetime, "a*:b");
	ck_assert_uint_eq(p->options.lifetime_age, 0);
	done(p);
	p = accept_line("/m -o lifetime_age=4294967295");
	ck_assert_uint_eq(p->options.lifetime_age, UINT32_MAX);
	done(p);
	refuse_line("/m -o lifetime_age=4294967296", "lifetime_age");
	refuse_line("/m -o lifetime_age=1k", "lifetime_age");
	refuse_line("/m -o lifetime_age=-1", "lifetime_age");
	refuse_line("/m -o lifetime_age=", "lifetime_age");
	refuse_line("/m -o lifetime", "lifetime");
}
END_TEST

START_TEST(long_patterns_are_refused_before_they_harm)
{
	char *line = malloc(8192);
	size_t at;

	ck_assert_ptr_nonnull(line);
	at = (size_t)sprintf(line, "/m -o grow=a:");
	memset(line + at, 'p', 255);
	line[at + 255] = '\0';
	done(accept_line(line));
	line[at + 255] = 'p';
	line[at + 256] = '\0';
	refuse_line(line, "grow");
	memset(line + at, ':', 3998);
	line[at + 3998] = '\0';
	done(accept_line(line));
	line[at + 3998] = ':';
	line[at + 3999] = '\0';
	refuse_line(line, "grow");
	free(line);
}
END_TEST

Suite *options_suite(void)
{
	const TTest *const tests[] = {
	    defaults_are_those_of_the_manual,
	    sizes_are_read_with_their_suffixes,
	    a_size_in_percent_is_of_ram,
	    numbers_of_nodes_are_read_with_their_suffixes,
	    the_log_goes_where_it_is_sent,
	    clients_are_followed_unless_that_is_refused,
	    the_time_to_poll_is_at_most_a_millisecond,
	    modes_are_octal,
	    owners_are_numbers,
	    tiers_are_named,
	    huge_pages_are_as_of_tmpfs,
	    a_list_of_nodes_has_commas,
	    rules_are_named_and_say_the_defaults_of_others,
	    patterns_are_kept_as_they_are,
	    patterns_behind_a_plus_are_added_to_the_default,
	    patterns_are_bounded_together_with_the_default,
	    lifetimes_are_patterns_and_whole_seconds,
	    long_patterns_are_refused_before_they_harm,
	};

	return suite_of("options", tests, sizeof tests / sizeof tests[0]);
}
