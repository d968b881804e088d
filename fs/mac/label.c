/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of labels. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fs/shmfs_mac.h"

/* Text that grows in a buffer which has room for all of it. */
struct text {
	char *out;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text->out + text->used, SHMFS_LABEL_SIZE - text->used, format, args);
	va_end(args);
	assert(length >= 0 && (size_t)length < SHMFS_LABEL_SIZE - text->used);
	text->used += (size_t)length;
}

static void add_element(struct text *text, const struct shmfs_element *element)
{
	static const char *const words[] = {
	    [SHMFS_ELEMENT_LOW] = "low",
	    [SHMFS_ELEMENT_HIGH] = "high",
	    [SHMFS_ELEMENT_EQUAL] = "equal",
	};
	char separator = ':';

	if (element->kind != SHMFS_ELEMENT_NUMBER) {
		add(text, "%s", words[element->kind]);
		return;
	}
	add(text, "%u", element->number);
	for (unsigned c = 0; c < SHMFS_COMPARTMENTS; c++) {
		if (element->compartments[c / 64] >> c % 64 & 1) {
			add(text, "%c%u", separator, c + 1);
			separator = '+';
		}
	}
}

size_t shmfs_label_print(
    unsigned policies, const struct shmfs_label *label, char out[SHMFS_LABEL_SIZE])
{
	struct text text = {.out = out};

	out[0] = '\0';
	for (int i = 0; i < SHMFS_POLICIES; i++) {
		if (!(policies & 1u << i))
			continue;
		add(&text, "%s%s/", text.used > 0 ? "," : "",
		    shmfs_policy_name((enum shmfs_policy)i));
		add_element(&text, &label->of[i]);
	}
	return text.used;
}
