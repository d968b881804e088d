/* SPDX-License-Identifier: BSD-2-Clause */
/* See side.h. */
#include "side.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <mntent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pidfd.h"
#include "worker.h"

void side_init(struct side *side, const char *name, bool reference)
{
	side->name = name;
	side->reference = reference;
	side->shared = mmap(NULL, sizeof *side->shared, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (side->shared == MAP_FAILED)
		broken("shared memory");
}

static void make_directory(const struct side *side, const char *name, mode_t mode, uid_t owner)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof path, "%s/%s", side->dir, name);
	if (mkdir(path, 0700) != 0 || chown(path, owner, owner) != 0 || chmod(path, mode) != 0)
		broken(path);
}

static struct usage usage_of(const struct side *side)
{
	struct statfs st;

	if (statfs(side->dir, &st) != 0)
		broken(side->dir);
	return (struct usage){st.f_blocks - st.f_bfree, st.f_files - st.f_ffree};
}

static void reset(struct shared *shared, unsigned count)
{
	shared->turn = 0;
	shared->passed[0] = shared->passed[1] = 0;
	shared->leases = 0;
	shared->text_used = shared->views_used = shared->objects_used = 0;
	memset(shared->results, 0, count * sizeof shared->results[0]);
}

void side_start(struct side *side, const struct call *calls, unsigned count)
{
	side->empty = usage_of(side);
	make_directory(side, "top", 0755, 0);
	make_directory(side, "top/r", 0777, 0);
	make_directory(side, "top/r/d0", 0777, 0);
	make_directory(side, "top/r/d1", 01777, 0);
	make_directory(side, "top/r/e", 0755, USER_UID);
	reset(side->shared, count);
	fflush(NULL);
	for (unsigned i = 0; i < WORKERS; i++) {
		side->pids[i] = fork();
		if (side->pids[i] < 0)
			broken("fork");
		if (side->pids[i] == 0)
			worker_main(side, i, calls, count);
		side->pidfds[i] = pidfd_open(side->pids[i], 0);
		if (side->pidfds[i] < 0)
			broken("pidfd_open");
	}
}

static void kill_all(const struct side *sides, unsigned count)
{
	for (unsigned i = 0; i < count * WORKERS; i++)
		if (sides[i / WORKERS].pidfds[i % WORKERS] >= 0)
			kill(sides[i / WORKERS].pids[i % WORKERS], SIGKILL);
}

static bool reap(struct side *side, unsigned worker)
{
	int status;

	if (waitpid(side->pids[worker], &status, 0) != side->pids[worker])
		broken("waitpid");
	close(side->pidfds[worker]);
	side->pidfds[worker] = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		_exit(2);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

const char *sides_wait(struct side *sides, unsigned count)
{
	struct pollfd polls[2 * WORKERS];
	time_t end = time(NULL) + ROUND_SECONDS;
	const char *wrong = NULL;
	unsigned left = count * WORKERS;

	for (unsigned i = 0; i < count * WORKERS; i++)
		polls[i] = (struct pollfd){sides[i / WORKERS].pidfds[i % WORKERS], POLLIN, 0};
	while (left > 0) {
		int ready = poll(polls, count * WORKERS, ROUND_SECONDS * 1000);

		if (ready < 0 && errno != EINTR)
			broken("poll");
		if (ready == 0 || time(NULL) > end) {
			wrong = "a call did not return in time";
			kill_all(sides, count);
			end += ROUND_SECONDS;
		}
		for (unsigned i = 0; i < count * WORKERS; i++) {
			if (polls[i].fd < 0 || !(polls[i].revents & POLLIN))
				continue;
			if (!reap(&sides[i / WORKERS], i % WORKERS) && wrong == NULL) {
				wrong = "a process ended within a call";
				kill_all(sides, count);
			}
			polls[i].fd = -1;
			left--;
		}
	}
	return wrong;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	return where->level > 0 ? remove(path) : 0;
}

/* False: there is none, or none that can be told. */
static bool detach_one(const struct side *side)
{
	FILE *table = setmntent("/proc/self/mounts", "r");
	size_t length = strlen(side->dir);
	bool detached = false;
	struct mntent *entry;

	if (table == NULL)
		broken("/proc/self/mounts");
	while (!detached && (entry = getmntent(table)) != NULL)
		if (strncmp(entry->mnt_dir, side->dir, length) == 0 &&
		    entry->mnt_dir[length] == '/')
			detached = umount2(entry->mnt_dir, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
	endmntent(table);
	return detached;
}

/* The end of a descriptor or a mapping reaches a FUSE filesystem a little later than its cause. */
const char *side_clear(struct side *side)
{
	static char message[256];
	struct timespec pause = {0, 1000000};
	struct usage now;

	while (detach_one(side))
		continue;
	if (nftw(side->dir, remove_entry, 64, FTW_DEPTH | FTW_PHYS) != 0) {
		snprintf(message, sizeof message, "%s: cannot be emptied: %s", side->name,
		    strerror(errno));
		return message;
	}
	for (unsigned tries = 0; tries < 10000; tries++) {
		now = usage_of(side);
		if (now.blocks <= side->empty.blocks && now.nodes <= side->empty.nodes)
			return NULL;
		nanosleep(&pause, NULL);
	}
	snprintf(message, sizeof message, "what %s says is in use when all is removed", side->name);
	printf("%s: %" PRIu64 " blocks and %" PRIu64 " nodes remain in use, before it were %" PRIu64
	       " and %" PRIu64 "\n",
	    side->name, now.blocks, now.nodes, side->empty.blocks, side->empty.nodes);
	return message;
}
