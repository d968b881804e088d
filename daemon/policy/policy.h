/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy file (shmfs.policy(5)): who has which label.
 *
 * Reading is strict. Whatever is not exactly right is refused with one line that begins with the
 * file's name and the line's number, and nothing of the file is used.
 */
#ifndef SHMFS_POLICY_POLICY_H
#define SHMFS_POLICY_POLICY_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "fs/shmfs.h"
#include "label.h"

/* Bounds of a file, in bytes. */
#define POLICY_FILE_MAX (1024 * 1024)

struct policy {
	bool revoke;
	struct shmfs_mac_subject *subjects; /* as struct shmfs_mac has them; owned here */
	size_t count;
};

/*
 * Parses the text of a file. policies: those in effect (1 << enum shmfs_policy), each of which
 * every label must have. name is for messages. 0, -EINVAL or -ENOMEM, and then one line is in why.
 */
int policy_parse(const char *name, const char *text, size_t length, unsigned policies,
    struct policy *out, char *why, size_t why_size);

/* The same with the file itself. Also the errors of open(2) and read(2). */
int policy_read(
    const char *path, unsigned policies, struct policy *out, char *why, size_t why_size);

/* What it holds is freed; all zeros is nothing. */
void policy_free(struct policy *policy);

/* A path that stays good when the working directory changes. -ENAMETOOLONG, errors of getcwd(3). */
int policy_absolute(const char *path, char out[PATH_MAX]);

/*
 * Reads the file of a namespace again and puts its subjects in effect, in a transaction of its own.
 * A file that is malformed, or of another strictness than the one that openings were made under,
 * changes nothing. What came of it is logged.
 */
int policy_reload(struct shmfs *fs, const char *path);

#endif
