/* SPDX-License-Identifier: BSD-2-Clause */
/* What a call that asks for holders keeps of the answer; see roles/holders.h. */
#ifndef SHMFS_CONTROL_HOLDERS_H
#define SHMFS_CONTROL_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roles/holders.h"
#include "roles/query.h"

struct scan {
	struct holders_question question;
	uint64_t tenant; /* of which alone objects count; 0: of any, or none */

	struct holder *holders;
	size_t count;
	bool truncated;
	int rc; /* 0, or what went wrong */
};

/* device: "major:minor"; id: of the object, 0: of all. NULL: no memory, or no such device. */
struct scan *holders_prepare(const char *device, uint64_t id);
void holders_free(struct scan *scan);

/* Somebody holds an object by a pin, which /proc does not show. */
void holders_know(struct scan *scan, const struct holder *holder);

/* Takes a part of the answer. */
enum query_part holders_hear(struct scan *scan, const void *part, size_t size);

#endif
