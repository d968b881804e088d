/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose confinement. */
#ifndef SHMFS_CONFINE_WHOSE_H
#define SHMFS_CONFINE_WHOSE_H

enum confine_role {
	CONFINE_SUPERVISOR,
	CONFINE_SERVER,	 /* serves /dev/fuse */
	CONFINE_KEEPER,	 /* unmounts when the supervisor has died */
	CONFINE_PARSER,	 /* reads what clients of the control socket send */
	CONFINE_HOLDERS, /* looks through /proc for who has objects open */
};
#define CONFINE_ROLES 5

#endif
