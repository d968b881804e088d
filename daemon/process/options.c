/* SPDX-License-Identifier: BSD-2-Clause */
/* Options: one table says what there is, how it is read, what it means and how it is printed. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "common/number.h"
#include "policy/policy.h"

enum kind {
	SIZE,
	COUNT,
	SECONDS,
	MODE,
	ID,
	TIME,
	IO,
	RULES,
	PATTERNS,
	POLICIES,
	FILENAME,
	YES,
	NO
};

struct option_spec {
	const char *name;
	enum kind kind;
	size_t offset;	   /* in struct options */
	const char *value; /* how --help shows the value; NULL: the option has none */
	const char *help;
};

/* More would not be looking for the next request of one who asks now, but for the first of another.
 */
#define MOST_POLL_US 1000

#define FIELD(name) offsetof(struct options, name)

static const struct option_spec table[] = {
    {"size", SIZE, FIELD(size), "BYTES",
	"memory that all objects may have together, with k, m, g, t or as % of RAM; 0: no limit "
	"(default 50%)"},
    {"nr_inodes", COUNT, FIELD(nr_inodes), "N",
	"objects, directories and names there may be, with k, m, g; 0: no limit (default: half the "
	"pages of RAM)"},
    {"user_size", SIZE, FIELD(user_size), "BYTES",
	"memory that the objects of one user may have, but for root; as size (default: no limit)"},
    {"user_inodes", COUNT, FIELD(user_inodes), "N",
	"objects, directories and names of one user, but for root; as nr_inodes (default: no "
	"limit)"},
    {"mode", MODE, FIELD(mode), "OCTAL",
	"permission bits of the root directory (default 1777; with rules=freebsd 777)"},
    {"uid", ID, FIELD(uid), "UID", "owner of the root directory (default: who mounts)"},
    {"gid", ID, FIELD(gid), "GID", "group of the root directory (default: who mounts)"},
    {"io", IO, FIELD(io), "TIER",
	"how memory is reached: auto, passthrough, direct or cached (default auto)"},
    {"poll_us", TIME, FIELD(poll_us), "MICROSECONDS",
	"how long to look for the next request before sleeping, at most 1000; 0: not at all "
	"(default 50)"},
    {"follow", YES, FIELD(follow), NULL,
	"serve a client that asks alone and all the time on its own processor (default)"},
    {"nofollow", NO, FIELD(follow), NULL, "leave it to the system where the server runs"},
    {"rules", RULES, FIELD(rules), "NAME",
	"whose rules decide: linux, or freebsd for those of its shm_open(2) (default linux)"},
    {"grow", PATTERNS, FIELD(grow), "PATTERNS",
	"objects whose names match grow when written past their end; colons stand between patterns "
	"(default sem.*:tmp-*; with rules=freebsd none)"},
    {"lifetime", PATTERNS, FIELD(lifetime), "PATTERNS",
	"objects whose names match are removed once nobody has them open or mapped (default none)"},
    {"lifetime_age", SECONDS, FIELD(lifetime_age), "SECONDS",
	"how long a new object is safe from that, unless it is opened again before (default 60)"},
    {"mac", POLICIES, FIELD(mac), "POLICIES",
	"policies that decide beside permission bits: biba, mls or biba,mls (default none)"},
    {"mac_policy", FILENAME, FIELD(mac_policy), "FILE",
	"who has which label, see shmfs.policy(5); SIGHUP reads it again"},
    {"allow_other", YES, FIELD(allow_other), NULL, "let other users in (default for root)"},
    {"noallow_other", NO, FIELD(allow_other), NULL, "keep other users, and root, out"},
};

#define TABLE_LENGTH (sizeof table / sizeof table[0])

/* Options that the kernel or the mount command deals with. */
static const char *const passed_on[] = {"ro", "rw", "suid", "nosuid", "dev", "nodev", "exec",
    "noexec", "sync", "async", "dirsync", "atime", "noatime"};

/* Options of fstab(5) and of other filesystems that say nothing here. */
static const char *const ignored[] = {"defaults", "default_permissions", "auto", "noauto", "user",
    "users", "nouser", "owner", "group", "nofail", "_netdev", "relatime", "norelatime",
    "strictatime", "lazytime", "nolazytime", "diratime", "nodiratime"};

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

static bool read_rules(const char *text, enum shmfs_rules *out)
{
	for (size_t i = 0; i < sizeof rules_names / sizeof rules_names[0]; i++) {
		if (strcmp(text, rules_names[i]) == 0) {
			*out = (enum shmfs_rules)i;
			return true;
		}
	}
	return false;
}

static bool read_value(struct options *options, const struct option_spec *spec, const char *text)
{
	void *to = field(options, spec);
	uint64_t number;

	switch (spec->kind) {
	case SIZE:
		return read_size(text, to);
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
		if (!number_read_plain(text, 10, MOST_POLL_US, &number))
			return false;
		*(uint32_t *)to = (uint32_t)number;
		return true;
	case IO:
		return tier_choice_parse(text, to);
	case RULES:
		return read_rules(text, to);
	case PATTERNS:
		*(const char **)to = text;
		return true;
	case POLICIES:
		options->in_mac = policy_list_parse(text, to);
		return options->in_mac;
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

/* Prints one option's value, as it would be given. */
static void print_value(
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
	case PATTERNS:
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

static const struct option_spec *find_spec(const char *name, size_t length)
{
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		if (strlen(table[i].name) == length && memcmp(table[i].name, name, length) == 0)
			return &table[i];
	}
	return NULL;
}

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(name, list[i]) == 0)
			return true;
	}
	return false;
}

static int append(char *list, size_t size, const char *item)
{
	size_t used = strlen(list);
	int written = snprintf(list + used, size - used, "%s%s", used > 0 ? "," : "", item);

	if (written >= 0 && (size_t)written < size - used)
		return 0;
	list[used] = '\0';
	return -EINVAL;
}

__attribute__((format(printf, 3, 4))) static int refuse(
    char *why, size_t why_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_size, format, args);
	va_end(args);
	return -EINVAL;
}

/* One option without the commas; it may be written to and stays where it is. */
static int apply(struct options *options, char *option, char *why, size_t why_size)
{
	size_t length = strcspn(option, "=");
	const struct option_spec *spec = find_spec(option, length);
	const char *value = option[length] == '=' ? option + length + 1 : NULL;
	bool in_mac = options->in_mac;
	unsigned more;

	options->in_mac = false;
	if (in_mac && policy_list_parse(option, &more)) {
		options->in_mac = true;
		if (options->mac & more)
			return refuse(why, why_size, "option 'mac' has '%s' twice", option);
		options->mac |= more;
		return 0;
	}

	if (*option == '\0' || strncmp(option, "x-", 2) == 0 || strncmp(option, "X-", 2) == 0 ||
	    strncmp(option, "comment=", 8) == 0 ||
	    is_one_of(option, ignored, sizeof ignored / sizeof ignored[0]))
		return 0;
	if (is_one_of(option, passed_on, sizeof passed_on / sizeof passed_on[0])) {
		if (append(options->vfs, sizeof options->vfs, option) < 0)
			return refuse(why, why_size, "too many options");
		return 0;
	}
	if (spec == NULL)
		return refuse(why, why_size, "unknown option '%s' (see --help)", option);
	if (spec->value == NULL && value != NULL)
		return refuse(why, why_size, "option '%s' takes no value", spec->name);
	if (spec->value != NULL && value == NULL)
		return refuse(why, why_size, "option '%s' needs a value: %s=%s", spec->name,
		    spec->name, spec->value);
	if (!read_value(options, spec, value))
		return refuse(why, why_size, "bad value '%s' for option '%s=%s': %s", value,
		    spec->name, spec->value, spec->help);
	return 0;
}

/* A comma-separated list, which is cut at its commas. */
static int apply_list(struct options *options, char *list, char *why, size_t why_size)
{
	char *option;

	options->in_mac = false;
	while ((option = strsep(&list, ",")) != NULL) {
		int rc = apply(options, option, why, why_size);

		if (rc < 0)
			return rc;
	}
	return 0;
}

/* A mode that no option can give: the default depends on the rules. */
#define UNSET_MODE ((mode_t)-1)

static void set_defaults(struct options *options)
{
	*options = (struct options){
	    .size = ram_bytes() / 100 * 50,
	    .nr_inodes = ram_bytes() / 2 / (uint64_t)sysconf(_SC_PAGESIZE),
	    .mode = UNSET_MODE,
	    .uid = geteuid(),
	    .gid = getegid(),
	    .io = TIER_AUTO,
	    .poll_us = 50,
	    .follow = true,
	    .lifetime = "",
	    .lifetime_age = 60,
	    .allow_other = geteuid() == 0,
	    .source = "shmfs",
	};
}

/* Defaults that depend on other options, where they were not given. */
static void set_later_defaults(struct options *options)
{
	bool freebsd = options->rules == SHMFS_RULES_FREEBSD;

	if (options->mode == UNSET_MODE)
		options->mode = freebsd ? 0777 : 01777;
	if (options->grow == NULL)
		options->grow = freebsd ? "" : "sem.*:tmp-*";
}

static int validate_patterns(const char *option, const char *patterns, char *why, size_t why_size)
{
	if (strlen(patterns) > 4000)
		return refuse(why, why_size, "option '%s' is longer than 4000 bytes", option);
	for (const char *at = patterns; *at != '\0'; at += *at == ':') {
		size_t length = strcspn(at, ":");

		if (length > 255)
			return refuse(why, why_size,
			    "option '%s' has a pattern of %zu bytes; names have at most 255",
			    option, length);
		at += length;
	}
	return 0;
}

/* Values that are each well formed and make no sense together, or could not be kept. */
static int validate(const struct options *options, char *why, size_t why_size)
{
	int rc;

	if (options->size > INT64_MAX)
		return refuse(why, why_size, "option 'size' is larger than any memory");
	if (options->user_size > INT64_MAX)
		return refuse(why, why_size, "option 'user_size' is larger than any memory");
	if (options->nr_inodes == 1)
		return refuse(why, why_size, "option 'nr_inodes' leaves no room beside the root");
	if (options->mac != 0 && options->mac_policy == NULL)
		return refuse(why, why_size, "option 'mac' needs 'mac_policy=FILE'");
	if (options->mac == 0 && options->mac_policy != NULL)
		return refuse(why, why_size, "option 'mac_policy' needs 'mac=POLICIES'");
	rc = validate_patterns("grow", options->grow, why, why_size);
	return rc < 0 ? rc : validate_patterns("lifetime", options->lifetime, why, why_size);
}

static int positional(struct options *options, int count, char **args, char *why, size_t why_size)
{
	if (count == 0)
		return refuse(why, why_size, "no mount point given (see --help)");
	if (count > 2)
		return refuse(why, why_size, "too many arguments: '%s' (see --help)", args[2]);
	if (count == 2)
		options->source = args[0];
	options->mountpoint = args[count - 1];
	if (*options->source == '\0')
		return refuse(why, why_size, "the source is empty");
	return 0;
}

static const struct option long_options[] = {
    {"options", required_argument, NULL, 'o'},
    {"foreground", no_argument, NULL, 'f'},
    {"debug", no_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* Whether mount(8) calls, by the name under which it looks for its helpers. */
static bool is_mount_helper(const char *program)
{
	const char *slash = strrchr(program, '/');

	return strncmp(slash != NULL ? slash + 1 : program, "mount.", 6) == 0;
}

/* Letters that mount(8) uses otherwise than we do. */
static int apply_helper_letter(struct options *options, int letter)
{
	if (letter == 'f')
		options->fake = true;
	/* No mtab, sloppy, verbose, another namespace, the type: nothing to do. */
	return strchr("fnsvNt", letter) != NULL ? 0 : -EINVAL;
}

static int apply_own_letter(struct options *options, int letter)
{
	switch (letter) {
	case 'd':
		options->debug = true;
		options->foreground = true;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int apply_letter(
    struct options *options, int letter, bool helper, char **argv, char *why, size_t why_size)
{
	if (letter == 'o')
		return apply_list(options, optarg, why, why_size);
	if (letter == ':')
		return refuse(why, why_size, "'%s' needs a value (see --help)", argv[optind - 1]);
	if (letter != '?' && (helper ? apply_helper_letter(options, letter)
				     : apply_own_letter(options, letter)) == 0)
		return 0;
	/* getopt(3) moves on to the next word only behind the last letter of one. */
	if (letter == '?' && optopt != 0 && strchr("fdhV", optopt) == NULL)
		return refuse(why, why_size, "unknown argument '-%c' (see --help)", optopt);
	return refuse(why, why_size, "unknown argument '%s' (see --help)", argv[optind - 1]);
}

int options_parse(struct options *options, int argc, char **argv, char *why, size_t why_size)
{
	bool helper = argc > 0 && is_mount_helper(argv[0]);
	const char *letters = helper ? ":o:fnsvN:t:" : ":o:fdhV";
	int letter, rc;

	set_defaults(options);
	optind = 0; /* glibc: start over */
	while ((letter = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		rc = apply_letter(options, letter, helper, argv, why, why_size);
		if (rc < 0)
			return rc;
	}
	if (options->help || options->version)
		return 0;
	set_later_defaults(options);
	rc = positional(options, argc - optind, argv + optind, why, why_size);
	return rc < 0 ? rc : validate(options, why, why_size);
}

void options_print(const struct options *options, char *out, size_t size)
{
	struct options defaults;
	char value[4096], usual[4096], item[4200];

	set_defaults(&defaults);
	defaults.rules = options->rules;
	set_later_defaults(&defaults);
	defaults.rules = SHMFS_RULES_LINUX;
	snprintf(out, size, "%s", options->vfs);
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		const struct option_spec *spec = &table[i];

		print_value(options, spec, value, sizeof value);
		print_value(&defaults, spec, usual, sizeof usual);
		if (strcmp(value, usual) == 0 || strcmp(value, "no") == 0)
			continue;
		if (spec->value != NULL)
			snprintf(item, sizeof item, "%s=%s", spec->name, value);
		else
			snprintf(item, sizeof item, "%s", spec->name);
		/* What does not fit is left out of a line that is only to be read. */
		(void)append(out, size, item);
	}
}

void options_usage(FILE *to)
{
	fputs("usage: shmfs [SOURCE] MOUNTPOINT [-o OPTION[,OPTION...]] [-f] [-d]\n"
	      "       shmfs -h | -V\n"
	      "\n"
	      "Mounts a shared-memory namespace.\n"
	      "\n"
	      "  -o, --options LIST  mount options, see below\n"
	      "  -f, --foreground    stay in the foreground, log to stderr\n"
	      "  -d, --debug         as -f, and log every request\n"
	      "  -h, --help          show this and exit\n"
	      "  -V, --version       show the version and exit\n"
	      "\n"
	      "Mount options:\n",
	    to);
	for (size_t i = 0; i < TABLE_LENGTH; i++) {
		const struct option_spec *spec = &table[i];

		fprintf(to, "  %s%s%s\n      %s\n", spec->name, spec->value != NULL ? "=" : "",
		    spec->value != NULL ? spec->value : "", spec->help);
	}
	fputs("  ", to);
	for (size_t i = 0; i < sizeof passed_on / sizeof passed_on[0]; i++)
		fprintf(to, "%s%s", i > 0 ? ", " : "", passed_on[i]);
	fputs("\n      as for any filesystem, see mount(8)\n", to);
}
