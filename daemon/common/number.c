/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers as people write them; see number.h. */
#include "number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool number_read(const char *text, int base, uint64_t *out, const char **end)
{
	char *stop;

	/* strtoull(3) would take a sign, and space before it. */
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &stop, base);
	*end = stop;
	return errno == 0;
}

bool number_read_plain(const char *text, int base, uint64_t max, uint64_t *out)
{
	const char *end;

	return number_read(text, base, out, &end) && *end == '\0' && *out <= max;
}

static bool read_letter(const char *suffix, const char *letters, unsigned *shift)
{
	const char *found;

	*shift = 0;
	if (*suffix == '\0')
		return true;
	found = strchr(letters, *suffix | 0x20);
	if (found == NULL || suffix[1] != '\0')
		return false;
	*shift = 10 * (unsigned)(found - letters + 1);
	return true;
}

bool number_read_scaled(const char *text, const char *letters, uint64_t max, uint64_t *out)
{
	const char *end;
	unsigned shift;

	if (!number_read(text, 10, out, &end) || !read_letter(end, letters, &shift) ||
	    *out > max >> shift)
		return false;
	*out <<= shift;
	return true;
}
