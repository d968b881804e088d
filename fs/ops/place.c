/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding places for names; see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/object/access.h"
#include "fs/object/node.h"

int place_find(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry, uint64_t dir,
    const char *name, struct place *out)
{
	struct place place;
	int rc = directory_find(fs, dir, name, &place);

	if (rc == 0)
		rc = mac_check(fs, cred, entry, place.dir);
	if (rc < 0)
		return rc;
	*out = place;
	return 0;
}

int place_find_free(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out)
{
	struct place place;
	int rc = place_find(fs, cred, entry, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry != NULL)
		return -EEXIST;
	*out = place;
	return 0;
}

int place_find_taken(struct shmfs *fs, const struct shmfs_cred *cred, enum mac_entry entry,
    uint64_t dir, const char *name, struct place *out)
{
	struct place place;
	int rc = place_find(fs, cred, entry, dir, name, &place);

	if (rc < 0)
		return rc;
	if (place.entry == NULL)
		return -ENOENT;
	rc = mac_check(fs, cred, entry, place.entry->node);
	if (rc < 0)
		return rc;
	*out = place;
	return 0;
}

void place_give(struct shmfs *fs, struct node *node, struct shmfs_attr *out)
{
	save(fs, &node->lookups, sizeof node->lookups);
	node->lookups++;
	node_attributes(fs, node, out);
}

bool place_may_open(
    const struct shmfs *fs, const struct node *node, const struct shmfs_cred *cred, int flags)
{
	static const unsigned needs[] = {[O_RDONLY] = 4, [O_WRONLY] = 2, [O_RDWR] = 6};
	int access = flags & O_ACCMODE;
	unsigned need = access <= O_RDWR ? needs[access] : 6;

	if (flags & O_TRUNC)
		need |= 2;
	return access_grants_caller(fs, node, cred, need);
}
