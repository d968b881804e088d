/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins: what keeps an object from shrinking, as a mapping in FreeBSD's kernel does (shm_map). */
#ifndef SHMFS_PIN_H
#define SHMFS_PIN_H

#include <stdint.h>

struct node;

struct pin {
	uint64_t id;
	struct node *node;
};

#endif
