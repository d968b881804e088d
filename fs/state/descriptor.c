/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers of descriptors; see descriptor.h. */
#include "descriptor.h"

#include <errno.h>

#define TAKEN UINT32_MAX
#define HOLDERS_PAGE (ARENA_PAGE_SIZE / sizeof(uint64_t))
#define NUMBERS_MAX (DESCRIPTOR_DIRECTORIES * DESCRIPTOR_DIRECTORY * DESCRIPTOR_PAGE)

_Static_assert(DESCRIPTOR_PAGE * sizeof(uint32_t) == ARENA_PAGE_SIZE, "a page of words");
_Static_assert(DESCRIPTOR_DIRECTORY * sizeof(uint32_t *) == ARENA_PAGE_SIZE, "a page of pointers");

void descriptor_init(struct shmfs *fs, int first, int limit)
{
	fs->super->descriptors = (struct descriptors){
	    .first = first,
	    .fresh = first,
	    .end = limit > 0 && limit < first + NUMBERS_MAX ? limit : first + NUMBERS_MAX,
	};
}

/* Where the page of a number stands in its directory, which is there. */
static uint32_t **page_of(const struct descriptors *all, int fd)
{
	int page = (fd - all->first) / DESCRIPTOR_PAGE;

	return &all->directory[page / DESCRIPTOR_DIRECTORY][page % DESCRIPTOR_DIRECTORY];
}

static uint32_t *word_of(const struct descriptors *all, int fd)
{
	return &(*page_of(all, fd))[(fd - all->first) % DESCRIPTOR_PAGE];
}

static void set_word(struct shmfs *fs, int fd, uint32_t value)
{
	uint32_t *word = word_of(&fs->super->descriptors, fd);

	save(fs, word, sizeof *word);
	*word = value;
}

/* Memory for the words of a page of numbers, of which this is the first. */
static int add_page(struct shmfs *fs, int fd)
{
	struct descriptors *all = &fs->super->descriptors;
	int directory = (fd - all->first) / (DESCRIPTOR_PAGE * DESCRIPTOR_DIRECTORY);
	uint32_t **page;

	if (all->directory[directory] == NULL)
		all->directory[directory] = arena_alloc(fs->arena, ARENA_PAGE_SIZE);
	if (all->directory[directory] == NULL)
		return -ENOMEM;
	page = page_of(all, fd);
	save(fs, page, sizeof *page);
	*page = arena_alloc(fs->arena, ARENA_PAGE_SIZE);
	return *page != NULL ? 0 : -ENOMEM;
}

/* Of a page of ids, the one that is noted for a number; NULL: there is no such page. */
static uint64_t *holder_of(const struct shmfs *fs, int fd)
{
	unsigned at = (unsigned)(fd - fs->super->descriptors.first);
	uint64_t *page = index_get(&fs->super->holders, at / HOLDERS_PAGE);

	return page != NULL ? &page[at % HOLDERS_PAGE] : NULL;
}

int descriptor_note_holder(struct shmfs *fs, int fd, uint64_t node)
{
	unsigned at = (unsigned)(fd - fs->super->descriptors.first);
	uint64_t *holder = holder_of(fs, fd);

	if (holder == NULL) {
		uint64_t *page = arena_alloc(fs->arena, ARENA_PAGE_SIZE);

		if (page == NULL ||
		    index_insert(fs->arena, &fs->super->holders, at / HOLDERS_PAGE, page) < 0)
			return -ENOMEM;
		holder = &page[at % HOLDERS_PAGE];
	}
	save(fs, holder, sizeof *holder);
	*holder = node;
	return 0;
}

uint64_t descriptor_next_holder(struct shmfs *fs, int *fd)
{
	const struct descriptors *all = &fs->super->descriptors;
	const uint64_t *holder;

	if (fs->super->hand < all->first || fs->super->hand >= all->fresh)
		fs->super->hand = all->first;
	*fd = fs->super->hand++;
	holder = holder_of(fs, *fd);
	return holder != NULL ? *holder : 0;
}

bool descriptor_has_room(const struct shmfs *fs, unsigned count)
{
	const struct descriptors *all = &fs->super->descriptors;
	int64_t left = (int64_t)all->end - all->fresh;

	for (int fd = all->free; fd != 0 && left < count; left++)
		fd = (int)*word_of(all, fd);
	return left >= count;
}

int descriptor_take(struct shmfs *fs, uint64_t node, int *out)
{
	struct descriptors *all = &fs->super->descriptors;
	int fd = all->free, rc = 0;

	save(fs, all, sizeof *all);
	if (fd != 0) {
		all->free = (int)*word_of(all, fd);
	} else {
		fd = all->fresh;
		if (fd >= all->end)
			return -ENFILE;
		if ((fd - all->first) % DESCRIPTOR_PAGE == 0)
			rc = add_page(fs, fd);
		if (rc < 0)
			return rc;
		all->fresh++;
	}
	set_word(fs, fd, TAKEN);
	*out = fd;
	return descriptor_note_holder(fs, fd, node);
}

/* Needs no memory, so that it cannot fail. */
void descriptor_give_back(struct shmfs *fs, int fd)
{
	struct descriptors *all = &fs->super->descriptors;

	save(fs, &all->free, sizeof all->free);
	set_word(fs, fd, (uint32_t)all->free);
	all->free = fd;
}

bool descriptor_is_taken(const struct shmfs *fs, int fd)
{
	const struct descriptors *all = &fs->super->descriptors;

	return fd >= all->first && fd < all->fresh && *word_of(all, fd) == TAKEN;
}

uint64_t descriptor_count(const struct shmfs *fs)
{
	const struct descriptors *all = &fs->super->descriptors;
	uint64_t count = 0;

	for (int fd = all->first; fd < all->fresh; fd++)
		count += *word_of(all, fd) == TAKEN;
	return count;
}
