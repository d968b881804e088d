/* SPDX-License-Identifier: BSD-2-Clause */
/* Slices of processors; see slice.h. */
#include "slice.h"

#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The least that there is. */
#define SLICE_NS 100000

/* Of sched_setattr(2), in its first version: newer C libraries have it, older ones do not. */
struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Whoever gave the process another policy meant it. */
void slice_shorten(void)
{
	struct attributes attributes = {
	    .size = sizeof attributes,
	    .policy = SCHED_OTHER,
	    .nice = getpriority(PRIO_PROCESS, 0),
	    .runtime = SLICE_NS,
	};

	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}
