/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels of nodes and tables of subjects: what they are and that they last. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/mac/subjects.h"
#include "harness.h"
#include "labels.h"
#include "suites.h"

#define LABEL "user.shmfs.label"

static struct shmfs_mac_subject subjects[SHMFS_SUBJECTS_MAX + 1];

/* The default and users 1 .. count-1; numbers of Biba from `first` on, every `same` one alike. */
static void make_subjects(size_t count, uint32_t first, uint32_t same)
{
	memset(subjects, 0, sizeof subjects);
	for (uint32_t i = 0; i < count; i++) {
		subjects[i].kind = i == 0 ? SHMFS_SUBJECT_DEFAULT : SHMFS_SUBJECT_UID;
		subjects[i].id = i;
		subjects[i].label.of[SHMFS_BIBA] = (struct shmfs_element){
		    .kind = SHMFS_ELEMENT_NUMBER, .number = first + i / same};
		subjects[i].label.of[SHMFS_MLS].kind = SHMFS_ELEMENT_EQUAL;
	}
}

static struct shmfs *open_labelled(size_t count)
{
	const struct shmfs_mac mac = {ALL_POLICIES, false, subjects, count};
	struct shmfs_config config = small_config();

	config.mac = &mac;
	return open_with(config);
}

static struct shmfs *open_usual(void)
{
	make_subjects(3, 5, 1);
	return open_labelled(3);
}

static struct shmfs_cred user(uid_t uid)
{
	return (struct shmfs_cred){.uid = uid, .gid = 1000000};
}

static uint64_t make_as(struct shmfs *fs, uid_t uid, const char *name)
{
	const struct shmfs_cred cred = user(uid);
	struct shmfs_attr attr;

	GIVES(0, TX(fs, shmfs_mknod(fs, &cred, SHMFS_ROOT, name, S_IFREG | 0600, &attr)));
	return attr.id;
}

static const char *label_of(struct shmfs *fs, uint64_t id)
{
	static char text[SHMFS_LABEL_SIZE];
	ssize_t length = shmfs_getxattr(fs, NULL, id, LABEL, text, sizeof text);

	REQUIRE(length > 0, "no label: %s", result_text(length));
	text[length] = '\0';
	return text;
}

#define HAS_LABEL(want, id) ck_assert_str_eq(label_of(fs, id), want)

START_TEST(a_node_has_its_creators_label)
{
	const struct shmfs_cred two = user(2);
	struct shmfs *fs = open_usual();
	struct shmfs_opened opened;
	struct shmfs_attr attr;

	HAS_LABEL("biba/equal,mls/equal", SHMFS_ROOT);
	HAS_LABEL("biba/6,mls/equal", make_as(fs, 1, "one"));
	HAS_LABEL("biba/7,mls/equal", make_as(fs, 2, "two"));
	HAS_LABEL("biba/5,mls/equal", make_as(fs, 0, "root's"));
	HAS_LABEL("biba/5,mls/equal", make_as(fs, 77, "of the default"));
	GIVES(0, TX(fs, shmfs_mkdir(fs, &two, SHMFS_ROOT, "dir", 0700, &attr)));
	HAS_LABEL("biba/7,mls/equal", attr.id);
	GIVES(0, TX(fs, shmfs_symlink(fs, &two, SHMFS_ROOT, "link", "to", &attr)));
	HAS_LABEL("biba/7,mls/equal", attr.id);
	GIVES(0, TX(fs, shmfs_mknod(fs, &two, SHMFS_ROOT, "fifo", S_IFIFO | 0600, &attr)));
	HAS_LABEL("biba/7,mls/equal", attr.id);
	GIVES(0, TX(fs, shmfs_tmpfile(fs, &two, SHMFS_ROOT, 0600, O_RDWR, &attr, &opened)));
	HAS_LABEL("biba/7,mls/equal", attr.id);
	GIVES(0, TX(fs, shmfs_create(fs, &two, SHMFS_ROOT, "c", 0600, O_RDWR, &attr, &opened)));
	HAS_LABEL("biba/7,mls/equal", attr.id);
	close_checked(fs);
}
END_TEST

START_TEST(a_label_is_read_and_never_set)
{
	struct shmfs *fs = open_usual();
	uint64_t id = make_as(fs, 1, "a");
	const struct shmfs_cred one = user(1);
	char text[16];

	GIVES(16, shmfs_getxattr(fs, &one, id, LABEL, NULL, 0));
	GIVES(16, shmfs_getxattr(fs, &one, id, LABEL, text, 16));
	ck_assert_mem_eq(text, "biba/6,mls/equal", 16);
	GIVES(-ERANGE, shmfs_getxattr(fs, &one, id, LABEL, text, 15));
	GIVES(-EPERM, TX(fs, shmfs_setxattr(fs, &one, id, LABEL, "biba/low", 8, 0)));
	GIVES(-EPERM, TX(fs, shmfs_setxattr(fs, &one, SHMFS_ROOT, LABEL, "biba/low", 8, 0)));
	GIVES(-EPERM, TX(fs, shmfs_removexattr(fs, &one, id, LABEL)));
	GIVES(0, shmfs_listxattr(fs, &one, id, NULL, 0));
	close_checked(fs);
}
END_TEST

START_TEST(the_longest_label_fits)
{
	struct shmfs_label longest = {0};
	char text[SHMFS_LABEL_SIZE];

	for (int i = 0; i < SHMFS_POLICIES; i++) {
		longest.of[i] = (struct shmfs_element){SHMFS_ELEMENT_NUMBER, SHMFS_ELEMENT_MAX,
		    {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
	}
	ck_assert_uint_eq(shmfs_label_print(ALL_POLICIES, &longest, text), strlen(text));
	ck_assert_uint_lt(strlen(text), SHMFS_LABEL_SIZE);
	ck_assert_ptr_nonnull(strstr(text, "biba/65535:1+2+3+"));
	ck_assert_str_eq(text + strlen(text) - 8, "+255+256");
	longest.of[SHMFS_MLS] = element("low");
	(void)shmfs_label_print(1u << SHMFS_MLS, &longest, text);
	ck_assert_str_eq(text, "mls/low");
	(void)shmfs_label_print(0, &longest, text);
	ck_assert_str_eq(text, "");
}
END_TEST

/* --- tables ----------------------------------------------------------------------------------- */

START_TEST(another_table_is_for_subjects_and_not_for_nodes)
{
	struct shmfs *fs = open_usual();
	uint64_t before = make_as(fs, 1, "before");
	const struct shmfs_cred one = user(1);
	struct shmfs_attr attr;

	make_subjects(3, 100, 1);
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	HAS_LABEL("biba/6,mls/equal", before);
	HAS_LABEL("biba/101,mls/equal", make_as(fs, 1, "after"));
	GIVES(-EACCES, shmfs_getattr(fs, &one, before, &attr));
	make_subjects(3, 5, 1);
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	GIVES(0, shmfs_getattr(fs, &one, before, &attr));
	close_checked(fs);
}
END_TEST

START_TEST(a_table_is_refused_as_a_whole)
{
	struct shmfs *fs = open_usual();
	const struct shmfs_cred one = user(1);

	make_subjects(3, 50, 1);
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 0)));
	/* No default; two; an order that is none; one twice; a kind that is none. */
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects + 1, 2)));
	subjects[1].kind = SHMFS_SUBJECT_DEFAULT;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	make_subjects(3, 50, 1);
	subjects[1].id = 3;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	subjects[1].id = 2;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	make_subjects(3, 50, 1);
	subjects[1].kind = SHMFS_SUBJECT_GID;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	make_subjects(3, 50, 1);
	subjects[2].kind = (enum shmfs_subject_kind)3;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	/* Elements that are none. */
	make_subjects(3, 50, 1);
	subjects[2].label.of[SHMFS_MLS].kind = 4;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	subjects[2].label.of[SHMFS_MLS] = (struct shmfs_element){SHMFS_ELEMENT_HIGH, 1, {0}};
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	subjects[2].label.of[SHMFS_MLS] = (struct shmfs_element){SHMFS_ELEMENT_NUMBER, 65536, {0}};
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	ck_assert_uint_eq(mac_subject_label(fs, &one)->of[SHMFS_BIBA].number, 6);
	close_checked(fs);
}
END_TEST

START_TEST(a_label_of_a_policy_that_is_not_in_effect_is_refused)
{
	const struct shmfs_mac_subject subject = {
	    SHMFS_SUBJECT_DEFAULT, 0, label("low", "high"), 0};
	const struct shmfs_mac mac = {1u << SHMFS_BIBA, false, &subject, 1};
	const struct shmfs_mac unknown = {1u << SHMFS_POLICIES, false, &subject, 1};
	struct shmfs_config config = small_config();
	struct shmfs *fs;

	config.mac = &mac;
	GIVES(-EINVAL, shmfs_open_new(&config, &fs));
	config.mac = &unknown;
	GIVES(-EINVAL, shmfs_open_new(&config, &fs));
}
END_TEST

START_TEST(a_range_is_a_subject)
{
	struct shmfs *fs = open_usual();
	const struct shmfs_mac_subject table[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, label("0", "low"), 0},
	    {SHMFS_SUBJECT_UID, 10, label("1", "low"), 19},
	    {SHMFS_SUBJECT_UID, 20, label("2", "low"), 0},
	    {SHMFS_SUBJECT_UID, 22, label("3", "low"), UINT32_MAX - 1},
	};
	const uint32_t uids[] = {9, 10, 15, 19, 20, 21, 22, UINT32_MAX - 1};
	const unsigned want[] = {0, 1, 1, 1, 2, 0, 3, 3};
	struct shmfs_mac_subject broken[4];

	GIVES(0, TX(fs, shmfs_set_subjects(fs, table, 4)));
	for (size_t i = 0; i < sizeof uids / sizeof uids[0]; i++) {
		const struct shmfs_cred cred = user(uids[i]);

		ck_assert_uint_eq(mac_subject_label(fs, &cred)->of[SHMFS_BIBA].number, want[i]);
	}
	memcpy(broken, table, sizeof table);
	broken[1].last = 20;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, broken, 4)));
	broken[1].last = 9;
	GIVES(-EINVAL, TX(fs, shmfs_set_subjects(fs, broken, 4)));
	close_checked(fs);
}
END_TEST

START_TEST(a_table_has_as_many_subjects_as_the_limit_says)
{
	struct shmfs *fs = open_usual();
	const struct shmfs_cred last = user(SHMFS_SUBJECTS_MAX - 1);

	make_subjects(SHMFS_SUBJECTS_MAX + 1, 0, 100);
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_SUBJECTS_MAX - 1)));
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_SUBJECTS_MAX)));
	ck_assert_uint_eq(
	    mac_subject_label(fs, &last)->of[SHMFS_BIBA].number, (SHMFS_SUBJECTS_MAX - 1) / 100);
	GIVES(-E2BIG, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_SUBJECTS_MAX + 1)));
	ck_assert_uint_eq(
	    mac_subject_label(fs, &last)->of[SHMFS_BIBA].number, (SHMFS_SUBJECTS_MAX - 1) / 100);
	close_checked(fs);
}
END_TEST

/* The root has one of the labels. Those of the old table are let go when the new one is there. */
START_TEST(there_are_as_many_labels_as_the_limit_says)
{
	struct shmfs *fs;

	make_subjects(SHMFS_LABELS_MAX, 0, 1);
	GIVES(-ENOSPC, shmfs_open_new(&(struct shmfs_config){.arena_size = 1 << 20,
					  .os = outside_os(),
					  .mac = &(struct shmfs_mac){ALL_POLICIES, false, subjects,
					      SHMFS_LABELS_MAX}},
			   &fs));
	fs = open_labelled(SHMFS_LABELS_MAX - 1);
	/* The same once more needs no room; one label more does. */
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_LABELS_MAX - 1)));
	GIVES(-ENOSPC, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_LABELS_MAX)));
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, 1)));
	GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, SHMFS_LABELS_MAX - 1)));
	close_checked(fs);
}
END_TEST

/* A label lives as long as a node has it, and no longer. */
START_TEST(labels_go_with_their_last_user)
{
	struct shmfs *fs = open_usual();
	uint64_t id = make_as(fs, 1, "a");
	struct usage_at {
		uint64_t with, without;
	} arena;

	for (uint32_t round = 0; round < 3 * SHMFS_LABELS_MAX; round++) {
		make_subjects(3, 10 * (round + 1) % 60000, 1);
		GIVES(0, TX(fs, shmfs_set_subjects(fs, subjects, 3)));
	}
	HAS_LABEL("biba/6,mls/equal", id);
	arena.with = usage(fs).arena_bytes;
	GIVES(0, TX(fs, shmfs_unlink(fs, NULL, SHMFS_ROOT, "a")));
	forget(fs, id, 1);
	arena.without = usage(fs).arena_bytes;
	ck_assert_uint_le(arena.without, arena.with);
	close_checked(fs);
}
END_TEST

/* The largest table in the place of another one of its size, by labels that all differ. */
START_TEST(the_largest_tables_come_not_near_the_bounds_of_a_transaction)
{
	uint32_t half = SHMFS_LABELS_MAX / 2 - 1;
	struct shmfs *fs;
	uint64_t log;

	make_subjects(SHMFS_SUBJECTS_MAX, 0, SHMFS_SUBJECTS_MAX / half + 1);
	fs = open_labelled(SHMFS_SUBJECTS_MAX);
	make_subjects(SHMFS_SUBJECTS_MAX, 1000, SHMFS_SUBJECTS_MAX / half + 1);
	shmfs_begin(fs);
	GIVES(0, shmfs_set_subjects(fs, subjects, SHMFS_SUBJECTS_MAX));
	log = fs->arena->txn.log_used;
	printf("the largest table saves %" PRIu64 " of %d bytes\n", log, TXN_LOG_SIZE);
	fflush(stdout);
	ck_assert_uint_le(log, TXN_LOG_SIZE * 3 / 4);
	shmfs_commit(fs);
	close_checked(fs);
}
END_TEST

/* --- who a subject is ------------------------------------------------------------------------- */

static bool may_see(struct shmfs *fs, uint64_t id, uid_t uid, gid_t gid)
{
	const struct shmfs_cred cred = {.uid = uid, .gid = gid};
	struct shmfs_attr attr;
	int rc = shmfs_getattr(fs, &cred, id, &attr);

	ck_assert(rc == 0 || rc == -EACCES);
	return rc == 0;
}

START_TEST(a_user_goes_before_his_group_and_that_before_the_default)
{
	const struct shmfs_mac_subject table[] = {
	    {SHMFS_SUBJECT_DEFAULT, 0, mls_label("low"), 0},
	    {SHMFS_SUBJECT_UID, 10, mls_label("low"), 0},
	    {SHMFS_SUBJECT_UID, 11, mls_label("high"), 0},
	    {SHMFS_SUBJECT_UID, UINT32_MAX - 1, mls_label("high"), 0},
	    {SHMFS_SUBJECT_GID, 20, mls_label("high"), 0},
	    {SHMFS_SUBJECT_GID, 21, mls_label("low"), 0},
	};
	const struct shmfs_mac mac = {1u << SHMFS_MLS, false, table, 6};
	const struct shmfs_cred high = {.uid = 11};
	struct shmfs_config config = small_config();
	struct shmfs_attr attr;
	struct shmfs *fs;

	config.mac = &mac;
	fs = open_with(config);
	GIVES(0, TX(fs, shmfs_mknod(fs, &high, SHMFS_ROOT, "a", S_IFREG | 0600, &attr)));
	ck_assert(may_see(fs, attr.id, 11, 0));
	ck_assert(may_see(fs, attr.id, 11, 21));
	ck_assert(may_see(fs, attr.id, UINT32_MAX - 1, 0));
	ck_assert(may_see(fs, attr.id, 12, 20));
	ck_assert(!may_see(fs, attr.id, 10, 20));
	ck_assert(!may_see(fs, attr.id, 12, 21));
	ck_assert(!may_see(fs, attr.id, 12, 22));
	ck_assert(!may_see(fs, attr.id, 20, 0));
	/* Root is a subject like any other. */
	ck_assert(!may_see(fs, attr.id, 0, 0));
	close_checked(fs);
}
END_TEST

START_TEST(without_policies_nothing_is_denied_or_labelled)
{
	struct shmfs *fs = open_small();
	uint64_t id = new_object(fs, SHMFS_ROOT, "a");
	const struct shmfs_mac_subject subject = {.kind = SHMFS_SUBJECT_DEFAULT};
	char buffer[100];

	ck_assert(may_see(fs, id, 4711, 4711));
	GIVES(-ENODATA, shmfs_getxattr(fs, ALICE, id, "user.shmfs.label", buffer, sizeof buffer));
	GIVES(-EPERM, TX(fs, shmfs_setxattr(fs, ALICE, id, "user.shmfs.label", "x", 1, 0)));
	GIVES(-EOPNOTSUPP, TX(fs, shmfs_set_subjects(fs, &subject, 1)));
	GIVES(0, shmfs_policies(fs));
	ck_assert(!shmfs_revokes(fs));
	close_checked(fs);
}
END_TEST

/* --- another process -------------------------------------------------------------------------- */

START_TEST(labels_subjects_and_rights_outlive_the_process)
{
	struct shmfs *fs = open_usual();
	uint64_t id = make_as(fs, 1, "a");
	const struct shmfs_cred one = user(1), two = user(2);
	struct shmfs_opened opened;
	struct shmfs_attr attr;
	unsigned rights;

	GIVES(0, TX(fs, shmfs_open(fs, &one, id, O_RDWR, &opened)));
	GIVES(
	    0, TX(fs, shmfs_drop_rights(fs, opened.handle, SHMFS_RIGHT_WRITE, SHMFS_NATIVE_NONE)));
	for (int i = 0; i < 3; i++) {
		fs = take_up(fs);
		check_namespace(fs);
		HAS_LABEL("biba/6,mls/equal", id);
		GIVES(ALL_POLICIES, shmfs_policies(fs));
		GIVES(-EACCES, shmfs_getattr(fs, &two, id, &attr));
		GIVES(-EPERM, TX(fs, shmfs_write(fs, &one, opened.handle, "x", 1, 0)));
		GIVES(0, shmfs_rights(fs, opened.handle, &rights));
		GIVES(SHMFS_RIGHT_READ | SHMFS_RIGHT_TRUNCATE | SHMFS_RIGHT_ALLOCATE, rights);
	}
	close_checked(fs);
}
END_TEST

/* A process that dies in the middle of either leaves all or nothing of it. */
START_TEST(a_change_of_subjects_or_rights_that_was_interrupted_is_undone)
{
	struct shmfs *fs = open_usual();
	uint64_t id = make_as(fs, 1, "a");
	const struct shmfs_cred one = user(1);
	struct shmfs_opened opened;
	unsigned rights;

	GIVES(0, TX(fs, shmfs_open(fs, &one, id, O_RDWR, &opened)));
	make_subjects(300, 100, 2);
	shmfs_begin(fs);
	GIVES(0, shmfs_set_subjects(fs, subjects, 300));
	GIVES(0, shmfs_drop_rights(fs, opened.handle, SHMFS_RIGHT_READ, SHMFS_NATIVE_NONE));
	fs = take_up(fs);
	check_namespace(fs);
	ck_assert_uint_eq(mac_subject_label(fs, &one)->of[SHMFS_BIBA].number, 6);
	GIVES(0, shmfs_rights(fs, opened.handle, &rights));
	ck_assert_uint_eq(rights & SHMFS_RIGHT_READ, SHMFS_RIGHT_READ);
	shmfs_begin(fs);
	GIVES(0, shmfs_set_subjects(fs, subjects, 300));
	fs->arena->txn.state = TXN_COMMITTED;
	fs = take_up(fs);
	ck_assert_uint_eq(mac_subject_label(fs, &one)->of[SHMFS_BIBA].number, 100);
	close_checked(fs);
}
END_TEST

Suite *mac_labels_suite(void)
{
	Suite *suite = suite_create("labels");
	TCase *tests = harness_case(suite, "labels");

	tcase_add_test(tests, a_node_has_its_creators_label);
	tcase_add_test(tests, a_label_is_read_and_never_set);
	tcase_add_test(tests, the_longest_label_fits);
	tcase_add_test(tests, another_table_is_for_subjects_and_not_for_nodes);
	tcase_add_test(tests, a_table_is_refused_as_a_whole);
	tcase_add_test(tests, a_label_of_a_policy_that_is_not_in_effect_is_refused);
	tcase_add_test(tests, a_range_is_a_subject);
	tcase_add_test(tests, a_table_has_as_many_subjects_as_the_limit_says);
	tcase_add_test(tests, there_are_as_many_labels_as_the_limit_says);
	tcase_add_test(tests, labels_go_with_their_last_user);
	tcase_add_test(tests, the_largest_tables_come_not_near_the_bounds_of_a_transaction);
	tcase_add_test(tests, a_user_goes_before_his_group_and_that_before_the_default);
	tcase_add_test(tests, without_policies_nothing_is_denied_or_labelled);
	tcase_add_test(tests, labels_subjects_and_rights_outlive_the_process);
	tcase_add_test(tests, a_change_of_subjects_or_rights_that_was_interrupted_is_undone);
	return suite;
}
