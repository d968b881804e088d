/* SPDX-License-Identifier: BSD-2-Clause */
/* Biba: low integrity does not reach what has a higher one. After mac_biba(4). */
#include <errno.h>

#include "mac.h"

static int check(const struct shmfs_element *subject, const struct shmfs_element *object,
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

const struct mac_policy mac_biba = {.name = "biba", .check = check};
