/* SPDX-License-Identifier: BSD-2-Clause */
/* Names that are no text, as text: two hexadecimal digits for each byte. */
#ifndef SHMFS_COMMON_HEX_H
#define SHMFS_COMMON_HEX_H

#include <stdbool.h>
#include <stddef.h>

/* out has room for twice the bytes, and a NUL. */
void hex_write(const char *bytes, size_t length, char *out);

/* Ends the bytes with a NUL. False: these are no digits, a byte is 0, or there is no room. */
bool hex_read(const char *hex, char *out, size_t size);

#endif
