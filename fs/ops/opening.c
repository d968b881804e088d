/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening objects and letting go of them. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>

#include "fs/mac/mac.h"
#include "fs/object/handle.h"
#include "fs/object/life.h"
#include "fs/object/object.h"

/* Whether the policies let an object be opened so; permission bits are another question. */
static int may_open(
    struct shmfs *fs, const struct shmfs_cred *cred, const struct node *node, int flags)
{
	bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

	return mac_check(fs, cred, writes ? MAC_OPEN_WRITE : MAC_OPEN_READ, node);
}

int shmfs_open(struct shmfs *fs, const struct shmfs_cred *cred, uint64_t id, int flags,
    struct shmfs_opened *opened)
{
	struct node *node = node_get(fs, id);
	int rc;

	if (node == NULL || node->ended != NODE_ENDED_NOT)
		return -ESTALE;
	if (is_directory(node))
		return -EISDIR;
	if (S_ISLNK(node->mode))
		return -ELOOP;
	if (!is_object(node))
		return -ENXIO;
	rc = may_open(fs, cred, node, flags);
	if (rc == 0 && (flags & O_TRUNC))
		rc = object_truncate(fs, node, cred->uid, 0, false);
	return rc < 0 ? rc : handle_create(fs, node, flags, opened);
}

void shmfs_release(struct shmfs *fs, uint64_t id)
{
	struct handle *handle = handle_get(fs, id);
	struct node *node;

	if (handle == NULL)
		return;
	node = handle->node;
	node_change(fs, node);
	node->object.writers -= handle->writes;
	index_remove(fs->arena, &fs->super->handles, id);
	arena_free(fs->arena, handle);
	assert(node->object.opens > 0);
	node->object.opens--;
	if (node->object.opens == 0)
		object_drop_empty(fs, node);
	life_drop_unused(fs, node);
}

bool shmfs_is_open(const struct shmfs *fs, uint64_t id, uint64_t node)
{
	const struct handle *handle = handle_get(fs, id);

	return handle != NULL && handle->node->id == node;
}

int shmfs_rights(const struct shmfs *fs, uint64_t id, unsigned *out)
{
	const struct handle *handle = handle_get(fs, id);

	if (handle == NULL)
		return -EBADF;
	*out = handle->rights;
	return 0;
}

int shmfs_drop_rights(struct shmfs *fs, uint64_t id, unsigned rights, enum shmfs_native native)
{
	struct handle *handle = handle_get(fs, id);

	if (handle == NULL)
		return -EBADF;
	if (rights & ~(unsigned)SHMFS_RIGHTS)
		return -EINVAL;
	if (rights & SHMFS_RIGHT_MMAP)
		return -EOPNOTSUPP;
	if ((rights & SHMFS_RIGHT_READ) && handle->reads &&
	    (native == SHMFS_NATIVE_ALL || (native == SHMFS_NATIVE_READERS && !handle->writes)))
		return -EOPNOTSUPP;
	save(fs, &handle->rights, sizeof handle->rights);
	handle->rights &= (uint8_t)~rights;
	return 0;
}
