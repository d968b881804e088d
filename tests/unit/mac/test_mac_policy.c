/* SPDX-License-Identifier: BSD-2-Clause */
/* The policies by themselves, and what a listing shows. */
#include "fs/mac/mac.h"
#include "harness.h"
#include "labels.h"
#include "scene.h"
#include "suites.h"

START_TEST(dominance_is_that_of_the_manual)
{
	for (size_t a = 0; a < element_count; a++) {
		for (size_t b = 0; b < element_count; b++)
			REQUIRE_SAME(expect_dominates(&elements[a], &elements[b]),
			    shmfs_element_dominates(&elements[a], &elements[b]));
	}
}
END_TEST

/* --- listing ---------------------------------------------------------------------------------- */

static int count_entry(void *arg, const struct shmfs_entry *entry)
{
	if (entry->name[0] != '.')
		++*(int *)arg;
	return 0;
}

static int listed(struct shmfs *fs, const struct shmfs_cred *cred)
{
	int count = 0;

	GIVES(0, shmfs_readdir(fs, cred, SHMFS_ROOT, 0, count_entry, &count));
	return count;
}

START_TEST(what_may_not_be_observed_is_not_listed)
{
	struct shmfs_label high = mls_label("high"), low = mls_label("low");
	struct shmfs_denial denial;
	struct scene s;

	/* f, dir, hollow and link are the maker's. */
	scene_begin(&s, 1u << SHMFS_MLS, false, &low, &high);
	shmfs_begin(s.fs);
	GIVES(1, listed(s.fs, &s.asker));
	ck_assert(!shmfs_denied(s.fs, &denial));
	GIVES(5, listed(s.fs, &s.maker));
	GIVES(5, listed(s.fs, NULL));
	shmfs_rollback(s.fs);
	GIVES(-ESTALE, shmfs_ask(s.fs, &s.asker, 4711, SHMFS_ASK_PIN));
	close_checked(s.fs);
}
END_TEST

/* --- combining ------------------------------------------------------------------------------- */

START_TEST(of_two_answers_the_graver_one_counts)
{
	static const int order[] = {-EDEADLK, -EINVAL, -ESRCH, -ENOENT, -EACCES, -EPERM, -EIO, 0};

	for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
		for (size_t j = i; j < sizeof order / sizeof order[0]; j++) {
			GIVES(order[i], mac_combine(order[i], order[j]));
			GIVES(order[i], mac_combine(order[j], order[i]));
		}
	}
}
END_TEST

Suite *mac_policy_suite(void)
{
	Suite *suite = suite_create("mac_policy");
	TCase *tests = harness_case(suite, "mac_policy");

	tcase_add_test(tests, dominance_is_that_of_the_manual);
	tcase_add_test(tests, what_may_not_be_observed_is_not_listed);
	tcase_add_test(tests, of_two_answers_the_graver_one_counts);
	return suite;
}
