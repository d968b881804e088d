/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One piece of one object's memory that stays mapped, so that whoever reads on there, or again,
 * needs neither a copy nor a mapping of his own. Mapping a megabyte takes as long as copying half
 * of it; looking whether its pages are there, a hundredth.
 *
 * The window is the process's: a server begins without one.
 */
#ifndef SHMFS_WINDOW_H
#define SHMFS_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes of fd's memory, for system calls to read until the next call of any function of the
 * system: all of their pages are there, and are mapped. NULL: some are not, the window is elsewhere
 * and moving it there does not pay, or there is no memory for it.
 */
const void *window_view(int fd, uint64_t offset, size_t size);

/* The number fd is about to mean other memory, or none, or its memory must have no mapping. */
void window_leave(int fd);

#endif
