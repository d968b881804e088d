/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the door (shmfs.h, which includes this and tells the conventions) that is about
 * tenants: directories with an account of their own.
 *
 * The directory and all that is made below it are charged to the tenant, beside the user and the
 * namespace; what one of the three has no room for is refused. Nobody is exempt from a tenant's
 * limits, which are -ENOSPC as those of the namespace. No name leads across the border: -EXDEV.
 *
 * A tenant lasts until nothing is charged to it: so it is there while anybody holds an object of
 * it, though its directory may be gone.
 */
#ifndef SHMFS_TENANTS_H
#define SHMFS_TENANTS_H

#include <stdint.h>
#include <sys/types.h>

#include "shmfs_tools.h"
#include "shmfs_types.h"

/* Tenants there can be. */
#define SHMFS_TENANTS_MAX 65536

/* A tenant that is to be: its limits, and the mode (07777), owner and group of its directory. */
struct shmfs_tenant_config {
	struct shmfs_limits limits;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* What was made without a request, and where: its directory's mtime becomes later than it was, as
 * with struct shmfs_removal. */
struct shmfs_made {
	uint32_t tenant;
	uint64_t dir;
};

/*
 * Makes a directory, at a path as shmfs_find() has them, and a tenant of it. The node is charged to
 * the subject, and has the label of its owner. -EINVAL: the path is "", or in a tenant, or a limit
 * is more than 2^63-1 bytes; -ENOSPC: too many tenants, or a limit; -EDQUOT: that of the user
 * (ENOSPC with FreeBSD's rules); the errors of shmfs_find() and shmfs_mkdir().
 */
int shmfs_tenant_create(struct shmfs *fs, const struct shmfs_subject *by, const char *path,
    const struct shmfs_tenant_config *config, struct shmfs_made *out);

/* Sets limits, which count from the next charge on, as shmfs_set_limits(). -ENOENT: there is no
 * such tenant; -EINVAL: more than 2^63-1 bytes. */
int shmfs_tenant_set_limits(struct shmfs *fs, uint32_t number, const struct shmfs_limits *limits);

struct shmfs_tenant {
	uint32_t number;       /* never that of another, as long as it lasts */
	uint64_t dir;	       /* its directory; 0: that is removed */
	uid_t uid;	       /* its owner; of one that is removed, nobody: (uid_t)-1 */
	uint64_t bytes, nodes; /* that are charged */
	struct shmfs_limits limits;
	uint64_t refused_size, refused_nodes;
	char name[SHMFS_NAME_MAX + 1]; /* the last of its directory, cut to fit */
};

/* -ENOENT: there is no such tenant. */
int shmfs_tenant(const struct shmfs *fs, uint32_t number, struct shmfs_tenant *out);

/* The tenant whose directory this is: its number. 0: none. */
uint32_t shmfs_tenant_at(const struct shmfs *fs, uint64_t dir);

/* Hands the tenants whose numbers are at least `from` to visit, as shmfs_list() does objects. */
uint64_t shmfs_tenants(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_tenant *tenant), void *arg);

/*
 * The path of its directory, as shmfs_path() tells it. -ENOENT also where that is removed; -EACCES
 * also where a policy keeps the directory from the subject, or cannot be asked as it is gone.
 */
int shmfs_tenant_path(const struct shmfs *fs, const struct shmfs_subject *by, uint32_t number,
    char out[SHMFS_PATH_MAX]);

/* Counts what shmfs_refused() tells, where a tenant's limit did it. Not undone by a rollback. */
void shmfs_tenant_count_refusal(struct shmfs *fs);

#endif
