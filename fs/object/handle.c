/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles of open objects; see handle.h. */
#include "handle.h"

#include <errno.h>
#include <fcntl.h>

#include "fs/state/rules.h"
#include "object.h"
#include "seal.h"

/* Flags of open(2) that would change what an opening does, and that shm_open(2) does not have. */
#define EXTRA_FLAGS (O_APPEND | O_DIRECT | O_SYNC | O_DSYNC | O_ASYNC | O_NOATIME)

#define WRITER_RIGHTS (SHMFS_RIGHT_WRITE | SHMFS_RIGHT_TRUNCATE | SHMFS_RIGHT_ALLOCATE)

struct handle *handle_get(const struct shmfs *fs, uint64_t id)
{
	return index_get(&fs->super->handles, id);
}

struct handle *handle_get_writing(const struct shmfs *fs, uint64_t id)
{
	struct handle *handle = handle_get(fs, id);

	return handle != NULL && handle->writes ? handle : NULL;
}

void handle_set_flags(struct shmfs *fs, struct handle *handle, int flags)
{
	bool noatime = (flags & O_NOATIME) != 0;

	if (handle->noatime == noatime)
		return;
	save(fs, &handle->noatime, sizeof handle->noatime);
	handle->noatime = noatime;
}

int handle_create(struct shmfs *fs, struct node *node, int flags, struct shmfs_opened *out)
{
	struct super *super = fs->super;
	int access = flags & O_ACCMODE;
	struct handle *handle;
	int rc;

	if (rules_of(fs)->shm_open_flags && (access == O_WRONLY || (flags & EXTRA_FLAGS)))
		return -EINVAL;
	if (access != O_RDONLY && (node->object.seals & SEAL_WRITE))
		return -EPERM;
	if (super->backing) {
		rc = object_need_backing(fs, node);
		if (rc < 0)
			return rc;
	}
	handle = arena_alloc(fs->arena, sizeof *handle);
	if (handle == NULL)
		return -ENOMEM;
	save(fs, &super->next_handle, sizeof super->next_handle);
	*handle = (struct handle){
	    .id = super->next_handle++,
	    .node = node,
	    .reads = access != O_WRONLY,
	    .writes = access != O_RDONLY,
	    .rights = (uint8_t)((access != O_WRONLY ? SHMFS_RIGHT_READ : 0) |
				(access != O_RDONLY ? WRITER_RIGHTS : 0)),
	    .noatime = (flags & O_NOATIME) != 0,
	};
	rc = index_insert(fs->arena, &super->handles, handle->id, handle);
	if (rc < 0)
		return rc;
	node_change(fs, node);
	node->object.opens++;
	if (node->object.openings < 2)
		node->object.openings++;
	node->object.writers += handle->writes;
	*out = (struct shmfs_opened){.handle = handle->id, .backing = node->object.backing};
	return 0;
}
