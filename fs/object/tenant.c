/* SPDX-License-Identifier: BSD-2-Clause */
/* Borders of tenants; see tenant.h. */
#include "tenant.h"

#include <stdio.h>

#include "fs/state/charge.h"

bool tenant_admits(const struct shmfs *fs, const struct node *dir, const struct node *node)
{
	if (node->tenant == dir->tenant)
		return true;
	return dir->tenant == 0 && charge_tenant(fs, node->tenant)->root == node->id;
}

void tenant_note_name(
    struct shmfs *fs, const struct node *dir, const struct node *node, const char *name)
{
	struct tenant *tenant;

	if (node->tenant == dir->tenant)
		return;
	tenant = charge_tenant(fs, node->tenant);
	save(fs, tenant->name, sizeof tenant->name);
	snprintf(tenant->name, sizeof tenant->name, "%s", name);
}
