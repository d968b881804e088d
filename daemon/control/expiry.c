/* SPDX-License-Identifier: BSD-2-Clause */
/* Removal of what nobody holds; see expiry.h. */
#include "expiry.h"

#include <inttypes.h>

#include "common/log.h"
#include "common/printable.h"
#include "fs/failpoint.h"

/* Objects looked at and removed in a row: each look is three system calls, a removal some more. */
#define LOOKS 64
#define REMOVALS 16

#define PAUSE_MS 2
#define ROUND_MS 1000

/* One that lingers without a name was told of when that went. */
static void tell(struct expiry *expiry, const struct shmfs_removal *removal)
{
	unsigned long left_out;
	char name[1024];

	if (removal->name[0] == '\0' && removal->lingers)
		return;
	if (removal->name[0] == '\0') {
		log_debug("the memory of object #%" PRIu64 " came back", removal->id);
		return;
	}
	if (!log_may(expiry->removals, &left_out))
		return;
	(void)printable_escape(removal->name, "'", name, sizeof name);
	log_info("removed '%s' (#%" PRIu64 ", %" PRIu64
		 " bytes, made by uid %u): nobody holds it any more",
	    name, removal->id, removal->size, removal->creator);
	if (left_out > 0)
		log_info("%lu removals before that were not logged", left_out);
}

unsigned expiry_run(struct expiry *expiry)
{
	struct shmfs_removal removal;

	for (int i = 0; i < REMOVALS; i++) {
		int rc;

		shmfs_begin(expiry->fs);
		rc = shmfs_expire(expiry->fs, &expiry->from, LOOKS, &removal);
		if (rc > 0 && (removal.name[0] != '\0' || removal.lingers)) {
			expiry->removed(expiry->arg, &removal);
			failpoint("removal half done");
		}
		shmfs_commit(expiry->fs);
		if (rc == 0)
			break;
		expiry->counters->expired += removal.name[0] != '\0' || !removal.lingers;
		tell(expiry, &removal);
	}
	if (expiry->from != 0)
		return PAUSE_MS;
	return shmfs_has_expiring(expiry->fs) ? ROUND_MS : 0;
}
