/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of policies, and labels after maclabel(7) of FreeBSD; see label.h. */
#include "label.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/number.h"
#include "common/printable.h"

/* One element while it is read, for messages. */
struct reader {
	const char *policy;
	char *why;
	size_t why_size;
};

const char *policy_quote(const char *text)
{
	static char quoted[64];
	const int room = sizeof quoted - 4;

	snprintf(
	    quoted, sizeof quoted, "%.*s%s", room, text, strlen(text) > (size_t)room ? "..." : "");
	printable_replace(quoted);
	return quoted;
}

__attribute__((format(printf, 2, 3))) static int refuse(
    const struct reader *reader, const char *format, ...)
{
	va_list args;
	int length = 0;

	if (reader->policy != NULL)
		length = snprintf(reader->why, reader->why_size, "%s: ", reader->policy);
	va_start(args, format);
	vsnprintf(reader->why + length, reader->why_size - (size_t)length, format, args);
	va_end(args);
	return -EINVAL;
}

static bool is_number(const char *text)
{
	return *text != '\0' && text[strspn(text, "0123456789")] == '\0';
}

/* The words, and FreeBSD's short forms of them. */
static bool read_word(const char *text, uint32_t *kind)
{
	static const struct {
		const char *word;
		enum shmfs_element_kind kind;
	} words[] = {
	    {"low", SHMFS_ELEMENT_LOW},
	    {"lo", SHMFS_ELEMENT_LOW},
	    {"high", SHMFS_ELEMENT_HIGH},
	    {"hi", SHMFS_ELEMENT_HIGH},
	    {"equal", SHMFS_ELEMENT_EQUAL},
	    {"eq", SHMFS_ELEMENT_EQUAL},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(text, words[i].word) == 0) {
			*kind = words[i].kind;
			return true;
		}
	}
	return false;
}

static int read_compartment(
    const struct reader *reader, const char *text, struct shmfs_element *element)
{
	uint64_t number, bit;

	if (*text == '\0')
		return refuse(reader, "an empty compartment");
	if (!is_number(text))
		return refuse(reader, "compartment '%s' is no number", policy_quote(text));
	if (!number_read_plain(text, 10, SHMFS_COMPARTMENTS, &number) || number == 0)
		return refuse(reader, "compartment %s is not within 1 to %d", policy_quote(text),
		    SHMFS_COMPARTMENTS);
	bit = UINT64_C(1) << (number - 1) % 64;
	if (element->compartments[(number - 1) / 64] & bit)
		return refuse(reader, "compartment %" PRIu64 " is given twice", number);
	element->compartments[(number - 1) / 64] |= bit;
	return 0;
}

/* compartments is NULL where no colon stands. */
static int read_number(const struct reader *reader, const char *number, char *compartments,
    struct shmfs_element *element)
{
	char *compartment;
	uint64_t value;
	int rc = 0;

	element->kind = SHMFS_ELEMENT_NUMBER;
	if (!number_read_plain(number, 10, SHMFS_ELEMENT_MAX, &value))
		return refuse(
		    reader, "%s is more than %d", policy_quote(number), SHMFS_ELEMENT_MAX);
	element->number = (unsigned)value;
	if (compartments != NULL && *compartments == '\0')
		return refuse(reader, "a colon, and no compartments behind it");
	while (rc == 0 && (compartment = strsep(&compartments, "+")) != NULL)
		rc = read_compartment(reader, compartment, element);
	return rc;
}

static int read_element(const struct reader *reader, char *text, struct shmfs_element *element)
{
	char *compartments = text, *head;

	if (*text == '\0')
		return refuse(reader, "the element is empty");
	if (strchr(text, '(') != NULL)
		return refuse(reader, "ranges are for subjects that are relabelled, and none is");
	head = strsep(&compartments, ":");
	if (read_word(head, &element->kind)) {
		if (compartments != NULL)
			return refuse(reader, "'%s' has no compartments", policy_quote(head));
		return 0;
	}
	if (!is_number(head))
		return refuse(
		    reader, "'%s' is neither low, high, equal nor a number", policy_quote(head));
	return read_number(reader, head, compartments, element);
}

/* The policy of this name; SHMFS_POLICIES: there is none. */
static enum shmfs_policy policy_of(const char *name)
{
	enum shmfs_policy policy = 0;

	while (policy < SHMFS_POLICIES && strcmp(name, shmfs_policy_name(policy)) != 0)
		policy++;
	return policy;
}

/* "biba/high" */
static int read_item(struct reader *reader, char *item, unsigned *seen, struct shmfs_label *label)
{
	char *element = item, *name = strsep(&element, "/");
	enum shmfs_policy policy = policy_of(name);
	int rc;

	if (element == NULL && *name == '\0')
		return refuse(reader, "an empty item in the label");
	if (element == NULL)
		return refuse(reader, "'%s' is not of the form POLICY/ELEMENT", policy_quote(name));
	if (policy == SHMFS_POLICIES)
		return refuse(reader, "there is no policy '%s'", policy_quote(name));
	if (*seen & 1u << policy)
		return refuse(reader, "the label has '%s' twice", name);
	*seen |= 1u << policy;
	reader->policy = shmfs_policy_name(policy);
	rc = read_element(reader, element, &label->of[policy]);
	reader->policy = NULL;
	return rc;
}

int policy_label_parse(
    const char *text, unsigned policies, struct shmfs_label *out, char *why, size_t why_size)
{
	struct reader reader = {.why = why, .why_size = why_size};
	char copy[POLICY_LINE_MAX + 1], *rest = copy, *item;
	struct shmfs_label label = {0};
	unsigned seen = 0;
	int rc = 0;

	if ((size_t)snprintf(copy, sizeof copy, "%s", text) >= sizeof copy)
		return refuse(&reader, "the label is too long");
	while (rc == 0 && (item = strsep(&rest, ",")) != NULL)
		rc = read_item(&reader, item, &seen, &label);
	if (rc < 0)
		return rc;
	for (enum shmfs_policy policy = 0; policy < SHMFS_POLICIES; policy++) {
		if (policies & ~seen & 1u << policy)
			return refuse(&reader,
			    "the label says nothing for '%s', which is in effect",
			    shmfs_policy_name(policy));
		/* One file may serve mounts with other policies too. */
		if (!(policies & 1u << policy))
			label.of[policy] = (struct shmfs_element){0};
	}
	*out = label;
	return 0;
}

bool policy_list_parse(const char *text, unsigned *out)
{
	unsigned policies = 0;

	for (;;) {
		size_t length = strcspn(text, ",:");
		enum shmfs_policy policy = 0;

		while (policy < SHMFS_POLICIES &&
		       (strlen(shmfs_policy_name(policy)) != length ||
			   memcmp(shmfs_policy_name(policy), text, length) != 0))
			policy++;
		if (policy == SHMFS_POLICIES || (policies & 1u << policy))
			return false;
		policies |= 1u << policy;
		if (text[length] == '\0')
			break;
		text += length + 1;
	}
	*out = policies;
	return true;
}

void policy_list_print(unsigned policies, char *out, size_t size)
{
	snprintf(out, size, "%s%s%s", policies & 1u << SHMFS_BIBA ? "biba" : "",
	    policies == (1u << SHMFS_BIBA | 1u << SHMFS_MLS) ? "," : "",
	    policies & 1u << SHMFS_MLS ? "mls" : "");
}
