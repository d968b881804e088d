/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of policies, and labels, as text. */
#ifndef SHMFS_POLICY_LABEL_H
#define SHMFS_POLICY_LABEL_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/shmfs.h"

/* Bytes of a line of a policy file, which a label is a part of. */
#define POLICY_LINE_MAX 4096

/* Names of policies with commas or colons between, each once; and back. False: no such list. */
bool policy_list_parse(const char *text, unsigned *out);
void policy_list_print(unsigned policies, char *out, size_t size);

/* "biba/high,mls/5:1+17", NUL-terminated. -EINVAL, and then what is wrong with it is in why. */
int policy_label_parse(
    const char *text, unsigned policies, struct shmfs_label *out, char *why, size_t why_size);

/* A copy of untrusted text for a message: printable, and not long. A static buffer. */
const char *policy_quote(const char *text);

#endif
