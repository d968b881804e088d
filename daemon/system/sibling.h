/* SPDX-License-Identifier: BSD-2-Clause */
/* Programs that are built, or installed, together. */
#ifndef SHMFS_SYSTEM_SIBLING_H
#define SHMFS_SYSTEM_SIBLING_H

/*
 * Executes the program of this name: the one beside this one, the one that is installed with it in
 * the folder, as "../sbin", or the one that PATH has. Returns only where none can be, with errno.
 */
void sibling_exec(const char *name, const char *folder, char *const argv[]);

#endif
