/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the control socket, by libFuzzer: whatever a client sends is answered or refused, and
 * the namespace stays sound.
 *
 * An input is a byte that says who sends, and messages with NULs between, as on the socket; or the
 * bytes of a request, as a parser might forge it that its client has taken over.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/common/log.h"
#include "daemon/control/call.h"
#include "daemon/control/dispatch.h"
#include "daemon/control/holders.h"
#include "daemon/control/pins.h"
#include "daemon/roles/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OWNER = 1001 };

static struct counters counters;

static void removed(void *arg, const struct shmfs_removal *removal)
{
	(void)arg;
	assert(removal->id != 0);
}

static struct kept kept;

static void made(void *arg, uint64_t dir)
{
	(void)arg;
	assert(dir != 0);
}

static struct log_budget removals;

static struct control_config config = {
    .kept = &kept,
    .counters = &counters,
    .mountpoint = "/m",
    .device = "0:1",
    .tier = "cached",
    .removed = removed,
    .made = made,
    .removals = &removals,
};

static void make_objects(void)
{
	static const char *const names[] = {"a", "b", "psm_1", "\xff\xfe", "closed/a", "sem.x"};
	const struct shmfs_cred cred = {.uid = OWNER, .gid = OWNER};
	struct shmfs_change change = {.what = SHMFS_CHANGE_SIZE, .size = 10000};
	struct shmfs_attr attr;
	uint64_t closed;

	shmfs_begin(config.fs);
	assert(shmfs_mkdir(config.fs, &cred, SHMFS_ROOT, "closed", 0700, &attr) == 0);
	closed = attr.id;
	shmfs_commit(config.fs);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *slash = strchr(names[i], '/');

		shmfs_begin(config.fs);
		assert(shmfs_mknod(config.fs, &cred, slash != NULL ? closed : SHMFS_ROOT,
			   slash != NULL ? slash + 1 : names[i], S_IFREG | 0600, &attr) == 0);
		shmfs_commit(config.fs);
		shmfs_begin(config.fs);
		assert(shmfs_setattr(config.fs, attr.id, &change, &attr) == 0);
		shmfs_commit(config.fs);
	}
}

/* Each input finds the same namespace, so that what is found can be found again. */
static void begin(void)
{
	const struct shmfs_config small = {.arena_size = 1 << 20, .root_mode = 01777};

	assert(shmfs_open_new(&small, &config.fs) == 0);
	make_objects();
}

static void end(struct peer *peer)
{
	pins_end(&config, peer);
	assert(!shmfs_next_pin(config.fs, 0, &(struct shmfs_pin){0}));
	assert(shmfs_verify(config.fs, NULL, NULL) == 0);
	shmfs_close(config.fs);
}

/* What the look through /proc would find, without looking. */
static void pretend_to_scan(struct call *call)
{
	const struct holder holder = {.pid = 1, .id = 3, .access = 31, .command = "\x1b[31m"};

	call->scan->holders = malloc(sizeof holder);
	assert(call->scan->holders != NULL);
	call->scan->holders[call->scan->count++] = holder;
	dispatch_end_scan(call);
}

static bool send_message(struct peer *peer, bool forged, const char *message, size_t size)
{
	struct call call = {
	    .config = &config,
	    .peer = peer,
	    .by = {.uid = peer->uid, .gid = peer->uid, .exempt = peer->uid == 0},
	};
	struct request parsed, request;
	size_t reply_size = 0;
	bool good;
	char *reply;

	if (forged) {
		/* What a parser says that its client has broken. */
		parsed = (struct request){0};
		memcpy(&parsed, message, size < sizeof parsed ? size : sizeof parsed);
		if (!request_check(&parsed, sizeof parsed, &request))
			return false;
	} else {
		parse_message(message, size, &parsed);
		assert(request_check(&parsed, sizeof parsed, &request));
	}
	good = dispatch(&call, &request);
	assert(!shmfs_active(config.fs));
	if (call.scan != NULL)
		pretend_to_scan(&call);
	reply = call_reply(&call, &reply_size);
	assert(call.oneway || (reply != NULL && strlen(reply) + 1 == reply_size));
	free(reply);
	if (call.fd >= 0)
		close(call.fd);
	call_end(&call);
	return good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uid_t senders[] = {0, OWNER, 1002};
	struct peer peer = {.pid = 1};
	const char *at = (const char *)data + 1;
	size_t left = size - 1;

	if (size == 0)
		return 0;
	/* One line for each change would be all that this does. */
	log_setup(LOG_TO_SYSLOG, false);
	peer.uid = senders[data[0] % 3];
	begin();
	if (data[0] / 3 % 2 != 0) {
		(void)send_message(&peer, true, at, left);
		left = 0;
	}
	while (left > 0) {
		size_t length = strnlen(at, left);
		char *message = malloc(length + 1);

		assert(message != NULL);
		memcpy(message, at, length);
		message[length] = '\0';
		if (!send_message(&peer, false, message, length))
			left = length;
		free(message);
		at += length;
		left -= length;
		if (left > 0) {
			at++;
			left--;
		}
	}
	end(&peer);
	return 0;
}
