/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts of a file on a file, as containers have them: it is there for as long as the mount is. */
#include <sys/mount.h>

#include "execute.h"
#include "worker.h"

/* Whoever mounts a directory within itself has a tree that is as deep as the round is long. */
void do_bind(struct worker *worker, const struct call *call, struct result *result)
{
	struct stat st;

	(void)worker;
	if (stat(call->path, &st) == 0 && S_ISDIR(st.st_mode))
		fail_with(result, ERROR_SKIPPED);
	else
		give(result, mount(call->path, call->path2, NULL, MS_BIND, NULL));
}

void do_umount(struct worker *worker, const struct call *call, struct result *result)
{
	(void)worker;
	give(result, umount2(call->path, call->choice | UMOUNT_NOFOLLOW));
}
