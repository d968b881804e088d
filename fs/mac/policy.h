/* SPDX-License-Identifier: BSD-2-Clause */
/* The policies: whether a subject may observe, or modify, an object. They know of no entries. */
#ifndef SHMFS_MAC_POLICY_H
#define SHMFS_MAC_POLICY_H

#include "fs/shmfs_mac.h"

enum mac_access { MAC_OBSERVE = 1, MAC_MODIFY = 2 };

/* What a policy says: 0, or -EACCES and then the rule that is broken. */
int policy_check(enum shmfs_policy policy, const struct shmfs_element *subject,
    const struct shmfs_element *object, unsigned access, const char **rule);

#endif
