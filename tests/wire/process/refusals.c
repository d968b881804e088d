/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options and arguments that are refused, by name. */
#include "arguments.h"
#include "suites.h"

START_TEST(malformed_values_are_refused_by_name)
{
	static const char *const numbers[] = {"10abc", "-1", "+1", "~1", "1~", "", "1e3", "0x10",
	    "k", "1kk", "1kb", "1.5g", "18446744073709551616", "99999999999999999999999", "1_000",
	    "1p", "1/2", "\t1"};
	static const char *const names[] = {
	    "size", "nr_inodes", "user_size", "user_inodes", "mode", "uid", "gid"};
	char line[128];

	for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
		for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
			snprintf(line, sizeof line, "/m -o %s=%s", names[n], numbers[i]);
			refuse_line(line, names[n]);
		}
		snprintf(line, sizeof line, "/m -o %s", names[n]);
		refuse_line(line, "needs a value");
	}
}
END_TEST

START_TEST(values_out_of_range_are_refused)
{
	/* The value, and what names it. */
	refuse_line("/m -o size=99999999999t", "size");
	refuse_line("/m -o size=16777216t", "size");
	refuse_line("/m -o size=8388608t", "size");
	refuse_line("/m -o size=9223372036854775808", "size");
	refuse_line("/m -o user_size=9223372036854775808", "user_size");
	refuse_line("/m -o size=18446744073709551615", "size");
	refuse_line("/m -o size=100001%", "size");
	refuse_line("/m -o size=50%x", "size");
	refuse_line("/m -o size=50%%", "size");
	refuse_line("/m -o size=%", "size");
	refuse_line("/m -o size=%50", "size");
	refuse_line("/m -o size=5k%", "size");
	refuse_line("/m -o size=-5%", "size");
	refuse_line("/m -o nr_inodes=1", "nr_inodes");
	refuse_line("/m -o nr_inodes=1t", "nr_inodes");
	refuse_line("/m -o nr_inodes=50%", "nr_inodes");
	refuse_line("/m -o nr_inodes=17179869184g", "nr_inodes");
	refuse_line("/m -o mode=8", "mode");
	refuse_line("/m -o mode=778", "mode");
	refuse_line("/m -o mode=10000", "mode");
	refuse_line("/m -o mode=17777", "mode");
	refuse_line("/m -o mode=u+rwx", "mode");
	refuse_line("/m -o mode=2000000000000000000001", "mode");
	refuse_line("/m -o uid=4294967295", "uid");
	refuse_line("/m -o gid=4294967296", "gid");
	refuse_line("/m -o uid=root", "uid");
	refuse_line("/m -o io=", "io");
	refuse_line("/m -o io=Auto", "io");
	refuse_line("/m -o io=direct~", "io");
	refuse_line("/m -o io", "io");
	refuse_line("/m -o grow", "grow");
}
END_TEST

START_TEST(unknown_options_are_refused_by_name)
{
	static const char *const names[] = {"sizes=1m", "siz=1m", "Size=1m", "~size=1m", "size~=1m",
	    "=1m", "nonsense", "quotas", "rw=1", "commentary", "xattr", "allow_root", "fsname=x",
	    "subtype=x", "max_read=1", "fd=3", "rootmode=40000", "user_id=0"};
	char line[128];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(line, sizeof line, "/m -o size=1m,%s", names[i]);
		refuse_line(line, "unknown option");
	}
	refuse_line("/m -o nonsense", "'nonsense'");
	refuse_line("/m -o allow_other=1", "takes no value");
	refuse_line("/m -o allow_other=", "takes no value");
	refuse_line("/m -o noallow_other=no", "takes no value");
}
END_TEST

START_TEST(unknown_arguments_are_refused_by_name)
{
	refuse_line("/m --size=1m", "'--size=1m'");
	refuse_line("/m --nonsense", "'--nonsense'");
	refuse_line("/m -z", "-z");
	refuse_line("-zf /m", "-z");
	refuse_line("-fz /m", "-z");
	refuse_line("--debug -zf /m", "-z");
	refuse_line("/m --foreground=yes", "--foreground=yes");
	refuse_line("/m -o", "needs a value");
	refuse_line("/m --options", "needs a value");
	refuse_line("/m -fo", "needs a value");
}
END_TEST

Suite *refusals_suite(void)
{
	const TTest *const tests[] = {
	    malformed_values_are_refused_by_name,
	    values_out_of_range_are_refused,
	    unknown_options_are_refused_by_name,
	    unknown_arguments_are_refused_by_name,
	};

	return suite_of("refusals", tests, sizeof tests / sizeof tests[0]);
}
