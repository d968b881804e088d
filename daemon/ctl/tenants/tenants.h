/* SPDX-License-Identifier: BSD-2-Clause */
/* What containers need of tenants. Both tell what goes wrong, and return an exit status. */
#ifndef SHMFS_CTL_TENANTS_TENANTS_H
#define SHMFS_CTL_TENANTS_TENANTS_H

#include <stdbool.h>

struct ctl;

/* Makes a directory and a tenant of it, as the options of the verb say. */
int tenant_create(struct ctl *ctl, const char *name);

/* Removes a tenant's directory; force: with what is in it. */
int tenant_remove(struct ctl *ctl, const char *name, bool force);

#endif
