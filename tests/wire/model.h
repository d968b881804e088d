/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel would remember of the replies: how many references of which node, and which
 * handles are open. It learns from the bytes that went over the wire, so it stays right however a
 * request was spoilt on its way.
 */
#ifndef SHMFS_TESTS_WIRE_MODEL_H
#define SHMFS_TESTS_WIRE_MODEL_H

#include "requests.h"

#define MODEL_NODES (1 << 20)
#define MODEL_HANDLES 512

struct model {
	uint64_t references[MODEL_NODES]; /* by node id, which count up */
	uint64_t newest;		  /* id */
	struct file handles[MODEL_HANDLES];
	unsigned handle_count;
};

/* Takes in the request as it stands; error is that of its reply, 0 also where there is none. */
void model_learn(struct model *model, const struct wire *w, int error);

/*
 * Gives back all that it remembers, exactly, removes every name, and expects that nothing is left
 * but the root.
 */
void model_empty(struct model *model, struct wire *w);

#endif
