/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command line and the mount options say. */
#ifndef SHMFS_OPTIONS_VALUES_H
#define SHMFS_OPTIONS_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/log.h"
#include "fs/shmfs.h"
#include "fuse/tier.h"

/* Of all patterns of an option, in bytes. */
#define PATTERNS_MAX 4000

struct options {
	/* Mount options. Strings point into the arguments or at constants. */
	uint64_t size;			 /* bytes; 0 = no limit */
	uint64_t nr_inodes;		 /* 0 = no limit */
	uint64_t user_size, user_inodes; /* the same for each user but root */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	enum tier_choice io;
	bool asks_direct; /* io=direct, which 0.1 had (tier.h); io is auto then */
	enum shmfs_rules rules;
	bool like_tmpfs;  /* all objects grow */
	uint32_t poll_us; /* 0 = never */
	bool follow;
	const char *huge; /* of tmpfs(5); NULL = advise where the system has it */
	const char *mpol; /* of tmpfs(5); NULL = the default */
	bool noswap;
	const char *grow, *lifetime;
	uint64_t lifetime_age; /* seconds */
	unsigned mac;	       /* policies, 1 << enum shmfs_policy */
	const char *mac_policy;
	enum log_place log;
	bool idmap;
	bool allow_other;

	/* The command line. */
	const char *source, *mountpoint;
	bool foreground, debug;
	bool help, version;
	bool in_mac;	   /* the last option was 'mac', whose list goes on behind a comma */
	bool in_mpol;	   /* the same for 'mpol' and a number */
	bool helper;	   /* mount(8) calls */
	bool remount;	   /* changes what is mounted */
	uint64_t given;	   /* bits of the table's options (table.h) */
	const char *shown; /* an option that only the kernel shows; NULL: there was none */
	bool fake;	   /* check everything and mount nothing, as mount(8) says it */

	/* Where the option adds to the default, `grow` is both, and points here. */
	char grow_added[PATTERNS_MAX + 2];

	/* Options that are passed on (foreign.h), comma-separated; owned here. */
	char vfs[512];
};

#endif
