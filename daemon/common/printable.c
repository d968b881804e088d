/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that is fit to be shown; see printable.h. */
#include "printable.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* Bytes of the character that a name begins with; 0: it has to be escaped. */
static size_t plain_length(const char *name, size_t left, const char *also)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t length = mbrtowc(&wide, name, left, &state);

	if (length == 0 || length > left || !iswprint((wint_t)wide))
		return 0;
	return *name == '\\' || strchr(also, *name) != NULL ? 0 : length;
}

const char *printable_escape(const char *name, const char *also, char *out, size_t size)
{
	size_t used = 0, left = strlen(name);

	while (left > 0) {
		size_t length = plain_length(name, left, also);

		if (used + (length > 0 ? length : 4) >= size)
			break;
		if (length > 0) {
			memcpy(out + used, name, length);
			used += length;
		} else {
			used += (size_t)snprintf(
			    out + used, size - used, "\\x%02x", (unsigned char)*name);
			length = 1;
		}
		name += length;
		left -= length;
	}
	out[used] = '\0';
	return out;
}

void printable_replace(char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}
