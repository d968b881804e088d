/* SPDX-License-Identifier: BSD-2-Clause */
/* See listing.h. */
#include "listing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int add_entries(const char *buffer, size_t length, struct listing *out)
{
	const struct dirent64 *entry;

	for (size_t at = 0; at < length; at += entry->d_reclen) {
		entry = (const void *)(buffer + at);
		if (out->count >= LISTING_ENTRIES) {
			errno = ENOBUFS;
			return -1;
		}
		out->entries[out->count].ino = entry->d_ino;
		out->entries[out->count].type = entry->d_type;
		snprintf(out->entries[out->count].name, sizeof out->entries[0].name, "%s",
		    entry->d_name);
		out->count++;
	}
	return 0;
}

int list_directory(int fd, struct listing *out)
{
	_Alignas(struct dirent64) char buffer[8192];
	ssize_t length;

	out->count = 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	while ((length = getdents64(fd, (void *)buffer, sizeof buffer)) > 0)
		if (add_entries(buffer, (size_t)length, out) != 0)
			return -1;
	qsort(out->entries, out->count, sizeof out->entries[0], compare_entries);
	return length < 0 ? -1 : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

unsigned sort_names(char *names, size_t length, const char *out[], unsigned room)
{
	unsigned count = 0;

	for (size_t at = 0; at < length && count < room; at += strlen(names + at) + 1)
		out[count++] = names + at;
	qsort(out, count, sizeof out[0], compare_names);
	return count;
}
