/* SPDX-License-Identifier: BSD-2-Clause */
/* Holders as they come; see holders.h. */
#include "holders.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan *holders_prepare(const char *device, uint64_t id)
{
	struct scan *scan = calloc(1, sizeof *scan);

	if (scan == NULL)
		return NULL;
	scan->question.id = id;
	if (sscanf(device, "%u:%u", &scan->question.major, &scan->question.minor) == 2)
		return scan;
	free(scan);
	return NULL;
}

void holders_free(struct scan *scan)
{
	free(scan->holders);
	free(scan);
}

void holders_know(struct scan *scan, const struct holder *holder)
{
	if (scan->question.count < HOLDERS_KNOWN_MAX)
		scan->question.known[scan->question.count++] = *holder;
	else
		scan->truncated = true;
}

/* Process 0 is one that is gone and has left a pin. */
static bool is_holder(const struct holder *holder)
{
	return holder->pid >= 0 && (holder->access & ~(uint32_t)HOLDER_ACCESS) == 0 &&
	       memchr(holder->command, '\0', sizeof holder->command) != NULL;
}

/* No part that an honest worker could have sent is refused. */
static bool is_part(const struct scan *scan, const struct holders_part *part)
{
	if (part->first > 1 || part->last > 1 || part->truncated > 1 || part->rc > 0 ||
	    part->rc < -4095 || part->count > HOLDERS_PART ||
	    (part->count == 0 && part->last == 0) ||
	    (part->first == 0 && scan->count + part->count > HOLDERS_MAX))
		return false;
	for (size_t i = 0; i < part->count; i++) {
		if (!is_holder(&part->holders[i]))
			return false;
	}
	return true;
}

static void keep(struct scan *scan, const struct holders_part *part)
{
	struct holder *holders =
	    realloc(scan->holders, (scan->count + part->count) * sizeof *holders);

	if (holders == NULL) {
		scan->truncated = true;
		return;
	}
	memcpy(holders + scan->count, part->holders, part->count * sizeof *holders);
	scan->holders = holders;
	scan->count += part->count;
}

enum query_part holders_hear(struct scan *scan, const void *message, size_t size)
{
	struct holders_part part;

	if (size != sizeof part)
		return QUERY_NONSENSE;
	memcpy(&part, message, size);
	if (!is_part(scan, &part))
		return QUERY_NONSENSE;
	/* What another worker had told is told again. */
	if (part.first)
		scan->count = 0;
	if (part.count > 0)
		keep(scan, &part);
	scan->truncated |= part.truncated != 0;
	scan->rc = part.rc;
	return part.last ? QUERY_LAST : QUERY_MORE;
}
