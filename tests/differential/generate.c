/* SPDX-License-Identifier: BSD-2-Clause */
/* See generate.h. */
#include "generate.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "execute.h"

enum { PAGE = 4096, CLOSING_CALLS = 3 };

struct random {
	uint64_t state;
};

static uint64_t next(struct random *random)
{
	uint64_t x = random->state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	random->state = x;
	return x * UINT64_C(0x2545f4914f6cdd1d) >> 8;
}

static unsigned below(struct random *random, unsigned bound)
{
	return (unsigned)(next(random) % bound);
}

static bool percent(struct random *random, unsigned chance)
{
	return below(random, 100) < chance;
}

/* Neighbouring rounds get seeds that have nothing to do with each other. */
static struct random begin(uint64_t seed, uint64_t round)
{
	uint64_t z = seed + (round + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (struct random){(z ^ z >> 31) | 1};
}

/* Near a page boundary or not at all near one; small ones are the most. */
static int64_t position(struct random *random)
{
	static const unsigned pages[] = {1, 2, 3, 3, 4, 8, 16, 256};
	int64_t at = (int64_t)below(random, pages[below(random, 8)] + 1) * PAGE;

	if (percent(random, 30))
		at += below(random, PAGE);
	else if (percent(random, 60))
		at += (int64_t)below(random, 5) - 2;
	return at < 0 ? 0 : at;
}

static int64_t offset(struct random *random)
{
	if (percent(random, 1))
		return percent(random, 50) ? -2 : INT64_MAX;
	return percent(random, 15) ? 0 : position(random);
}

/* Not beyond what can be read again. */
static int64_t size(struct random *random)
{
	if (percent(random, 2))
		return -2;
	return percent(random, 15) ? 0 : position(random);
}

static int64_t length(struct random *random)
{
	if (percent(random, 4))
		return 0;
	if (percent(random, 30))
		return 1 + below(random, 600);
	return position(random) + percent(random, 50);
}

/* One part of a path that may be a directory. */
static const char *directory_name(struct random *random)
{
	static const char *const names[] = {"d0", "d0", "d0", "d1", "d1", "e", "e", "l", ".", ".."};

	return names[below(random, sizeof names / sizeof names[0])];
}

/* Any name for anything. */
static void odd_name(struct random *random, char *out, size_t size)
{
	static const char *const names[] = {
	    "a", "b", "c", "l", "p", "d0", "d1", "e", "sem.s", "tmp-t", ".hidden", "\xff\xfe \x01"};
	unsigned which = below(random, 120);

	if (which < 2)
		snprintf(out, size, "%0*d", which == 0 ? 255 : 256, 7);
	else if (which < 8)
		snprintf(out, size, "%s", which < 5 ? "." : "..");
	else
		snprintf(out, size, "%s", names[which % (sizeof names / sizeof names[0])]);
}

/* Few names, each mostly for one type of node, so that calls meet what they are for. */
static void last_name(struct random *random, char field, char *out, size_t size)
{
	static const char *const objects[] = {"a", "a", "b", "b", "c", "sem.s"};
	static const char *const directories[] = {"d0", "d1", "e"};

	if (percent(random, 20))
		odd_name(random, out, size);
	else if (field == 'D')
		snprintf(out, size, "%s", directories[below(random, 3)]);
	else if (field == 'L' || field == 'S')
		snprintf(out, size, "%c", field == 'L' ? 'l' : 'p');
	else
		snprintf(out, size, "%s", objects[below(random, 6)]);
}

static unsigned depth(struct random *random)
{
	unsigned which = below(random, 100);

	return which < 50 ? 0 : which < 90 ? 1 : which < 98 ? 2 : 3;
}

static void path(struct random *random, char field, char *out)
{
	char name[300];
	size_t used = 0;

	out[0] = '\0';
	if (percent(random, 1)) {
		if (percent(random, 50))
			return;
		used += (size_t)snprintf(out, PATH_ROOM, "/r/");
	}
	for (unsigned left = depth(random); left > 0; left--)
		used +=
		    (size_t)snprintf(out + used, PATH_ROOM - used, "%s/", directory_name(random));
	last_name(random, field, name, sizeof name);
	snprintf(out + used, PATH_ROOM - used, "%s%s", name, percent(random, 1) ? "/" : "");
}

static void target(struct random *random, char *out)
{
	unsigned which = below(random, 50);

	if (which == 0)
		snprintf(out, PATH_ROOM, "%0*d", PATH_ROOM - 1, 1);
	else if (which == 1)
		out[0] = '\0';
	else
		path(random, percent(random, 60) ? 'p' : 'D', out);
}

static void xattr_name(struct random *random, char *out)
{
	static const char *const names[] = {"user.a", "user.a", "user.a", "user.b", "user.b",
	    "user.c", "trusted.t", "trusted.t", "security.s", "user.", "user", "nothing.x", "",
	    "system.posix_acl_access", "system.posix_acl_default", "system.other"};
	unsigned which = below(random, 400);

	if (which < 4)
		snprintf(out, PATH_ROOM, "user.%0*d", which < 2 ? 250 : 251, 1);
	else if (which < 200)
		snprintf(out, PATH_ROOM, "user.a");
	else
		snprintf(out, PATH_ROOM, "%s", names[which % (sizeof names / sizeof names[0])]);
}

static mode_t mode(struct random *random)
{
	static const mode_t modes[] = {0644, 0666, 0777, 0777, 0755, 0600, 0700, 0000, 0444, 0222,
	    0070, 0007, 01777, 02775, 04755, 06777, 02666, 04644};

	return modes[below(random, sizeof modes / sizeof modes[0])];
}

static unsigned id(struct random *random)
{
	static const unsigned ids[] = {0, USER_UID, USER_UID, OTHER_GID, (unsigned)-1};

	return ids[below(random, sizeof ids / sizeof ids[0])];
}

static int choose(struct random *random, const struct choice *choices)
{
	unsigned count = 0;

	while (choices[count].name != NULL)
		count++;
	return choices[below(random, count)].value;
}

static int choose_bits(struct random *random, const struct choice *bits)
{
	int chosen = 0;

	for (; bits->name != NULL; bits++)
		if (percent(random, 8))
			chosen |= bits->value;
	return chosen;
}

static void make_field(
    struct random *random, const struct kind *kind, char field, struct call *call)
{
	switch (field) {
	case 'p':
	case 'D':
	case 'L':
	case 'S':
		path(random, percent(random, 10) ? "DLS"[below(random, 3)] : field, call->path);
		break;
	case 'q':
		if (kind->execute == do_symlink)
			target(random, call->path2);
		else
			path(random, percent(random, 80) ? 'p' : 'D', call->path2);
		break;
	case 'x':
		xattr_name(random, call->path2);
		break;
	case 'c':
		call->choice = choose(random, kind->choices);
		break;
	case 'b':
		call->bits = choose_bits(random, kind->bits);
		break;
	case 'm':
		call->mode = mode(random);
		break;
	case 'u':
		call->uid = id(random);
		break;
	case 'v':
		call->gid = id(random);
		break;
	case 'o':
		call->offset = offset(random);
		break;
	case 's':
		call->offset = size(random);
		break;
	case 'O':
		call->offset2 = offset(random);
		break;
	case 'n':
		call->length = length(random);
		break;
	case 'P':
		call->offset = percent(random, 60) ? 0 : (int64_t)below(random, 6) * PAGE;
		break;
	case 'N':
		call->length = (int64_t)(1 + below(random, percent(random, 20) ? 64 : 6)) * PAGE;
		break;
	default:
		/* Slots, mappings and data every call has. */
		break;
	}
}

static unsigned pick_kind(struct random *random, const struct plan *plan)
{
	unsigned total = 0, at;

	for (unsigned i = 0; i < kind_count; i++)
		total += plan->without[i] ? 0 : kinds[i].weight;
	at = below(random, total);
	for (unsigned i = 0; i < kind_count; i++) {
		unsigned weight = plan->without[i] ? 0 : kinds[i].weight;

		if (at < weight)
			return i;
		at -= weight;
	}
	return 0;
}

static void make_call(struct random *random, unsigned kind, struct call *call)
{
	*call = (struct call){
	    .kind = (uint16_t)kind,
	    .worker = percent(random, 45),
	    .slot = (uint8_t)below(random, SLOTS),
	    .slot2 = (uint8_t)below(random, SLOTS),
	    .map = (uint8_t)below(random, MAPS),
	    .data = next(random),
	    .watched = percent(random, 1),
	};
	for (const char *field = kinds[kind].fields; *field != '\0'; field++)
		make_field(random, &kinds[kind], *field, call);
	if (kinds[kind].execute == do_tree)
		call->worker = 0;
}

static unsigned kind_of(void (*execute)(struct worker *, const struct call *, struct result *))
{
	unsigned i = 0;

	while (kinds[i].execute != execute)
		i++;
	return i;
}

void generate_round(const struct plan *plan, uint64_t round, struct call calls[], unsigned count)
{
	struct random random = begin(plan->seed, round);
	unsigned usual = count > CLOSING_CALLS ? count - CLOSING_CALLS : 0;

	for (unsigned i = 0; i < usual; i++)
		make_call(&random, pick_kind(&random, plan), &calls[i]);
	for (unsigned i = usual; i < count; i++) {
		make_call(&random, kind_of(i + 1 == count ? do_tree : do_slots), &calls[i]);
		if (i + 1 < count)
			calls[i].worker = (uint8_t)((i - usual) % WORKERS);
	}
}
