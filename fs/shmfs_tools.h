/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the door (shmfs.h, which includes this and tells the conventions) for tools that look
 * after a namespace.
 *
 * A call looks at no more than a bounded number of nodes; whoever wants all goes on from the cursor
 * that it returns.
 */
#ifndef SHMFS_TOOLS_H
#define SHMFS_TOOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "shmfs_os.h"
#include "shmfs_types.h"

struct shmfs_usage {
	uint64_t limit_pages; /* 0 = no limit */
	uint64_t used_pages;
	uint32_t page_size;   /* bytes of each */
	uint64_t limit_nodes; /* 0 = no limit */
	uint64_t used_nodes;
	uint64_t handles, pins;
	int name_max;	      /* bytes */
	uint64_t arena_bytes; /* memory of the arena that was handed out */
};

/* Limits and use of all users together. */
void shmfs_usage(const struct shmfs *fs, struct shmfs_usage *out);

/* Limits and use as one user has them at a node: what they could still get there is what the
 * smallest of their own limits, those of the node's tenant and those of all leave. */
void shmfs_user_usage(const struct shmfs *fs, uid_t uid, uint64_t id, struct shmfs_usage *out);

enum shmfs_limit {
	SHMFS_LIMIT_NONE,
	SHMFS_LIMIT_SIZE,
	SHMFS_LIMIT_NODES,
	SHMFS_LIMIT_USER_SIZE,
	SHMFS_LIMIT_USER_NODES,
	SHMFS_LIMIT_TENANT_SIZE,
	SHMFS_LIMIT_TENANT_NODES,
};

/* Why the last operation was refused: bytes in whole pages, or nodes, by the limit. */
struct shmfs_refusal {
	enum shmfs_limit limit;
	uid_t uid;	 /* who would have been charged */
	uint32_t tenant; /* and which tenant (shmfs_tenants.h); 0: none */
	uint64_t asked, used, allowed;
	char object[SHMFS_NAME_MAX + 1]; /* a name, cut to fit, or "#id" */
};

/* False: the last operation was not refused by a limit. Tells of the transaction that is active, or
 * was last. */
bool shmfs_refused(const struct shmfs *fs, struct shmfs_refusal *out);

/*
 * Checks every invariant of the namespace; cost is in proportion to its size. Each violation is
 * handed to complain (may be NULL) as one line. Returns their number.
 */
unsigned shmfs_verify(
    const struct shmfs *fs, void (*complain)(void *arg, const char *line), void *arg);

/*
 * Memory that is to be freed. With shmfs_config.deferred_free_min, nobody who asks for a large
 * object's end, shrink or hole waits until the memory is free. Until a shrink or a hole is done,
 * shmfs_is_freeing() is true of the object, and who asked for it must not be answered: they would
 * still find the pages.
 *
 * It is freed by shmfs_free_step(), so many pages a call (a tenth of a microsecond each,
 * about): true while there is more. Or by somebody else, who has the range that
 * shmfs_free_begin() gives, while the namespace goes on: false when there is nothing left.
 * shmfs_free_end() tells that nobody works at it any more, and answers with what was freed; it may
 * come late, after the namespace itself has ended the work (shmfs_os.quiesce), and tells nothing
 * then. There is one such range at
 * a time. Not within a transaction.
 *
 * shmfs_free_pages() frees the next pages of a range, at most so many or one huge page, and moves
 * its begin behind them: false when there are none left, which is also where the system refuses to
 * free one. How far it came, it notes where a crash does not reach. It touches no other memory, so
 * any thread may call it.
 */
struct shmfs_free_range {
	int fd;
	uint64_t begin, end;
	_Atomic uint64_t *freed_to; /* the namespace's */
};

/* Pages, and who was or is charged for them. */
struct shmfs_share {
	uint32_t uid;
	uint64_t pages;
};

bool shmfs_free_pending(const struct shmfs *fs);
bool shmfs_free_step(struct shmfs *fs, uint64_t pages);
bool shmfs_free_begin(struct shmfs *fs, struct shmfs_free_range *out);
struct shmfs_share shmfs_free_end(struct shmfs *fs);
bool shmfs_free_pages(const struct shmfs_os *os, struct shmfs_free_range *range, uint64_t pages);
bool shmfs_is_freeing(const struct shmfs *fs, uint64_t id);
bool shmfs_is_freeing_of(const struct shmfs *fs, uint32_t uid);

/*
 * What is queued is charged to nobody, and in use all the same. So that a user who goes on making
 * and ending objects has no more in use than was granted at a time, whoever is granted memory owes
 * as many pages of what is queued of the same user, and is answered when they are free
 * (shmfs_free_end), or nothing is queued of that user any more (shmfs_is_freeing_of). This takes
 * over what the active transaction owes: nothing where it was granted nothing, or nothing is
 * queued. Less than would be queued is owed later, by who is granted the same user's next.
 */
struct shmfs_share shmfs_take_owed(struct shmfs *fs);

/* Whether an operation that needs memory which is queued fails with -EAGAIN, for the caller to have
 * some freed and ask again; else it frees that itself, however much it is. */
void shmfs_set_patient(struct shmfs *fs, bool patient);

/* Longest path below the root that is told, in bytes with its NUL. */
#define SHMFS_PATH_MAX 4096

struct shmfs_object {
	struct shmfs_attr attr;
	uid_t creator;
	uint64_t charged; /* bytes, in whole pages, of the object and of its attributes */
	uint64_t age;	  /* seconds since it was made, whatever became of the clock meanwhile */
	uint32_t opens, writers, pins;
	bool grows;
	char seals[32];	 /* a list, as user.shmfs.seals has it */
	uint32_t tenant; /* number of its tenant (shmfs_tenants.h); 0: none */
};

/* What is known of one object. -ESTALE; -EINVAL: another kind of node. */
int shmfs_object(const struct shmfs *fs, uint64_t id, struct shmfs_object *out);

/*
 * Hands the objects, also those without a name, whose ids are at least `from` to visit, in the
 * order of their ids, until it returns other than 0 or `most` nodes of any kind were looked at.
 * Returns the id to go on from, which is that of the object at which visit stopped, or 0: that was
 * all. An object that is there all the time is visited exactly once.
 */
uint64_t shmfs_list(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_object *object), void *arg);

/*
 * Writes where a node is below the root ("a/b"), by the newest of its names; "" for the root. by
 * NULL: nobody is asked whether they may know. -ENOENT: it has no name; -EACCES: the subject may
 * not search a directory on the way or, if it lists, which is to learn a name that it does not
 * know, not read one; -ENAMETOOLONG; -ESTALE.
 */
int shmfs_path(const struct shmfs *fs, const struct shmfs_subject *by, uint64_t id, bool lists,
    char out[SHMFS_PATH_MAX]);

/*
 * The node that is there: path has one slash between two names and none around them. -EACCES: the
 * subject may not search a directory on the way, or a policy keeps the node from it; -ELOOP: a
 * symbolic link on the way; -EINVAL: no such path; the errors of shmfs_lookup().
 */
int shmfs_find(
    const struct shmfs *fs, const struct shmfs_subject *by, const char *path, uint64_t *id);

enum shmfs_scope {
	SHMFS_SCOPE_MOUNT, /* all users together */
	SHMFS_SCOPE_USERS, /* each user but root, unless it is an exception */
	SHMFS_SCOPE_USER,  /* one user, who is an exception */
};

struct shmfs_limits {
	uint64_t bytes, nodes; /* 0 = none */
};

/* Exceptions there can be. */
#define SHMFS_EXCEPTIONS_MAX 65536

/*
 * Sets limits, which count from the next charge on: what is in use already stays, whatever it comes
 * to. uid is that of SHMFS_SCOPE_USER; there, NULL ends the exception. -EINVAL: root, who has no
 * limit of its own, or more than 2^63-1 bytes; -ENOENT: no exception to end; -ENOSPC: too many of
 * them; -ENOMEM.
 */
int shmfs_set_limits(
    struct shmfs *fs, enum shmfs_scope scope, uid_t uid, const struct shmfs_limits *limits);

/* -ENOENT: this user is no exception. */
int shmfs_get_limits(
    const struct shmfs *fs, enum shmfs_scope scope, uid_t uid, struct shmfs_limits *out);

/* A user who is charged for something, or is an exception. */
struct shmfs_user {
	uid_t uid;
	uint64_t bytes, nodes;	    /* that are charged */
	struct shmfs_limits limits; /* that count for this user */
	bool exception;
};

/* Hands the users whose uids are at least `from` to visit, as shmfs_list() does objects. */
uint64_t shmfs_users(const struct shmfs *fs, uint64_t from, unsigned most,
    int (*visit)(void *arg, const struct shmfs_user *user), void *arg);

/* --- holding and removing objects ------------------------------------------------------------- */

struct shmfs_part {
	uint64_t offset, length;
	bool writes; /* the memory is to be written to */
};

/*
 * Pins a part of an object: until the pin ends, the object stays and does not shrink. -EINVAL: no
 * object, or the part is empty or reaches past its end; -EPERM: writes is set, and it is sealed
 * against writing; -ESTALE; -ENOMEM. The owner is a number of the caller's, by which whoever takes
 * up the namespace knows whose it is.
 */
struct shmfs_pin {
	uint64_t id, object;
	int owner;
};
int shmfs_pin(
    struct shmfs *fs, uint64_t id, const struct shmfs_part *part, int owner, uint64_t *pin);

/* Unknown pins are none. */
void shmfs_unpin(struct shmfs *fs, uint64_t pin);

/* The first pin whose number is at least `from`; false: there is none. */
bool shmfs_next_pin(const struct shmfs *fs, uint64_t from, struct shmfs_pin *out);

/*
 * Opens the memory of a pinned object, for the caller to hand out and to close: no part of a
 * transaction. While anybody has it, the object stays charged, whatever becomes of the pin. -EBADF:
 * no such pin; errors of open(2).
 */
int shmfs_open_pinned(struct shmfs *fs, uint64_t pin, bool writes);

/* Whether anybody has the object open, mapped or pinned; -ESTALE, -EINVAL: no object. */
int shmfs_held(const struct shmfs *fs, uint64_t id);

/*
 * What was removed without a request. The directory's mtime becomes later than it was, even where
 * the clock has not moved: listings that others keep are checked by it.
 */
struct shmfs_removal {
	uint64_t id, dir;
	uid_t creator;
	uint64_t size;
	bool lingers;			       /* it has no name left, and the caller knows it */
	char name[SHMFS_NAME_MAX_FREEBSD + 1]; /* "": no name went, of an object without one */
};

/*
 * Removes a name of an object that nobody holds: the newest of those that the subject could unlink.
 * -EBUSY: somebody holds it, or that cannot be told; -EACCES: it has names, and the subject may
 * remove none of them, by their directories' permissions and sticky bits, the policies, or, with
 * FreeBSD's rules, the object's own permissions; -ENOENT: it has no name; -ESTALE; -EINVAL: no
 * object; -ENOMEM.
 */
int shmfs_reap(
    struct shmfs *fs, const struct shmfs_subject *by, uint64_t id, struct shmfs_removal *out);

/* Whether there are objects for shmfs_expire() to look at. */
bool shmfs_has_expiring(const struct shmfs *fs);

/*
 * Looks at `most` objects, from *from on, for one whose life is over: by user.shmfs.lifetime, when
 * nobody holds it, and it was opened twice or is older than the age that the namespace was made
 * with; or because its memory was handed out and has come back. 1: one name or object is removed,
 * and this is to be called again; 0: none of these is. *from moves on, and is 0 behind the last.
 *
 * An object that lost its last name so, or by shmfs_reap(), and that the caller knows still, comes
 * up again, as one without a name that lingers, until the caller forgets it, as it should.
 */
int shmfs_expire(struct shmfs *fs, uint64_t *from, unsigned most, struct shmfs_removal *out);

/*
 * Of an object that lingers, where the caller cannot forget it: its memory ends, unless somebody
 * holds it, and its charge but for the node's. It cannot be opened any more: -ESTALE.
 */
void shmfs_end_memory(struct shmfs *fs, uint64_t id);

#endif
