/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as hexadecimal digits; see hex.h. */
#include "hex.h"

#include <string.h>

void hex_write(const char *bytes, size_t length, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		*out++ = digits[(unsigned char)bytes[i] >> 4];
		*out++ = digits[(unsigned char)bytes[i] & 15];
	}
	*out = '\0';
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

bool hex_read(const char *hex, char *out, size_t size)
{
	size_t length = strlen(hex) / 2;

	if (strlen(hex) % 2 != 0 || length >= size)
		return false;
	for (size_t i = 0; i < length; i++) {
		int high = digit_of(hex[2 * i]), low = digit_of(hex[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0)
			return false;
		out[i] = (char)(high * 16 + low);
	}
	out[length] = '\0';
	return true;
}
