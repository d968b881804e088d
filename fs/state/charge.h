/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Charges: how many pages and nodes the namespace, each of its users and each of its tenants hold,
 * and how many they may.
 *
 * A page is charged when an object's size comes to cover it, not when it is first touched: a full
 * namespace is an error for whoever asks for more, and never a SIGBUS for whoever was granted it.
 * A node is charged for itself and one of its names, to its creator, as is all that it takes,
 * whoever owns or grows it later; that is given back there. Each further name counts as another
 * node, and is charged to whoever made that name, wherever it is renamed to. Where the one that the
 * node is charged for goes, another is taken for it: which one changes the sum of nobody but its
 * maker's, to whom it is given back. What somebody else makes larger has to fit that user's limit
 * too, or any number of other users' objects could be blown up by one who has no room left. Root
 * has an account and no limit of its own.
 *
 * A tenant is a directory with an account of its own. Whatever is made below it is charged to the
 * tenant as well, whoever makes it, and so is the directory itself; object/tenant.h keeps it there.
 * A tenant lasts as long as anything is charged to it, which may be longer than its directory.
 *
 * A refusal is remembered until the next transaction, for whoever has to explain it.
 */
#ifndef SHMFS_CHARGE_H
#define SHMFS_CHARGE_H

#include <stdint.h>

#include "state.h"

/* Pages that an object of this size covers. */
uint64_t charge_pages_of(const struct shmfs *fs, uint64_t size);

/* The bytes that it is charged for. */
uint64_t charge_bytes_of(const struct shmfs *fs, uint64_t size);

/*
 * One more node or name that is charged to a user and a tenant (0: none); name is for the
 * explanation of a refusal. -ENOSPC or, for the user's own limit, the errno that the rules have for
 * it; -ENOMEM; for pages also -EAGAIN (shmfs_set_patient).
 */
int charge_node(struct shmfs *fs, uint32_t uid, uint32_t tenant, const char *name);

/* One less. */
void charge_node_end(struct shmfs *fs, uint32_t uid, uint32_t tenant);

/*
 * Moves the charge for a node from the pages that one size covers to those of another, as a user
 * asks. Growing has the errors of charge_node(); letting go has none.
 */
int charge_resize(
    struct shmfs *fs, const struct node *node, uint32_t by, uint64_t from, uint64_t to);

/* The same where nothing can grow. */
void charge_reduce(struct shmfs *fs, const struct node *node, uint64_t from, uint64_t to);

/* What a user holds; nothing where there is no account. */
struct account charge_account(const struct shmfs *fs, uint32_t uid);

/* The limits of one user, whether or not it is an exception; 0 = none. */
struct account charge_user_limit(const struct shmfs *fs, uint32_t uid);

/* NULL: there is no tenant of this number, or it is 0. */
struct tenant *charge_tenant(const struct shmfs *fs, uint32_t number);

/* A new tenant, which the caller gives a directory within the same transaction. -ENOSPC: there are
 * too many; -ENOMEM. */
int charge_tenant_create(struct shmfs *fs, struct tenant **out);

#endif
