/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's command line. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: bench [options] TMPFS_DIRECTORY SHMFS_DIRECTORY\n"
    "Measures the same operations in both directories, interleaved, and prints medians\n"
    "and cost ratios: the median of the rounds' quotients shmfs / tmpfs, below 1 where shmfs\n"
    "is cheaper. growth-* is the cost per object among many over that among 1000;\n"
    "cold-growth-* takes the latter after other data has filled the processor's caches, which\n"
    "leaves out that 1000 objects fit into them and many do not.\n"
    "  --objects N       objects in one directory for create, list, stat, remove (100000)\n"
    "  --rounds N        samples of every single operation (61)\n"
    "  --only REGEX      only operations whose name matches the extended expression\n"
    "  --max NAME=RATIO  exit with 1 if the ratio of NAME is above RATIO; repeatable;\n"
    "                    for growth-* the bound is on the growth of shmfs\n"
    "  --json            a JSON object instead of the table\n"
    "  --note TEXT       words for the table's head and the JSON object\n"
    "  --quick           41 rounds of shorter samples, 2000 objects\n"
    "  --help            this text\n"
    "Exit status: 0; 1 a bound is exceeded; 2 wrong usage or a failed system call.\n";

static _Noreturn void __attribute__((format(printf, 1, 2))) refuse(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("bench: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs(" (see --help)\n", stderr);
	va_end(arguments);
	exit(EXIT_ERROR);
}

static long parse_count(const char *option, const char *text, long limit)
{
	char *end;

	errno = 0;
	long value = strtol(text, &end, 10);

	if (errno != 0 || end == text || *end != '\0' || value < 1 || value > limit)
		refuse("--%s: not a number from 1 to %ld: %s", option, limit, text);
	return value;
}

static void parse_bound(struct options *options, const char *text)
{
	const char *equals = strchr(text, '=');
	char *end;

	if (options->bound_count == MAX_BOUNDS)
		refuse("--max: more than %d bounds", MAX_BOUNDS);

	struct bound *bound = &options->bounds[options->bound_count];
	size_t length = equals == NULL ? 0 : (size_t)(equals - text);

	if (length == 0 || length >= sizeof(bound->name))
		refuse("--max: not NAME=RATIO: %s", text);
	memcpy(bound->name, text, length);
	bound->name[length] = '\0';
	bound->ratio = strtod(equals + 1, &end);
	if (end == equals + 1 || *end != '\0' || !isfinite(bound->ratio) || bound->ratio <= 0)
		refuse("--max: not a ratio: %s", text);
	options->bound_count++;
}

static void parse_pattern(struct options *options, const char *text)
{
	char reason[128];

	if (options->has_pattern)
		refuse("--only: given twice");

	int error = regcomp(&options->pattern, text, REG_EXTENDED | REG_NOSUB);

	if (error != 0) {
		regerror(error, &options->pattern, reason, sizeof(reason));
		refuse("--only %s: %s", text, reason);
	}
	options->has_pattern = true;
}

enum {
	OPTION_OBJECTS = 256,
	OPTION_ROUNDS,
	OPTION_ONLY,
	OPTION_MAX,
	OPTION_JSON,
	OPTION_NOTE,
	OPTION_QUICK,
};

static const struct option long_options[] = {
    {"objects", required_argument, NULL, OPTION_OBJECTS},
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"max", required_argument, NULL, OPTION_MAX},
    {"json", no_argument, NULL, OPTION_JSON},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void parse_option(struct options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_OBJECTS:
		options->objects = parse_count("objects", value, 10000000);
		break;
	case OPTION_ROUNDS:
		options->rounds = parse_count("rounds", value, 1000000);
		break;
	case OPTION_ONLY:
		parse_pattern(options, value);
		break;
	case OPTION_MAX:
		parse_bound(options, value);
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case OPTION_NOTE:
		options->note = value;
		break;
	case OPTION_QUICK:
		options->quick = true;
		break;
	case 'h':
		fputs(usage_text, stdout);
		exit(EXIT_SUCCESS);
	default:
		fputs(usage_text, stderr);
		exit(EXIT_ERROR);
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		parse_option(options, option, optarg);
	if (argc - optind != SIDES)
		refuse("%d directories are needed", SIDES);
	for (int i = 0; i < SIDES; i++)
		options->paths[i] = argv[optind + i];
	if (options->rounds == 0)
		options->rounds = options->quick ? 41 : 61;
	if (options->objects == 0)
		options->objects = options->quick ? 2000 : 100000;
}

void options_release(struct options *options)
{
	if (options->has_pattern)
		regfree(&options->pattern);
	options->has_pattern = false;
}

bool options_want(const struct options *options, const char *name)
{
	return !options->has_pattern || regexec(&options->pattern, name, 0, NULL, 0) == 0;
}
