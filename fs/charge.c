/* SPDX-License-Identifier: BSD-2-Clause */
/* Accounts of pages and nodes; see charge.h. */
#include "charge.h"

#include <assert.h>
#include <errno.h>

#include "fs.h"

uint64_t charge_pages_of(uint64_t size)
{
	return size / SHMFS_PAGE_SIZE + (size % SHMFS_PAGE_SIZE != 0);
}

static inline struct charge *change(struct shmfs *fs)
{
	save(fs, &fs->super->charge, sizeof fs->super->charge);
	return &fs->super->charge;
}

/* Limits may be set below what is in use, so "what is left" must not be computed by subtraction. */
static int add(uint64_t used, uint64_t more, uint64_t limit, uint64_t *out)
{
	uint64_t sum;

	if (__builtin_add_overflow(used, more, &sum) || (limit != 0 && sum > limit))
		return -ENOSPC;
	*out = sum;
	return 0;
}

int charge_resize(struct shmfs *fs, uint64_t from, uint64_t to)
{
	uint64_t from_pages = charge_pages_of(from), to_pages = charge_pages_of(to);
	struct charge *charge;

	if (from_pages == to_pages)
		return 0;
	charge = change(fs);
	if (to_pages > from_pages)
		return add(charge->used_pages, to_pages - from_pages, charge->limit_pages,
		    &charge->used_pages);
	assert(charge->used_pages >= from_pages - to_pages);
	charge->used_pages -= from_pages - to_pages;
	return 0;
}

int charge_node(struct shmfs *fs)
{
	struct charge *charge = change(fs);

	return add(charge->used_nodes, 1, charge->limit_nodes, &charge->used_nodes);
}

void charge_node_end(struct shmfs *fs)
{
	struct charge *charge = change(fs);

	assert(charge->used_nodes > 0);
	charge->used_nodes--;
}
