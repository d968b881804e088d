/* SPDX-License-Identifier: BSD-2-Clause */
/* What an executing process has, and what the execution of every kind of call needs. */
#ifndef SHMFS_TESTS_DIFFERENTIAL_WORKER_H
#define SHMFS_TESTS_DIFFERENTIAL_WORKER_H

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "allowed.h"
#include "side.h"

struct slot {
	int fd; /* -1: closed */
	mode_t mode;
	int access; /* O_ACCMODE, or O_PATH */
	uint64_t ino;
	bool leased;
};

/*
 * A mapping. `keeper` holds the open file: on tmpfs a mapping does so itself, but one of a native
 * FUSE mapping holds the memory's file and not the one that locks and leases belong to.
 */
struct mapping {
	unsigned char *address; /* NULL: there is none */
	size_t length;
	int64_t offset;
	int keeper;
	uint64_t ino;
	bool shared;
};

struct worker {
	const struct side *side;
	struct shared *shared;
	unsigned index;
	struct slot slots[SLOTS];
	struct mapping maps[MAPS];
	int proc_fd; /* /proc/self/fd */
	int pipe[2];
	unsigned char *buffer; /* BUFFER_SIZE */
	sigjmp_buf fault;
	volatile sig_atomic_t faulting; /* a signal of memory access is expected */
};

/* Ends the process: something in the test itself does not work. */
_Noreturn void broken(const char *what);

/* Runs the worker's calls and never returns. */
_Noreturn void worker_main(
    const struct side *side, unsigned index, const struct call *calls, unsigned count);

/* --- results --- */
static inline bool is_bent(const struct worker *worker)
{
	return worker->side->reference && worker->side->rules.allow_differences;
}

static inline void give(struct result *result, int64_t ret)
{
	result->ret = ret;
	result->error = ret == -1 ? errno : 0;
}

static inline void fail_with(struct result *result, int error)
{
	result->ret = -1;
	result->error = error;
}

static inline void allow(struct result *result, enum allowed what)
{
	result->allowed |= UINT32_C(1) << what;
}

void give_data(struct result *result, const void *data, size_t length);
/* Up to TOUCHED nodes are noted, the others forgotten. */
void note_touch(struct result *result, uint64_t ino, unsigned how);
/* Appends a view; `name` may be NULL. */
void give_view(
    struct worker *worker, struct result *result, const struct stat *st, const char *name);
void give_ino(struct worker *worker, struct result *result, uint64_t ino, mode_t type);
__attribute__((format(printf, 3, 4))) void give_text(
    struct worker *worker, struct result *result, const char *format, ...);

/* --- descriptors --- */
static inline struct slot *slot_of(struct worker *worker, unsigned index)
{
	return &worker->slots[index];
}

static inline int fd_of(const struct worker *worker, unsigned index)
{
	return worker->slots[index].fd;
}

static inline bool is_regular(const struct slot *slot)
{
	return slot->fd >= 0 && S_ISREG(slot->mode);
}

void slot_close(struct worker *worker, struct slot *slot);
void slot_fill(struct slot *slot, int fd, int access);
/* After a read: the reference notes whose access time the subject may not have set. */
void note_read(const struct slot *slot, struct result *result);
/* The same for sendfile, splice, copy_file_range, posix_fadvise and reads of 0 bytes. */
void note_unasked(const struct slot *slot, struct result *result);

/* Before a write of `length` bytes. A message holds 256 KiB, less where its first page begins
 * later. */
static inline void note_pieces(const struct slot *slot, struct result *result, int64_t length)
{
	if (length > (256 << 10) - 4096)
		note_touch(result, slot->ino, TOUCH_PIECES);
}

/* After the model was asked: a write of `length` bytes is to find no room, or only for `there`. */
static inline void note_room(
    const struct slot *slot, struct result *result, int64_t length, int64_t there)
{
	if (result->error == EFBIG)
		note_touch(result, slot->ino, TOUCH_REFUSED);
	else if (there < length)
		note_touch(result, slot->ino, TOUCH_SHORT);
	note_pieces(slot, result, there);
}

/* --- data --- */
void fill(unsigned char *buffer, size_t length, uint64_t seed);
uint64_t hash_bytes(uint64_t hash, const void *data, size_t length);

/* Waits for this value to change; may return early. */
void futex_wait(const _Atomic uint32_t *word, uint32_t value);
void futex_wake(const _Atomic uint32_t *word);

#endif
