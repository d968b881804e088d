/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzing the parser of the policy file: whatever the bytes are, it refuses them with one line, or
 * makes a table that the namespace takes and whose labels mean what their text says.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/policy/label.h"
#include "daemon/policy/policy.h"

#define POLICIES (1u << SHMFS_BIBA | 1u << SHMFS_MLS)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_policy: %s\n", what);
	abort();
}

/* An empty namespace with policies, for all inputs. */
static struct shmfs *any_namespace(void)
{
	static struct shmfs *fs;
	struct shmfs_mac_subject subject = {.kind = SHMFS_SUBJECT_DEFAULT};
	const struct shmfs_mac mac = {POLICIES, false, &subject, 1};
	const struct shmfs_config config = {.arena_size = 8 << 20, .mac = &mac};

	if (fs == NULL)
		must(shmfs_open_new(&config, &fs) == 0, "no namespace");
	return fs;
}

static void check_refusal(const char *why, int rc)
{
	must(rc == -EINVAL, "another errno");
	must(strncmp(why, "F:", 2) == 0 && strlen(why) > 5, "no message");
	for (; *why != '\0'; why++)
		must(*why >= ' ' && *why <= '~', "a message that is not printable");
}

static void check_label(const struct shmfs_label *label)
{
	char text[SHMFS_LABEL_SIZE], why[256];
	struct shmfs_label again;

	must(shmfs_label_print(POLICIES, label, text) == strlen(text), "another length");
	must(policy_label_parse(text, POLICIES, &again, why, sizeof why) == 0,
	    "a label that cannot be read back");
	must(memcmp(label, &again, sizeof again) == 0, "a label that reads back as another one");
}

static void check_policy(const struct policy *policy)
{
	struct shmfs *fs = any_namespace();
	int rc;

	must(policy->count > 0 && policy->count <= SHMFS_SUBJECTS_MAX, "a number of subjects");
	for (size_t i = 0; i < policy->count; i++)
		check_label(&policy->subjects[i].label);
	shmfs_begin(fs);
	rc = shmfs_set_subjects(fs, policy->subjects, policy->count);
	must(rc == 0 || rc == -ENOSPC, "a table that the namespace does not take");
	if (rc < 0)
		shmfs_rollback(fs);
	else
		shmfs_commit(fs);
	must(shmfs_verify(fs, NULL, NULL) == 0, "the namespace is unsound");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy = {0};
	char why[512] = "";
	int rc = policy_parse("F", (const char *)data, size, POLICIES, &policy, why, sizeof why);

	if (rc < 0)
		check_refusal(why, rc);
	else
		check_policy(&policy);
	policy_free(&policy);
	return 0;
}
