/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts with policies, and the users of their tests. */
#ifndef SHMFS_TESTS_MOUNTED_POLICY_FILE_H
#define SHMFS_TESTS_MOUNTED_POLICY_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "mount_fixture.h"

/* In the file of write_usual_policy(): the highest, the lowest, and two of one grade whose
 * compartments have nothing in common. Root and all others are equal to everybody. */
enum policy_user { TOP, ONE, TWO, BOTTOM, POLICY_USERS };

uid_t uid_of(enum policy_user user);
/* Whether a's label dominates b's. */
bool dominates(enum policy_user a, enum policy_user b);

/* The file that the mount was started with; the text replaces what was there. */
void write_policy(const char *text);
void write_usual_policy(const char *first_line);

/* Mounts with mac=POLICIES and the file as it is. Everybody may do everything in the root. */
struct mount *mount_with_policies(const char *policies);
const char *policy_path(void);
/* The shared mount with mac=biba,mls and the usual file. */
void start_with_both_policies(void);

/* As the current user: "o", which says "secret", "dir" with "in", and "link". */
void make_labelled(void *context);
/* As root, who is equal to all of the usual file. */
void remove_labelled(void);

/* Whether the daemon has logged this. */
bool has_logged(const struct mount *mount, const char *text);
/* Lets the daemon read the file again, and waits until it says `says`. */
void reread_policy(const struct mount *mount, const char *says);

#endif
