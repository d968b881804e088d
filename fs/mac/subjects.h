/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of subjects, and the labels that it and the nodes have. */
#ifndef SHMFS_MAC_SUBJECTS_H
#define SHMFS_MAC_SUBJECTS_H

#include "fs/state/state.h"

/* Within the first transaction of a namespace. mac may be NULL. */
int mac_init(struct shmfs *fs, const struct shmfs_mac *mac);

/* shmfs_set_subjects() of shmfs_mac.h. */
int mac_set_subjects(struct shmfs *fs, const struct shmfs_mac_subject *subjects, size_t count);

/* Gives a new node, which is saved, the label of its creator; or the root its own. */
void mac_label_new(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node);
int mac_label_root(struct shmfs *fs, struct node *root);
/* A node that has a label is about to be freed. */
void mac_label_end(struct shmfs *fs, struct node *node);

/* NULL: there is no policy. */
const struct shmfs_label *mac_label_of(const struct shmfs *fs, const struct node *node);
const struct shmfs_label *mac_subject_label(const struct shmfs *fs, const struct shmfs_cred *cred);

/* Checks that labels are counted right. */
struct complaints;
unsigned mac_verify(const struct shmfs *fs, const struct complaints *to);

#endif
