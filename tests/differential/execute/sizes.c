/* SPDX-License-Identifier: BSD-2-Clause */
/* Sizes, and memory that is mapped. */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "execute.h"
#include "model.h"

void do_truncate(struct worker *worker, const struct call *call, struct result *result)
{
	struct stat before;
	bool there = is_bent(worker) && stat(call->path, &before) == 0;

	give(result, truncate(call->path, call->offset));
	if (there && result->ret == 0 && before.st_size == call->offset)
		model_truncate(call, result);
}

void do_ftruncate(struct worker *worker, const struct call *call, struct result *result)
{
	give(result, ftruncate(fd_of(worker, call->slot), call->offset));
}

void do_fallocate(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);

	give(result,
	    model_fallocate(worker, result, slot, call->choice, call->offset, call->length));
	if (result->ret == 0 && !(call->choice & ~FALLOC_FL_KEEP_SIZE))
		note_touch(result, slot->ino, TOUCH_ALLOCATED);
}

static void unmap(struct mapping *map)
{
	if (map->address == NULL)
		return;
	munmap(map->address, map->length);
	close(map->keeper);
	map->address = NULL;
}

void do_mmap(struct worker *worker, const struct call *call, struct result *result)
{
	const struct slot *slot = slot_of(worker, call->slot);
	struct mapping *map = &worker->maps[call->map];
	void *address;

	if (slot->fd >= 0 && !is_regular(slot)) {
		fail_with(result, ERROR_SKIPPED);
		return;
	}
	address = mmap(NULL, (size_t)call->length, call->choice,
	    call->bits ? MAP_PRIVATE : MAP_SHARED, slot->fd, call->offset);
	give(result, address == MAP_FAILED ? -1 : 0);
	if (address == MAP_FAILED)
		return;
	unmap(map);
	*map = (struct mapping){
	    .address = address,
	    .length = (size_t)call->length,
	    .offset = call->offset,
	    .keeper = fcntl(slot->fd, F_DUPFD_CLOEXEC, 0),
	    .ino = slot->ino,
	    .shared = !call->bits,
	};
	if (map->keeper < 0)
		broken("dup");
	note_touch(result, slot->ino, TOUCH_MAPPED);
	if (map->shared)
		model_map(worker, slot);
}

static struct mapping *mapping_of(
    struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = &worker->maps[call->map];

	if (map->address == NULL)
		fail_with(result, ERROR_SKIPPED);
	else
		note_touch(result, map->ino, TOUCH_MAPPED);
	return map->address != NULL ? map : NULL;
}

void do_munmap(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);

	if (map == NULL)
		return;
	unmap(map);
	give(result, 0);
}

void do_mremap(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);
	void *address;

	if (map == NULL)
		return;
	address = mremap(map->address, map->length, (size_t)call->length, MREMAP_MAYMOVE);
	give(result, address == MAP_FAILED ? -1 : 0);
	if (address == MAP_FAILED)
		return;
	map->address = address;
	map->length = (size_t)call->length;
}

/*
 * The part of a mapping that a call is about. A store behind the end of the object, but in its last
 * page, is nowhere defined to stay or to go, so none is made; a load there has to find zeros.
 */
static size_t clamp(const struct mapping *map, const struct call *call, bool store, int64_t *start)
{
	int64_t end;
	struct stat st;

	*start = (int64_t)((uint64_t)call->offset % map->length);
	end = *start + call->length;
	if (end > (int64_t)map->length)
		end = (int64_t)map->length;
	if (!store)
		return (size_t)(end - *start);
	if (fstat(map->keeper, &st) != 0)
		broken("fstat");
	st.st_size -= map->offset;
	if (*start < st.st_size && end > st.st_size)
		end = st.st_size;
	else if (*start >= st.st_size && *start < (st.st_size + 4095) / 4096 * 4096)
		end = *start;
	return (size_t)(end - *start);
}

/* Copies to or from a mapping. What faults on the way fails with the signal. */
static void access_memory(
    struct worker *worker, struct result *result, void *to, const void *from, size_t length)
{
	int signal = sigsetjmp(worker->fault, 1);

	if (signal != 0) {
		worker->faulting = 0;
		fail_with(result, ERROR_SIGNAL + signal);
		return;
	}
	worker->faulting = 1;
	memcpy(to, from, length);
	worker->faulting = 0;
	give(result, (int64_t)length);
}

/*
 * Of a large page that fallocate() with KEEP_SIZE has allocated, tmpfs maps what lies behind the
 * end of the object too, and keeps what is stored there. Here that is taken for the fault that it
 * is elsewhere. A store there is all of it behind (clamp).
 */
static bool lies_behind(
    const struct worker *worker, const struct mapping *map, int64_t start, size_t length)
{
	struct stat st;

	if (!worker->side->reference || !worker->side->rules.huge || length == 0)
		return false;
	if (fstat(map->keeper, &st) != 0)
		broken("fstat");
	return map->offset + start + (int64_t)length > (st.st_size + 4095) / 4096 * 4096;
}

void do_store(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);
	int64_t start;
	size_t length;

	if (map == NULL)
		return;
	length = clamp(map, call, true, &start);
	fill(worker->buffer, length, call->data);
	access_memory(worker, result, map->address + start, worker->buffer, length);
	if (result->ret < 0 || !lies_behind(worker, map, start, length))
		return;
	memset(map->address + start, 0, length);
	fail_with(result, ERROR_SIGNAL + SIGBUS);
}

/* What lies behind the end of the object is told apart. */
static void give_loaded(struct worker *worker, const struct mapping *map, struct result *result,
    int64_t start, size_t length)
{
	struct stat st;
	int64_t inside;

	if (fstat(map->keeper, &st) != 0)
		broken("fstat");
	inside = st.st_size - map->offset - start;
	inside = inside < 0 ? 0 : inside > (int64_t)length ? (int64_t)length : inside;
	give_data(result, worker->buffer, (size_t)inside);
	for (size_t at = (size_t)inside; at < length; at++)
		result->words[0] |= worker->buffer[at];
}

void do_load(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);
	int64_t start;
	size_t length;

	if (map == NULL)
		return;
	length = clamp(map, call, false, &start);
	access_memory(worker, result, worker->buffer, map->address + start, length);
	if (result->ret >= 0 && lies_behind(worker, map, start, length))
		fail_with(result, ERROR_SIGNAL + SIGBUS);
	if (result->ret >= 0)
		give_loaded(worker, map, result, start, length);
}

void do_msync(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);

	if (map != NULL)
		give(result, msync(map->address, map->length, call->choice));
}

void do_madvise(struct worker *worker, const struct call *call, struct result *result)
{
	struct mapping *map = mapping_of(worker, call, result);

	if (map != NULL)
		give(result, madvise(map->address, map->length, call->choice));
}
