/* SPDX-License-Identifier: BSD-2-Clause */
/* See shrink.h. */
#include "shrink.h"

#include <stdlib.h>
#include <string.h>

#include "side.h"

/* One pass over all groups of this size. Returns how many calls are left. */
static unsigned leave_out(
    struct call *calls, unsigned count, unsigned size, struct call *room, shows *try, void *context)
{
	for (unsigned at = 0; at + 1 < count;) {
		unsigned group = count - 1 - at < size ? count - 1 - at : size;

		memcpy(room, calls, at * sizeof *calls);
		memcpy(room + at, calls + at + group, (count - at - group) * sizeof *calls);
		if (try(context, room, count - group)) {
			count -= group;
			memcpy(calls, room, count * sizeof *calls);
		} else {
			at += group;
		}
	}
	return count;
}

unsigned shrink(struct call *calls, unsigned count, shows *try, void *context)
{
	struct call *room = calloc(count, sizeof *calls);
	unsigned before;

	if (room == NULL)
		return count;
	for (unsigned size = count / 2; size > 1; size /= 2)
		count = leave_out(calls, count, size, room, try, context);
	/* A call may have become needless by one behind it that went. */
	do {
		before = count;
		count = leave_out(calls, count, 1, room, try, context);
	} while (count < before);
	free(room);
	return count;
}
