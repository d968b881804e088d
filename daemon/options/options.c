/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line; see options.h. */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "foreign.h"
#include "policy/label.h"
#include "table.h"

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

/* One that is in no table of ours. */
static int apply_foreign(struct options *options, const char *option, char *why, size_t why_size)
{
	const char *instead = NULL;

	if (strcmp(option, "remount") == 0) {
		options->remount = true;
		return 0;
	}
	switch (foreign_look_up(option, &instead)) {
	case FOREIGN_IGNORED:
		return 0;
	case FOREIGN_SHOWN:
		options->shown = option;
		return 0;
	case FOREIGN_PASSED_ON:
		return append(options->vfs, sizeof options->vfs, option) < 0
			   ? refuse(why, why_size, "too many options")
			   : 0;
	case FOREIGN_OF_TMPFS:
		return refuse(
		    why, why_size, "option '%s' of tmpfs is not to be had: %s", option, instead);
	case FOREIGN_UNKNOWN:
		break;
	}
	return refuse(why, why_size, "unknown option '%s' (see --help)", option);
}

/* One option without the commas; it may be written to and stays where it is. */
static int apply(struct options *options, char *option, char *why, size_t why_size)
{
	size_t length = strcspn(option, "=");
	const struct option_spec *spec = option_find(option, length);
	const char *value = option[length] == '=' ? option + length + 1 : NULL;
	bool in_mac = options->in_mac;
	unsigned more;

	/* A list of NUMA nodes: put together again where it is. */
	if (options->in_mpol && *option >= '0' && *option <= '9') {
		option[-1] = ',';
		return 0;
	}
	options->in_mac = options->in_mpol = false;
	if (in_mac && policy_list_parse(option, &more)) {
		options->in_mac = true;
		if (options->mac & more)
			return refuse(why, why_size, "option 'mac' has '%s' twice", option);
		options->mac |= more;
		return 0;
	}

	if (spec == NULL)
		return apply_foreign(options, option, why, why_size);
	if (spec->value == NULL && value != NULL)
		return refuse(why, why_size, "option '%s' takes no value", spec->name);
	if (spec->value != NULL && value == NULL)
		return refuse(why, why_size, "option '%s' needs a value: %s=%s", spec->name,
		    spec->name, spec->value);
	if (!option_read(options, spec, value))
		return refuse(why, why_size, "bad value '%s' for option '%s=%s': %s", value,
		    spec->name, spec->value, spec->help);
	option_note_given(options, spec);
	return 0;
}

/* A comma-separated list, which is cut at its commas. */
static int apply_list(struct options *options, char *list, char *why, size_t why_size)
{
	char *option;

	options->in_mac = options->in_mpol = false;
	while ((option = foreign_next(&list)) != NULL) {
		int rc = apply(options, option, why, why_size);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int validate_patterns(const char *option, const char *patterns, char *why, size_t why_size)
{
	if (strlen(patterns) > PATTERNS_MAX)
		return refuse(
		    why, why_size, "option '%s' is longer than %d bytes", option, PATTERNS_MAX);
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

	if (options->shown != NULL && !options->remount)
		return refuse(why, why_size, "unknown option '%s' (see --help)", options->shown);
	if (options->size > INT64_MAX)
		return refuse(why, why_size, "option 'size' is larger than any memory");
	if (options->user_size > INT64_MAX)
		return refuse(why, why_size, "option 'user_size' is larger than any memory");
	if (options->nr_inodes == 1)
		return refuse(why, why_size, "option 'nr_inodes' leaves no room beside the root");
	if (options->mac != 0 && options->idmap)
		return refuse(why, why_size,
		    "options 'mac' and 'idmap' exclude each other: "
		    "policies need to know who asks");
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

	option_set_defaults(options);
	options->helper = helper;
	optind = 0; /* glibc: start over */
	while ((letter = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		rc = apply_letter(options, letter, helper, argv, why, why_size);
		if (rc < 0)
			return rc;
	}
	if (options->help || options->version)
		return 0;
	option_set_later_defaults(options);
	rc = positional(options, argc - optind, argv + optind, why, why_size);
	return rc < 0 ? rc : validate(options, why, why_size);
}

void options_print(const struct options *options, char *out, size_t size)
{
	struct options defaults;
	char value[4096], usual[4096], item[4200];

	option_set_defaults(&defaults);
	defaults.rules = options->rules;
	defaults.like_tmpfs = options->like_tmpfs;
	option_set_later_defaults(&defaults);
	defaults.rules = SHMFS_RULES_LINUX;
	defaults.like_tmpfs = false;
	snprintf(out, size, "%s", options->vfs);
	for (const struct option_spec *spec = option_next(NULL); spec != NULL;
	     spec = option_next(spec)) {
		option_print(options, spec, value, sizeof value);
		option_print(&defaults, spec, usual, sizeof usual);
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
	for (const struct option_spec *spec = option_next(NULL); spec != NULL;
	     spec = option_next(spec)) {
		const char *usually = spec->usually != NULL ? spec->usually : spec->initial;

		fprintf(to, "  %s%s%s\n      %s", spec->name, spec->value != NULL ? "=" : "",
		    spec->value != NULL ? spec->value : "", spec->help);
		if (spec->value != NULL && usually != NULL)
			fprintf(to, " (default: %s)", usually);
		fputs("\n", to);
	}
	foreign_print_usage(to);
	fputs("  remount\n      changes limits, or ro and rw, of what is mounted\n", to);
}
