/* SPDX-License-Identifier: BSD-2-Clause */
/* The outside world as Linux has it; see struct shmfs_os. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/failpoint.h"
#include "fs/shmfs.h"

static inline int result(int rc)
{
	return rc < 0 ? -errno : rc;
}

/* Memory of a tmpfs cannot be sealed, and says so by a seal; a memfd of ours has none like that. */
static bool is_memfd(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SEAL) == 0;
}

/* Of memfds the administrator decides, for all of the system. */
static int pages_of(void *arg, enum shmfs_pages pages)
{
	(void)arg;
	(void)pages;
	return -EOPNOTSUPP;
}

static int memory_create(void *arg, int number, enum shmfs_pages pages)
{
	(void)arg;
	(void)pages;
	return shmfs_memory_create(0, number);
}

static int memory_name(void *arg, int fd, enum shmfs_pages pages, uint64_t name)
{
	(void)arg;
	(void)pages;
	return shmfs_memory_name(0, fd, name);
}

static void memory_unname(void *arg, enum shmfs_pages pages, uint64_t name)
{
	(void)arg;
	(void)pages;
	shmfs_memory_unname(0, name);
}

static int memory_open(void *arg, int number, enum shmfs_pages pages, uint64_t name)
{
	(void)arg;
	(void)pages;
	return shmfs_memory_open(0, number, name);
}

static int look_by_name(
    void *arg, enum shmfs_pages pages, uint64_t name, struct shmfs_memory_state *out)
{
	(void)arg;
	(void)pages;
	return shmfs_look_by_name(0, name, out);
}

/* Never called again after EINTR: Linux has let go of the number by then. */
static int close_fd(void *arg, int fd)
{
	(void)arg;
	return result(close(fd));
}

/* Opens what fd is of once more. Access mode 3 is for neither reading nor writing (open(2)). */
static int open_again(int fd, int flags)
{
	char path[sizeof "/proc/self/fd/" + 3 * sizeof fd];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return result(open(path, flags | O_CLOEXEC));
}

/* Gives a number an opening with these flags; the one that it had closes. */
static int replace(int fd, int flags)
{
	int again = open_again(fd, flags), rc;

	if (again < 0)
		return again;
	rc = result(dup2(again, fd));
	close(again);
	return rc < 0 ? rc : 0;
}

/* Memory that is asked whether others write it is open for reading meanwhile, and stays so if it
 * cannot be opened for writing again. True: it was, and can be written now. */
static bool made_writable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && replace(fd, O_RDWR) == 0;
}

static int set_written(void *arg, int fd, const struct timespec *when)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *when};
	int rc = result(futimens(fd, times));

	(void)arg;
	failpoint("time of memory set");
	return rc;
}

static int truncate_fd(void *arg, int fd, uint64_t size)
{
	int rc = result(ftruncate(fd, (off_t)size));

	(void)arg;
	if (rc == -EINVAL && made_writable(fd))
		rc = result(ftruncate(fd, (off_t)size));
	return rc;
}

/*
 * Pages are cut off and punched some time after the change that it is for, and not by whoever has
 * the memory mapped: the time of the last store stays. One that comes meanwhile is as late as that
 * change, about.
 */
static int cut(void *arg, int fd, uint64_t size)
{
	struct stat before;
	bool known = fstat(fd, &before) == 0;
	int rc = truncate_fd(arg, fd, size);

	if (known)
		(void)set_written(arg, fd, &before.st_mtim);
	return rc;
}

static int punch(void *arg, int fd, uint64_t offset, uint64_t length)
{
	int how = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	int rc = result(fallocate(fd, how, (off_t)offset, (off_t)length));

	(void)arg;
	if (rc == -EBADF && made_writable(fd))
		rc = result(fallocate(fd, how, (off_t)offset, (off_t)length));
	return rc;
}

static ssize_t read_fd(void *arg, int fd, void *buffer, size_t size, uint64_t offset)
{
	ssize_t count = pread(fd, buffer, size, (off_t)offset);

	(void)arg;
	return count < 0 ? -errno : count;
}

static ssize_t write_fd(void *arg, int fd, const void *buffer, size_t size, uint64_t offset)
{
	ssize_t count = pwrite(fd, buffer, size, (off_t)offset);

	(void)arg;
	if (count < 0 && errno == EBADF && made_writable(fd))
		count = pwrite(fd, buffer, size, (off_t)offset);
	return count < 0 ? -errno : count;
}

static ssize_t splice_fd(void *arg, int fd, int pipe, size_t size, uint64_t offset)
{
	off64_t at = (off64_t)offset;
	ssize_t count = splice(fd, &at, pipe, NULL, size, SPLICE_F_NONBLOCK);

	(void)arg;
	return count < 0 ? -errno : count;
}

static int seek(void *arg, int fd, uint64_t offset, int whence, uint64_t *out)
{
	off_t found = lseek(fd, (off_t)offset, whence);

	(void)arg;
	if (found < 0)
		return -errno;
	*out = (uint64_t)found;
	return 0;
}

/* Whoever has a range frees it before anything else happens. */
static void quiesce(void *arg)
{
	(void)arg;
}

static int look(void *arg, int fd, struct shmfs_memory_state *out)
{
	struct stat st;

	(void)arg;
	if (fstat(fd, &st) < 0)
		return -errno;
	*out = shmfs_memory_state_of(&st);
	return 0;
}

/*
 * A lease for writing is granted to the only one who has a file open or mapped, and one for reading
 * while nobody has it open for writing. The descriptor of a memfd does not count as an opening, so
 * a lease is asked for on another one; that of a file in a tmpfs does, and the lease is asked for
 * on it itself. What is registered with the kernel is an opening that counts for neither.
 *
 * Whoever opens a file against a lease waits until it is given back; a moment, or until
 * /proc/sys/fs/lease-break-time has passed if the process dies that moment, while the descriptor
 * stays: hence settle(). With O_NONBLOCK they are refused. Openings that have a handle come from
 * the kernel some time after the handle was made, so unused() is asked for objects without handles.
 * A lease for reading is no hindrance to readers. No signal of a broken lease can reach a caller
 * that ignores SIGIO.
 */
static bool lease(int fd, int kind)
{
	bool granted = fcntl(fd, F_SETLEASE, kind) == 0;

	failpoint("lease taken");
	if (granted)
		(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return granted;
}

static bool unused(void *arg, int fd)
{
	bool granted;
	int probe;

	(void)arg;
	if (!is_memfd(fd))
		return lease(fd, F_WRLCK);
	probe = open_again(fd, O_RDONLY);
	if (probe < 0)
		return false;
	granted = fcntl(probe, F_SETLEASE, F_WRLCK) == 0;
	close(probe);
	return granted;
}

int shmfs_memory_for_backing(int fd)
{
	int again = is_memfd(fd) ? fd : open_again(fd, O_ACCMODE);

	return again < 0 ? fd : again;
}

static void settle(void *arg, int fd)
{
	(void)arg;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	(void)made_writable(fd);
}

/* With its own opening for writing closed, it is the others' that a lease would conflict with. */
static bool others_write(int fd)
{
	bool granted;

	if (replace(fd, O_RDONLY) < 0)
		return true;
	failpoint("memory opened for reading");
	granted = lease(fd, F_RDLCK);
	settle(NULL, fd);
	failpoint("memory opened for writing");
	return !granted;
}

/*
 * A memfd's seal cannot be taken off again, but whoever asks again after a crash finds nothing
 * changed.
 */
static int seal_write(void *arg, int fd)
{
	(void)arg;
	if (is_memfd(fd))
		return result(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	return others_write(fd) ? -EBUSY : 0;
}

/* Anybody who has a descriptor can open it again by /proc, as the mode of the memory lets them. */
static int reopen(void *arg, int fd, bool writes)
{
	int rc = result(fchmod(fd, 0600));

	(void)arg;
	return rc < 0 ? rc : open_again(fd, writes ? O_RDWR : O_RDONLY);
}

static bool has_number(const char *list, gid_t number)
{
	char *end;

	for (;; list = end) {
		unsigned long next = strtoul(list, &end, 10);

		if (end == list)
			return false;
		if (next == number)
			return true;
	}
}

/* The caller waits, so it is there and its groups stay, unless it is killed meanwhile. */
static bool in_group(void *arg, pid_t pid, gid_t gid)
{
	static const char key[] = "Groups:";
	char path[sizeof "/proc//status" + 3 * sizeof pid];
	char *line = NULL;
	size_t room = 0;
	bool found = false;
	FILE *file;

	(void)arg;
	snprintf(path, sizeof path, "/proc/%d/status", pid);
	file = fopen(path, "re");
	if (file == NULL)
		return false;
	while (getline(&line, &room, file) > 0) {
		if (strncmp(line, key, sizeof key - 1) == 0) {
			found = has_number(line + sizeof key - 1, gid);
			break;
		}
	}
	free(line);
	fclose(file);
	return found;
}

static size_t page_size(void *arg)
{
	(void)arg;
	return (size_t)sysconf(_SC_PAGESIZE);
}

/*
 * Since Linux 6.13 a file whose times were looked at since its last change gets the finest time
 * there is at the next one, others that of the last tick, or of the latest fine time that any file
 * got. No clock says what the latter is, so that times by the coarse clock come before, and by the
 * fine clock behind, those of other files. Hence the kernel stamps a file here, which is looked at
 * each time. Where times are of ticks, so is this one.
 */
static void stamp(void *arg, int fd, struct timespec *out)
{
	static const struct timespec touch[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	struct stat st;

	(void)arg;
	if (futimens(fd, touch) == 0 && fstat(fd, &st) == 0)
		*out = st.st_ctim;
	else
		clock_gettime(CLOCK_REALTIME, out);
}

/* Whoever looks at an object's times has its memory looked at, too, for the pages in use. */
static void stamp_written(void *arg, int fd, struct timespec *out)
{
	struct stat st;

	(void)arg;
	if (fstat(fd, &st) == 0)
		*out = st.st_mtim;
	else
		clock_gettime(CLOCK_REALTIME, out);
}

static void now(void *arg, struct timespec *out)
{
	(void)arg;
	clock_gettime(CLOCK_REALTIME_COARSE, out);
}

static uint64_t uptime(void *arg)
{
	struct timespec time;

	(void)arg;
	clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int random_bytes(void *arg, void *buffer, size_t size)
{
	ssize_t count = getrandom(buffer, size, 0);

	(void)arg;
	if (count < 0)
		return -errno;
	return (size_t)count == size ? 0 : -EIO;
}

static int backing_open(void *arg, int fd)
{
	(void)arg;
	(void)fd;
	return -EOPNOTSUPP;
}

static void backing_close(void *arg, int backing)
{
	(void)arg;
	(void)backing;
}

const struct shmfs_os *shmfs_os_linux(void)
{
	static const struct shmfs_os linux_os = {
	    .pages = pages_of,
	    .memory_create = memory_create,
	    .memory_name = memory_name,
	    .memory_unname = memory_unname,
	    .memory_open = memory_open,
	    .close = close_fd,
	    .truncate = truncate_fd,
	    .cut = cut,
	    .punch = punch,
	    .read = read_fd,
	    .write = write_fd,
	    .splice = splice_fd,
	    .seek = seek,
	    .quiesce = quiesce,
	    .look = look,
	    .look_by_name = look_by_name,
	    .set_written = set_written,
	    .seal_write = seal_write,
	    .reopen = reopen,
	    .unused = unused,
	    .settle = settle,
	    .in_group = in_group,
	    .page_size = page_size,
	    .stamp = stamp,
	    .stamp_written = stamp_written,
	    .now = now,
	    .uptime = uptime,
	    .random = random_bytes,
	    .backing_open = backing_open,
	    .backing_close = backing_close,
	};

	return &linux_os;
}
