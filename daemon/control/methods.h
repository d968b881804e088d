/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods of org.shmfs, which org.shmfs.varlink describes. */
#ifndef SHMFS_CONTROL_METHODS_H
#define SHMFS_CONTROL_METHODS_H

struct call;

typedef void call_method(struct call *call);

/* commands.c */
call_method command_get_mount, command_get_limits, command_set_limits, command_get_statistics,
    command_create_tenant, command_set_tenant, command_verify, command_reap;

/* lists.c; the second half of "Holders" runs when its scan is done */
call_method command_list, command_list_users, command_list_tenants, command_holders,
    command_holders_found;

/* pins.c */
call_method command_pin, command_unpin;

#endif
