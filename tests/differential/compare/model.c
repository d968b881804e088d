/* SPDX-License-Identifier: BSD-2-Clause */
/* See model.h. */
#include "model.h"

#include <fnmatch.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static bool is_capped(const struct worker *worker)
{
	return is_bent(worker) && worker->side->rules.capped;
}

/*
 * The kernel invalidates the page in which a write without enough room ends, whatever it is
 * answered but the full count, and then drops what mappings store there (ALLOWED_WRITE_OF_MAPPED).
 */
static bool loses_stores(const struct worker *worker)
{
	const struct rules *rules = &worker->side->rules;

	return !worker->side->reference && rules->capped && rules->cached;
}

/* Whether the objects of this side are kept in mind. */
static bool keeps_objects(const struct worker *worker)
{
	return is_capped(worker) || loses_stores(worker);
}

static struct known_object *find(const struct worker *worker, uint64_t ino)
{
	struct shared *shared = worker->shared;

	for (uint32_t i = 0; i < shared->objects_used; i++)
		if (shared->objects[i].ino == ino)
			return &shared->objects[i];
	return NULL;
}

static void add(const struct worker *worker, uint64_t ino, const char *path)
{
	struct shared *shared = worker->shared;
	const char *name = strrchr(path, '/');

	if (shared->objects_used >= OBJECTS) {
		errno = ENOBUFS;
		broken("objects of a round");
	}
	name = name != NULL ? name + 1 : path;
	shared->objects[shared->objects_used++] = (struct known_object){
	    .ino = ino,
	    .grows = fnmatch("sem.*", name, 0) == 0 || fnmatch("tmp-*", name, 0) == 0,
	};
}

void model_named_object(const struct worker *worker, const char *path, const struct stat *st)
{
	if (keeps_objects(worker) && S_ISREG(st->st_mode) && find(worker, st->st_ino) == NULL)
		add(worker, st->st_ino, path);
}

/* The name that counts is the one at the end of all links. */
void model_object(const struct worker *worker, int fd, const struct stat *st)
{
	char number[16], path[PATH_MAX];
	ssize_t length;

	if (!keeps_objects(worker) || find(worker, st->st_ino) != NULL)
		return;
	snprintf(number, sizeof number, "%d", fd);
	length = readlinkat(worker->proc_fd, number, path, sizeof path - 1);
	if (length < 0)
		broken("/proc/self/fd");
	path[length] = '\0';
	model_named_object(worker, path, st);
}

void model_map(const struct worker *worker, const struct slot *slot)
{
	struct known_object *object = find(worker, slot->ino);

	if (object != NULL)
		object->mapped = true;
}

/* Whether writes are to be cut to the room that there is. */
static bool is_cut(const struct worker *worker, const struct slot *slot)
{
	const struct known_object *object;

	if (!loses_stores(worker))
		return is_capped(worker);
	object = find(worker, slot->ino);
	return object != NULL && object->mapped;
}

/* Room behind offset in an object that does not grow; INT64_MAX elsewhere. */
static int64_t room(const struct worker *worker, const struct slot *slot, int64_t offset,
    int64_t length, bool append)
{
	const struct known_object *object = find(worker, slot->ino);
	struct stat st;
	int flags;

	if (!is_regular(slot) || (slot->access != O_WRONLY && slot->access != O_RDWR))
		return INT64_MAX;
	flags = fcntl(slot->fd, F_GETFL);
	if (fstat(slot->fd, &st) != 0 || flags < 0)
		broken("model");
	if (object != NULL && object->grows)
		return INT64_MAX;
	if (offset == -1)
		offset = lseek(slot->fd, 0, SEEK_CUR);
	/* The kernel finds what is wrong with these by itself. */
	if (offset < 0 || offset > INT64_MAX - length)
		return INT64_MAX;
	if (append || (flags & O_APPEND))
		offset = st.st_size;
	return offset < st.st_size ? st.st_size - offset : 0;
}

bool model_write(
    struct worker *worker, const struct slot *slot, int64_t offset, bool append, int64_t *length)
{
	int64_t there;

	if (*length <= 0 || !is_cut(worker, slot))
		return true;
	there = room(worker, slot, offset, *length, append);
	if (there == 0) {
		errno = EFBIG;
		return false;
	}
	if (*length > there)
		*length = there;
	return true;
}

bool model_copy(struct worker *worker, const struct slot *in, int64_t in_offset,
    const struct slot *out, int64_t out_offset, int64_t *length)
{
	int64_t from = in_offset, to = out_offset, count = *length;
	struct stat st;

	if (!is_cut(worker, out) || !is_regular(in) || !is_regular(out) ||
	    (in->access != O_RDONLY && in->access != O_RDWR))
		return true;
	if (from == -1)
		from = lseek(in->fd, 0, SEEK_CUR);
	if (to == -1)
		to = lseek(out->fd, 0, SEEK_CUR);
	if (fstat(in->fd, &st) != 0)
		broken("model");
	if (from >= st.st_size || from < 0 || to < 0)
		return true;
	count = count < st.st_size - from ? count : st.st_size - from;
	/* The kernel finds what is wrong with these by itself. */
	if ((in->ino == out->ino && to + count > from && to < from + count) ||
	    (fcntl(out->fd, F_GETFL) & O_APPEND))
		return true;
	if (!model_write(worker, out, to, false, &count))
		return false;
	*length = count;
	return true;
}

bool model_splice(struct worker *worker, struct result *result, const struct slot *in,
    int64_t offset, int64_t length)
{
	struct stat st;

	if (!is_bent(worker) || !worker->side->rules.native || !is_regular(in) ||
	    in->access != O_RDWR)
		return true;
	if (offset == -1)
		offset = lseek(in->fd, 0, SEEK_CUR);
	if (fstat(in->fd, &st) != 0)
		broken("model");
	/* Nothing is read, or there is something wrong anyway. */
	if (length <= 0 || offset < 0 || offset >= st.st_size)
		return true;
	allow(result, ALLOWED_SPLICE_OF_WRITABLE);
	errno = EINVAL;
	return false;
}

/* In a process of its own: whoever closes a descriptor loses his locks on what it is open to. */
void model_truncate(const struct call *call, struct result *result)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open(call->path, O_WRONLY | O_CLOEXEC);

		_exit(fd < 0 || ftruncate(fd, call->offset) != 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		broken("model of truncate");
	allow(result, ALLOWED_TRUNCATE_TO_SAME);
}

/* Where a range ends behind the end of the object; 0: it does not, or fallocate() fails. */
static int64_t new_size(const struct slot *slot, int64_t offset, int64_t length)
{
	int flags = fcntl(slot->fd, F_GETFL), mode = flags & (O_ACCMODE | O_PATH);
	struct stat st;
	int64_t end;

	if (flags < 0 || (mode != O_WRONLY && mode != O_RDWR) || offset < 0 || length <= 0 ||
	    __builtin_add_overflow(offset, length, &end))
		return 0;
	if (fstat(slot->fd, &st) != 0)
		broken("model");
	return S_ISREG(st.st_mode) && end > st.st_size ? end : 0;
}

/* In this order it leaves the same pages of a large one that is split. */
int model_fallocate(struct worker *worker, struct result *result, const struct slot *slot, int mode,
    int64_t offset, int64_t length)
{
	int64_t grown;

	if (!is_bent(worker) || !(mode & FALLOC_FL_ZERO_RANGE) ||
	    (mode & ~(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE)))
		return fallocate(slot->fd, mode, offset, length);
	allow(result, ALLOWED_ZERO_RANGE);
	grown = mode & FALLOC_FL_KEEP_SIZE ? 0 : new_size(slot, offset, length);
	if (grown > 0 && ftruncate(slot->fd, grown) != 0)
		return -1;
	return fallocate(slot->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

void model_mknod(struct worker *worker, const struct call *call, struct result *result,
    const struct stat *directory)
{
	const struct timespec times[] = {directory->st_atim, directory->st_mtim};
	char path[PATH_ROOM];
	const char *slash = strrchr(call->path, '/');

	if (!is_bent(worker) || result->ret != 0)
		return;
	snprintf(path, sizeof path, "%.*s", slash != NULL ? (int)(slash - call->path) + 1 : 1,
	    slash != NULL ? call->path : ".");
	if (unlink(call->path) != 0 || utimensat(AT_FDCWD, path, times, 0) != 0)
		broken("model of mknod");
	fail_with(result, EPERM);
	allow(result, ALLOWED_DEVICE_NODE);
}
