/* SPDX-License-Identifier: BSD-2-Clause */
/* The outside world, as the namespace (shmfs.h) sees it. */
#ifndef SHMFS_OS_H
#define SHMFS_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/* What the system tells of memory. */
struct shmfs_memory_state {
	uint64_t blocks; /* in use, of 512 bytes */
	/* The most bytes that come at once, a power of two: a huge page, where there may be some.
	 */
	uint64_t piece;
	/* The last write, store through a mapping or growth; neither a shrink nor a hole. */
	struct timespec written;
	uint64_t size;
};

/* The pages that an object's memory comes in. */
enum shmfs_pages {
	SHMFS_PAGES_OF_MOUNT, /* as of all memory for which nothing else was said */
	SHMFS_PAGES_HUGE,     /* huge ones, where the size covers them */
	SHMFS_PAGES_SMALL,    /* of the usual size alone */
};

/*
 * Every system call that an operation makes, so that tests can fail any of them. Each is handed
 * arg, and returns 0, a count or a descriptor, or a negative errno.
 */
struct shmfs_os {
	void *arg;
	/* Which pages memory has that is made so: as asked for, or what those of the mount are,
	 * where SHMFS_PAGES_OF_MOUNT is for those that a program asks for. -EOPNOTSUPP: no such
	 * memory can be made, or it cannot be told. The answer stays what it is. */
	int (*pages)(void *arg, enum shmfs_pages pages);
	/* Makes empty memory with this very descriptor, in place of what has it. */
	int (*memory_create)(void *arg, int fd, enum shmfs_pages pages);
	/* Gives fd's memory, which was made so, a name, which keeps it when fd closes. Names are
	 * used once. -EOPNOTSUPP: it cannot have one. */
	int (*memory_name)(void *arg, int fd, enum shmfs_pages pages, uint64_t name);
	/* Removes a name, if it is there. */
	void (*memory_unname)(void *arg, enum shmfs_pages pages, uint64_t name);
	/* Opens memory by its name, with this very descriptor in place of what has it; -1: with
	 * any, which is returned. */
	int (*memory_open)(void *arg, int fd, enum shmfs_pages pages, uint64_t name);
	int (*close)(void *arg, int fd);
	int (*truncate)(void *arg, int fd, uint64_t size); /* up, or to 0 */
	int (*cut)(void *arg, int fd, uint64_t size);	   /* down */
	int (*punch)(void *arg, int fd, uint64_t offset, uint64_t length);
	ssize_t (*read)(void *arg, int fd, void *buffer, size_t size, uint64_t offset);
	ssize_t (*write)(void *arg, int fd, const void *buffer, size_t size, uint64_t offset);
	/* Has a pipe hold bytes of fd's memory as they are now: its pages, and no copy. A hole
	 * stays one. As many as the pipe has room for, without waiting for any; -EAGAIN: for none.
	 */
	ssize_t (*splice)(void *arg, int fd, int pipe, size_t size, uint64_t offset);
	int (*seek)(void *arg, int fd, uint64_t offset, int whence, uint64_t *out);
	/* Has whoever works at the range of shmfs_free_begin() end that, and waits for it. */
	void (*quiesce)(void *arg);
	int (*look)(void *arg, int fd, struct shmfs_memory_state *out);
	int (*look_by_name)(
	    void *arg, enum shmfs_pages pages, uint64_t name, struct shmfs_memory_state *out);
	/* Has look() tell this time, until the next of those. */
	int (*set_written)(void *arg, int fd, const struct timespec *when);
	/* Makes sure that nobody else can change fd's data, where nobody opens it for writing from
	 * now on. -EBUSY: somebody has it mapped writable, or it cannot be told. Nobody works at
	 * fd meanwhile. */
	int (*seal_write)(void *arg, int fd);
	/* Opens fd's memory once more, so that this opening counts for unused, and makes sure that
	 * nobody but the system's owner can do the same with what was handed out. */
	int (*reopen)(void *arg, int fd, bool writes);
	/* Whether nobody else has fd's memory open or mapped; false where that cannot be told. Who
	 * opens it meanwhile may have to wait, or be refused. */
	bool (*unused)(void *arg, int fd);
	/* What died in unused or seal_write may have left fd so that others cannot open it, or that
	 * it cannot be written: sets that right. Does no harm to any other. */
	void (*settle)(void *arg, int fd);
	/* Whether a process has gid among its supplementary groups; false where that cannot be
	 * told. Asked only where the answer decides: no request of the usual ones. */
	bool (*in_group)(void *arg, pid_t pid, gid_t gid);
	size_t (*page_size)(void *arg);
	/* The time for a change that is made now: never earlier than what anybody has seen on a
	 * file of this system, nor later than what they see on files that change from now on. fd is
	 * that of the arena, whose own times are nobody's, or of memory that is written. */
	void (*stamp)(void *arg, int fd, struct timespec *out);
	/* The same for what was just written to fd's memory. */
	void (*stamp_written)(void *arg, int fd, struct timespec *out);
	/* The time, to a tick of the clock. */
	void (*now)(void *arg, struct timespec *out);
	/* Nanoseconds, to a tick, in which programs could run since the system started: no step of
	 * the clock moves it, and a suspended system has it stand still. */
	uint64_t (*uptime)(void *arg);
	int (*random)(void *arg, void *buffer, size_t size);
	/* Tells the kernel that fd serves an inode's mappings: an id above 0. Not called without
	 * shmfs_config.backing. Ids are kept for an object's life and closed with it. */
	int (*backing_open)(void *arg, int fd);
	void (*backing_close)(void *arg, int backing);
};

/* The real one; its backing_open answers -EOPNOTSUPP. */
const struct shmfs_os *shmfs_os_linux(void);

/*
 * Memory comes from a tmpfs of the caller's own, which is in no table of mounts, or from memfds.
 * What differs between the two is settled behind the functions above, which tell by the descriptor.
 *
 * A tmpfs is made of these options, see tmpfs(5); NULL: the system's choice. The descriptor of its
 * root is returned, or a negative errno and one line in why: -EINVAL where the kernel refuses a
 * value, another one where there can be no such tmpfs. Without privileges it is made within a
 * namespace of its own; the caller has one thread.
 */
struct shmfs_store {
	const char *huge, *mpol;
	bool noswap;
};
int shmfs_store_open(const struct shmfs_store *store, char *why, size_t why_size);

/* The functions of struct shmfs_os that need to know such a tmpfs. Where store is not above 0,
 * memory is a memfd, and has no names: -EOPNOTSUPP. */
int shmfs_memory_create(int store, int fd);
int shmfs_memory_name(int store, int fd, uint64_t name);
void shmfs_memory_unname(int store, uint64_t name);
int shmfs_memory_open(int store, int fd, uint64_t name);
int shmfs_look_by_name(int store, uint64_t name, struct shmfs_memory_state *out);
struct shmfs_memory_state shmfs_memory_state_of(const struct stat *st);

/* Memory as it is to be registered with the kernel: the registration must not count as somebody who
 * has it open. fd itself, or a descriptor that the caller closes once that is done. */
int shmfs_memory_for_backing(int fd);

#endif
