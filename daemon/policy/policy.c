/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and re-reading of the policy file; see policy.h. */
#include "policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "common/number.h"
#include "label.h"

/* A subject with the line that says so, for messages about another one. */
struct line_subject {
	struct shmfs_mac_subject subject;
	unsigned line;
};

struct parser {
	const char *name;
	unsigned line;
	unsigned policies;
	unsigned strictness_line; /* 0: not given yet */
	bool revoke;
	struct line_subject *subjects;
	size_t count, room;
	char *why;
	size_t why_size;
};

__attribute__((format(printf, 2, 3))) static int refuse(
    const struct parser *parser, const char *format, ...)
{
	int length = snprintf(parser->why, parser->why_size, "%s:%u: ", parser->name, parser->line);
	va_list args;

	if (length < 0 || (size_t)length >= parser->why_size)
		return -EINVAL;
	va_start(args, format);
	vsnprintf(parser->why + length, parser->why_size - (size_t)length, format, args);
	va_end(args);
	return -EINVAL;
}

static int add(struct parser *parser, const struct shmfs_mac_subject *subject)
{
	struct line_subject *grown;

	if (parser->count == SHMFS_SUBJECTS_MAX)
		return refuse(parser, "more than %d subjects", SHMFS_SUBJECTS_MAX);
	if (parser->count == parser->room) {
		size_t room = parser->room == 0 ? 16 : 2 * parser->room;

		grown = realloc(parser->subjects, room * sizeof *grown);
		if (grown == NULL) {
			refuse(parser, "out of memory");
			return -ENOMEM;
		}
		parser->subjects = grown;
		parser->room = room;
	}
	parser->subjects[parser->count++] = (struct line_subject){*subject, parser->line};
	return 0;
}

static int add_labelled(struct parser *parser, struct shmfs_mac_subject *subject, const char *label)
{
	char why[256];

	if (label == NULL)
		return refuse(parser, "the label is missing");
	if (policy_label_parse(label, parser->policies, &subject->label, why, sizeof why) < 0)
		return refuse(parser, "%s", why);
	return add(parser, subject);
}

static int read_strictness(struct parser *parser, char **words)
{
	if (words[0] == NULL)
		return refuse(parser, "'strictness' needs a value: as-documented or revoke");
	if (parser->strictness_line != 0)
		return refuse(
		    parser, "'strictness' is given already in line %u", parser->strictness_line);
	if (words[1] != NULL)
		return refuse(parser, "'%s' is one word too many", policy_quote(words[1]));
	parser->revoke = strcmp(words[0], "revoke") == 0;
	if (!parser->revoke && strcmp(words[0], "as-documented") != 0)
		return refuse(parser, "strictness '%s' is neither as-documented nor revoke",
		    policy_quote(words[0]));
	parser->strictness_line = parser->line;
	return 0;
}

static int read_default(struct parser *parser, char **words)
{
	struct shmfs_mac_subject subject = {.kind = SHMFS_SUBJECT_DEFAULT};

	if (words[0] != NULL && words[1] != NULL)
		return refuse(parser, "'%s' is one word too many", policy_quote(words[1]));
	return add_labelled(parser, &subject, words[0]);
}

/* Digits alone. 2^32-1 stands for "no change" in chown(2) and is nobody's. */
static int read_id(const struct parser *parser, const char *text, uint32_t *out)
{
	uint64_t value;

	if (text[strspn(text, "0123456789")] != '\0')
		return refuse(parser, "'%s' is no number, as users and groups are given here",
		    policy_quote(text));
	if (!number_read_plain(text, 10, UINT32_MAX - 1, &value))
		return refuse(parser, "there is no id %s", policy_quote(text));
	*out = (uint32_t)value;
	return 0;
}

/* "1000", or "1000-1999". */
static int read_ids(const struct parser *parser, char *text, struct shmfs_mac_subject *out)
{
	char *dash = strchr(text, '-');
	uint32_t last = 0;
	int rc;

	/* A number below 0 is a mistake of another kind. */
	if (dash == NULL || dash == text)
		return read_id(parser, text, &out->id);
	*dash = '\0';
	rc = read_id(parser, text, &out->id);
	if (rc == 0)
		rc = read_id(parser, dash + 1, &last);
	if (rc < 0)
		return rc;
	if (last < out->id)
		return refuse(parser, "the range %u-%u ends before it begins", out->id, last);
	out->last = last > out->id ? last : 0;
	return 0;
}

static int read_subject(
    struct parser *parser, enum shmfs_subject_kind kind, const char *keyword, char **words)
{
	struct shmfs_mac_subject subject = {.kind = kind};
	int rc;

	if (words[0] == NULL)
		return refuse(parser, "'%s' needs an id and a label", keyword);
	rc = read_ids(parser, words[0], &subject);
	if (rc < 0)
		return rc;
	if (words[1] != NULL && words[2] != NULL)
		return refuse(parser, "'%s' is one word too many", policy_quote(words[2]));
	return add_labelled(parser, &subject, words[1]);
}

static int read_words(struct parser *parser, char **words)
{
	if (words[0] == NULL)
		return 0;
	if (strcmp(words[0], "strictness") == 0)
		return read_strictness(parser, words + 1);
	if (strcmp(words[0], "default") == 0)
		return read_default(parser, words + 1);
	if (strcmp(words[0], "user") == 0)
		return read_subject(parser, SHMFS_SUBJECT_UID, "user", words + 1);
	if (strcmp(words[0], "group") == 0)
		return read_subject(parser, SHMFS_SUBJECT_GID, "group", words + 1);
	return refuse(
	    parser, "'%s' is neither strictness, default, user nor group", policy_quote(words[0]));
}

/* No line has more words than these; the next one shows that there is one too many. */
#define WORDS_MAX 4

static int read_line(struct parser *parser, const char *text, size_t length)
{
	char line[POLICY_LINE_MAX + 1], *rest = line, *word;
	char *words[WORDS_MAX + 1] = {NULL};
	size_t count = 0;

	if (length > POLICY_LINE_MAX)
		return refuse(parser, "the line is longer than %d bytes", POLICY_LINE_MAX);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return refuse(parser, "a control character (byte 0x%02x)", byte);
	}
	memcpy(line, text, length);
	line[length] = '\0';
	while (count < WORDS_MAX && (word = strsep(&rest, " \t")) != NULL && *word != '#') {
		if (*word != '\0')
			words[count++] = word;
	}
	return read_words(parser, words);
}

static uint32_t last_of(const struct shmfs_mac_subject *subject)
{
	return subject->last != 0 ? subject->last : subject->id;
}

/* By kind and first id; and what lies in another comes behind that. */
static int compare(const void *a, const void *b)
{
	const struct shmfs_mac_subject *x = &((const struct line_subject *)a)->subject;
	const struct shmfs_mac_subject *y = &((const struct line_subject *)b)->subject;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	return (last_of(x) < last_of(y)) - (last_of(x) > last_of(y));
}

/* What a subject is called in a message. */
static const char *name_of(const struct shmfs_mac_subject *subject, char out[48])
{
	const char *kind = subject->kind == SHMFS_SUBJECT_UID ? "user" : "group";

	if (subject->kind == SHMFS_SUBJECT_DEFAULT)
		return "the default";
	if (subject->last != 0)
		snprintf(out, 48, "%s %u-%u", kind, subject->id, subject->last);
	else
		snprintf(out, 48, "%s %u", kind, subject->id);
	return out;
}

/* Of two subjects with something in common, the one that comes later in the file is the mistake. */
static int refuse_both(
    struct parser *parser, const struct line_subject *a, const struct line_subject *b, bool same)
{
	const struct line_subject *later = a->line < b->line ? b : a;
	char name[48];

	parser->line = later->line;
	return refuse(parser, "%s %s line %u%s", name_of(&later->subject, name),
	    same ? "has a label already in" : "overlaps", later == a ? b->line : a->line,
	    same ? "" : ", and neither lies in the other");
}

/* Ranges that lie in each other, from the outermost on, as parts that have nothing in common. */
struct flat {
	struct parser *parser;
	struct shmfs_mac_subject *subjects;
	size_t count, room;
	const struct line_subject **within; /* which are begun and not ended */
	size_t depth;
	uint64_t next; /* the first id that is in none of the parts */
};

static int put_part(struct flat *flat, uint64_t end)
{
	const struct shmfs_mac_subject *subject = &flat->within[flat->depth - 1]->subject;

	if (flat->next >= end)
		return 0;
	if (flat->count == flat->room)
		return refuse(flat->parser, "ranges come to more than %zu parts", flat->room);
	flat->subjects[flat->count] = *subject;
	flat->subjects[flat->count].id = (uint32_t)flat->next;
	flat->subjects[flat->count].last = end - 1 > flat->next ? (uint32_t)(end - 1) : 0;
	flat->count++;
	flat->next = end;
	return 0;
}

/* Ends what ends before this one. */
static int end_ranges(struct flat *flat, const struct shmfs_mac_subject *before)
{
	int rc = 0;

	while (rc == 0 && flat->depth > 0) {
		const struct shmfs_mac_subject *last = &flat->within[flat->depth - 1]->subject;

		if (before != NULL && last->kind == before->kind && last_of(last) >= before->id)
			break;
		rc = put_part(flat, (uint64_t)last_of(last) + 1);
		flat->depth--;
	}
	return rc;
}

static int begin_range(struct flat *flat, const struct line_subject *one)
{
	const struct line_subject *around;
	int rc = end_ranges(flat, &one->subject);

	if (rc == 0 && flat->depth > 0) {
		around = flat->within[flat->depth - 1];
		if (compare(around, one) == 0 || last_of(&one->subject) > last_of(&around->subject))
			return refuse_both(flat->parser, around, one, compare(around, one) == 0);
		rc = put_part(flat, one->subject.id);
	}
	flat->within[flat->depth++] = one;
	flat->next = one->subject.id;
	return rc;
}

/* Brings the subjects into the order that the namespace wants. */
static int finish(struct parser *parser, struct policy *out)
{
	struct flat flat = {.parser = parser, .room = SHMFS_SUBJECTS_MAX};
	int rc = 0;

	if (parser->count > 0)
		qsort(parser->subjects, parser->count, sizeof parser->subjects[0], compare);
	if (parser->count == 0 || parser->subjects[0].subject.kind != SHMFS_SUBJECT_DEFAULT)
		return refuse(parser, "the file ends without a line 'default LABEL'");
	flat.subjects = calloc(flat.room, sizeof *flat.subjects);
	flat.within = calloc(parser->count, sizeof *flat.within);
	if (flat.subjects == NULL || flat.within == NULL) {
		refuse(parser, "out of memory");
		rc = -ENOMEM;
	}
	for (size_t i = 0; rc == 0 && i < parser->count; i++)
		rc = begin_range(&flat, &parser->subjects[i]);
	if (rc == 0)
		rc = end_ranges(&flat, NULL);
	free(flat.within);
	if (rc < 0) {
		free(flat.subjects);
		return rc;
	}
	*out = (struct policy){
	    .revoke = parser->revoke, .subjects = flat.subjects, .count = flat.count};
	return 0;
}

int policy_parse(const char *name, const char *text, size_t length, unsigned policies,
    struct policy *out, char *why, size_t why_size)
{
	struct parser parser = {
	    .name = name, .line = 1, .policies = policies, .why = why, .why_size = why_size};
	const char *end = text + length;
	int rc = 0;

	while (rc == 0 && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t size = (size_t)((newline != NULL ? newline : end) - text);

		rc = read_line(&parser, text, size);
		text += size;
		if (newline != NULL && rc == 0) {
			text++;
			parser.line++;
		}
	}
	if (rc == 0)
		rc = finish(&parser, out);
	free(parser.subjects);
	return rc;
}

__attribute__((format(printf, 4, 5))) static int refuse_file(
    int rc, char *why, size_t why_size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, why_size, format, args);
	va_end(args);
	return rc;
}

/* Whoever may write the file decides who may read what. */
static int check_file(const char *path, int fd, char *why, size_t why_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return refuse_file(-errno, why, why_size, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return refuse_file(-EINVAL, why, why_size, "%s: not a regular file", path);
	if (st.st_mode & S_IWOTH)
		return refuse_file(-EINVAL, why, why_size, "%s: everybody may write it", path);
	return 0;
}

/* Reads up to one byte more than a file may have. */
static ssize_t read_all(int fd, char *buffer)
{
	size_t used = 0;
	ssize_t count = 1;

	while (count > 0 && used <= POLICY_FILE_MAX) {
		count = read(fd, buffer + used, POLICY_FILE_MAX + 1 - used);
		if (count < 0 && errno == EINTR)
			count = 1;
		else if (count > 0)
			used += (size_t)count;
	}
	return count < 0 ? -errno : (ssize_t)used;
}

static int read_descriptor(
    const char *path, int fd, unsigned policies, struct policy *out, char *why, size_t why_size)
{
	char *buffer;
	ssize_t length;
	int rc = check_file(path, fd, why, why_size);

	if (rc < 0)
		return rc;
	buffer = malloc(POLICY_FILE_MAX + 1);
	if (buffer == NULL)
		return refuse_file(-ENOMEM, why, why_size, "%s: out of memory", path);
	length = read_all(fd, buffer);
	if (length < 0)
		rc =
		    refuse_file((int)length, why, why_size, "%s: %s", path, strerror((int)-length));
	else if (length > POLICY_FILE_MAX)
		rc = refuse_file(
		    -EINVAL, why, why_size, "%s: larger than %d bytes", path, POLICY_FILE_MAX);
	else
		rc = policy_parse(path, buffer, (size_t)length, policies, out, why, why_size);
	free(buffer);
	return rc;
}

int policy_read(const char *path, unsigned policies, struct policy *out, char *why, size_t why_size)
{
	/* A FIFO must not make the server wait. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return refuse_file(-errno, why, why_size, "%s: %s", path, strerror(errno));
	rc = read_descriptor(path, fd, policies, out, why, why_size);
	close(fd);
	return rc;
}

void policy_free(struct policy *policy)
{
	free(policy->subjects);
	*policy = (struct policy){0};
}

int policy_absolute(const char *path, char out[PATH_MAX])
{
	char here[PATH_MAX] = "";

	if (path[0] != '/' && getcwd(here, sizeof here) == NULL)
		return -errno;
	return snprintf(out, PATH_MAX, "%s%s%s", here, path[0] != '/' ? "/" : "", path) < PATH_MAX
		   ? 0
		   : -ENAMETOOLONG;
}

static int apply(
    struct shmfs *fs, const char *path, const struct policy *policy, char *why, size_t why_size)
{
	int rc;

	if (policy->revoke != shmfs_revokes(fs))
		return refuse_file(
		    -EINVAL, why, why_size, "%s: strictness stays as it was when mounting", path);
	shmfs_begin(fs);
	rc = shmfs_set_subjects(fs, policy->subjects, policy->count);
	if (rc < 0)
		shmfs_rollback(fs);
	else
		shmfs_commit(fs);
	if (rc == -ENOSPC)
		return refuse_file(rc, why, why_size,
		    "%s: more than %d different labels, with those that objects have", path,
		    SHMFS_LABELS_MAX);
	return rc < 0 ? refuse_file(rc, why, why_size, "%s: %s", path, strerror(-rc)) : 0;
}

int policy_reload(struct shmfs *fs, const char *path)
{
	struct policy policy = {0};
	char why[PATH_MAX + 512];
	int rc;

	if (shmfs_policies(fs) == 0) {
		log_info("there is no policy file to read again");
		return 0;
	}
	rc = policy_read(path, shmfs_policies(fs), &policy, why, sizeof why);
	if (rc == 0)
		rc = apply(fs, path, &policy, why, sizeof why);
	if (rc < 0)
		log_error("%s; the subjects stay as they were", why);
	else
		log_info("read '%s' again: %zu subjects", path, policy.count);
	policy_free(&policy);
	return rc;
}
