/* SPDX-License-Identifier: BSD-2-Clause */
/* The capabilities of each role; see capabilities.h. */
#include "capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* Mounting and unmounting, also below directories of users and in another mount namespace. */
#define OF_MOUNTING                                                                                \
	(BIT(CAP_SYS_ADMIN) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_PTRACE))

/* Registering memory with the kernel. */
#define OF_REGISTERING BIT(CAP_SYS_ADMIN)

/* Placement beside a client; pipes and locked memory beyond the limits of users. */
#define OF_SERVING (BIT(CAP_SYS_NICE) | BIT(CAP_SYS_RESOURCE) | BIT(CAP_IPC_LOCK))

/* Other processes' descriptors and mappings. */
#define OF_HOLDERS (BIT(CAP_SYS_PTRACE) | BIT(CAP_DAC_READ_SEARCH))

/* A child with a user of its own, without capabilities; signals for it. */
#define OF_STARTING (BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_KILL))

static const uint64_t kept[CONFINE_ROLES] = {
    /* Those of registering and of holders are among those of mounting. */
    [CONFINE_SUPERVISOR] = OF_MOUNTING | OF_SERVING | OF_STARTING,
    [CONFINE_SERVER] = OF_REGISTERING | OF_SERVING,
    [CONFINE_KEEPER] = OF_MOUNTING,
    [CONFINE_PARSER] = 0,
    [CONFINE_HOLDERS] = OF_HOLDERS,
};

/* By the supervisor, before it gave up any; no child has others. */
static uint64_t held;

/* The library remembers the process that asked first, which a child is not. */
int capabilities_look(void)
{
	capng_setpid(getpid());
	if (capng_get_caps_process() < 0)
		return -EIO;
	held = 0;
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
		if (capng_have_capability(CAPNG_EFFECTIVE, i))
			held |= BIT(i);
	}
	return 0;
}

int capabilities_drop(enum confine_role role)
{
	capng_select_t sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	/* Without CAP_SETPCAP the bounding set stays; no_new_privs makes it moot. */
	if (held & BIT(CAP_SETPCAP))
		sets |= CAPNG_SELECT_BOUNDS;
	capng_setpid(getpid());
	capng_clear(CAPNG_SELECT_ALL);
	for (unsigned i = 0; i <= CAP_LAST_CAP; i++) {
		if (kept[role] & held & BIT(i))
			(void)capng_update(
			    CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, i);
	}
	errno = 0;
	return capng_apply(sets) < 0 ? (errno != 0 ? -errno : -EPERM) : 0;
}

bool capabilities_may_mount(void)
{
	return held & BIT(CAP_SYS_ADMIN);
}
