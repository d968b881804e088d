/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one for each mount, by which tools ask and change what has no place in the
 * tree of files. It speaks Varlink: calls and replies are JSON objects, each ended by a NUL.
 *
 * Clients are anybody. Each call is made with the credentials that the kernel has of its sender; a
 * client has bounded buffers, a bounded time to finish a message or to take an answer, and one call
 * at a time; each user may have some connections and all together a few more. A client that breaks
 * a rule is told so and closed, and nobody else notices.
 *
 * What a client may name:
 *
 *   an object   by "id", the inode number that stat(2) shows: it is looked up, and never given to
 *               another object while the mount lives, so one that is gone is ENOENT. Or by "path",
 *               which is walked with the caller's rights. Whoever may not see an object finds that
 *               it is not there, by either.
 *   a page      by "cursor", the id that the next page begins with. Any number is one.
 *   a pin       by the number that its connection was given: another connection's is unknown, and
 *               all of a connection's end with it.
 *   a user      by "uid". There need not be such a user.
 *   a tenant    by "id", the number that a list tells, or by the "path" of its directory.
 *
 * A pin is in the namespace, with the descriptor of the connection that it belongs to, which
 * outlives the server, in the table that is the supervisor's too. One that had a call under way
 * does not, as nobody would answer that.
 */
#ifndef SHMFS_CONTROL_CONTROL_H
#define SHMFS_CONTROL_CONTROL_H

#include "config.h"

struct control;

/*
 * Serves the clients of the listening descriptor on the loop, and those with pins
 * that another server has left; pins of clients that are gone end. *out is NULL where there is no
 * socket.
 * A negative errno, and then *out may have to be stopped.
 */
int control_start(const struct control_config *config, struct control **out);

/* Closes all clients; to be called before the loop closes its handles. NULL is allowed. */
void control_stop(struct control *control);

#endif
