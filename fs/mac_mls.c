/* SPDX-License-Identifier: BSD-2-Clause */
/* MLS: what is confidential does not reach lower levels. After mac_mls(4). */
#include <errno.h>

#include "mac.h"

static int check(const struct shmfs_element *subject, const struct shmfs_element *object,
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

const struct mac_policy mac_mls = {.name = "mls", .check = check};
