/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioctl(2) on open objects of a mounted shmfs; see shmfs(5), Rights. For programs: it needs nothing
 * else of shmfs.
 */
#ifndef SHMFS_IOCTL_H
#define SHMFS_IOCTL_H

#include <linux/ioctl.h>
#include <stdint.h>

/* What may be done through an opening. */
#define SHMFS_MAY_READ 1u
#define SHMFS_MAY_WRITE 2u
#define SHMFS_MAY_TRUNCATE 4u
#define SHMFS_MAY_ALLOCATE 8u
#define SHMFS_MAY_MMAP 16u /* is not told, and cannot be given up */

/*
 * Takes a uint32_t with the rights to give up, for this opening and every descriptor of it, and
 * stores what is left. EOPNOTSUPP: one that the kernel serves by itself; EINVAL: an unknown right.
 */
#define SHMFS_IOC_DROP_RIGHTS _IOWR('s', 0xf0, uint32_t)

/* Stores the rights there are in a uint32_t. */
#define SHMFS_IOC_GET_RIGHTS _IOR('s', 0xf1, uint32_t)

#endif
