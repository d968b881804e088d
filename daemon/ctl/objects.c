/* SPDX-License-Identifier: BSD-2-Clause */
/* Verbs on single objects, by the files of the mount: what posixshmcontrol(1) does, and seals. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "client.h"
#include "text.h"

/* A name never leads out of the mount. */
static int open_below(const struct ctl *ctl, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
	    .flags = flags | O_CLOEXEC,
	    .mode = mode,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, ctl->root, name, &how, sizeof how);
}

static int fail(const char *name)
{
	char text[PATH_MAX];
	int error = errno;

	ctl_warn("%s: %s", ctl_escape(name, text, sizeof text), strerror(error));
	return CTL_FAILED;
}

/* Runs a verb for each argument from the first on; one that fails does not keep it from the rest.
 */
static int each(struct ctl *ctl, int first, int (*work)(struct ctl *ctl, const char *name))
{
	int status = CTL_OK;

	if (!ctl_open_root(ctl))
		return CTL_FAILED;
	for (int i = first; i < ctl->count; i++) {
		const char *name = ctl_relative(ctl, ctl->arguments[i]);

		if (work(ctl, name) != CTL_OK)
			status = CTL_FAILED;
	}
	return status;
}

/* --- create, rm, truncate --------------------------------------------------------------------- */

static mode_t create_mode;

static int create_one(struct ctl *ctl, const char *name)
{
	int fd = open_below(ctl, name, O_RDWR | O_CREAT, create_mode);

	if (fd < 0)
		return fail(name);
	close(fd);
	return CTL_OK;
}

static int run_create(struct ctl *ctl)
{
	const char *text = ctl_value(ctl, "m");
	uint64_t mode = 0600;

	if (text != NULL && !ctl_read_mode(text, 0777, &mode))
		return ctl_misused("'%s' is no mode", text);
	create_mode = (mode_t)mode;
	return each(ctl, 0, create_one);
}

static int remove_one(struct ctl *ctl, const char *name)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(name, '/');
	int fd, rc;

	snprintf(dir, sizeof dir, "%.*s", slash != NULL ? (int)(slash - name) : 1,
	    slash != NULL ? name : ".");
	fd = open_below(ctl, dir, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fail(name);
	rc = unlinkat(fd, slash != NULL ? slash + 1 : name, 0);
	if (rc < 0)
		(void)fail(name);
	close(fd);
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

static int run_rm(struct ctl *ctl)
{
	return each(ctl, 0, remove_one);
}

static uint64_t new_size;

static int truncate_one(struct ctl *ctl, const char *name)
{
	int fd = open_below(ctl, name, O_RDWR, 0), rc;

	if (fd < 0)
		return fail(name);
	rc = ftruncate(fd, (off_t)new_size);
	if (rc < 0)
		(void)fail(name);
	close(fd);
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

static int run_truncate(struct ctl *ctl)
{
	const char *text = ctl_value(ctl, "s");

	new_size = 0;
	if (text != NULL && !ctl_read_size(text, &new_size))
		return ctl_misused("'%s' is no size", text);
	return each(ctl, 0, truncate_one);
}

/* --- dump ------------------------------------------------------------------------------------- */

static int write_all(const char *data, ssize_t size)
{
	while (size > 0) {
		ssize_t count = write(STDOUT_FILENO, data, (size_t)size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -1;
		data += count;
		size -= count;
	}
	return 0;
}

static int copy_out(int fd, const char *name)
{
	static char buffer[1 << 18];
	struct ctl_progress progress;
	uint64_t done = 0;
	struct stat st;
	ssize_t count;
	int rc = 0;

	if (fstat(fd, &st) < 0)
		return fail(name);
	ctl_progress_begin(&progress, "bytes");
	while (rc == 0 && (count = read(fd, buffer, sizeof buffer)) != 0) {
		if (count < 0 && errno == EINTR)
			continue;
		rc = count < 0 ? -1 : write_all(buffer, count);
		done += (uint64_t)(count > 0 ? count : 0);
		ctl_progress(&progress, done, (uint64_t)st.st_size);
	}
	ctl_progress_end(&progress);
	return rc < 0 ? fail(name) : CTL_OK;
}

static int dump_one(struct ctl *ctl, const char *name)
{
	int fd = open_below(ctl, name, O_RDONLY, 0), status;

	if (fd < 0)
		return fail(name);
	status = copy_out(fd, name);
	close(fd);
	return status;
}

static int run_dump(struct ctl *ctl)
{
	return each(ctl, 0, dump_one);
}

/* --- stat ------------------------------------------------------------------------------------- */

static void print_time(const char *key, const struct statx_timestamp *time)
{
	printf("%s\t%" PRId64 ".%09u\n", key, (int64_t)time->tv_sec, time->tv_nsec);
}

static void print_status(const struct ctl *ctl, const char *name, const struct statx *st)
{
	bool numeric = ctl_value(ctl, "n") != NULL;
	char text[PATH_MAX], user[64], human[32];

	printf("path\t/%s\n", ctl_escape(name, text, sizeof text));
	printf("inode\t%" PRIu64 "\n", (uint64_t)st->stx_ino);
	printf("mode\t%#o\n", st->stx_mode);
	printf("nlink\t%u\n", st->stx_nlink);
	printf("%s\t%s\n", numeric ? "uid" : "owner", ctl_user(st->stx_uid, numeric, user));
	printf("%s\t%s\n", numeric ? "gid" : "group", ctl_group(st->stx_gid, numeric, user));
	if (ctl_value(ctl, "h") != NULL)
		printf("size\t%s\n", ctl_human(st->stx_size, human));
	else
		printf("size\t%" PRIu64 "\n", (uint64_t)st->stx_size);
	print_time("atime", &st->stx_atime);
	print_time("mtime", &st->stx_mtime);
	print_time("ctime", &st->stx_ctime);
	print_time("birth", &st->stx_btime);
	printf("pages\t%" PRIu64 "\n", (uint64_t)st->stx_blocks / 8);
}

static int stat_one(struct ctl *ctl, const char *name)
{
	int fd = open_below(ctl, name, O_PATH, 0), status = CTL_OK;
	struct statx st;

	if (fd < 0)
		return fail(name);
	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		status = fail(name);
	else
		print_status(ctl, name, &st);
	close(fd);
	return status;
}

static int run_stat(struct ctl *ctl)
{
	return each(ctl, 0, stat_one);
}

/* --- seal ------------------------------------------------------------------------------------- */

/* For reading: an opening for writing would keep the seal "write" away. */
static int seal_one(struct ctl *ctl, const char *name)
{
	const char *seals = ctl->arguments[0];
	int fd = open_below(ctl, name, O_RDONLY, 0), rc;

	if (fd < 0)
		return fail(name);
	rc = fsetxattr(fd, "user.shmfs.seals", seals, strlen(seals), 0);
	if (rc < 0)
		(void)fail(name);
	close(fd);
	return rc < 0 ? CTL_FAILED : CTL_OK;
}

static int run_seal(struct ctl *ctl)
{
	return each(ctl, 1, seal_one);
}

static const struct ctl_option create_options[] = {
    {'m', "mode", "MODE", "permission bits, less those of the umask (default 600)"},
    {0},
};

static const struct ctl_option stat_options[] = {
    {'h', NULL, NULL, "size for people"},
    {'n', "numeric", NULL, "numbers of user and group"},
    {0},
};

static const struct ctl_option truncate_options[] = {
    {'s', "size", "SIZE", "the new size, with k, m, g or t (default 0)"},
    {0},
};

const struct ctl_verb ctl_object_verbs[] = {
    {"create", "OBJECT...", 1, -1, "makes objects that are not there yet, of size 0",
	create_options, run_create, NULL},
    {"rm", "OBJECT...", 1, -1, "removes the names of objects", NULL, run_rm, NULL},
    {"dump", "OBJECT...", 1, -1, "writes what is in objects to standard output", NULL, run_dump,
	NULL},
    {"stat", "OBJECT...", 1, -1, "shows what is known of objects, a line for each fact",
	stat_options, run_stat, NULL},
    {"truncate", "OBJECT...", 1, -1, "sets the size of objects", truncate_options, run_truncate,
	NULL},
    {"seal", "SEALS OBJECT...", 2, -1,
	"adds seals (seal, shrink, grow, write; with commas between), for good", NULL, run_seal,
	NULL},
    {0},
};
