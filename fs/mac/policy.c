/* SPDX-License-Identifier: BSD-2-Clause */
/* Biba and MLS, after mac_biba(4) and mac_mls(4); see policy.h. */
#include "policy.h"

#include <errno.h>

static bool has_compartments(const struct shmfs_element *a, const struct shmfs_element *b)
{
	for (int i = 0; i < SHMFS_COMPARTMENTS / 64; i++) {
		if (b->compartments[i] & ~a->compartments[i])
			return false;
	}
	return true;
}

bool shmfs_element_dominates(const struct shmfs_element *a, const struct shmfs_element *b)
{
	if (a->kind == SHMFS_ELEMENT_EQUAL || b->kind == SHMFS_ELEMENT_EQUAL)
		return true;
	if (a->kind == SHMFS_ELEMENT_HIGH || b->kind == SHMFS_ELEMENT_LOW)
		return true;
	if (a->kind == SHMFS_ELEMENT_LOW || b->kind == SHMFS_ELEMENT_HIGH)
		return false;
	return a->number >= b->number && has_compartments(a, b);
}

/* Low integrity does not reach what has a higher one. */
static int check_biba(const struct shmfs_element *subject, const struct shmfs_element *object,
    unsigned access, const char **rule)
{
	if ((access & MAC_OBSERVE) && !shmfs_element_dominates(object, subject)) {
		*rule = "no read down";
		return -EACCES;
	}
	if ((access & MAC_MODIFY) && !shmfs_element_dominates(subject, object)) {
		*rule = "no write up";
		return -EACCES;
	}
	return 0;
}

/* What is confidential does not reach lower levels. */
static int check_mls(const struct shmfs_element *subject, const struct shmfs_element *object,
    unsigned access, const char **rule)
{
	if ((access & MAC_OBSERVE) && !shmfs_element_dominates(subject, object)) {
		*rule = "no read up";
		return -EACCES;
	}
	if ((access & MAC_MODIFY) && !shmfs_element_dominates(object, subject)) {
		*rule = "no write down";
		return -EACCES;
	}
	return 0;
}

static const struct {
	const char *name;
	int (*check)(const struct shmfs_element *subject, const struct shmfs_element *object,
	    unsigned access, const char **rule);
} policies[] = {
    [SHMFS_BIBA] = {"biba", check_biba},
    [SHMFS_MLS] = {"mls", check_mls},
};

int policy_check(enum shmfs_policy policy, const struct shmfs_element *subject,
    const struct shmfs_element *object, unsigned access, const char **rule)
{
	return policies[policy].check(subject, object, access, rule);
}

const char *shmfs_policy_name(enum shmfs_policy policy)
{
	return policies[policy].name;
}
