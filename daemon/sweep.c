/* SPDX-License-Identifier: BSD-2-Clause */
/* Removal of what nobody holds; see sweep.h. */
#include "sweep.h"

#include <inttypes.h>
#include <stdio.h>

#include "../fs/failpoint.h"
#include "log.h"
#include "notify.h"
#include "server.h"

/* Objects looked at and removed in a row: each look is three system calls, a removal some more. */
#define LOOKS 64
#define REMOVALS 16

#define PAUSE_MS 2
#define ROUND_MS 1000

/* Names are bytes, and a log line is text. */
static void print_name(const char *name, char *out, size_t size)
{
	size_t used = 0;

	for (; *name != '\0' && used + 5 < size; name++) {
		unsigned char byte = (unsigned char)*name;

		if (byte >= ' ' && byte <= '~' && byte != '\\' && byte != '\'')
			out[used++] = *name;
		else
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", byte);
	}
	out[used] = '\0';
}

static void tell(const struct shmfs_removal *removal)
{
	char name[1024];

	if (removal->name[0] == '\0') {
		log_debug("the memory of object #%" PRIu64 " came back", removal->id);
		return;
	}
	print_name(removal->name, name, sizeof name);
	log_info("removed '%s' (#%" PRIu64 ", %" PRIu64
		 " bytes, made by uid %u): nobody holds it any more",
	    name, removal->id, removal->size, removal->creator);
}

unsigned sweep(struct server *server)
{
	struct shmfs_removal removal;

	for (int i = 0; i < REMOVALS; i++) {
		int rc;

		shmfs_begin(server->fs);
		rc = shmfs_expire(server->fs, &server->sweep_from, LOOKS, &removal);
		if (rc > 0 && removal.name[0] != '\0') {
			notify_removal(server, &removal);
			failpoint("removal half done");
		}
		shmfs_commit(server->fs);
		if (rc == 0)
			break;
		server->expired++;
		tell(&removal);
	}
	if (server->sweep_from != 0)
		return PAUSE_MS;
	return shmfs_has_expiring(server->fs) ? ROUND_MS : 0;
}
