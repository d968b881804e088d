/* SPDX-License-Identifier: BSD-2-Clause */
/* The benchmark's command line. */
#include "bench.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
    "usage: bench [options] TMPFS_DIRECTORY SHMFS_DIRECTORY\n"
    "Measures the same operations in the directories, interleaved, and prints medians and cost\n"
    "ratios: the median of the rounds' quotients, below 1 where shmfs is cheaper. Operations\n"
    "named -pinned are by a client on one processor with the server, -busy beside a busy loop\n"
    "on every processor, -two by two clients. growth-* is the cost per object among many over\n"
    "that among 1000; cold-growth-* takes the latter after other data has filled the processor's\n"
    "caches, which leaves out that 1000 objects fit into them and many do not.\n"
    "  --plain DIRECTORY      a reference server is measured too\n"
    "  --label TEXT           its name in the table, if it is not tests/bench/plain\n"
    "  --shmfs-server PID     the daemon of the shmfs: its time, memory and wake-ups\n"
    "  --plain-server PID     the same of the reference server\n"
    "  --floor NAME=DIRECTORY a mount of tests/bench/floor, for the walks; repeatable; \"memfd\"\n"
    "                         alone is a memfd\n"
    "  --floor-reads NAME=DIRECTORY\n"
    "                         one that writes as another one does, and is measured where it reads\n"
    "  --walked MIB           size of the object that is walked through (32)\n"
    "  --objects N            objects in one directory (100000)\n"
    "  --free MIB             size of the object that is freed beside a client (1024)\n"
    "  --rounds N             samples of every single operation (61)\n"
    "  --patience SECONDS     wait so long in all, for each single operation, for rounds in which\n"
    "                         nothing else wants to run (0)\n"
    "  --only REGEX           only figures whose name matches the extended expression\n"
    "  --max NAME=RATIO       exit with 1 if the ratio of NAME to tmpfs is above RATIO;\n"
    "                         repeatable; NAME/plain bounds the ratio to the reference,\n"
    "                         NAME/floor that to the cheapest floor, NAME/p99 the ratio of\n"
    "                         shmfs's p99 to its median; for growth-* the bound is\n"
    "                         on the growth of shmfs, for a figure without ratio on its value\n"
    "  --json                 a JSON object instead of the table\n"
    "  --readme               the rows of README's table instead\n"
    "  --note TEXT            words for the table's head and the JSON object\n"
    "  --quick                21 rounds of shorter samples, 2000 objects, 128 MiB\n"
    "  --help                 this text\n"
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
	size_t length = equals == NULL ? 0 : (size_t)(equals - text);
	const char *slash = memchr(text, '/', length);
	size_t name_length = slash == NULL ? length : (size_t)(slash - text);
	struct bound *bound = &options->bounds[options->bound_count];
	char *end;

	if (options->bound_count == MAX_BOUNDS)
		refuse("--max: more than %d bounds", MAX_BOUNDS);
	if (name_length == 0 || name_length >= sizeof(bound->name) ||
	    length - name_length >= sizeof(bound->suffix))
		refuse("--max: not NAME=RATIO: %s", text);
	memcpy(bound->name, text, name_length);
	memcpy(bound->suffix, text + name_length, length - name_length);
	if (slash != NULL && strcmp(bound->suffix, "/plain") != 0 &&
	    strcmp(bound->suffix, "/p99") != 0 && strcmp(bound->suffix, "/floor") != 0)
		refuse("--max: neither /plain, /p99 nor /floor: %s", text);
	bound->most = strtod(equals + 1, &end);
	if (end == equals + 1 || *end != '\0' || !isfinite(bound->most) || bound->most < 0)
		refuse("--max: not a ratio: %s", text);
	options->bound_count++;
}

static void parse_rival(struct options *options, char *text, bool reads_only)
{
	char *equals = strchr(text, '=');
	struct rival *rival = &options->rivals[options->rival_count];

	if (options->rival_count == MAX_RIVALS)
		refuse("--floor: more than %d", MAX_RIVALS);
	if (equals == NULL && strcmp(text, "memfd") != 0)
		refuse("--floor: neither NAME=DIRECTORY nor memfd: %s", text);
	if (equals != NULL)
		*equals = '\0';
	*rival = (struct rival){
	    .label = text, .path = equals == NULL ? NULL : equals + 1, .reads_only = reads_only};
	options->rival_count++;
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
	OPTION_FREE,
	OPTION_ROUNDS,
	OPTION_PATIENCE,
	OPTION_ONLY,
	OPTION_MAX,
	OPTION_JSON,
	OPTION_README,
	OPTION_FLOOR,
	OPTION_FLOOR_READS,
	OPTION_WALKED,
	OPTION_NOTE,
	OPTION_QUICK,
	OPTION_PLAIN,
	OPTION_LABEL,
	OPTION_SHMFS_SERVER,
	OPTION_PLAIN_SERVER,
};

static const struct option long_options[] = {
    {"objects", required_argument, NULL, OPTION_OBJECTS},
    {"free", required_argument, NULL, OPTION_FREE},
    {"patience", required_argument, NULL, OPTION_PATIENCE},
    {"rounds", required_argument, NULL, OPTION_ROUNDS},
    {"only", required_argument, NULL, OPTION_ONLY},
    {"max", required_argument, NULL, OPTION_MAX},
    {"json", no_argument, NULL, OPTION_JSON},
    {"readme", no_argument, NULL, OPTION_README},
    {"floor", required_argument, NULL, OPTION_FLOOR},
    {"floor-reads", required_argument, NULL, OPTION_FLOOR_READS},
    {"walked", required_argument, NULL, OPTION_WALKED},
    {"note", required_argument, NULL, OPTION_NOTE},
    {"quick", no_argument, NULL, OPTION_QUICK},
    {"plain", required_argument, NULL, OPTION_PLAIN},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"shmfs-server", required_argument, NULL, OPTION_SHMFS_SERVER},
    {"plain-server", required_argument, NULL, OPTION_PLAIN_SERVER},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void parse_option(struct options *options, int option, char *value)
{
	switch (option) {
	case OPTION_OBJECTS:
		options->objects = parse_count("objects", value, 10000000);
		break;
	case OPTION_FREE:
		options->freed = parse_count("free", value, 1000000);
		break;
	case OPTION_PATIENCE:
		options->patience = parse_count("patience", value, 100000);
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
	case OPTION_README:
		options->readme = true;
		break;
	case OPTION_FLOOR:
		parse_rival(options, value, false);
		break;
	case OPTION_FLOOR_READS:
		parse_rival(options, value, true);
		break;
	case OPTION_WALKED:
		options->walked = parse_count("walked", value, 100000);
		break;
	case OPTION_NOTE:
		options->note = value;
		break;
	case OPTION_QUICK:
		options->quick = true;
		break;
	case OPTION_PLAIN:
		options->paths[PLAIN] = value;
		break;
	case OPTION_LABEL:
		options->plain_label = value;
		break;
	case OPTION_SHMFS_SERVER:
		options->servers[SHMFS] = (pid_t)parse_count("shmfs-server", value, INT_MAX);
		break;
	case OPTION_PLAIN_SERVER:
		options->servers[PLAIN] = (pid_t)parse_count("plain-server", value, INT_MAX);
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

	options->plain_label = "plain";
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) != -1)
		parse_option(options, option, optarg);
	if (argc - optind != 2)
		refuse("two directories are needed");
	options->paths[TMPFS] = argv[optind];
	options->paths[SHMFS] = argv[optind + 1];
	if (options->rounds == 0)
		options->rounds = options->quick ? 21 : 61;
	if (options->walked == 0)
		options->walked = 32;
	if (options->objects == 0)
		options->objects = options->quick ? 2000 : 100000;
	if (options->freed == 0)
		options->freed = options->quick ? 128 : 1024;
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
