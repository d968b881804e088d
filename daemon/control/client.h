/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Clients of the control socket, on the loop.
 *
 * Life of a client: accepted → (reads → is parsed → calls → [scans] → writes)* → closing → freed.
 * It reads only while it has no answer to take and asks nobody, so it has one call at a time and
 * the buffers of one. It is freed when the loop has let go of its handles.
 */
#ifndef SHMFS_CONTROL_CLIENT_H
#define SHMFS_CONTROL_CLIENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "config.h"
#include "roles/query.h"

struct client;
struct ucred;

/* All clients of a socket. */
struct clients {
	const struct control_config *config;
	struct client *first;
	unsigned count;
	struct queries queries[ROLES];
};

/* None yet. */
void clients_begin(struct clients *clients, const struct control_config *config);

/* Root and the owner of the mount, who may do everything. */
bool client_is_trusted(uid_t uid);

/* Takes over the descriptor of a connection, whose other end is that of cred: it is served until it
 * ends; or told that there is no room for it, and closed. */
void client_begin(struct clients *clients, int fd, const struct ucred *cred);

/* Goes on with connections that another server has left with their pins; pins of all others end. */
void client_take_up_kept(struct clients *clients);

/* Those with pins are left to the next server, if there is one. */
void client_close_all(struct clients *clients);

#endif
