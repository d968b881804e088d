/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of objects as files of a private tmpfs, or memfds; see shmfs_os.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/failpoint.h"
#include "fs/shmfs.h"

/* Since Linux 6.3; elsewhere EINVAL. With sysctl vm.memfd_noexec set, asking for it is a must. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static inline int result(int rc)
{
	return rc < 0 ? -errno : rc;
}

/* Objects may be mapped executable, as on tmpfs. Under vm.memfd_noexec=2 that is refused. */
static int new_memfd(void)
{
	static const unsigned tries[] = {
	    MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC, MFD_CLOEXEC | MFD_ALLOW_SEALING};
	int fd = -1;

	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
		fd = memfd_create("shmfs", tries[i]);
		if (fd >= 0 || (errno != EINVAL && errno != EACCES))
			break;
	}
	return fd;
}

/* Without FD_CLOEXEC: a program that takes over finds it open. */
static int give_number(int fd, int number)
{
	int rc = result(dup2(fd, number));

	failpoint("memory numbered");
	close(fd);
	/* The number is beyond the limit of this process. */
	return rc == -EBADF ? -EMFILE : rc < 0 ? rc : 0;
}

int shmfs_memory_create(int store, int number)
{
	int fd = store > 0 ? openat(store, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : new_memfd();

	if (fd < 0)
		return -errno;
	failpoint("memory made");
	return give_number(fd, number);
}

/* --- memory with a name ----------------------------------------------------------------------- */

struct name {
	char text[2 * sizeof(uint64_t) + 1];
};

static struct name name_of(uint64_t number)
{
	struct name name;

	snprintf(name.text, sizeof name.text, "%" PRIx64, number);
	return name;
}

/* By /proc, as AT_EMPTY_PATH takes a capability before Linux 6.10. */
int shmfs_memory_name(int store, int fd, uint64_t name)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof fd];
	int rc;

	if (store <= 0)
		return -EOPNOTSUPP;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	rc = result(linkat(AT_FDCWD, path, store, name_of(name).text, AT_SYMLINK_FOLLOW));
	failpoint("memory named");
	return rc;
}

/* It is there, unless it was removed before. */
void shmfs_memory_unname(int store, uint64_t name)
{
	if (store > 0)
		(void)unlinkat(store, name_of(name).text, 0);
	failpoint("memory unnamed");
}

int shmfs_memory_open(int store, int number, uint64_t name)
{
	int fd = store > 0 ? openat(store, name_of(name).text, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return store > 0 ? -errno : -EOPNOTSUPP;
	failpoint("memory opened");
	return number < 0 ? fd : give_number(fd, number);
}

/* The size of blocks is that of the pages that a tmpfs would take for the file's first byte. */
struct shmfs_memory_state shmfs_memory_state_of(const struct stat *st)
{
	return (struct shmfs_memory_state){
	    .blocks = (uint64_t)st->st_blocks,
	    .piece = (uint64_t)st->st_blksize,
	    .written = st->st_mtim,
	    .size = (uint64_t)st->st_size,
	};
}

int shmfs_look_by_name(int store, uint64_t name, struct shmfs_memory_state *out)
{
	struct stat st;

	if (store <= 0)
		return -EOPNOTSUPP;
	if (fstatat(store, name_of(name).text, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*out = shmfs_memory_state_of(&st);
	return 0;
}
