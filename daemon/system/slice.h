/* SPDX-License-Identifier: BSD-2-Clause */
/* How soon the process gets a processor that others are busy on. */
#ifndef SHMFS_SYSTEM_SLICE_H
#define SHMFS_SYSTEM_SLICE_H

/*
 * Asks for processors in short slices: the kernel lets those who want little at a time go first,
 * and gives them no more in all (since Linux 6.12; an earlier one takes no notice). Children have
 * it from their first moment. Between the death of a server and the next answer two processes have
 * to run, and on busy processors that wait is most of the time that it takes.
 */
void slice_shorten(void);

#endif
