/* SPDX-License-Identifier: BSD-2-Clause */
/* See compare.h. */
#include "compare.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "allowed.h"
#include "execute.h"

enum { NODES = 1 << 14 };

/* A node of one side: what it is on the other side, and what the reference did to it. */
struct node {
	uint64_t ino, other;
	unsigned touched;
};

struct comparison {
	const struct terms *terms;
	const struct side *sides;
	struct node nodes[2][NODES];
};

static struct node *node_of(struct comparison *comparison, unsigned side, uint64_t ino)
{
	struct node *nodes = comparison->nodes[side];
	size_t at = (size_t)(ino * UINT64_C(0x9e3779b97f4a7c15) >> 50);

	while (nodes[at].ino != 0 && nodes[at].ino != ino)
		at = (at + 1) % NODES;
	nodes[at].ino = ino;
	return &nodes[at];
}

/* Inode numbers are free, but the same node has the same one and another node another. */
static bool same_node(struct comparison *comparison, uint64_t reference, uint64_t subject)
{
	struct node *a = node_of(comparison, 0, reference), *b = node_of(comparison, 1, subject);

	if (a->other == 0 && b->other == 0) {
		a->other = subject;
		b->other = reference;
	}
	return a->other == subject && b->other == reference;
}

/* Notes a difference that is allowed. */
static bool met(enum allowed what)
{
	allowed_meet(UINT32_C(1) << what);
	return true;
}

static void note_touches(struct comparison *comparison, const struct result *reference)
{
	for (unsigned i = 0; i < TOUCHED; i++) {
		unsigned how = reference->touched[i].how;
		struct node *node;

		if (how == 0)
			continue;
		node = node_of(comparison, 0, reference->touched[i].ino);
		if (how & TOUCH_TIMES)
			node->touched &= ~(unsigned)(TOUCH_READ | TOUCH_READ_ONLY | TOUCH_UNASKED);
		if (comparison->terms->cached && (how & (TOUCH_SHORT | TOUCH_REFUSED)) &&
		    (node->touched & TOUCH_MAPPED))
			(void)met(ALLOWED_WRITE_OF_MAPPED);
		node->touched |= how;
	}
}

static bool may_differ(const struct comparison *comparison)
{
	return comparison->terms->allow_differences;
}

/* The ways of reading of which the daemon learns nothing. */
static unsigned unseen_reads(const struct terms *terms)
{
	return TOUCH_UNASKED | (terms->native ? TOUCH_READ_ONLY : 0) |
	       (terms->cached ? TOUCH_READ : 0);
}

static bool atime_may_differ(struct comparison *comparison, const struct view *view)
{
	unsigned touched = node_of(comparison, 0, view->ino)->touched;

	if (!may_differ(comparison))
		return false;
	if (!S_ISREG(view->mode))
		return met(ALLOWED_ATIME_OF_NO_OBJECT);
	if (touched & TOUCH_MAPPED)
		return met(ALLOWED_TIMES_OF_MAPPED);
	return (touched & unseen_reads(comparison->terms)) && met(ALLOWED_ATIME_OF_READ);
}

/* Of st_mtime, and of seeing it or st_ctime change. */
static bool change_may_differ(struct comparison *comparison, const struct view *view)
{
	if (!may_differ(comparison))
		return false;
	if (S_ISFIFO(view->mode))
		return met(ALLOWED_TIMES_OF_FIFO);
	return (node_of(comparison, 0, view->ino)->touched & TOUCH_MAPPED) &&
	       met(ALLOWED_TIMES_OF_MAPPED);
}

static bool set_id_may_differ(struct comparison *comparison, const struct view *view)
{
	unsigned touched = node_of(comparison, 0, view->ino)->touched;
	unsigned dropping = TOUCH_COPY_REFUSED | (comparison->terms->cached ? TOUCH_REFUSED : 0);

	return may_differ(comparison) && (touched & dropping) && met(ALLOWED_SET_ID_OF_REFUSED);
}

static bool mode_may_differ(
    struct comparison *comparison, const struct view *reference, const struct view *subject)
{
	return ((reference->mode ^ subject->mode) & ~(unsigned)(S_ISUID | S_ISGID)) == 0 &&
	       set_id_may_differ(comparison, reference);
}

static const char *compare_views(
    struct comparison *comparison, const struct view *reference, const struct view *subject)
{
	if (!same_node(comparison, reference->ino, subject->ino))
		return "a different node (st_ino)";
	if (reference->only_ino || subject->only_ino)
		return reference->only_ino == subject->only_ino ? NULL : "attributes";
	if (reference->mode != subject->mode && !mode_may_differ(comparison, reference, subject))
		return "st_mode";
	if (reference->nlink != subject->nlink)
		return "st_nlink";
	if (reference->uid != subject->uid || reference->gid != subject->gid)
		return "st_uid or st_gid";
	if (reference->rdev != subject->rdev)
		return "st_rdev";
	if (reference->size != subject->size)
		return "st_size";
	if ((reference->mtime != subject->mtime || reference->mtime_ns != subject->mtime_ns) &&
	    !change_may_differ(comparison, reference))
		return "st_mtime";
	if ((reference->atime != subject->atime || reference->atime_ns != subject->atime_ns) &&
	    !atime_may_differ(comparison, reference))
		return "st_atime";
	return NULL;
}

static const struct view *view_of(
    const struct comparison *comparison, unsigned side, const struct result *result, unsigned index)
{
	return &comparison->sides[side].shared->views[result->view + index];
}

static const char *compare_all_views(struct comparison *comparison,
    const struct result *const results[2], struct difference *difference)
{
	unsigned count = results[0]->views;

	if (results[1]->views < count)
		count = results[1]->views;
	for (unsigned i = 0; i < count; i++) {
		const char *what;

		for (unsigned side = 0; side < 2; side++)
			difference->views[side] = view_of(comparison, side, results[side], i);
		what = compare_views(comparison, difference->views[0], difference->views[1]);
		if (what != NULL)
			return what;
	}
	difference->views[0] = difference->views[1] = NULL;
	return results[0]->views == results[1]->views ? NULL : "the number of nodes";
}

static bool changes_may_differ(
    struct comparison *comparison, const struct view *view, unsigned different)
{
	if (different & ~(unsigned)(CHANGE_CTIME | CHANGE_MTIME))
		return false;
	return change_may_differ(comparison, view) ||
	       (different == CHANGE_CTIME && set_id_may_differ(comparison, view));
}

/* Views of watched nodes that are there come in the order of the nodes. */
static const char *compare_changes(
    struct comparison *comparison, const struct result *const results[2])
{
	unsigned view = results[0]->watch_view;

	/* The reference has made a node and taken it away again. */
	if (results[0]->allowed & UINT32_C(1) << ALLOWED_DEVICE_NODE)
		return NULL;
	for (unsigned i = 0; i < WATCHED; i++) {
		unsigned different = results[0]->changes[i] ^ results[1]->changes[i];
		bool is = (results[0]->changes[i] & CHANGE_IS) != 0;

		if (different != 0 &&
		    (!is || !changes_may_differ(
				comparison, view_of(comparison, 0, results[0], view), different)))
			return "times that change";
		view += is;
	}
	return NULL;
}

static bool seek_may_differ(struct comparison *comparison, const struct result *reference)
{
	unsigned touched = node_of(comparison, 0, reference->touched[0].ino)->touched;

	if (touched & TOUCH_ALLOCATED)
		return met(ALLOWED_SEEK_OF_ALLOCATED);
	if (comparison->terms->huge && ((touched & TOUCH_PIECES) || comparison->terms->cached))
		return met(ALLOWED_SEEK_OF_PIECES);
	if (comparison->terms->always_huge)
		return met(ALLOWED_SEEK_OF_SPLIT);
	return (touched & TOUCH_MAPPED) && !comparison->terms->native &&
	       met(ALLOWED_SEEK_OF_MAPPED);
}

static bool result_may_differ(struct comparison *comparison, const struct call *call,
    const struct result *reference, const struct result *subject)
{
	const struct kind *kind = &kinds[call->kind];

	if (!may_differ(comparison))
		return false;
	if (reference->allowed & UINT32_C(1) << ALLOWED_WHITEOUT)
		return subject->ret == -1 || reference->ret == 0 ||
		       reference->error == ERROR_SKIPPED;
	if (kind->execute == do_seals)
		return subject->ret == -1 && subject->error == EINVAL && met(ALLOWED_SEALS);
	if (kind->execute == do_load && comparison->terms->cached)
		return reference->ret == subject->ret && reference->error == subject->error &&
		       (node_of(comparison, 0, reference->touched[0].ino)->touched &
			   (TOUCH_SHORT | TOUCH_REFUSED)) &&
		       met(ALLOWED_TAIL_OF_SHORT);
	return kind->execute == do_seek_data && seek_may_differ(comparison, reference);
}

static const char *compare_results(struct comparison *comparison, const struct call *call,
    const struct result *reference, const struct result *subject)
{
	if (!reference->done || !subject->done)
		return "a call that did not return";
	if ((reference->ret != subject->ret || reference->error != subject->error ||
		memcmp(reference->words, subject->words, sizeof reference->words) != 0) &&
	    !result_may_differ(comparison, call, reference, subject))
		return "the result";
	if (reference->length != subject->length || reference->hash != subject->hash)
		return "the data";
	return NULL;
}

static bool same_text(const struct comparison *comparison, const struct result *const results[2])
{
	return results[0]->text_length == results[1]->text_length &&
	       memcmp(comparison->sides[0].shared->text + results[0]->text,
		   comparison->sides[1].shared->text + results[1]->text,
		   results[0]->text_length) == 0;
}

static const char *compare_step(struct comparison *comparison, const struct call *call,
    unsigned step, struct difference *difference)
{
	const struct result *const results[] = {
	    &comparison->sides[0].shared->results[step],
	    &comparison->sides[1].shared->results[step],
	};
	const char *what;

	note_touches(comparison, results[0]);
	allowed_meet(results[0]->allowed);
	what = compare_results(comparison, call, results[0], results[1]);
	if (what == NULL && !same_text(comparison, results))
		what = "what was told";
	if (what == NULL)
		what = compare_all_views(comparison, results, difference);
	if (what == NULL)
		what = compare_changes(comparison, results);
	return what;
}

void compare_round(const struct terms *terms, const struct side sides[2], const struct call *calls,
    unsigned count, struct difference *out)
{
	static struct comparison comparison;

	memset(&comparison, 0, sizeof comparison);
	comparison.terms = terms;
	comparison.sides = sides;
	*out = (struct difference){0};
	for (unsigned step = 0; step < count && out->what == NULL; step++) {
		out->step = step;
		out->what = compare_step(&comparison, &calls[step], step, out);
	}
}
