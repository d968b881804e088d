/* SPDX-License-Identifier: BSD-2-Clause */
/* org.shmfs.varlink, built in. */
#ifndef SHMFS_CONTROL_INTERFACE_H
#define SHMFS_CONTROL_INTERFACE_H

/* Its lines, each with its newline, up to a NULL. */
extern const char *const control_interface[];

#endif
