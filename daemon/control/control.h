/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: one for each mount, by which tools ask and change what has no place in the
 * tree of files. It speaks Varlink: calls and replies are JSON objects, each ended by a NUL.
 *
 * Clients are anybody. Each call is made with the credentials that the kernel has of its sender; a
 * client has bounded buffers, a bounded time to finish a message or to take an answer, and one call
 * at a time; each user may have some connections and all together a few more. A client that breaks
 * a rule is told so and closed, and nobody else notices.
 */
#ifndef SHMFS_CONTROL_CONTROL_H
#define SHMFS_CONTROL_CONTROL_H

#include <limits.h>
#include <stddef.h>

#include "process/server.h"

struct control;
struct uv_loop_s;

/* Bytes of a message without its NUL. */
#define CONTROL_MESSAGE_MAX 65536

/* Where the socket of a mount with this device ("major:minor") is: under /run/shmfs, or under
 * XDG_RUNTIME_DIR for a user's own mount. -ENOENT: that is not set. */
int control_path(const char *device, char out[PATH_MAX]);

/*
 * Makes the socket of a mount, in place of one that a mount of the same device left. Returns its
 * listening descriptor, which outlives servers, or a negative errno.
 */
int control_listen(const char *device);

/* The mount has another device now. */
void control_move(const char *old_device, const char *device);

void control_remove(const char *device);

/*
 * Serves the clients of a listening descriptor on the loop. Pins that are left in the namespace are
 * of clients that are gone, and end here.
 */
int control_start(
    struct uv_loop_s *loop, struct server *server, int listen_fd, struct control **out);

/* Closes all clients; to be called before the loop closes its handles. NULL is allowed. */
void control_stop(struct control *control);

#endif
