/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins of clients; see pins.h. */
#include "pins.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "call.h"
#include "holders.h"
#include "methods.h"

/* Since Linux 6.5. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

static void end_pin(struct shmfs *fs, uint64_t pin)
{
	shmfs_begin(fs);
	shmfs_unpin(fs, pin);
	shmfs_commit(fs);
}

void pins_end(const struct control_config *config, struct peer *peer)
{
	for (unsigned i = 0; i < peer->pin_count; i++)
		end_pin(config->fs, peer->pins[i].id);
	peer->pin_count = 0;
	kept_set(&config->kept->pinned, peer->fd, false);
}

static void add(struct peer *peer, uint64_t pin, uint64_t object)
{
	peer->pins[peer->pin_count].id = pin;
	peer->pins[peer->pin_count++].object = object;
}

void pins_find(const struct shmfs *fs, struct peer *peer)
{
	struct shmfs_pin pin = {0};

	for (uint64_t from = 0; peer->pin_count < CALL_PINS_MAX && shmfs_next_pin(fs, from, &pin);
	     from = pin.id + 1) {
		if (pin.owner == peer->fd)
			add(peer, pin.id, pin.object);
	}
}

void pins_end_left(const struct control_config *config)
{
	struct shmfs_pin pin = {0};

	for (uint64_t from = 0; shmfs_next_pin(config->fs, from, &pin); from = pin.id + 1) {
		if (!kept_has(config->kept, pin.owner))
			end_pin(config->fs, pin.id);
	}
}

/*
 * The process that connected, which may have handed the connection on and be gone, and its number
 * another's; 0: so it is. A kernel before Linux 6.5 does not tell.
 */
static pid_t process_of(const struct peer *peer)
{
	int fd = -1, error;
	socklen_t size = sizeof fd;
	struct pollfd end = {.events = POLLIN};

	if (getsockopt(peer->fd, SOL_SOCKET, SO_PEERPIDFD, &fd, &size) < 0) {
		error = errno;
		return error == ENOPROTOOPT || error == EMFILE || error == ENFILE ? peer->pid : 0;
	}
	end.fd = fd;
	if (poll(&end, 1, 0) > 0)
		fd = -1;
	close(end.fd);
	return fd < 0 ? 0 : peer->pid;
}

void pins_add_holders(const struct peer *peer, struct scan *scan)
{
	pid_t pid = peer->pin_count > 0 ? process_of(peer) : 0;

	for (unsigned i = 0; i < peer->pin_count; i++) {
		const struct holder holder = {
		    .pid = pid,
		    .uid = peer->uid,
		    .id = peer->pins[i].object,
		    .access = HOLDER_PINS,
		};

		if (scan->question.id == 0 || scan->question.id == holder.id)
			holders_know(scan, &holder);
	}
}

/* --- methods ---------------------------------------------------------------------------------- */

/* The part that is asked for; without a length, all from the offset on. */
static bool get_part(struct call *call, uint64_t *id, struct shmfs_part *part)
{
	struct shmfs_object object;

	if (!call_get_object(call, id) || !call_get_int(call, "offset", INT64_MAX, &part->offset) ||
	    !call_get_bool(call, "write", &part->writes))
		return false;
	(void)shmfs_object(call->config->fs, *id, &object);
	if (!call->by.exempt && (part->writes || call->by.uid != object.attr.uid)) {
		call_refuse_caller(call);
		return false;
	}
	part->length = object.attr.size > part->offset ? object.attr.size - part->offset : 0;
	return call_get_int(call, "length", INT64_MAX, &part->length);
}

static bool may_keep(const struct call *call)
{
	return call->by.exempt || call->peer->pin_count > 0 ||
	       __builtin_popcountll(call->config->kept->pinned) < CALL_PINNED_MAX;
}

/* The pin is in the arena before anybody has the memory, so that no crash leaves one without the
 * other; and the connection is kept before there is a pin of it. */
static int pin(struct call *call, uint64_t object, const struct shmfs_part *part, uint64_t *id)
{
	struct shmfs *fs = call->config->fs;
	int rc = call_ask(call, object, SHMFS_ASK_PIN);

	if (rc == 0 && !may_keep(call))
		rc = -ENFILE;
	if (rc < 0)
		return rc;
	kept_set(&call->config->kept->pinned, call->peer->fd, true);
	shmfs_begin(fs);
	rc = shmfs_pin(fs, object, part, call->peer->fd, id);
	if (rc < 0) {
		shmfs_rollback(fs);
		return rc;
	}
	shmfs_commit(fs);
	rc = shmfs_open_pinned(fs, *id, part->writes);
	if (rc < 0)
		end_pin(fs, *id);
	return rc;
}

void command_pin(struct call *call)
{
	struct peer *peer = call->peer;
	struct shmfs_object object;
	struct shmfs_part part = {0};
	uint64_t pinned, id;
	int rc;

	if (!get_part(call, &pinned, &part))
		return;
	rc = peer->pin_count < CALL_PINS_MAX && !call->oneway ? pin(call, pinned, &part, &id)
							      : -EMFILE;
	if (rc < 0) {
		if (peer->pin_count == 0)
			kept_set(&call->config->kept->pinned, peer->fd, false);
		call_fail(call, rc);
		return;
	}
	call->fd = rc;
	add(peer, id, pinned);
	(void)shmfs_object(call->config->fs, pinned, &object);
	call->answer = json_pack("{s:I,s:I,s:I,s:I,s:I}", "pin", (json_int_t)id, "id",
	    (json_int_t)pinned, "offset", (json_int_t)part.offset, "length",
	    (json_int_t)part.length, "size", (json_int_t)object.attr.size);
}

/* Only its own connection knows a pin. */
void command_unpin(struct call *call)
{
	struct peer *peer = call->peer;
	uint64_t id = 0;

	if (!call_get_int(call, "pin", INT64_MAX, &id))
		return;
	for (unsigned i = 0; i < peer->pin_count; i++) {
		if (peer->pins[i].id != id)
			continue;
		peer->pins[i] = peer->pins[--peer->pin_count];
		end_pin(call->config->fs, id);
		if (peer->pin_count == 0)
			kept_set(&call->config->kept->pinned, peer->fd, false);
		call->answer = json_object();
		return;
	}
	call_refuse_parameter(call, "pin");
}
