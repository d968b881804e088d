/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the door (shmfs.h) that is about policies: who may learn from whom.
 *
 * After FreeBSD's mac(9), mac_biba(4) and mac_mls(4). A subject is whoever asks; its label comes
 * from a table, by its uid, else by its primary group, else it is the default. A node has the label
 * of whoever made it, for ever; the root directory is equal to everybody. Each policy has one
 * element of a label, and asks whether one dominates another:
 *
 *   biba (integrity):        observing needs object >= subject, modifying subject >= object
 *   mls (confidentiality):   observing needs subject >= object, modifying object >= subject
 *
 * Observing: looking a node up, seeing it listed, its attributes, opening for reading, reading,
 * listing a directory, extended attributes. Modifying: opening for writing (which is observing too:
 * what a mapping does is not seen later), writing, size, mode, owner, times, extended attributes,
 * and its names: making, removing or moving a name modifies the directories and whatever node had
 * or has that name. Reading and writing through an opening are decided only where the policies
 * revoke.
 *
 * What any policy denies is -EACCES, whoever asks, root included, and whatever the permission bits
 * say.
 */
#ifndef SHMFS_SHMFS_MAC_H
#define SHMFS_SHMFS_MAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct shmfs;
struct shmfs_cred;

enum shmfs_policy { SHMFS_BIBA, SHMFS_MLS, SHMFS_POLICIES };

enum shmfs_element_kind {
	SHMFS_ELEMENT_LOW,
	SHMFS_ELEMENT_NUMBER,
	SHMFS_ELEMENT_HIGH,
	SHMFS_ELEMENT_EQUAL,
};

#define SHMFS_ELEMENT_MAX 65535
#define SHMFS_COMPARTMENTS 256

/* Number and compartments are 0 but for SHMFS_ELEMENT_NUMBER. Compartment c is bit c-1. */
struct shmfs_element {
	uint32_t kind;
	uint32_t number;
	uint64_t compartments[SHMFS_COMPARTMENTS / 64];
};

/* Elements of policies that are not in effect are all zeros. */
struct shmfs_label {
	struct shmfs_element of[SHMFS_POLICIES];
};

enum shmfs_subject_kind { SHMFS_SUBJECT_DEFAULT, SHMFS_SUBJECT_UID, SHMFS_SUBJECT_GID };

struct shmfs_mac_subject {
	enum shmfs_subject_kind kind;
	uint32_t id; /* 0 for the default */
	struct shmfs_label label;
	uint32_t last; /* of a range of ids; 0: it is this one alone */
};

/* How many subjects a table has, and how many different labels are in use at any time, by the table
 * and by nodes. */
#define SHMFS_SUBJECTS_MAX 4096
#define SHMFS_LABELS_MAX 500

struct shmfs_mac {
	unsigned policies; /* 1 << enum shmfs_policy */
	bool revoke;	   /* decide every read and write */
	/* One default, and then in the order of kind and id; ranges have nothing in common. */
	const struct shmfs_mac_subject *subjects;
	size_t count;
};

/* The policies in effect, as in struct shmfs_mac. */
unsigned shmfs_policies(const struct shmfs *fs);
bool shmfs_revokes(const struct shmfs *fs);

/*
 * Puts another table of subjects in the place of the one there is; in a transaction. Nodes keep
 * their labels. -EOPNOTSUPP: there are no policies; -EINVAL: not such a table; -E2BIG: too many
 * subjects; -ENOSPC: too many labels; -ENOMEM.
 */
int shmfs_set_subjects(struct shmfs *fs, const struct shmfs_mac_subject *subjects, size_t count);

/* Ways to a node that are none of the operations. Handing out memory is both. */
enum shmfs_ask { SHMFS_ASK_OBSERVE, SHMFS_ASK_MODIFY, SHMFS_ASK_PIN };

/* What the policies say to somebody for whom such a way is gone. 0, -EACCES or -ESTALE. */
int shmfs_ask(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, enum shmfs_ask what);

/* Room for the text of any label, with its NUL. */
#define SHMFS_LABEL_SIZE 2048

/* "biba/high,mls/5:1+17"; returns its length. */
size_t shmfs_label_print(
    unsigned policies, const struct shmfs_label *label, char out[SHMFS_LABEL_SIZE]);

/* Whether a is at least b, or one of them is equal to everything. */
bool shmfs_element_dominates(const struct shmfs_element *a, const struct shmfs_element *b);

/* What the policies denied in the last operation. */
struct shmfs_denial {
	const char *entry;		   /* what was asked for: "open" */
	const char *rules[SHMFS_POLICIES]; /* "no read up"; NULL: this policy had no objection */
	struct shmfs_label subject, object_label;
	char object[256]; /* a name, or "#id" */
};

/* False: no policy denied anything. Tells of the transaction that is active, or was last. */
bool shmfs_denied(const struct shmfs *fs, struct shmfs_denial *out);

const char *shmfs_policy_name(enum shmfs_policy policy);

#endif
