/* SPDX-License-Identifier: BSD-2-Clause */
/* What the functions of the door (shmfs.h) are given and answer with. */
#ifndef SHMFS_TYPES_H
#define SHMFS_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* The id of the root directory. Ids are given out once and never used again. */
#define SHMFS_ROOT 1

/* Longest name of one entry and longest target of a symbolic link, in bytes without the NUL. */
#define SHMFS_NAME_MAX 255
#define SHMFS_NAME_MAX_FREEBSD 1022
#define SHMFS_TARGET_MAX 4095

struct shmfs;
struct shmfs_os;

/* Whose rules decide: tmpfs(5) on Linux with objects that keep their size, or shm_open(2) on
 * FreeBSD. */
enum shmfs_rules { SHMFS_RULES_LINUX, SHMFS_RULES_FREEBSD };

struct shmfs_config {
	enum shmfs_rules rules;
	/* Have the arena at an address where another program can map it as well (storage/arena.c);
	 * else the kernel chooses, and only processes forked from this one can go on. */
	bool arena_fixed;
	/* Address space for the arena; memory is used only as it fills. 0 = SHMFS_ARENA_SIZE. */
	size_t arena_size;
	/* Limits of the namespace: bytes in objects (rounded up to pages) and nodes; 0 = none. */
	uint64_t size_limit;
	uint64_t node_limit;
	/* The same for each user but root. */
	uint64_t user_size_limit;
	uint64_t user_node_limit;
	/* Mode (07777), owner and group of the root directory. */
	mode_t root_mode;
	uid_t root_uid;
	gid_t root_gid;
	/* Patterns of fnmatch(3), separated by colons: objects created under a matching name grow
	 * when they are written past their end. NULL or "" = none. */
	const char *grow_patterns;
	/* The same for objects whose names go when nobody holds them; see shmfs_expire(). */
	const char *lifetime_patterns;
	/* Seconds for which a new object is safe from that, unless it was opened twice before. */
	uint64_t lifetime_age;
	/* Memory of so many bytes or more is freed later; see shmfs_free_step(). 0 = all of it
	 * at once. */
	uint64_t deferred_free_min;
	/* Policies that decide beside permission bits (shmfs_mac.h); NULL = none. */
	const struct shmfs_mac *mac;
	/* Give every opened object a backing id (see struct shmfs_os). */
	bool backing;
	/* Objects' memory has descriptors with numbers from the first one (0 =
	 * SHMFS_DESCRIPTOR_FIRST) up to, and without, the limit (0 = no bound). They are the
	 * namespace's alone: whatever else has such a number is closed. */
	int descriptor_first, descriptor_limit;
	/* Memory of objects that have ended that is kept for the next ones, at most; up to
	 * SHMFS_SPARES_MAX. 0 = each object has memory of its own, which is right wherever
	 * something is left of the last user of memory that was emptied. */
	unsigned spare_memories;
	/* The outside world; NULL = shmfs_os_linux(). Must outlive the namespace. */
	const struct shmfs_os *os;
};

#define SHMFS_DESCRIPTOR_FIRST 64
#define SHMFS_SPARES_MAX 8
#define SHMFS_ARENA_SIZE (UINT64_C(64) << 30)

/* Who asks: the caller's file system uid and gid, the mask for modes of what it makes, and the
 * process that waits for the answer and can be asked for its other groups (0: none). */
struct shmfs_cred {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	pid_t pid;
};

/* Who looks at a namespace from aside: what the kernel would check permissions by, and what the
 * policies know it by. */
struct shmfs_subject {
	uid_t uid;
	gid_t gid;
	const gid_t *groups; /* further ones */
	size_t group_count;
	pid_t pid;   /* 0: none */
	bool exempt; /* from permissions, as root is; no policy exempts anybody */
	/* What asking whether directories let the subject pass may still cost: one for each, and
	 * more where it has a long list. Then none does. NULL, or exempt: anything. */
	unsigned *work;
};

struct shmfs_attr {
	uint64_t id;
	mode_t mode; /* type and permission bits */
	uint32_t nlink;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes, memory that is really in use */
	struct timespec atime, mtime, ctime, btime;
	uint32_t page_size; /* bytes that memory comes in */
	bool expires;	    /* its names may go without a request: shmfs_expire() */
};

/* Which members of struct shmfs_change count. */
enum shmfs_change_what {
	SHMFS_CHANGE_MODE = 1 << 0,
	SHMFS_CHANGE_UID = 1 << 1,
	SHMFS_CHANGE_GID = 1 << 2,
	SHMFS_CHANGE_SIZE = 1 << 3,
	SHMFS_CHANGE_ATIME = 1 << 4,
	SHMFS_CHANGE_MTIME = 1 << 5,
	SHMFS_CHANGE_CTIME = 1 << 6,
	SHMFS_CHANGE_ATIME_NOW = 1 << 7,
	SHMFS_CHANGE_MTIME_NOW = 1 << 8,
};

struct shmfs_change {
	unsigned what;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	uint64_t size;
	struct timespec atime, mtime, ctime;
	/* The opening through which the size is set, which must have that right; 0 = none. */
	uint64_t handle;
	/* Who asks. With a new owner an object's set-id bits go, and with a new size unless this is
	 * root; without group execution, the set-group-id bit stays to root and to members. */
	struct shmfs_cred by;
};

/* An open handle: its id, and the backing id of its object (0 = none). */
struct shmfs_opened {
	uint64_t handle;
	int backing;
};

#endif
