/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where memory comes from: private tmpfses of this mount (struct shmfs_store), or memfds.
 *
 * A tmpfs has one value of huge=. So there is one as the mount's options say, one of huge pages and
 * one without, which the first may be as well. All are made before the mount is served: who may
 * make them then may have lost the right to later. They are known by their descriptors, in the
 * handover, and there as long as the mount: each server finds the memory of the one before.
 */
#ifndef SHMFS_PROCESS_STORES_H
#define SHMFS_PROCESS_STORES_H

#include <stddef.h>

#include "fs/shmfs.h"
#include "handover.h"
#include "options/options.h"

/*
 * Makes those that are not there yet. What memory comes from, and why, is one line for the log.
 * -EINVAL, which was logged: the kernel refuses an option.
 */
int stores_make(
    struct handover *handover, const struct options *options, char *said, size_t said_size);

/* "tmpfs,huge=never", or "memfd". */
void stores_print(
    const struct handover *handover, const struct options *options, char *out, size_t size);

/* The descriptor of the one with such pages; 0: there is none. */
int stores_of(const struct handover *handover, enum shmfs_pages pages);

/* As struct shmfs_os has it. */
int stores_pages(const struct handover *handover, enum shmfs_pages pages);

/* They stay open when a server dies. */
void stores_own(struct handover *handover);

/* Has a program that is executed find them. A negative errno. */
int stores_keep_open(const struct handover *handover);

#endif
