/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that a namespace has, as it lies in the arena: the shapes of its structures, in one place,
 * because whoever changes one of them has to raise ARENA_LAYOUT (arena.h).
 *
 * What is done with them stands elsewhere: tables and accounts beside this file, what becomes of
 * nodes in fs/object, what is asked of a namespace in fs/ops. Whatever is changed is saved first.
 */
#ifndef SHMFS_STATE_H
#define SHMFS_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "fs/shmfs.h"
#include "fs/storage/arena.h"
#include "fs/storage/index.h"
#include "fs/storage/list.h"

/* --- names ------------------------------------------------------------------------------------ */

struct node;

/* A name in a directory, for a node. Allocated with room for the name and its NUL. */
struct entry {
	struct entry *next; /* in the same bucket */
	uint64_t hash;
	struct node *dir;
	struct node *node;
	struct entry *newer, *older; /* the node's other names, in the order they came */
	uint64_t cookie;      /* its place in the directory's order, never used again there */
	uint32_t length : 31; /* of the name, without the NUL */
	uint32_t charged : 1; /* to its maker; of a node's names one is not */
	uint32_t maker;	      /* the uid that gave the node this name */
	char name[];
};

/* From a directory and a name to the entry; dictionary.h. */
struct dictionary {
	struct entry ****segments; /* page of pointers to pages of pointers to pages of buckets */
	uint64_t buckets;
	uint64_t entries;
	uint64_t key[2]; /* of the hash */
};

/* --- nodes ------------------------------------------------------------------------------------ */

/* Part of a value of an extended attribute. */
struct chunk {
	struct chunk *next;
	uint32_t size;
	char data[];
};

struct xattr {
	struct xattr *next;
	struct chunk *value;
	uint32_t size; /* of the value */
	uint32_t name_length;
	char name[];
};

/* Bounds of one value, as the kernel has them, and of all names and values of one node. */
#define XATTR_VALUE_MAX 65536
#define XATTR_NODE_MAX (2 * XATTR_VALUE_MAX)

/* Attributes of one node. All of them go in the transaction that ends it, and its log is bounded:
 * each takes at most half a kilobyte of it. */
#define XATTR_COUNT_MAX 256

/* An object, whose memory is made when it first needs some (object/memory.h). */
struct object {
	uint64_t size;
	int32_t fd;		  /* of its memory; -1: that is closed, or there is none */
	int32_t backing;	  /* 0: none */
	uint32_t opens;		  /* open handles */
	uint32_t writers;	  /* those of them that may write */
	uint8_t seals;		  /* of enum seal */
	bool grows;		  /* a write past the end extends it */
	uint16_t deferred : 15;	  /* entries about it in the queue of deferred_free.h */
	uint16_t named : 1;	  /* its memory has a name, which is the node's id */
	uint32_t pins;		  /* while there are any, it does not shrink */
	struct idle_memory *idle; /* its place in the list of idle_memory.h, or NULL */
	uint64_t made;		  /* when, as struct shmfs_os has uptime */
	bool expires;		  /* its names go when nobody holds it (expiry.h) */
	bool exported; /* its memory was handed out, past the kernel's knowledge of holders */
	uint8_t openings : 4; /* that ever were, up to 2 */
	uint8_t pages : 4;    /* of enum shmfs_pages */
	bool written;	      /* a write left its time with the memory alone */
	bool follows;	      /* its times are none but what its memory had when it was written */
	uint8_t used;	      /* its descriptor was asked for since it was last looked at */
};

struct directory {
	struct node *parent;  /* the root's is itself; NULL once removed */
	struct index entries; /* by cookie */
	uint64_t next_cookie;
	uint64_t subdirs;
};

struct symlink {
	char *target;
	uint64_t length;
};

/* What of a node has ended before the node itself. */
enum node_ended {
	NODE_ENDED_NOT,
	NODE_ENDED_UNCHARGED, /* all, and it is charged to nobody: so an earlier server left it */
	NODE_ENDED_MEMORY,    /* memory and attributes; it is charged as a node */
};

struct node {
	uint64_t id;
	uint64_t lookups;
	uint32_t names; /* entries that name it; a directory has at most one */
	uint32_t mode;
	uint32_t uid, gid;
	uint32_t creator;     /* the uid that is charged, whoever owns it later */
	uint8_t ended;	      /* of enum node_ended */
	bool linkable;	      /* has no name yet and may be given one */
	uint16_t label;	      /* number of its label (mac.h), 0: none */
	uint32_t xattr_bytes; /* of all names and values */
	uint32_t tenant;      /* number of its tenant (charge.h), 0: none */
	struct xattr *xattrs;
	struct entry *entry; /* the newest of its names; NULL: it has none, or is the root */
	struct timespec atime, mtime, ctime, btime;
	union {
		struct object object;
		struct directory directory;
		struct symlink symlink;
	};
};

static inline bool is_directory(const struct node *node)
{
	return S_ISDIR(node->mode);
}

static inline bool is_object(const struct node *node)
{
	return S_ISREG(node->mode);
}

/* An opening of an object, with what it may do. */
struct handle {
	uint64_t id;
	struct node *node;
	bool reads, writes;
	bool noatime;	/* reads leave no access time: O_NOATIME */
	uint8_t rights; /* of enum shmfs_right, what was not given up */
};

/* What keeps an object from shrinking, as a mapping in FreeBSD's kernel does (shm_map). */
struct pin {
	uint64_t id;
	struct node *node;
	int32_t owner;
};

/* --- memory that is not in use any more ------------------------------------------------------- */

enum free_kind {
	FREE_END,    /* memory that no object has any more: its descriptor closes at the end */
	FREE_SHRINK, /* the part of an object's memory that lies behind its size */
	FREE_HOLE,   /* a part that reads as zeros */
};

struct deferred_free {
	struct list_link link;
	struct node *node; /* NULL at FREE_END */
	int32_t fd;
	uint32_t kind;	     /* enum free_kind */
	uint32_t uid;	     /* who was charged for it */
	_Atomic uint64_t at; /* what is left to free, in whole pages */
	uint64_t end;
	uint64_t request; /* whose hole it is (struct shmfs_done); 0: that is not told */
	bool left;	  /* it has not been asked for again since a crash */
};

struct deferred_queue {
	struct list list;
	uint64_t min; /* bytes; less than that is freed at once. 0: everything is */
};

/* What the links of lists are of. */
static inline struct deferred_free *deferred_at(struct list_link *link)
{
	return (struct deferred_free *)(void *)link;
}

static inline struct deferred_free *deferred_next_of(const struct deferred_free *entry)
{
	return deferred_at(entry->link.next);
}

/* An empty object that keeps its memory; idle_memory.h. */
struct idle_memory {
	struct list_link link;
	struct node *node;
};

static inline struct idle_memory *idle_memory_at(struct list_link *link)
{
	return (struct idle_memory *)(void *)link;
}

/* Empty memory that no object has, kept for the next one (object/spare_memory.h). */
struct spare_memory {
	int32_t fd;
	int32_t backing; /* 0: none */
};

struct spare_memories {
	uint32_t count;
	uint32_t most; /* that are kept; 0: none */
	struct spare_memory list[SHMFS_SPARES_MAX];
};

/* --- accounts and numbers --------------------------------------------------------------------- */

/* What one user holds. There is one for as long as that is anything. */
struct account {
	uint64_t uid;
	uint64_t pages;
	uint64_t nodes;
};

struct charge {
	struct account total;
	struct account limit;	   /* of all together; 0 = none */
	struct account user_limit; /* of each user but root; 0 = none */
	struct index accounts;	   /* by uid */
	struct index exceptions;   /* by uid: limits of users for whom user_limit does not count */
};

/* A directory with an account of its own; charge.h. */
struct tenant {
	struct account used;  /* its uid is the tenant's number */
	struct account limit; /* 0 = none */
	uint64_t root;	      /* id of its directory */
	/* Requests that it refused for want of pages, and of nodes. Counting is no part of a
	 * transaction. */
	uint64_t refused_pages, refused_nodes;
	char name[SHMFS_NAME_MAX + 1]; /* the last of its directory, cut to fit */
};

struct tenants {
	struct index by_number;
	uint32_t last; /* number that was given out */
};

/*
 * A table of two levels, a page at a time, with a word for each number: that it is taken, or which
 * one is free after it. It keeps the size that it once had.
 */
#define DESCRIPTOR_PAGE 1024
#define DESCRIPTOR_DIRECTORY 512
#define DESCRIPTOR_DIRECTORIES 4
#define DESCRIPTOR_FIRST_MAX (1 << 20)

struct descriptors {
	uint32_t **directory[DESCRIPTOR_DIRECTORIES];
	int32_t free;	      /* the first that is free below `fresh`; 0: none */
	int32_t first, fresh; /* numbers from `fresh` on were never used */
	int32_t end;	      /* that and higher ones are not used */
};

/* --- labels (fs/mac) -------------------------------------------------------------------------- */

/* A label that is in use. There are never two of the same content. */
struct mac_label {
	uint64_t users; /* nodes, and 1 if a subject has it */
	struct shmfs_label label;
};

/* Labels are known by numbers from 1 on, so that a node without one costs nothing; 0: none. */
typedef uint16_t mac_number;

struct mac_subject {
	uint32_t id, last;
	uint16_t kind;
	mac_number label;
	uint32_t unused; /* so that pages are full */
};

#define MAC_SUBJECT_PAGES (SHMFS_SUBJECTS_MAX * sizeof(struct mac_subject) / ARENA_PAGE_SIZE)

/* In the arena. Only subjects and labels change after the beginning. */
struct mac {
	uint32_t policies; /* 0: everything below is unused */
	uint32_t count;	   /* of subjects, in their order */
	struct mac_subject *pages[MAC_SUBJECT_PAGES];
	struct mac_label **labels; /* a page: by number - 1 */
	bool revoke;
};

/* --- the whole -------------------------------------------------------------------------------- */

/* The root of all state in the arena. */
struct super {
	uint64_t next_id;     /* of nodes */
	uint64_t next_handle; /* ids of handles */
	struct node *root;
	struct index nodes;
	struct index handles;
	struct dictionary dictionary;
	struct charge charge;
	uint64_t next_pin; /* ids of pins */
	struct index pins;
	struct index expiring; /* objects that expire or were exported, by id */
	struct mac mac;
	char *grow_patterns, *lifetime_patterns;
	uint64_t lifetime_age; /* seconds */
	struct descriptors descriptors;
	struct deferred_queue deferred;
	struct list idle; /* the oldest first */
	struct spare_memories spares;
	struct shmfs_mark mark;
	int32_t last_backing;
	bool backing;
	enum shmfs_rules rules;
	int32_t asked;	      /* the descriptor that a question is about (memory_use.h); 0: none */
	struct index holders; /* pages of ids: whose memory descriptors are of */
	int32_t hand;	      /* the descriptor that is looked at next */
	struct timespec told; /* the latest time of memory that was told to anybody */
	struct tenants tenants;
};

/* One process's view of a namespace; nothing in here has to survive. */
struct shmfs {
	struct arena *arena;
	struct super *super;
	const struct shmfs_os *os;
	unsigned page_shift; /* pages of the system have 2 to this bytes */
	int arena_fd;
	struct deferred_free
	    *begun; /* what has a range that somebody else frees (deferred_free.h), or NULL */
	uint64_t begun_at;	    /* where that begins */
	struct shmfs_share granted; /* and not owed yet (shmfs_take_owed) */
	bool grants;		    /* the transaction has added to that */
	bool patient;		    /* who asks can wait for memory to be freed */
	uint32_t freed_uid;	    /* whose memory had the last turn */
	struct timespec stamp;	    /* of all that the transaction changes, once it is asked for */
	bool stamped;
	struct shmfs_done *done; /* of the request that the transaction is for, or NULL */
	uint64_t request;
	struct shmfs_refusal refusal;
	struct shmfs_denial denial;
	char scratch[XATTR_VALUE_MAX]; /* of one operation */
};

static inline uint64_t page_bytes(const struct shmfs *fs)
{
	return UINT64_C(1) << fs->page_shift;
}

/* Whose request the transaction is for; 0: that is not told. */
static inline uint64_t request_of_done(const struct shmfs *fs)
{
	return fs->done != NULL ? fs->request : 0;
}

static inline uint64_t amount_done(const struct shmfs_done *done, uint64_t request)
{
	return done->request == request ? done->amount : 0;
}

/* Whose it is is said last: what was another's is nobody's in between. */
static inline void note_amount(struct shmfs_done *done, uint64_t request, uint64_t amount)
{
	if (done->request != request)
		done->request = 0;
	atomic_signal_fence(memory_order_seq_cst);
	done->amount = amount;
	atomic_signal_fence(memory_order_seq_cst);
	done->request = request;
	atomic_signal_fence(memory_order_seq_cst);
}

/* What the request has done already, and what it has now (struct shmfs_done). */
static inline uint64_t done_so_far(const struct shmfs *fs)
{
	return fs->done != NULL ? amount_done(fs->done, fs->request) : 0;
}

static inline void note_done(struct shmfs *fs, uint64_t amount)
{
	if (fs->done != NULL)
		note_amount(fs->done, fs->request, amount);
}

static inline void save(struct shmfs *fs, void *memory, size_t size)
{
	txn_save(&fs->arena->txn, memory, size);
}

/* Saves a node, which the caller is about to change. */
static inline void node_change(struct shmfs *fs, struct node *node)
{
	save(fs, node, sizeof *node);
}

/* NULL: there is no such node. */
static inline struct node *node_get(const struct shmfs *fs, uint64_t id)
{
	return index_get(&fs->super->nodes, id);
}

#endif
