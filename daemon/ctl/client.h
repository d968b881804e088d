/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount and its server: finding them, and calling methods. */
#ifndef SHMFS_CTL_CLIENT_H
#define SHMFS_CTL_CLIENT_H

#include "ctl.h"

/* Finds the mount: by -m, by the working directory, or because there is only one. False: the reason
 * was told. */
bool ctl_connect(struct ctl *ctl);

/* And opens its root directory. */
bool ctl_open_root(struct ctl *ctl);

void ctl_disconnect(struct ctl *ctl);

/* Calls a method; the answer's parameters, to be given back, or NULL: the reason was told. params
 * is taken over, and may be NULL. */
json_t *ctl_call(struct ctl *ctl, const char *method, json_t *params);

/* The same, with an errno instead of words: 0, or what the server or the system said. */
int ctl_try(struct ctl *ctl, const char *method, json_t *params, json_t **answer);

/* All pages of a list, as one array; member is "objects" or "users". */
json_t *ctl_call_pages(
    struct ctl *ctl, const char *method, const char *member, bool unlinked, bool probe);

/* The name of an object as it is on the command line, relative to the root of the mount. */
const char *ctl_relative(const struct ctl *ctl, const char *name);

/* Sets "path" or "path_hex" of parameters; and a name likewise, by what its member is called. */
void ctl_set_path(json_t *params, const char *path);
void ctl_set_name(json_t *item, const char *member, const char *name);

/* An object's path in bytes: to be freed; NULL: it has none. */
char *ctl_get_path(const json_t *object);
/* The same for any name, by its two members. */
char *ctl_get_name(const json_t *item, const char *member, const char *member_hex);

#endif
