/* SPDX-License-Identifier: BSD-2-Clause */
/* What of objects, users and holders can be shown: the tables of common/, and their looks. */
#ifndef SHMFS_CTL_COLUMNS_H
#define SHMFS_CTL_COLUMNS_H

#include "table.h"

extern const struct ctl_column ctl_object_columns[], ctl_user_columns[], ctl_holder_columns[],
    ctl_tenant_columns[];

/* Looks that other tables have too; limits: 0 is no limit. */
extern const struct ctl_look ctl_look_user, ctl_look_text, ctl_look_number, ctl_look_size,
    ctl_look_size_or_none, ctl_look_number_or_none, ctl_look_named;

/* Whether a member of an item is the name of this tenant. */
bool ctl_is_tenant(const json_t *item, const char *member, const char *name);

/* The tenant that a list calls so, also one whose directory is gone; NULL: there is none, which was
 * told. */
json_t *ctl_find_tenant(struct ctl *ctl, const char *name);

/* Notes in each item of a list which mount it is of. */
void ctl_add_mount(struct ctl *ctl, json_t *items);

/* Takes objects over, and returns those of one tenant; name NULL: all. objects may be NULL. */
json_t *ctl_of_tenant(json_t *objects, const char *name);

/* An object's name as it is shown. */
const char *ctl_object_name(const json_t *object, char out[CTL_CELL_SIZE]);

#endif
