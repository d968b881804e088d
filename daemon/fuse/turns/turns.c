/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose turn it is; see turns.h. */
#include "turns.h"

#include <stddef.h>

/* What one request may cost its user. Hardly any takes longer: where one seems to, the loop did not
 * have the processor meanwhile, which is nobody's fault. */
#define COST_MAX UINT64_C(250000)

static bool waits(const struct turns_user *user)
{
	return user->lists[TURNS_NAMES].count > 0 || user->lists[TURNS_OTHERS].count > 0;
}

/* In the place of one of whom nothing has to be known: who has had no more than others begins as
 * they do. */
static struct turns_user *new_user(struct turns *turns, uint32_t uid)
{
	struct turns_user *least = NULL;

	for (unsigned i = 0; i < turns->user_count; i++) {
		struct turns_user *user = &turns->users[i];

		if (!waits(user) && (least == NULL || user->used < least->used))
			least = user;
	}
	if ((least == NULL || least->used > turns->used) && turns->user_count < TURNS_USERS)
		least = &turns->users[turns->user_count++];
	/* Those for whom there is no place share one. */
	if (least == NULL)
		return &turns->users[uid % TURNS_USERS];
	*least = (struct turns_user){.uid = uid, .kind = TURNS_OTHERS};
	return least;
}

struct turns_user *turns_user(struct turns *turns, uint32_t uid)
{
	struct turns_user *user = turns->users, *end = user + turns->user_count;

	while (user < end && user->uid != uid)
		user++;
	if (user == end)
		user = new_user(turns, uid);
	if (!waits(user) && user->used < turns->used)
		user->used = turns->used;
	return user;
}

void turns_add(struct turns *turns, struct turns_user *user, enum turns_kind kind, uint16_t place)
{
	struct turns_list *list = &user->lists[kind];

	turns->waiting += !waits(user);
	if (list->count++ == 0)
		list->first = place;
	else
		turns->next[list->last] = place;
	list->last = place;
	turns->count++;
}

/* before: the place before it in the list, TURNS_NONE if it is the first. */
static void unlink_place(
    struct turns *turns, struct turns_list *list, uint16_t before, uint16_t place)
{
	if (before == TURNS_NONE)
		list->first = turns->next[place];
	else
		turns->next[before] = turns->next[place];
	if (list->last == place)
		list->last = before;
	list->count--;
	turns->count--;
}

/* Of two who have had the same, whoever is known for a shorter time. */
static struct turns_user *next_user(struct turns *turns)
{
	struct turns_user *next = NULL;

	for (unsigned i = 0; i < turns->user_count; i++) {
		struct turns_user *user = &turns->users[i];

		if (waits(user) && (next == NULL || user->used <= next->used))
			next = user;
	}
	return next;
}

void turns_begin(struct turns *turns, const struct turns_user *user)
{
	if (user->used > turns->used)
		turns->used = user->used;
}

uint16_t turns_take(struct turns *turns, struct turns_user **out)
{
	struct turns_user *user = next_user(turns);
	enum turns_kind other = user->kind == TURNS_NAMES ? TURNS_OTHERS : TURNS_NAMES;
	uint16_t place;

	if (user->lists[other].count > 0)
		user->kind = other;
	place = user->lists[user->kind].first;
	unlink_place(turns, &user->lists[user->kind], TURNS_NONE, place);
	turns->waiting -= !waits(user);
	turns_begin(turns, user);
	*out = user;
	return place;
}

void turns_charge(const struct turns *turns, struct turns_user *user, uint64_t time)
{
	user->used += time;
	if (user->used > turns->used + COST_MAX)
		user->used = turns->used + COST_MAX;
}

static bool remove_from(struct turns *turns, struct turns_list *list, uint16_t place)
{
	uint16_t before = TURNS_NONE, at = list->first;

	for (unsigned i = 0; i < list->count; i++) {
		if (at == place) {
			unlink_place(turns, list, before, place);
			return true;
		}
		before = at;
		at = turns->next[at];
	}
	return false;
}

void turns_remove(struct turns *turns, uint16_t place)
{
	for (unsigned i = 0; i < turns->user_count; i++) {
		struct turns_user *user = &turns->users[i];

		if (remove_from(turns, &user->lists[TURNS_NAMES], place) ||
		    remove_from(turns, &user->lists[TURNS_OTHERS], place)) {
			turns->waiting -= !waits(user);
			return;
		}
	}
}
