/* SPDX-License-Identifier: BSD-2-Clause */
/* Clients: what they do to the same objects and names, where one alone may succeed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"

enum { BY_FLOCK, BY_POSIX, BY_OFD };
enum { TOKEN, LOCK, DIRECTORY };

/* flock() knows nothing of ranges, so it takes the whole of another object. */
static void lock(int fd, int kind, bool take)
{
	struct flock range = {
	    .l_type = take ? F_WRLCK : F_UNLCK,
	    .l_start = kind * (off_t)sizeof(uint64_t),
	    .l_len = sizeof(uint64_t),
	};

	if (kind == BY_FLOCK)
		OK(flock(fd, take ? LOCK_EX : LOCK_UN));
	else
		OK(fcntl(fd, kind == BY_POSIX ? F_SETLKW : F_OFD_SETLKW, &range));
}

void counting_under_locks(void)
{
	int fd = (int)OK(open("../shared/counters", O_RDWR));

	for (unsigned i = 0; i < 20; i++) {
		int kind = (int)below(LOCK_KINDS);
		off_t at = kind * (off_t)sizeof(uint64_t);
		uint64_t number;

		lock(fd, kind, true);
		CHECK(OK(pread(fd, &number, sizeof number, at)) == (long)sizeof number);
		number++;
		CHECK(OK(pwrite(fd, &number, sizeof number, at)) == (long)sizeof number);
		client.shared->added[kind]++;
		lock(fd, kind, false);
	}
	OK(close(fd));
}

/* Is alone with what one alone can hold. */
static void hold(unsigned prize)
{
	_Atomic int32_t *holder = &client.shared->holder[prize];
	int32_t nobody = 0, me = (int32_t)client.index + 1;

	CHECK(atomic_compare_exchange_strong(holder, &nobody, me));
	if (below(4) == 0)
		usleep((useconds_t)below(500));
	CHECK(atomic_compare_exchange_strong(holder, &me, 0));
}

static void race_for_token(void)
{
	int fd = open("../shared/token", O_RDWR | O_CREAT | O_EXCL, 0666);

	if (fd >= 0) {
		client.shared->made[TOKEN]++;
		OK(close(fd));
	} else {
		FAILS(EEXIST, fd);
	}
	if (unlink("../shared/token") == 0)
		client.shared->removed[TOKEN]++;
	else
		FAILS(ENOENT, -1);
}

static void race_for_directory(void)
{
	if (mkdir("../shared/directory", 0777) == 0)
		client.shared->made[DIRECTORY]++;
	else
		FAILS(EEXIST, -1);
	if (rmdir("../shared/directory") == 0)
		client.shared->removed[DIRECTORY]++;
	else
		FAILS(ENOENT, -1);
}

/* The lock file of old: whoever made the link holds it. */
static void race_for_lock(void)
{
	OK(mknod("mine", S_IFREG | 0600, 0));
	if (link("mine", "../shared/lock") == 0) {
		client.shared->made[LOCK]++;
		hold(LOCK);
		client.shared->removed[LOCK]++;
		OK(unlink("../shared/lock"));
	} else {
		FAILS(EEXIST, -1);
	}
	OK(unlink("mine"));
}

static void race_for_ball(void)
{
	char mine[32];

	snprintf(mine, sizeof mine, "../shared/held%u", client.index);
	if (rename("../shared/ball", mine) != 0) {
		FAILS(ENOENT, -1);
		return;
	}
	hold(TOKEN);
	OK(renameat2(AT_FDCWD, mine, AT_FDCWD, "../shared/ball", RENAME_NOREPLACE));
}

void races_for_prizes(void)
{
	static void (*const races[])(void) = {
	    race_for_token, race_for_directory, race_for_lock, race_for_ball};

	for (unsigned i = 0; i < 10; i++)
		races[below(sizeof races / sizeof races[0])]();
}
