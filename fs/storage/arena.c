/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages and slots of the shared region; see arena.h. */
#include "arena.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "arith.h"
#include "complain.h"

#define ARENA_MAGIC UINT64_C(0x73666d6873616e31)

/* So many free pages keep their memory, so that a namespace which breathes does not ask the system
 * for it again and again; and so many lose it after one commit, to bound the pause. */
#define HOT_PAGES 256
#define TRIM_PAGES 16

static const uint16_t slot_sizes[ARENA_CLASSES] = {
    32, 48, 64, 80, 96, 112, 128, 144, 176, 208, 256, 304, 400, 672, 1008, 2016};

_Static_assert(sizeof(struct slab) == 64, "slots are aligned to 16 bytes behind the header");
_Static_assert(
    sizeof(struct slab) + 2 * 2016 == ARENA_PAGE_SIZE, "the largest slot wastes nothing");

/*
 * Fixed addresses, the first that can be had. Another program, which goes on with the arena, must
 * find the same one free; so they lie below all that Linux places at random: libraries, from the
 * top of the address space down (from a third or a quarter of it up, if stacks are unlimited), and
 * the program at two thirds of it. The first is for address spaces of 47 bits and more. The last
 * fits into 38, which is the least of kernels with "39 bits" (riscv; arm64 and user-mode Linux have
 * one more). Sanitizers have shadow memory at one or the other.
 */
static const uintptr_t fixed_bases[] = {0x200000000000, 0x10000000000, 0x400000000};

#define LOG_OFFSET round_up(sizeof(struct arena), ARENA_PAGE_SIZE)

/* Lays out an arena in a region that is all zero. */
static int lay_out(struct arena *arena, size_t size, size_t system_page)
{
	uint64_t pages = size / ARENA_PAGE_SIZE;
	uint64_t log = LOG_OFFSET;
	uint64_t stack = log + TXN_LOG_SIZE;
	uint64_t counts = stack + round_up(pages * sizeof(uint32_t), ARENA_PAGE_SIZE);
	uint64_t first = counts;

	if (system_page > ARENA_PAGE_SIZE)
		first += round_up(size / system_page * sizeof(uint16_t), ARENA_PAGE_SIZE);
	if (first + 16 * ARENA_PAGE_SIZE > size || pages > UINT32_MAX)
		return -EINVAL;
	if (system_page > ARENA_PAGE_SIZE) {
		arena->system_page = system_page;
		arena->free_in = (uint16_t *)(void *)((uint8_t *)arena + counts);
	}
	arena->magic = ARENA_MAGIC;
	arena->layout = ARENA_LAYOUT;
	arena->base = (uintptr_t)arena;
	arena->size = size;
	arena->txn.log = (uint8_t *)arena + log;
	arena->free_pages = (uint32_t *)(void *)((uint8_t *)arena + stack);
	arena->pages = (uint8_t *)arena + first;
	arena->page_count = (size - first) / ARENA_PAGE_SIZE;
	return 0;
}

/*
 * A base is asked for by a hint, which the kernel follows where the address is free, rather than by
 * MAP_FIXED_NOREPLACE: sanitizers that keep addresses to themselves know how to refuse a hint.
 */
static int map_at(uintptr_t base, size_t size, int fd, void **out)
{
	void *memory =
	    mmap((void *)base, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);

	if (memory == MAP_FAILED)
		return -errno;
	if (base != 0 && (uintptr_t)memory != base) {
		munmap(memory, size);
		return -EEXIST;
	}
	*out = memory;
	return 0;
}

static int map_new(bool fixed, size_t size, int fd, void **out)
{
	int rc = -EEXIST;

	if (!fixed)
		return map_at(0, size, fd, out);
	for (size_t i = 0; rc < 0 && i < sizeof fixed_bases / sizeof fixed_bases[0]; i++)
		rc = map_at(fixed_bases[i], size, fd, out);
	return rc;
}

int arena_create(bool fixed, size_t size, size_t system_page, int *fd_out, struct arena **out)
{
	void *memory = NULL;
	int fd, rc;

	size = size / system_page * system_page;
	if (size < ARENA_PAGE_SIZE)
		return -EINVAL;
	fd = memfd_create("shmfs-arena", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0) {
		rc = -errno;
		goto fail_size;
	}
	rc = map_new(fixed, size, fd, &memory);
	if (rc < 0)
		goto fail_size;
	rc = lay_out(memory, size, system_page);
	if (rc < 0)
		goto fail_layout;
	*fd_out = fd;
	*out = memory;
	return 0;

fail_layout:
	munmap(memory, size);
fail_size:
	close(fd);
	return rc;
}

/* Whether a line of /proc/self/maps says that a file is shared there from its start. */
static bool is_mapping_of(const char *line, uintptr_t base, uint64_t size, const struct stat *st)
{
	uint64_t start, end, offset, inode;
	unsigned major, minor;

	return sscanf(line, "%" SCNx64 "-%" SCNx64 " rw-s %" SCNx64 " %x:%x %" SCNu64, &start, &end,
		   &offset, &major, &minor, &inode) == 6 &&
	       start == base && end - start == size && offset == 0 &&
	       makedev(major, minor) == st->st_dev && inode == st->st_ino;
}

/* Whether a file is mapped at this address already, as a process finds it that was forked. */
static bool is_mapped(uintptr_t base, uint64_t size, const struct stat *st)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	char *line = NULL;
	size_t room = 0;

	if (maps == NULL)
		return false;
	while (!found && getline(&line, &room, maps) > 0)
		found = is_mapping_of(line, base, size, st);
	free(line);
	fclose(maps);
	return found;
}

static int read_header(int fd, struct arena *header, struct stat *st)
{
	if (pread(fd, header, sizeof *header, 0) != (ssize_t)sizeof *header || fstat(fd, st) < 0)
		return -EPROTO;
	if (header->magic != ARENA_MAGIC || header->layout != ARENA_LAYOUT ||
	    header->size != (uint64_t)st->st_size || header->base % ARENA_PAGE_SIZE != 0 ||
	    header->base == 0)
		return -EPROTO;
	return 0;
}

int arena_check(int fd)
{
	struct arena header;
	struct stat st;
	void *memory = NULL;
	int rc = read_header(fd, &header, &st);

	if (rc == 0)
		rc = map_at(header.base, header.size, fd, &memory);
	if (rc == 0)
		munmap(memory, header.size);
	return rc;
}

int arena_map(int fd, struct arena **out)
{
	struct arena header;
	struct stat st;
	void *memory = NULL;
	int rc = read_header(fd, &header, &st);

	if (rc < 0)
		return rc;
	rc = map_at(header.base, header.size, fd, &memory);
	if (rc == -EEXIST && is_mapped(header.base, header.size, &st)) {
		memory = (void *)header.base;
		rc = 0;
	}
	if (rc < 0)
		return rc;
	*out = memory;
	return 0;
}

int arena_check_left(const struct arena *arena, int fd, int descriptor_first)
{
	const uint8_t *memory = (const void *)arena;
	struct txn_bounds bounds = {.low = (const uint8_t *)(&arena->txn + 1),
	    .log = memory + LOG_OFFSET,
	    .descriptor_first = descriptor_first};
	struct arena header;
	struct stat st;

	/* No transaction changes what stands before the first bound, itself included. */
	if (read_header(fd, &header, &st) < 0 || header.base != (uintptr_t)arena)
		return -EPROTO;
	bounds.high = memory + st.st_size;
	return txn_check(&arena->txn, &bounds);
}

void arena_unmap(struct arena *arena)
{
	munmap(arena, arena->size);
}

static inline void *page_address(const struct arena *arena, uint64_t number)
{
	return arena->pages + number * ARENA_PAGE_SIZE;
}

/* How many pages are free in the page of the system that this one lies in. */
static uint16_t *free_beside(const struct arena *arena, uint64_t number)
{
	const uint8_t *page = page_address(arena, number);

	return &arena->free_in[(uint64_t)(page - (const uint8_t *)arena) / arena->system_page];
}

static inline void count_free(struct arena *arena, uint64_t number, int change)
{
	uint16_t *count;

	if (arena->free_in == NULL)
		return;
	count = free_beside(arena, number);
	txn_save(&arena->txn, count, sizeof *count);
	*count = (uint16_t)(*count + change);
}

static void *page_alloc(struct arena *arena)
{
	uint64_t number;

	if (arena->free_count > 0) {
		txn_save(&arena->txn, &arena->free_count, sizeof arena->free_count);
		number = arena->free_pages[--arena->free_count];
		count_free(arena, number, -1);
		if (arena->free_released > arena->free_count) {
			txn_save(&arena->txn, &arena->free_released, sizeof arena->free_released);
			arena->free_released = arena->free_count;
		}
	} else {
		if (arena->page_fresh == arena->page_count)
			return NULL;
		txn_save(&arena->txn, &arena->page_fresh, sizeof arena->page_fresh);
		number = arena->page_fresh++;
	}
	return page_address(arena, number);
}

static void page_free(struct arena *arena, void *page)
{
	uint64_t number = (uint64_t)((uint8_t *)page - arena->pages) / ARENA_PAGE_SIZE;

	txn_save(&arena->txn, &arena->free_pages[arena->free_count], sizeof *arena->free_pages);
	txn_save(&arena->txn, &arena->free_count, sizeof arena->free_count);
	arena->free_pages[arena->free_count++] = (uint32_t)number;
	count_free(arena, number, 1);
}

/*
 * A page of the system that holds several goes with the last of them that comes here; while one is
 * in use, or among those that keep their memory, it stays. A failure keeps memory that is not
 * needed, and nothing else.
 */
static void release(struct arena *arena, uint64_t number)
{
	uint8_t *memory = page_address(arena, number);
	size_t size = ARENA_PAGE_SIZE;

	if (arena->free_in != NULL) {
		size = arena->system_page;
		if (*free_beside(arena, number) < size / ARENA_PAGE_SIZE)
			return;
		memory -= (uint64_t)(memory - (uint8_t *)arena) % size;
	}
	(void)madvise(memory, size, MADV_REMOVE);
}

/* Released pages read as zero, which is what page_alloc's users may not rely on but do not mind. */
void arena_trim(struct arena *arena)
{
	for (int i = 0; i < TRIM_PAGES; i++) {
		if (arena->free_count < arena->free_released + HOT_PAGES)
			return;
		release(arena, arena->free_pages[arena->free_released]);
		arena->free_released++;
	}
}

static inline struct slab *slab_of(void *slot)
{
	return (struct slab *)((uintptr_t)slot & ~(uintptr_t)(ARENA_PAGE_SIZE - 1));
}

static inline void *slot_address(struct slab *slab, uint32_t index)
{
	return (uint8_t *)slab + sizeof *slab + (size_t)index * slot_sizes[slab->class];
}

static inline uint32_t slab_capacity(const struct slab *slab)
{
	return (uint32_t)((ARENA_PAGE_SIZE - sizeof *slab) / slot_sizes[slab->class]);
}

static void list_insert(struct arena *arena, struct slab *slab)
{
	struct slab **head = &arena->partial[slab->class];

	txn_save(&arena->txn, head, sizeof *head);
	if (*head != NULL) {
		txn_save(&arena->txn, &(*head)->prev, sizeof(*head)->prev);
		(*head)->prev = slab;
	}
	slab->prev = NULL;
	slab->next = *head;
	*head = slab;
}

static void list_remove(struct arena *arena, struct slab *slab)
{
	struct slab **link = slab->prev != NULL ? &slab->prev->next : &arena->partial[slab->class];

	txn_save(&arena->txn, link, sizeof *link);
	*link = slab->next;
	if (slab->next != NULL) {
		txn_save(&arena->txn, &slab->next->prev, sizeof slab->next->prev);
		slab->next->prev = slab->prev;
	}
}

static int class_of(size_t size)
{
	for (int class = 0; class < ARENA_CLASSES; class ++) {
		if (size <= slot_sizes[class])
			return class;
	}
	return -1;
}

static struct slab *slab_create(struct arena *arena, int class)
{
	struct slab *slab = page_alloc(arena);

	if (slab == NULL)
		return NULL;
	txn_save(&arena->txn, slab, sizeof *slab);
	*slab = (struct slab){.class = (uint32_t) class};
	list_insert(arena, slab);
	return slab;
}

static void *slot_alloc(struct arena *arena, int class)
{
	struct slab *slab = arena->partial[class];
	void *slot;

	if (slab == NULL) {
		slab = slab_create(arena, class);
		if (slab == NULL)
			return NULL;
	}
	txn_save(&arena->txn, slab, sizeof *slab);
	if (slab->free != NULL) {
		slot = slab->free;
		memcpy(&slab->free, slot, sizeof slab->free);
	} else {
		slot = slot_address(slab, slab->fresh++);
	}
	slab->used++;
	if (slab->used == slab_capacity(slab))
		list_remove(arena, slab);
	return slot;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	int class = class_of(size);
	void *memory = class < 0 ? page_alloc(arena) : slot_alloc(arena, class);

	if (memory == NULL)
		return NULL;
	txn_save(&arena->txn, memory, size);
	memset(memory, 0, size);
	return memory;
}

void arena_free(struct arena *arena, void *memory)
{
	struct slab *slab = slab_of(memory);

	if ((void *)slab == memory) {
		page_free(arena, memory);
		return;
	}
	txn_save(&arena->txn, slab, sizeof *slab);
	txn_save(&arena->txn, memory, sizeof slab->free);
	memcpy(memory, &slab->free, sizeof slab->free);
	slab->free = memory;
	if (slab->used-- == slab_capacity(slab))
		list_insert(arena, slab);
	if (slab->used == 0) {
		list_remove(arena, slab);
		page_free(arena, slab);
	}
}

uint64_t arena_used(const struct arena *arena)
{
	return (arena->page_fresh - arena->free_count) * ARENA_PAGE_SIZE;
}

static unsigned verify_slab(const struct slab *slab, int class, const struct complaints *to)
{
	uint32_t free_slots = 0;
	unsigned bad = 0;

	bad += expect(slab->class == (uint32_t) class, to,
	    "slab %p is on the list of another class", (const void *)slab);
	for (void *slot = slab->free; slot != NULL; memcpy(&slot, slot, sizeof slot)) {
		if (slab_of(slot) != slab || ++free_slots > slab_capacity(slab))
			return bad + expect(false, to, "slab %p: free list leads astray",
					 (const void *)slab);
	}
	bad += expect(slab->used + free_slots == slab->fresh, to,
	    "slab %p: %u used and %u free slots of %u", (const void *)slab, slab->used, free_slots,
	    slab->fresh);
	return bad + expect(slab->used > 0 && slab->used < slab_capacity(slab), to,
			 "slab %p: full or empty, and on the list", (const void *)slab);
}

/* Each count of the pages that are free in a page of the system, made again. */
static unsigned verify_counts(const struct arena *arena, const struct complaints *to)
{
	uint64_t counts = (uint64_t)(free_beside(arena, arena->page_fresh) - arena->free_in) + 1;
	uint16_t *found = calloc(counts, sizeof *found);
	unsigned bad = 0;

	if (found == NULL)
		return expect(false, to, "no memory to count free pages with");
	for (uint64_t i = 0; i < arena->free_count; i++)
		found[free_beside(arena, arena->free_pages[i]) - arena->free_in]++;
	for (uint64_t i = 0; i < counts; i++)
		bad += expect(found[i] == arena->free_in[i], to,
		    "page %" PRIu64 " of the arena's memory: %u pages free, counted %u", i,
		    found[i], arena->free_in[i]);
	free(found);
	return bad;
}

unsigned arena_verify(
    const struct arena *arena, void (*complain)(void *arg, const char *line), void *arg)
{
	struct complaints to = {complain, arg};
	unsigned bad = 0;

	for (int class = 0; class < ARENA_CLASSES; class ++) {
		const struct slab *prev = NULL;

		for (const struct slab *slab = arena->partial[class]; slab != NULL;
		     slab = slab->next) {
			bad += expect(slab->prev == prev, &to, "slab %p: back link is wrong",
			    (const void *)slab);
			bad += verify_slab(slab, class, &to);
			prev = slab;
		}
	}
	bad += expect(arena->free_count <= arena->page_fresh, &to, "more free pages than pages");
	bad += expect(
	    arena->free_released <= arena->free_count, &to, "more released pages than free ones");
	for (uint64_t i = 0; i < arena->free_count; i++)
		bad += expect(arena->free_pages[i] < arena->page_fresh, &to,
		    "free page %u was never used", arena->free_pages[i]);
	if (arena->free_in != NULL && bad == 0)
		bad += verify_counts(arena, &to);
	return bad;
}
