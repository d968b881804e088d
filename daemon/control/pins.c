/* SPDX-License-Identifier: BSD-2-Clause */
/* Pins of clients; see pins.h. */
#include "pins.h"

#include <errno.h>

#include "call.h"
#include "holders.h"
#include "methods.h"

static void end_pin(struct shmfs *fs, uint64_t pin)
{
	shmfs_begin(fs);
	shmfs_unpin(fs, pin);
	shmfs_commit(fs);
}

void pins_end(struct shmfs *fs, struct peer *peer)
{
	for (unsigned i = 0; i < peer->pin_count; i++)
		end_pin(fs, peer->pins[i].id);
	peer->pin_count = 0;
}

void pins_end_left(struct shmfs *fs)
{
	uint64_t pin;

	while ((pin = shmfs_first_pin(fs)) != 0)
		end_pin(fs, pin);
}

void pins_add_holders(const struct peer *peer, struct scan *scan)
{
	for (unsigned i = 0; i < peer->pin_count; i++) {
		const struct holder holder = {
		    .pid = peer->pid,
		    .uid = peer->uid,
		    .id = peer->pins[i].object,
		    .access = HOLDER_PINS,
		};

		if (scan->id == 0 || scan->id == holder.id)
			holders_add(scan, &holder);
	}
}

/* --- methods ---------------------------------------------------------------------------------- */

/* The part that is asked for; without a length, all from the offset on. */
struct part {
	uint64_t id, offset, length;
	bool writes;
};

static bool get_part(struct call *call, struct part *part)
{
	struct shmfs_object object;

	if (!call_get_object(call, &part->id) ||
	    !call_get_int(call, "offset", INT64_MAX, &part->offset) ||
	    !call_get_bool(call, "write", &part->writes))
		return false;
	(void)shmfs_object(call->config->fs, part->id, &object);
	if (!call->by.exempt && (part->writes || call->by.uid != object.attr.uid)) {
		call_refuse_caller(call);
		return false;
	}
	part->length = object.attr.size > part->offset ? object.attr.size - part->offset : 0;
	return call_get_int(call, "length", INT64_MAX, &part->length);
}

/* The pin is in the arena before anybody has the memory, so that no crash leaves one without the
 * other. */
static int pin(struct call *call, const struct part *part, uint64_t *id)
{
	struct shmfs *fs = call->config->fs;
	int rc = call_ask(call, part->id, SHMFS_ASK_PIN);

	if (rc < 0)
		return rc;
	shmfs_begin(fs);
	rc = shmfs_pin(fs, part->id, part->offset, part->length, part->writes, id);
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
	struct part part = {0};
	uint64_t id;
	int rc;

	if (!get_part(call, &part))
		return;
	rc = peer->pin_count < CALL_PINS_MAX && !call->oneway ? pin(call, &part, &id) : -EMFILE;
	if (rc < 0) {
		call_fail(call, rc);
		return;
	}
	call->fd = rc;
	peer->pins[peer->pin_count].id = id;
	peer->pins[peer->pin_count++].object = part.id;
	(void)shmfs_object(call->config->fs, part.id, &object);
	call->answer = json_pack("{s:I,s:I,s:I,s:I,s:I}", "pin", (json_int_t)id, "id",
	    (json_int_t)part.id, "offset", (json_int_t)part.offset, "length",
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
		call->answer = json_object();
		return;
	}
	call_refuse_parameter(call, "pin");
}
