/* SPDX-License-Identifier: BSD-2-Clause */
/* Labels for tests of policies. */
#ifndef SHMFS_TESTS_UNIT_LABELS_H
#define SHMFS_TESTS_UNIT_LABELS_H

#include <stddef.h>

#include "fs/shmfs.h"

#define ALL_POLICIES (1u << SHMFS_BIBA | 1u << SHMFS_MLS)

/* The three words; a number in the middle; lower and higher ones; fewer, more and other
 * compartments. */
extern const struct shmfs_element elements[];
extern const size_t element_count;

/* Whether a dominates b, by the rows and columns of mac_biba(4) and mac_mls(4). */
bool expect_dominates(const struct shmfs_element *a, const struct shmfs_element *b);

/* "low", "high", "equal" or a number without compartments. */
struct shmfs_element element(const char *text);
struct shmfs_label mls_label(const char *text);
struct shmfs_label equal_label(unsigned policies);
/* Both policies. */
struct shmfs_label label(const char *biba, const char *mls);

/* For messages; one of a few static buffers. */
const char *label_text(unsigned policies, const struct shmfs_label *label);

#endif
