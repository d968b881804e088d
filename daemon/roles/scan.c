/* SPDX-License-Identifier: BSD-2-Clause */
/* The look through /proc; see scan.h. */
#include "scan.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "fs/failpoint.h"
#include "holders.h"

/* What a scan that nobody bounds may take: the processor is others' too. */
#define SCAN_MS 10000

struct scan {
	const struct holders_question *question;
	int socket;
	uint64_t until; /* on the clock of common/clock.h */
	struct holder *holders;
	size_t count, room;
	bool truncated;
};

/* What is not looked at any more might hold it, too. */
static bool may_go_on(struct scan *scan)
{
	if (clock_now() >= scan->until)
		scan->truncated = true;
	return !scan->truncated;
}

/* Who asked may have gone away. */
static bool is_awaited(const struct scan *scan)
{
	char byte;

	return recv(scan->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static bool make_room(struct scan *scan)
{
	size_t room = scan->room > 0 ? 2 * scan->room : 64;
	struct holder *holders;

	if (scan->count < scan->room)
		return true;
	holders = scan->count < HOLDERS_MAX ? realloc(scan->holders, room * sizeof *holders) : NULL;
	if (holders == NULL) {
		scan->truncated = true;
		return false;
	}
	scan->holders = holders;
	scan->room = room;
	return true;
}

/* One process comes in a row, so what is known of it stands at the end. */
static void add(struct scan *scan, const struct holder *holder)
{
	for (size_t i = scan->count; i > 0 && scan->holders[i - 1].pid == holder->pid; i--) {
		if (scan->holders[i - 1].id == holder->id) {
			scan->holders[i - 1].access |= holder->access;
			return;
		}
	}
	if (make_room(scan))
		scan->holders[scan->count++] = *holder;
}

static bool is_sought(const struct scan *scan, unsigned major, unsigned minor, uint64_t id)
{
	return major == scan->question->major && minor == scan->question->minor &&
	       (scan->question->id == 0 || scan->question->id == id);
}

/*
 * Whether a link of /proc leads to an object. The attributes are those that the kernel remembers:
 * asking a filesystem for them would wait for it, and any of them may hang.
 */
static bool leads_to_object(const struct scan *scan, int dir, const char *name, uint64_t *id)
{
	struct statx st;

	if (statx(dir, name, AT_STATX_DONT_SYNC, STATX_INO | STATX_TYPE, &st) < 0 ||
	    !S_ISREG(st.stx_mode) ||
	    !is_sought(scan, st.stx_dev_major, st.stx_dev_minor, st.stx_ino))
		return false;
	*id = st.stx_ino;
	return true;
}

static FILE *open_in(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file == NULL && fd >= 0)
		close(fd);
	return file;
}

/* The flags of an open file stand in octal in fdinfo. */
static bool may_write(int process, const char *fd)
{
	char path[64], line[128];
	unsigned flags = O_RDONLY;
	FILE *file;

	if (snprintf(path, sizeof path, "fdinfo/%s", fd) >= (int)sizeof path)
		return false;
	file = open_in(process, path);
	if (file == NULL)
		return false;
	while (fgets(line, sizeof line, file) != NULL && sscanf(line, "flags: %o", &flags) != 1)
		;
	fclose(file);
	return (flags & O_ACCMODE) != O_RDONLY;
}

static void look_at_descriptors(struct scan *scan, int process, struct holder *holder)
{
	int fd = openat(process, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((entry = readdir(dir)) != NULL && may_go_on(scan)) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !leads_to_object(scan, dirfd(dir), entry->d_name, &holder->id))
			continue;
		holder->access = HOLDER_OPEN;
		if (may_write(process, entry->d_name))
			holder->access |= HOLDER_WRITES;
		add(scan, holder);
	}
	closedir(dir);
}

/* A line begins "start-end permissions offset major:minor inode". */
static void look_at_mappings(struct scan *scan, int process, struct holder *holder)
{
	FILE *file = open_in(process, "maps");
	unsigned major, minor;
	size_t size = 0;
	char *line = NULL;
	uint64_t id;

	if (file == NULL)
		return;
	while (may_go_on(scan) && getline(&line, &size, file) > 0) {
		if (sscanf(line, "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &id) != 3 ||
		    !is_sought(scan, major, minor, id))
			continue;
		holder->id = id;
		holder->access = HOLDER_MAPS;
		add(scan, holder);
	}
	free(line);
	fclose(file);
}

static void read_command(int process, struct holder *holder)
{
	FILE *file = open_in(process, "comm");

	if (file == NULL)
		return;
	if (fgets(holder->command, sizeof holder->command, file) == NULL)
		holder->command[0] = '\0';
	holder->command[strcspn(holder->command, "\n")] = '\0';
	fclose(file);
}

static void look_at_process(struct scan *scan, int proc, const char *name)
{
	struct holder holder = {.pid = (pid_t)strtol(name, NULL, 10)};
	struct stat st;
	int process;

	if (holder.pid == scan->question->skip[0] || holder.pid == scan->question->skip[1])
		return;
	/* A process that ends meanwhile holds nothing. */
	process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return;
	if (fstat(process, &st) == 0) {
		holder.uid = st.st_uid;
		read_command(process, &holder);
		look_at_descriptors(scan, process, &holder);
		look_at_mappings(scan, process, &holder);
		holder.access = HOLDER_RUNS;
		if (leads_to_object(scan, process, "exe", &holder.id))
			add(scan, &holder);
	}
	close(process);
}

static int compare(const void *a, const void *b)
{
	const struct holder *one = a, *other = b;

	if (one->pid != other->pid)
		return one->pid < other->pid ? -1 : 1;
	return one->id < other->id ? -1 : one->id > other->id;
}

/* What was known before the look (pins) and what it found come together. */
static void merge(struct scan *scan)
{
	size_t kept = 0;

	if (scan->count > 0)
		qsort(scan->holders, scan->count, sizeof *scan->holders, compare);
	for (size_t i = 0; i < scan->count; i++) {
		if (kept > 0 && compare(&scan->holders[kept - 1], &scan->holders[i]) == 0)
			scan->holders[kept - 1].access |= scan->holders[i].access;
		else
			scan->holders[kept++] = scan->holders[i];
	}
	scan->count = kept;
}

static void name_those_known_before(struct scan *scan, int proc)
{
	for (size_t i = 0; i < scan->count; i++) {
		char name[32];
		int process;

		snprintf(name, sizeof name, "%ld", (long)scan->holders[i].pid);
		process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (process < 0)
			continue;
		read_command(process, &scan->holders[i]);
		close(process);
	}
}

static int look(struct scan *scan)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	if (proc == NULL)
		return -errno;
	scan->until = clock_now() + (uint64_t)SCAN_MS * CLOCK_MS;
	name_those_known_before(scan, dirfd(proc));
	while ((entry = readdir(proc)) != NULL && may_go_on(scan) && is_awaited(scan)) {
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(scan, dirfd(proc), entry->d_name);
	}
	closedir(proc);
	merge(scan);
	return 0;
}

static void tell(const struct scan *scan, int rc)
{
	size_t told = 0;

	do {
		size_t left = scan->count - told;
		struct holders_part part = {
		    .first = told == 0, .truncated = scan->truncated, .rc = rc};

		part.count = (uint32_t)(left < HOLDERS_PART ? left : HOLDERS_PART);
		part.last = part.count == left;
		if (part.count > 0)
			memcpy(part.holders, scan->holders + told,
			    part.count * sizeof part.holders[0]);
		told += part.count;
		if (send(scan->socket, &part, sizeof part, MSG_NOSIGNAL) < 0)
			return;
		failpoint("part of an answer sent");
	} while (told < scan->count);
}

void scan_answer(const void *message, size_t size, int socket)
{
	static struct holders_question question;
	struct scan scan = {.question = &question, .socket = socket};

	if (size != sizeof question)
		return;
	memcpy(&question, message, size);
	for (size_t i = 0; i < question.count && i < HOLDERS_KNOWN_MAX; i++)
		add(&scan, &question.known[i]);
	tell(&scan, look(&scan));
	free(scan.holders);
}
