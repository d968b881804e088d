/* SPDX-License-Identifier: BSD-2-Clause */
/* What verbs share that show objects and users. */
#ifndef SHMFS_CTL_LIST_H
#define SHMFS_CTL_LIST_H

#include "ctl.h"

extern const struct ctl_column ctl_object_columns[], ctl_user_columns[];

/* An object's name as it is shown. */
const char *ctl_object_name(const json_t *object, char out[512]);

/* Sorts items by a column. CTL_OK, CTL_FAILED, CTL_USAGE. */
int ctl_sort(const struct ctl *ctl, const struct ctl_column *columns, const char *by, bool reverse,
    json_t *items);

#endif
