/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines for tests of options. */
#ifndef SHMFS_TESTS_WIRE_ARGUMENTS_H
#define SHMFS_TESTS_WIRE_ARGUMENTS_H

#include "daemon/options/options.h"
#include "wire.h"

#define MOST_ARGUMENTS 16

/* What shmfs(8) says. */
#define GROW_BY_DEFAULT                                                                            \
	"sem.*:tmp-*:__db.*:mpich_shar_tmp*:Intel_MPI_*:ucx_shm_posix_*:*.pkl:ust-shm-*:shm-ust-*" \
	":shm-event-notifier-*:"                                                                   \
	"deepspeed_allreduce_buffer*:shm_allreduce_buffer*:*global_vm:*vpe-api:rmq_*.log*"

/* Options point into the arguments, and a list is cut at its commas: so they are copied. */
struct parsed {
	struct options options;
	int rc;
	char why[512];
	char *argv[MOST_ARGUMENTS + 2];
};

/* Parses blank-separated words; '~' stands for a blank in a word, and "''" for an empty word. */
struct parsed *parse_as(const char *program, const char *line);
struct parsed *parse(const char *line);
void done(struct parsed *p);

/* Parses what must be right. */
struct parsed *accept_line(const char *line);

/* Parses what must be refused with one line that has in_why in it. */
void refuse_line(const char *line, const char *in_why);

#endif
