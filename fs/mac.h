/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mandatory access control: every way to learn from a node, or to change it, asks here first.
 *
 * One hook stands at each of these ways ("entry"). A policy knows no entries: it is asked whether a
 * subject may observe, or modify, an object. Any number of policies are asked, and their answers
 * combined. Without policies a hook costs one comparison.
 */
#ifndef SHMFS_MAC_H
#define SHMFS_MAC_H

#include "shmfs_mac.h"

struct node;
struct shmfs;
struct shmfs_cred;

enum mac_access { MAC_OBSERVE = 1, MAC_MODIFY = 2 };

enum mac_entry {
	MAC_CREATE, /* a name in this directory */
	MAC_LOOKUP, /* a name in this directory */
	MAC_READDIR,
	MAC_READLINK,
	MAC_STAT,
	MAC_OPEN_READ,
	MAC_OPEN_WRITE,
	MAC_READ,  /* through an opening: if the policies revoke */
	MAC_WRITE, /* through an opening: if the policies revoke */
	MAC_TRUNCATE,
	MAC_UNLINK, /* this node, or a name in this directory */
	MAC_RENAME, /* the same */
	MAC_LINK,   /* the same */
	MAC_SETMODE,
	MAC_SETOWNER,
	MAC_SETTIMES,
	MAC_GETXATTR,
	MAC_SETXATTR,
	MAC_MODIFYING, /* in any other way */
	MAC_PIN,       /* handing out an object's memory */
};

/* A policy: 0, or -EACCES and then the rule that is broken. mac_biba.c, mac_mls.c. */
struct mac_policy {
	const char *name;
	int (*check)(const struct shmfs_element *subject, const struct shmfs_element *object,
	    unsigned access, const char **rule);
};

extern const struct mac_policy mac_biba, mac_mls;

/* A label that is in use. There are never two of the same content. */
struct mac_label {
	uint64_t users; /* nodes, and 1 if a subject has it */
	struct shmfs_label label;
};

/* Labels are known by numbers from 1 on, so that a node without one costs nothing; 0: none. */
typedef uint16_t mac_number;

struct mac_subject {
	uint32_t id;
	uint16_t kind;
	mac_number label;
};

#define MAC_SUBJECT_PAGES (SHMFS_SUBJECTS_MAX * sizeof(struct mac_subject) / 4096)

/* In the arena. Only subjects and labels change after the beginning. */
struct mac {
	uint32_t policies; /* 0: everything below is unused */
	uint32_t count;	   /* of subjects, in their order */
	struct mac_subject *pages[MAC_SUBJECT_PAGES];
	struct mac_label **labels; /* a page: by number - 1 */
	bool revoke;
};

/* Within the first transaction of a namespace. mac may be NULL. */
int mac_init(struct shmfs *fs, const struct shmfs_mac *mac);

/* Gives a new node, which is saved, the label of its creator; or the root its own. */
void mac_label_new(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node);
int mac_label_root(struct shmfs *fs, struct node *root);
/* A node that has a label is about to be freed. */
void mac_label_end(struct shmfs *fs, struct node *node);

/* NULL: there is no policy. */
const struct shmfs_label *mac_label_of(const struct shmfs *fs, const struct node *node);
const struct shmfs_label *mac_subject_label(const struct shmfs *fs, const struct shmfs_cred *cred);

/* EDEADLK > EINVAL > ESRCH > ENOENT > EACCES > EPERM > any other > 0, as on FreeBSD. */
int mac_combine(int a, int b);

/* Which accesses an entry is; 0 where nothing is decided. */
unsigned mac_access_of(const struct mac *mac, enum mac_entry entry);

/* What fs.h's mac_check() does where there are policies. */
int mac_decide(
    struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, const struct node *node);

/* Whether a listing shows this node: its name tells of it. Nothing is remembered as denied. */
bool mac_lists(const struct shmfs *fs, const struct shmfs_cred *cred, const struct node *node);

/* Checks that labels are counted right. */
struct complaints;
unsigned mac_verify(const struct shmfs *fs, const struct complaints *to);

#endif
