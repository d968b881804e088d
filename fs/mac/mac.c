/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking the policies; see mac.h. */
#include "mac.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "subjects.h"

static const struct {
	const char *name;
	unsigned access;
	bool revoking; /* decided only if the policies revoke */
} entries[] = {
    [MAC_CREATE] = {"create", MAC_MODIFY, false},
    [MAC_LOOKUP] = {"lookup", MAC_OBSERVE, false},
    [MAC_READDIR] = {"readdir", MAC_OBSERVE, false},
    [MAC_READLINK] = {"readlink", MAC_OBSERVE, false},
    [MAC_STAT] = {"stat", MAC_OBSERVE, false},
    [MAC_OPEN_READ] = {"open", MAC_OBSERVE, false},
    [MAC_OPEN_WRITE] = {"open", MAC_OBSERVE | MAC_MODIFY, false},
    [MAC_READ] = {"read", MAC_OBSERVE, true},
    [MAC_WRITE] = {"write", MAC_MODIFY, true},
    [MAC_TRUNCATE] = {"truncate", MAC_MODIFY, false},
    [MAC_UNLINK] = {"unlink", MAC_MODIFY, false},
    [MAC_RENAME] = {"rename", MAC_MODIFY, false},
    [MAC_LINK] = {"link", MAC_MODIFY, false},
    [MAC_SETMODE] = {"chmod", MAC_MODIFY, false},
    [MAC_SETOWNER] = {"chown", MAC_MODIFY, false},
    [MAC_SETTIMES] = {"utimes", MAC_MODIFY, false},
    [MAC_GETXATTR] = {"getxattr", MAC_OBSERVE, false},
    [MAC_SETXATTR] = {"setxattr", MAC_MODIFY, false},
    [MAC_MODIFYING] = {"change", MAC_MODIFY, false},
    [MAC_PIN] = {"pin", MAC_OBSERVE | MAC_MODIFY, false},
};

/* The errno that wins has the smaller rank. */
static int rank_of(int rc)
{
	static const int order[] = {-EDEADLK, -EINVAL, -ESRCH, -ENOENT, -EACCES, -EPERM};
	const int count = sizeof order / sizeof order[0];

	if (rc == 0)
		return count + 1;
	for (int i = 0; i < count; i++) {
		if (order[i] == rc)
			return i;
	}
	return count;
}

int mac_combine(int a, int b)
{
	return rank_of(b) < rank_of(a) ? b : a;
}

unsigned mac_access_of(const struct mac *mac, enum mac_entry entry)
{
	return entries[entry].revoking && !mac->revoke ? 0 : entries[entry].access;
}

static void remember(struct shmfs *fs, enum mac_entry entry, const struct node *node,
    const struct shmfs_label *subject, const char *const rules[SHMFS_POLICIES])
{
	struct shmfs_denial *denial = &fs->denial;

	*denial = (struct shmfs_denial){
	    .entry = entries[entry].name,
	    .subject = *subject,
	    .object_label = *mac_label_of(fs, node),
	};
	for (int i = 0; i < SHMFS_POLICIES; i++)
		denial->rules[i] = rules[i];
	if (node->entry != NULL)
		snprintf(denial->object, sizeof denial->object, "%s", node->entry->name);
	else
		snprintf(denial->object, sizeof denial->object, "#%" PRIu64, node->id);
}

/* What all policies together say, and the rule of each that objects. */
static int ask(const struct shmfs *fs, const struct shmfs_label *subject, enum mac_entry entry,
    const struct node *node, const char *rules[SHMFS_POLICIES])
{
	const struct mac *mac = &fs->super->mac;
	const struct shmfs_label *object = mac_label_of(fs, node);
	unsigned access = mac_access_of(mac, entry);
	int rc = 0;

	for (int i = 0; access != 0 && i < SHMFS_POLICIES; i++) {
		if (mac->policies & 1u << i)
			rc = mac_combine(rc, policy_check((enum shmfs_policy)i, &subject->of[i],
						 &object->of[i], access, &rules[i]));
	}
	return rc;
}

int mac_decide(
    struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, const struct node *node)
{
	const struct shmfs_label *subject = mac_subject_label(fs, cred);
	const char *rules[SHMFS_POLICIES] = {NULL};
	int rc = ask(fs, subject, entry, node, rules);

	if (rc < 0)
		remember(fs, entry, node, subject, rules);
	return rc;
}

int mac_would(const struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    const struct node *node)
{
	const char *rules[SHMFS_POLICIES];

	return fs->super->mac.policies == 0 || cred == NULL
		   ? 0
		   : ask(fs, mac_subject_label(fs, cred), entry, node, rules);
}
