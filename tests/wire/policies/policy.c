/* SPDX-License-Identifier: BSD-2-Clause */
/* The policy file: what is right is taken, and each mistake has a message of its own. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/policy/policy.h"
#include "suites.h"
#include "wire.h"

#define BIBA (1u << SHMFS_BIBA)
#define MLS (1u << SHMFS_MLS)

/* Lines behind a default that is right. */
#define D "default biba/low,mls/low\n"

static int parse(const char *text, size_t length, unsigned policies, struct policy *out, char *why,
    size_t why_size)
{
	return policy_parse("F", text, length, policies, out, why, why_size);
}

struct policy_case {
	const char *text;
	const char *says;
};

static const struct policy_case mistakes[] = {
    {"", "F:1: the file ends without a line 'default LABEL'"},
    {"user 1 biba/low,mls/low\n", "F:2: the file ends without a line 'default LABEL'"},
    {D "# c\nsubject 1 biba/low\n",
	"F:3: 'subject' is neither strictness, default, user nor group"},
    {D "Default biba/low\n", "F:2: 'Default' is neither strictness, default, user nor group"},
    {D "strictness\n", "F:2: 'strictness' needs a value: as-documented or revoke"},
    {D "strictness strict\n", "F:2: strictness 'strict' is neither as-documented nor revoke"},
    {"strictness revoke\nstrictness revoke\n" D, "F:2: 'strictness' is given already in line 1"},
    {D "strictness revoke now\n", "F:2: 'now' is one word too many"},
    {"default\n", "F:1: the label is missing"},
    {"default biba/low,mls/low please\n", "F:1: 'please' is one word too many"},
    {D D, "F:2: the default has a label already in line 1"},
    {D "user\n", "F:2: 'user' needs an id and a label"},
    {D "group\n", "F:2: 'group' needs an id and a label"},
    {D "user 1\n", "F:2: the label is missing"},
    {D "user root biba/low,mls/low\n",
	"F:2: 'root' is no number, as users and groups are given here"},
    {D "user -1 biba/low,mls/low\n", "F:2: '-1' is no number, as users and groups are given here"},
    {D "user 4294967295 biba/low,mls/low\n", "F:2: there is no id 4294967295"},
    {D "group 99999999999999999999999 biba/low,mls/low\n",
	"F:2: there is no id 99999999999999999999999"},
    {D "user 1 biba/low,mls/low 2\n", "F:2: '2' is one word too many"},
    {D "user 1 biba/low, mls/low\n", "F:2: 'mls/low' is one word too many"},
    {D "user 1 biba/low,mls/low\n\nuser 01 biba/low,mls/low\n",
	"F:4: user 1 has a label already in line 2"},
    {D "group 7 biba/low,mls/low\nuser 7 biba/low,mls/low\ngroup 7 biba/low,mls/low\n",
	"F:4: group 7 has a label already in line 2"},
    {D "user 2-1 biba/low,mls/low\n", "F:2: the range 2-1 ends before it begins"},
    {D "user 1- biba/low,mls/low\n", "F:2: there is no id "},
    {D "user 1-2-3 biba/low,mls/low\n",
	"F:2: '2-3' is no number, as users and groups are given here"},
    {D "user 1-4294967295 biba/low,mls/low\n", "F:2: there is no id 4294967295"},
    {D "user 1-5 biba/low,mls/low\nuser 1-5 biba/low,mls/low\n",
	"F:3: user 1-5 has a label already in line 2"},
    {D "user 5-9 biba/low,mls/low\nuser 1-5 biba/low,mls/low\n",
	"F:3: user 1-5 overlaps line 2, and neither lies in the other"},
    {D "user 1 low\n", "F:2: 'low' is not of the form POLICY/ELEMENT"},
    {D "user 1 lomac/low\n", "F:2: there is no policy 'lomac'"},
    {D "user 1 /low\n", "F:2: there is no policy ''"},
    {D "user 1 biba/low,biba/low\n", "F:2: the label has 'biba' twice"},
    {D "user 1 biba/low\n", "F:2: the label says nothing for 'mls', which is in effect"},
    {D "user 1 mls/low\n", "F:2: the label says nothing for 'biba', which is in effect"},
    {D "user 1 biba/low,,mls/low\n", "F:2: an empty item in the label"},
    {D "user 1 biba/low,mls/low,\n", "F:2: an empty item in the label"},
    {D "user 1 biba/,mls/low\n", "F:2: biba: the element is empty"},
    {D "user 1 biba/Low,mls/low\n", "F:2: biba: 'Low' is neither low, high, equal nor a number"},
    {D "user 1 biba/low,mls/+5\n", "F:2: mls: '+5' is neither low, high, equal nor a number"},
    {D "user 1 biba/65536,mls/low\n", "F:2: biba: 65536 is more than 65535"},
    {D "user 1 biba/99999999999,mls/low\n", "F:2: biba: 99999999999 is more than 65535"},
    {D "user 1 biba/low(low-high),mls/low\n",
	"F:2: biba: ranges are for subjects that are relabelled, and none is"},
    {D "user 1 biba/high:1,mls/low\n", "F:2: biba: 'high' has no compartments"},
    {D "user 1 biba/5:,mls/low\n", "F:2: biba: a colon, and no compartments behind it"},
    {D "user 1 biba/5:1++2,mls/low\n", "F:2: biba: an empty compartment"},
    {D "user 1 biba/5:1+,mls/low\n", "F:2: biba: an empty compartment"},
    {D "user 1 biba/5:+1,mls/low\n", "F:2: biba: an empty compartment"},
    {D "user 1 biba/5:x,mls/low\n", "F:2: biba: compartment 'x' is no number"},
    {D "user 1 biba/5:1:2,mls/low\n", "F:2: biba: compartment '1:2' is no number"},
    {D "user 1 biba/5:0,mls/low\n", "F:2: biba: compartment 0 is not within 1 to 256"},
    {D "user 1 biba/5:257,mls/low\n", "F:2: biba: compartment 257 is not within 1 to 256"},
    {D "user 1 biba/5:3+2+03,mls/low\n", "F:2: biba: compartment 3 is given twice"},
    {D "user 1 biba/low,mls/low\r\n", "F:2: a control character (byte 0x0d)"},
    {D "user 1 \x7f\n", "F:2: a control character (byte 0x7f)"},
    {D "\xef\xbb\xbfuser 1 biba/low\n",
	"F:2: '???user' is neither strictness, default, user nor group"},
};

#define MISTAKES (sizeof mistakes / sizeof mistakes[0])

static void expect_mistake(const char *text, size_t length, const char *says)
{
	struct policy policy = {0};
	char why[512] = "";
	int rc = parse(text, length, BIBA | MLS, &policy, why, sizeof why);

	ck_assert_msg(rc == -EINVAL, "expected '%s', got %s", says, result_text(rc));
	ck_assert_str_eq(why, says);
	ck_assert_ptr_null(policy.subjects);
}

START_TEST(each_mistake_has_its_message)
{
	for (size_t i = 0; i < MISTAKES; i++)
		expect_mistake(mistakes[i].text, strlen(mistakes[i].text), mistakes[i].says);
	expect_mistake("default\0", 8, "F:1: a control character (byte 0x00)");
}
END_TEST

/* Of the text behind the line's number, up to where it quotes. */
static size_t kind_length(const char *says)
{
	const char *text = strchr(strchr(says, ':') + 1, ':') + 2;

	return *text == '\'' ? strlen(text) : strcspn(text, "'0123456789");
}

START_TEST(there_are_more_than_thirty_kinds_of_mistakes)
{
	size_t kinds = 0;

	for (size_t i = 0; i < MISTAKES; i++) {
		const char *text = strchr(strchr(mistakes[i].says, ':') + 1, ':');
		size_t j;

		for (j = 0; j < i; j++) {
			const char *other = strchr(strchr(mistakes[j].says, ':') + 1, ':');

			if (strncmp(text, other, 2 + kind_length(mistakes[i].says)) == 0)
				break;
		}
		kinds += j == i;
	}
	ck_assert_uint_gt(kinds, 30);
}
END_TEST

static struct policy accept(const char *text, unsigned policies)
{
	struct policy policy = {0};
	char why[512] = "";
	int rc = parse(text, strlen(text), policies, &policy, why, sizeof why);

	ck_assert_msg(rc == 0, "'%s' is refused: %s", text, why);
	return policy;
}

static void expect_label(unsigned policies, const struct shmfs_label *label, const char *want)
{
	char text[SHMFS_LABEL_SIZE];

	(void)shmfs_label_print(policies, label, text);
	ck_assert_str_eq(text, want);
}

START_TEST(subjects_come_in_the_order_of_kind_and_id)
{
	struct policy policy = accept("# who is who\n"
				      "group 5 biba/1,mls/2\n"
				      "\n"
				      "  user\t7   biba/3,mls/4   # a comment\n"
				      "user 3 mls/65535,biba/0:256+1+17\n"
				      "default biba/eq,mls/hi\n"
				      "user 4294967294 biba/lo,mls/equal",
	    BIBA | MLS);
	static const struct {
		enum shmfs_subject_kind kind;
		uint32_t id;
		const char *label;
	} want[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, "biba/equal,mls/high"},
	    {SHMFS_SUBJECT_UID, 3, "biba/0:1+17+256,mls/65535"},
	    {SHMFS_SUBJECT_UID, 7, "biba/3,mls/4"},
	    {SHMFS_SUBJECT_UID, 4294967294, "biba/low,mls/equal"},
	    {SHMFS_SUBJECT_GID, 5, "biba/1,mls/2"},
	};

	ck_assert_uint_eq(policy.count, sizeof want / sizeof want[0]);
	ck_assert(!policy.revoke);
	for (size_t i = 0; i < policy.count; i++) {
		ck_assert_int_eq(policy.subjects[i].kind, want[i].kind);
		ck_assert_uint_eq(policy.subjects[i].id, want[i].id);
		expect_label(BIBA | MLS, &policy.subjects[i].label, want[i].label);
	}
	policy_free(&policy);
}
END_TEST

/* The one that lies in the other counts where they have something in common. */
START_TEST(ranges_lie_in_each_other_or_apart)
{
	struct policy policy = accept("user 100-199 biba/1\n"
				      "user 150 biba/2\n" D "user 150-160 biba/3\n"
				      "group 0-4294967294 biba/4\n"
				      "user 200-200 biba/5\n",
	    BIBA);
	static const struct {
		enum shmfs_subject_kind kind;
		uint32_t id, last;
		const char *label;
	} want[] = {
	    {SHMFS_SUBJECT_UID, 100, 149, "biba/1"},
	    {SHMFS_SUBJECT_UID, 150, 0, "biba/2"},
	    {SHMFS_SUBJECT_UID, 151, 160, "biba/3"},
	    {SHMFS_SUBJECT_UID, 161, 199, "biba/1"},
	    {SHMFS_SUBJECT_UID, 200, 0, "biba/5"},
	    {SHMFS_SUBJECT_GID, 0, 4294967294, "biba/4"},
	};

	ck_assert_uint_eq(policy.count, 1 + sizeof want / sizeof want[0]);
	for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
		const struct shmfs_mac_subject *got = &policy.subjects[i + 1];

		ck_assert_int_eq(got->kind, want[i].kind);
		ck_assert_uint_eq(got->id, want[i].id);
		ck_assert_uint_eq(got->last, want[i].last);
		expect_label(BIBA, &got->label, want[i].label);
	}
	policy_free(&policy);
}
END_TEST

START_TEST(strictness_is_one_of_two)
{
	struct policy policy = accept("strictness revoke\n" D, BIBA);

	ck_assert(policy.revoke);
	policy_free(&policy);
	policy = accept(D "strictness as-documented\n", BIBA);
	ck_assert(!policy.revoke);
	policy_free(&policy);
}
END_TEST

/* One file may serve mounts with different policies. */
START_TEST(what_is_said_of_a_policy_that_is_not_in_effect_is_left_out)
{
	struct policy policy = accept(D, MLS);

	expect_label(BIBA | MLS, &policy.subjects[0].label, "biba/low,mls/low");
	ck_assert_uint_eq(policy.subjects[0].label.of[SHMFS_BIBA].kind, 0);
	policy_free(&policy);
	policy = accept("default biba/7:1,mls/5\n", MLS);
	ck_assert_uint_eq(policy.subjects[0].label.of[SHMFS_BIBA].number, 0);
	ck_assert_uint_eq(policy.subjects[0].label.of[SHMFS_BIBA].compartments[0], 0);
	ck_assert_uint_eq(policy.subjects[0].label.of[SHMFS_MLS].number, 5);
	policy_free(&policy);
	policy = accept("default mls/5\n", MLS);
	policy_free(&policy);
}
END_TEST

static char *many_users(unsigned count)
{
	char *text = malloc((size_t)count * 32 + 64);
	size_t used = (size_t)sprintf(text, D);

	for (unsigned i = 0; i < count; i++)
		used += (size_t)sprintf(text + used, "user %u biba/1,mls/1\n", i);
	return text;
}

START_TEST(there_are_as_many_subjects_as_the_limit_says)
{
	char *text = many_users(SHMFS_SUBJECTS_MAX - 1), says[64];
	struct policy policy = accept(text, BIBA);

	ck_assert_uint_eq(policy.count, SHMFS_SUBJECTS_MAX);
	policy_free(&policy);
	free(text);
	text = many_users(SHMFS_SUBJECTS_MAX);
	snprintf(says, sizeof says, "F:%d: more than %d subjects", SHMFS_SUBJECTS_MAX + 1,
	    SHMFS_SUBJECTS_MAX);
	expect_mistake(text, strlen(text), says);
	free(text);
}
END_TEST

START_TEST(a_line_is_as_long_as_the_limit_says)
{
	char text[sizeof D + POLICY_LINE_MAX + 8] = D;
	size_t start = strlen(D);
	struct policy policy;

	memset(text + start, ' ', POLICY_LINE_MAX);
	policy = accept(text, BIBA);
	policy_free(&policy);
	text[start + POLICY_LINE_MAX] = ' ';
	expect_mistake(text, strlen(text), "F:2: the line is longer than 4096 bytes");
	/* A comment is no excuse. */
	text[start] = '#';
	expect_mistake(text, strlen(text), "F:2: the line is longer than 4096 bytes");
}
END_TEST

/* What a message quotes is cut, and made printable. */
START_TEST(a_message_is_one_short_line)
{
	char text[POLICY_LINE_MAX], why[512];
	struct policy policy = {0};

	memset(text, '\xff', sizeof text);
	GIVES(-EINVAL, parse(text, sizeof text, BIBA, &policy, why, sizeof why));
	ck_assert_uint_lt(strlen(why), 160);
	for (const char *at = why; *at != '\0'; at++)
		ck_assert(*at >= ' ' && *at <= '~');
	/* Room for little of it. */
	for (size_t size = 1; size < 40; size++) {
		memset(why, 'x', sizeof why);
		GIVES(-EINVAL, parse(text, sizeof text, BIBA, &policy, why, size));
		ck_assert_uint_lt(strlen(why), size);
	}
}
END_TEST

/* --- files ------------------------------------------------------------------------------------ */

static char path[64];

static void write_file(const void *data, size_t size, mode_t mode)
{
	int fd;

	snprintf(path, sizeof path, "/tmp/shmfs-wire-policy-%ld", (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

static int read_it(char *why, size_t why_size)
{
	struct policy policy = {0};
	int rc = policy_read(path, BIBA, &policy, why, why_size);

	ck_assert(rc == 0 || policy.subjects == NULL);
	policy_free(&policy);
	return rc;
}

static void expect_refused_file(int rc, const char *says)
{
	char why[512] = "", want[512];

	snprintf(want, sizeof want, "%s%s", path, says);
	GIVES(rc, read_it(why, sizeof why));
	ck_assert_str_eq(why, want);
}

START_TEST(a_file_is_read_or_named_in_the_message)
{
	char why[512];

	write_file(D, strlen(D), 0644);
	GIVES(0, read_it(why, sizeof why));
	write_file("defoult\n", 8, 0600);
	expect_refused_file(
	    -EINVAL, ":1: 'defoult' is neither strictness, default, user nor group");
	write_file(D, strlen(D), 0602);
	expect_refused_file(-EINVAL, ": everybody may write it");
	ck_assert_int_eq(unlink(path), 0);
	expect_refused_file(-ENOENT, ": No such file or directory");
	ck_assert_int_eq(mkdir(path, 0700), 0);
	expect_refused_file(-EINVAL, ": not a regular file");
	ck_assert_int_eq(rmdir(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	expect_refused_file(-EINVAL, ": not a regular file");
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_file_is_as_large_as_the_limit_says)
{
	char *text = malloc(POLICY_FILE_MAX + 1), why[512];

	memset(text, '\n', POLICY_FILE_MAX + 1);
	memcpy(text, D, strlen(D));
	write_file(text, POLICY_FILE_MAX, 0600);
	GIVES(0, read_it(why, sizeof why));
	write_file(text, POLICY_FILE_MAX + 1, 0600);
	expect_refused_file(-EINVAL, ": larger than 1048576 bytes");
	free(text);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

START_TEST(a_path_is_made_absolute)
{
	char here[PATH_MAX], out[PATH_MAX], want[PATH_MAX + 8], *longest = malloc(PATH_MAX + 1);

	ck_assert_ptr_nonnull(getcwd(here, sizeof here));
	GIVES(0, policy_absolute("/a/b", out));
	ck_assert_str_eq(out, "/a/b");
	GIVES(0, policy_absolute("a/b", out));
	snprintf(want, sizeof want, "%s/a/b", here);
	ck_assert_str_eq(out, want);
	memset(longest, '/', PATH_MAX);
	longest[PATH_MAX] = '\0';
	GIVES(-ENAMETOOLONG, policy_absolute(longest, out));
	longest[PATH_MAX - 1] = '\0';
	GIVES(0, policy_absolute(longest, out));
	free(longest);
}
END_TEST

Suite *policy_suite(void)
{
	const TTest *const tests[] = {
	    each_mistake_has_its_message,
	    there_are_more_than_thirty_kinds_of_mistakes,
	    subjects_come_in_the_order_of_kind_and_id,
	    ranges_lie_in_each_other_or_apart,
	    strictness_is_one_of_two,
	    what_is_said_of_a_policy_that_is_not_in_effect_is_left_out,
	    there_are_as_many_subjects_as_the_limit_says,
	    a_line_is_as_long_as_the_limit_says,
	    a_message_is_one_short_line,
	    a_file_is_read_or_named_in_the_message,
	    a_file_is_as_large_as_the_limit_says,
	    a_path_is_made_absolute,
	};

	return suite_of("policy", tests, sizeof tests / sizeof tests[0]);
}
