/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers of labels.h. */
#include "labels.h"

#include <stdlib.h>
#include <string.h>

#define NUMBER SHMFS_ELEMENT_NUMBER
#define C(n) (UINT64_C(1) << ((n)-1) % 64)

const struct shmfs_element elements[] = {
    {.kind = SHMFS_ELEMENT_LOW},
    {.kind = SHMFS_ELEMENT_HIGH},
    {.kind = SHMFS_ELEMENT_EQUAL},
    {NUMBER, 5, {C(1) | C(2), 0, 0, C(256)}},
    {NUMBER, 4, {C(1) | C(2), 0, 0, C(256)}},
    {NUMBER, 6, {C(1) | C(2), 0, 0, C(256)}},
    {NUMBER, 5, {C(1), 0, 0, C(256)}},
    {NUMBER, 5, {C(1) | C(2) | C(3), 0, 0, C(256)}},
    {NUMBER, 5, {C(1) | C(2), C(65), 0, 0}},
    {NUMBER, 9, {0}},
};
const size_t element_count = sizeof elements / sizeof elements[0];

static bool is_superset(const struct shmfs_element *a, const struct shmfs_element *b)
{
	for (unsigned c = 0; c < 256; c++) {
		bool in_a = a->compartments[c / 64] & UINT64_C(1) << c % 64;
		bool in_b = b->compartments[c / 64] & UINT64_C(1) << c % 64;

		if (in_b && !in_a)
			return false;
	}
	return true;
}

bool expect_dominates(const struct shmfs_element *a, const struct shmfs_element *b)
{
	enum { NO, YES, LOOK };
	/* Row a, column b. */
	static const int table[4][4] = {
	    [SHMFS_ELEMENT_LOW] = {[SHMFS_ELEMENT_LOW] = YES,
		[NUMBER] = NO,
		[SHMFS_ELEMENT_HIGH] = NO,
		[SHMFS_ELEMENT_EQUAL] = YES},
	    [NUMBER] = {[SHMFS_ELEMENT_LOW] = YES,
		[NUMBER] = LOOK,
		[SHMFS_ELEMENT_HIGH] = NO,
		[SHMFS_ELEMENT_EQUAL] = YES},
	    [SHMFS_ELEMENT_HIGH] = {[SHMFS_ELEMENT_LOW] = YES,
		[NUMBER] = YES,
		[SHMFS_ELEMENT_HIGH] = YES,
		[SHMFS_ELEMENT_EQUAL] = YES},
	    [SHMFS_ELEMENT_EQUAL] = {[SHMFS_ELEMENT_LOW] = YES,
		[NUMBER] = YES,
		[SHMFS_ELEMENT_HIGH] = YES,
		[SHMFS_ELEMENT_EQUAL] = YES},
	};
	int answer = table[a->kind][b->kind];

	return answer == LOOK ? a->number >= b->number && is_superset(a, b) : answer == YES;
}

struct shmfs_element element(const char *text)
{
	struct shmfs_element made = {.kind = NUMBER};

	if (strcmp(text, "low") == 0)
		made.kind = SHMFS_ELEMENT_LOW;
	else if (strcmp(text, "high") == 0)
		made.kind = SHMFS_ELEMENT_HIGH;
	else if (strcmp(text, "equal") == 0)
		made.kind = SHMFS_ELEMENT_EQUAL;
	else
		made.number = (uint32_t)strtoul(text, NULL, 10);
	return made;
}

struct shmfs_label mls_label(const char *text)
{
	struct shmfs_label made = {0};

	made.of[SHMFS_MLS] = element(text);
	return made;
}

struct shmfs_label label(const char *biba, const char *mls)
{
	struct shmfs_label made = mls_label(mls);

	made.of[SHMFS_BIBA] = element(biba);
	return made;
}

struct shmfs_label equal_label(unsigned policies)
{
	struct shmfs_label made = {0};

	for (int i = 0; i < SHMFS_POLICIES; i++) {
		if (policies >> i & 1)
			made.of[i].kind = SHMFS_ELEMENT_EQUAL;
	}
	return made;
}

const char *label_text(unsigned policies, const struct shmfs_label *of)
{
	static char texts[4][SHMFS_LABEL_SIZE];
	static unsigned next;
	char *text = texts[next++ % 4];

	(void)shmfs_label_print(policies, of, text);
	return text;
}
