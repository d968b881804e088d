/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a system that is only pretended. */
#ifndef SHMFS_TESTS_WIRE_PUT_BELOW_H
#define SHMFS_TESTS_WIRE_PUT_BELOW_H

/* Writes a file below another root than the system's, with the folders on the way. */
void put_below(const char *root, const char *path, const char *text);

#endif
