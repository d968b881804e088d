/* SPDX-License-Identifier: BSD-2-Clause */
/* Seals by name; see seal.h. */
#include "seal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/state/deferred_free.h"
#include "fs/state/memory_use.h"
#include "memory.h"

static const struct {
	const char *name;
	unsigned char seal;
} names[] = {
    {"seal", SEAL_SEAL},
    {"shrink", SEAL_SHRINK},
    {"grow", SEAL_GROW},
    {"write", SEAL_WRITE},
};

static unsigned seal_of(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (strlen(names[i].name) == length && memcmp(names[i].name, name, length) == 0)
			return names[i].seal;
	}
	return 0;
}

/* The seals of a list; an item that is none makes it -EINVAL. */
static int parse(const char *list, size_t size)
{
	unsigned seals = 0;

	for (;;) {
		const char *comma = memchr(list, ',', size);
		size_t length = comma != NULL ? (size_t)(comma - list) : size;
		unsigned seal = seal_of(list, length);

		if (seal == 0)
			return -EINVAL;
		seals |= seal;
		if (comma == NULL)
			return (int)seals;
		list += length + 1;
		size -= length + 1;
	}
}

int seal_add(struct shmfs *fs, struct node *node, const char *list, size_t size)
{
	struct object *object = &node->object;
	int seals = parse(list, size), rc;

	if (seals < 0)
		return seals;
	if (object->seals & SEAL_SEAL)
		return -EPERM;
	if ((seals & SEAL_WRITE) && !(object->seals & SEAL_WRITE)) {
		if (object->writers > 0)
			return -EBUSY;
		deferred_finish(fs, node);
		/* The system knows of mappings whose descriptor is closed. */
		rc = memory_exists(node) ? memory_need(fs, node) : 0;
		if (rc > 0)
			rc = memory_seal_write(fs, rc);
		if (rc < 0)
			return rc;
	}
	node_change(fs, node);
	object->seals |= (uint8_t)seals;
	return 0;
}

size_t seal_print(const struct node *node, char out[SEAL_LIST_SIZE])
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (node->object.seals & names[i].seal)
			length += (size_t)snprintf(out + length, SEAL_LIST_SIZE - length, "%s%s",
			    length > 0 ? "," : "", names[i].name);
	}
	return length;
}
