/* SPDX-License-Identifier: BSD-2-Clause */
/* The mount options; see table.h. */
#include "table.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/number.h"
#include "policy/label.h"

/* More would not be looking for the next request of one who asks now, but for the first of another.
 */
#define POLL_US_MAX 1000

/* Names that programs give, unasked, to objects which they size by writing; shmfs(8) has each. */
#define GROW_USUALLY                                                                               \
	"sem.*:tmp-*"	   /* named semaphores of glibc and of musl: a sem_t */                    \
	":__db.*"	   /* regions of Berkeley DB, as jackd has them: a last page */            \
	":mpich_shar_tmp*" /* MPICH: lseek and one byte */                                         \
	":Intel_MPI_*"	   /* Intel MPI: the same */                                               \
	":ucx_shm_posix_*" /* UCX: all of it, to see whether there is room */                      \
	":*.pkl"	   /* arrays of joblib, in a folder of each process */                     \
	":ust-shm-*:shm-ust-*:shm-event-notifier-*"	     /* LTTng: zeros */                    \
	":deepspeed_allreduce_buffer*:shm_allreduce_buffer*" /* DeepSpeed, Gloo: the contents */   \
	":*global_vm:*vpe-api"				     /* VPP: lseek and one byte */         \
	":rmq_*.log*" /* RocketMQ: logs of the garbage collector */

/* Where a value is kept, which has to be of this type. */
#define FIELD(type, name)                                                                          \
	(offsetof(struct options, name) +                                                          \
	    0 * sizeof((type *)NULL == &((struct options *)NULL)->name))

static const struct option_spec table[] = {
    {"size", SIZE, FIELD(uint64_t, size), "BYTES", "50%", NULL,
	"memory that all objects may have together, with k, m, g, t or as % of RAM; 0: no limit"},
    {"nr_blocks", BLOCKS, FIELD(uint64_t, size), "N", NULL, "as size",
	"the same in pages, as of tmpfs(5), with k, m, g; 0: no limit"},
    {"nr_inodes", COUNT, FIELD(uint64_t, nr_inodes), "N", NULL, "half the pages of RAM",
	"objects, directories and names there may be, with k, m, g; 0: no limit"},
    {"user_size", SIZE, FIELD(uint64_t, user_size), "BYTES", "0", "no limit",
	"memory that the objects of one user may have, but for root; as size"},
    {"user_inodes", COUNT, FIELD(uint64_t, user_inodes), "N", "0", "no limit",
	"objects, directories and names of one user, but for root; as nr_inodes"},
    {"mode", MODE, FIELD(mode_t, mode), "OCTAL", NULL, "1777; with rules=freebsd 777",
	"permission bits of the root directory"},
    {"uid", ID, FIELD(uint32_t, uid), "UID", NULL, "who mounts", "owner of the root directory"},
    {"gid", ID, FIELD(uint32_t, gid), "GID", NULL, "who mounts", "group of the root directory"},
    {"io", IO, FIELD(enum tier_choice, io), "TIER", "auto", NULL,
	"how memory is reached: auto, passthrough or cached"},
    {"huge", HUGE, FIELD(const char *, huge), "WHEN", NULL, "advise where the system has it",
	"huge pages, as of tmpfs(5): never, within_size, always or advise"},
    {"mpol", MPOL, FIELD(const char *, mpol), "POLICY", NULL, "the process's",
	"which NUMA nodes memory comes from, as of tmpfs(5)"},
    {"noswap", YES, FIELD(bool, noswap), NULL, NULL, NULL, "memory is never swapped out"},
    {"poll_us", TIME, FIELD(uint32_t, poll_us), "MICROSECONDS", "50", NULL,
	"how long to look for the next request before sleeping, at most 1000; 0: not at all"},
    {"follow", YES, FIELD(bool, follow), NULL, "", NULL,
	"serve a client that asks alone and all the time on its own processor (default)"},
    {"nofollow", NO, FIELD(bool, follow), NULL, NULL, NULL,
	"leave it to the system where the server runs"},
    {"rules", RULES, FIELD(enum shmfs_rules, rules), "NAME", "linux", NULL,
	"whose rules decide: linux, or freebsd for those of its shm_open(2)"},
    {"like", LIKE, FIELD(bool, like_tmpfs), "NAME", NULL, "shared memory",
	"tmpfs: for programs that expect one: all objects grow when they are written, as grow=*"},
    {"grow", PATTERNS, FIELD(const char *, grow), "PATTERNS", NULL,
	GROW_USUALLY "; with like=tmpfs *, with rules=freebsd none",
	"objects whose names match grow when written past their end; colons stand between "
	"patterns, and behind a + are some more beside the default"},
    {"lifetime", PATTERNS, FIELD(const char *, lifetime), "PATTERNS", "", "none",
	"objects whose names match are removed once nobody has them open or mapped"},
    {"lifetime_age", SECONDS, FIELD(uint64_t, lifetime_age), "SECONDS", "60", NULL,
	"how long a new object is safe from that, unless it is opened again before"},
    {"mac", POLICIES, FIELD(unsigned, mac), "POLICIES", NULL, "none",
	"policies that decide beside permission bits: biba, mls or biba,mls"},
    {"mac_policy", FILENAME, FIELD(const char *, mac_policy), "FILE", NULL, NULL,
	"who has which label, see shmfs.policy(5); SIGHUP reads it again"},
    {"log", LOG, FIELD(enum log_place, log), "PLACE", "syslog", NULL,
	"where a mount in the background logs to: syslog, or stderr as it was inherited"},
    {"idmap", YES, FIELD(bool, idmap), NULL, NULL, NULL,
	"let mounts of it be id-mapped, see mount_setattr(2); not with mac"},
    {"allow_other", YES, FIELD(bool, allow_other), NULL, NULL, NULL,
	"let other users in (default for root)"},
    {"noallow_other", NO, FIELD(bool, allow_other), NULL, NULL, NULL,
	"keep other users, and root, out"},
};

#define TABLE_LENGTH (sizeof table / sizeof table[0])

/* An option of the table in a struct options. */
static inline void *field(struct options *options, const struct option_spec *spec)
{
	return (char *)options + spec->offset;
}

static inline const void *const_field(const struct options *options, const struct option_spec *spec)
{
	return (const char *)options + spec->offset;
}

static uint64_t ram_bytes(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 0;
	return (uint64_t)info.totalram * info.mem_unit;
}

static bool read_size(const char *text, uint64_t *out)
{
	const char *end;
	uint64_t percent;

	if (number_read(text, 10, &percent, &end) && strcmp(end, "%") == 0) {
		if (percent > 100000)
			return false;
		*out = ram_bytes() / 100 * percent;
		return true;
	}
	return number_read_scaled(text, "kmgt", UINT64_MAX, out);
}

static const char *const rules_names[] = {
    [SHMFS_RULES_LINUX] = "linux",
    [SHMFS_RULES_FREEBSD] = "freebsd",
};

static const char *const log_names[] = {
    [LOG_TO_STDERR] = "stderr",
    [LOG_TO_SYSLOG] = "syslog",
};

/* The place of a name in a table, which may have gaps; -1: it is not there. */
static int place_of(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (names[i] != NULL && strcmp(text, names[i]) == 0)
			return (int)i;
	}
	return -1;
}

static const char *const huge_names[] = {"never", "within_size", "always", "advise"};

/* A name of the table, which stays where it is; NULL: it is none. */
static const char *read_huge(const char *text)
{
	int place = place_of(text, huge_names, sizeof huge_names / sizeof huge_names[0]);

	return place >= 0 ? huge_names[place] : NULL;
}

/* Of rules and of what they are like, the later counts. */
static bool read_rules(struct options *options, const char *text)
{
	int place = place_of(text, rules_names, sizeof rules_names / sizeof rules_names[0]);

	if (place < 0)
		return false;
	options->rules = (enum shmfs_rules)place;
	options->like_tmpfs = options->like_tmpfs && options->rules == SHMFS_RULES_LINUX;
	return true;
}

static bool read_like(struct options *options, const char *text)
{
	if (strcmp(text, "tmpfs") != 0)
		return false;
	options->rules = SHMFS_RULES_LINUX;
	options->like_tmpfs = true;
	return true;
}

static bool read_log(const char *text, enum log_place *out)
{
	int place = place_of(text, log_names, sizeof log_names / sizeof log_names[0]);

	if (place >= 0)
		*out = (enum log_place)place;
	return place >= 0;
}

/* Pages, in bytes. */
static bool read_blocks(const char *text, uint64_t *out)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), pages;

	if (!number_read_scaled(text, "kmg", UINT64_MAX / page, &pages))
		return false;
	*out = pages * page;
	return true;
}

bool option_read(struct options *options, const struct option_spec *spec, const char *text)
{
	void *to = field(options, spec);
	uint64_t number;

	switch (spec->kind) {
	case SIZE:
		return read_size(text, to);
	case BLOCKS:
		return read_blocks(text, to);
	case COUNT:
		return number_read_scaled(text, "kmg", UINT64_MAX, to);
	case SECONDS:
		return number_read_plain(text, 10, UINT32_MAX, to);
	case MODE:
		if (!number_read_plain(text, 8, 07777, &number))
			return false;
		*(mode_t *)to = (mode_t)number;
		return true;
	case ID:
		/* 2^32-1 stands for "no change" in chown(2) and is nobody's. */
		if (!number_read_plain(text, 10, UINT32_MAX - 1, &number))
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case TIME:
		if (!number_read_plain(text, 10, POLL_US_MAX, &number))
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case IO:
		options->asks_direct = strcmp(text, "direct") == 0;
		return tier_choice_parse(options->asks_direct ? "auto" : text, to);
	case RULES:
		return read_rules(options, text);
	case LIKE:
		return read_like(options, text);
	case LOG:
		return read_log(text, to);
	case PATTERNS:
		*(const char **)to = text;
		return true;
	case POLICIES:
		options->in_mac = policy_list_parse(text, to);
		return options->in_mac;
	case HUGE:
		*(const char **)to = read_huge(text);
		return *(const char **)to != NULL;
	case MPOL:
		*(const char **)to = text;
		options->in_mpol = *text != '\0';
		return options->in_mpol;
	case FILENAME:
		*(const char **)to = text;
		return *text != '\0';
	case YES:
	case NO:
		*(bool *)to = spec->kind == YES;
		return true;
	}
	return false;
}

void option_print(
    const struct options *options, const struct option_spec *spec, char *out, size_t size)
{
	const void *from = const_field(options, spec);

	switch (spec->kind) {
	case SIZE:
	case COUNT:
	case SECONDS:
		snprintf(out, size, "%" PRIu64, *(const uint64_t *)from);
		break;
	case MODE:
		snprintf(out, size, "%o", *(const mode_t *)from);
		break;
	case ID:
	case TIME:
		snprintf(out, size, "%" PRIu32, *(const uint32_t *)from);
		break;
	case IO:
		snprintf(out, size, "%s", tier_choice_name(*(const enum tier_choice *)from));
		break;
	case RULES:
		snprintf(out, size, "%s", rules_names[*(const enum shmfs_rules *)from]);
		break;
	case BLOCKS:
		/* Another word for a value that is printed. */
		*out = '\0';
		break;
	case LIKE:
		snprintf(out, size, "%s", *(const bool *)from ? "tmpfs" : "");
		break;
	case LOG:
		snprintf(out, size, "%s", log_names[*(const enum log_place *)from]);
		break;
	case PATTERNS:
	case HUGE:
	case MPOL:
	case FILENAME:
		snprintf(out, size, "%s",
		    *(const char *const *)from != NULL ? *(const char *const *)from : "");
		break;
	case POLICIES:
		policy_list_print(*(const unsigned *)from, out, size);
		break;
	case YES:
	case NO:
		snprintf(
		    out, size, "%s", *(const bool *)from == (spec->kind == YES) ? "yes" : "no");
		break;
	}
}

const struct option_spec *option_find(const char *name, size_t length)
{
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
			return &table[i];
	}
	return NULL;
}

const struct option_spec *option_next(const struct option_spec *before)
{
	const struct option_spec *next = before == NULL ? table : before + 1;

	return next < table + TABLE_LENGTH ? next : NULL;
}

_Static_assert(TABLE_LENGTH <= 64, "one bit for each");

void option_note_given(struct options *options, const struct option_spec *spec)
{
	options->given |= UINT64_C(1) << (spec - table);
}

bool option_is_given(const struct options *options, const struct option_spec *spec)
{
	return (options->given & UINT64_C(1) << (spec - table)) != 0;
}

/* A mode that no option can give: the default depends on the rules. */
#define UNSET_MODE ((mode_t)-1)

void option_set_defaults(struct options *options)
{
	*options = (struct options){
	    .nr_inodes = ram_bytes() / 2 / (uint64_t)sysconf(_SC_PAGESIZE),
	    .mode = UNSET_MODE,
	    .uid = geteuid(),
	    .gid = getegid(),
	    .allow_other = geteuid() == 0,
	    .source = "shmfs",
	};
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		if (table[i].initial != NULL)
			(void)option_read(options, &table[i], table[i].initial);
	}
}

/* What is too long for the two together is cut where it is still too long to be accepted. */
static void set_grow(struct options *options, const char *usually)
{
	if (options->grow == NULL) {
		options->grow = usually;
	} else if (*options->grow == '+') {
		snprintf(options->grow_added, sizeof options->grow_added, "%s%s%s", usually,
		    *usually != '\0' ? ":" : "", options->grow + 1);
		options->grow = options->grow_added;
	}
}

void option_set_later_defaults(struct options *options)
{
	bool freebsd = options->rules == SHMFS_RULES_FREEBSD;

	if (options->mode == UNSET_MODE)
		options->mode = freebsd ? 0777 : 01777;
	if (freebsd)
		set_grow(options, "");
	else
		set_grow(options, options->like_tmpfs ? "*" : GROW_USUALLY);
}
