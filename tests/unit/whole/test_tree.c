/* SPDX-License-Identifier: BSD-2-Clause */
/* Random sequences of names made, moved and removed, against a simple model of the tree. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/charge.h"
#include "harness.h"
#include "random.h"
#include "suites.h"

enum { NODES = 40, NAMES = 5, NONE = -1, ROOT_NODE = 0 };

/* Who made a name, who is charged for it, and when it came to be its node's newest. */
struct model_charge {
	int maker;
	bool counts;
	unsigned order;
};

struct model_node {
	bool there, dir;
	int names, parent;
	uint64_t id;
	int entry[NAMES]; /* of a directory */
	struct model_charge charge[NAMES];
	int maker;
};

struct model {
	struct model_node node[NODES];
	unsigned order;
};

enum deed { MAKE, MAKE_DIR, NAME_AGAIN, REMOVE, REMOVE_DIR, MOVE, DEEDS };

struct step {
	enum deed deed;
	int dir, name, to_dir, to_name, node, by;
	unsigned flags;
};

static const char *const names[NAMES] = {"a", "b", "c", "d", "e"};
static struct shmfs *fs;

enum { USERS = 3 };

static const struct shmfs_cred *const users[USERS] = {
    &(const struct shmfs_cred){.uid = 1001},
    &(const struct shmfs_cred){.uid = 1002},
    &(const struct shmfs_cred){.uid = 1003},
};

static void model_begin(struct model *model)
{
	memset(model, 0, sizeof *model);
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < NAMES; j++)
			model->node[i].entry[j] = NONE;
	model->node[ROOT_NODE].there = model->node[ROOT_NODE].dir = true;
	model->node[ROOT_NODE].names = 1;
	model->node[ROOT_NODE].id = SHMFS_ROOT;
}

static int free_node(const struct model *model)
{
	for (int i = 0; i < NODES; i++)
		if (!model->node[i].there)
			return i;
	return NONE;
}

static bool model_empty(const struct model_node *dir)
{
	for (int i = 0; i < NAMES; i++)
		if (dir->entry[i] != NONE)
			return false;
	return true;
}

static bool model_contains(const struct model *model, int ancestor, int dir)
{
	for (; dir != ROOT_NODE; dir = model->node[dir].parent)
		if (dir == ancestor)
			return true;
	return ancestor == ROOT_NODE;
}

static void model_bind(struct model *model, int dir, int name, int node, struct model_charge charge)
{
	charge.order = ++model->order;
	model->node[dir].charge[name] = charge;
	model->node[dir].entry[name] = node;
	model->node[node].names++;
	if (model->node[node].dir)
		model->node[node].parent = dir;
}

/* A name of a node, but for one: the newest. */
static struct model_charge *model_newest(struct model *model, int node)
{
	struct model_charge *newest = NULL;

	for (int i = 0; i < NODES * NAMES; i++) {
		struct model_node *dir = &model->node[i / NAMES];

		if (dir->there && dir->dir && dir->entry[i % NAMES] == node &&
		    (newest == NULL || dir->charge[i % NAMES].order > newest->order))
			newest = &dir->charge[i % NAMES];
	}
	return newest;
}

static void model_unbind(struct model *model, int dir, int name)
{
	int node = model->node[dir].entry[name];

	model->node[dir].entry[name] = NONE;
	if (--model->node[node].names == 0)
		model->node[node].there = false;
	else if (!model->node[dir].charge[name].counts)
		model_newest(model, node)->counts = false;
}

/* Whether `node` may take the place of `other`. */
static int model_replaceable(const struct model *model, int node, int other)
{
	const struct model_node *there = &model->node[other];

	if (model->node[node].dir && !there->dir)
		return -ENOTDIR;
	if (!model->node[node].dir && there->dir)
		return -EISDIR;
	return there->dir && !model_empty(there) ? -ENOTEMPTY : 0;
}

static void model_exchange(struct model *model, const struct step *s)
{
	struct model_node *from = &model->node[s->dir], *to = &model->node[s->to_dir];
	struct model_charge charge = from->charge[s->name], other_charge = to->charge[s->to_name];
	int node = from->entry[s->name], other = to->entry[s->to_name];

	model_bind(model, s->to_dir, s->to_name, node, charge);
	model_bind(model, s->dir, s->name, other, other_charge);
	/* Neither has more names than before. */
	model->node[node].names--;
	model->node[other].names--;
}

static int model_move(struct model *model, const struct step *s)
{
	int node = model->node[s->dir].entry[s->name];
	int other = model->node[s->to_dir].entry[s->to_name], rc;

	if (node == NONE)
		return -ENOENT;
	if (other != NONE && s->flags == RENAME_NOREPLACE)
		return -EEXIST;
	if (node == other)
		return 0;
	if (model->node[node].dir && model_contains(model, node, s->to_dir))
		return -EINVAL;
	if (s->flags == RENAME_EXCHANGE) {
		if (other == NONE)
			return -ENOENT;
		if (model->node[other].dir && model_contains(model, other, s->dir))
			return -EINVAL;
		model_exchange(model, s);
		return 0;
	}
	rc = other == NONE ? 0 : model_replaceable(model, node, other);
	if (rc < 0)
		return rc;
	if (other != NONE)
		model_unbind(model, s->to_dir, s->to_name);
	model_bind(model, s->to_dir, s->to_name, node, model->node[s->dir].charge[s->name]);
	/* The charge has gone with it. */
	model->node[s->dir].charge[s->name].counts = true;
	model_unbind(model, s->dir, s->name);
	return 0;
}

static int model_remove(struct model *model, const struct step *s)
{
	int node = model->node[s->dir].entry[s->name];

	if (node == NONE)
		return -ENOENT;
	if (s->deed == REMOVE && model->node[node].dir)
		return -EISDIR;
	if (s->deed == REMOVE_DIR && !model->node[node].dir)
		return -ENOTDIR;
	if (s->deed == REMOVE_DIR && !model_empty(&model->node[node]))
		return -ENOTEMPTY;
	model_unbind(model, s->dir, s->name);
	return 0;
}

static int model_make(struct model *model, const struct step *s)
{
	struct model_node *node = &model->node[s->node];

	if (s->deed == NAME_AGAIN && node->dir)
		return -EPERM;
	if (model->node[s->dir].entry[s->name] != NONE)
		return -EEXIST;
	if (s->deed != NAME_AGAIN) {
		node->there = true;
		node->dir = s->deed == MAKE_DIR;
		node->names = 0;
		node->maker = s->by;
	}
	model_bind(model, s->dir, s->name, s->node,
	    (struct model_charge){.maker = s->by, .counts = node->names > 0});
	return 0;
}

static int model_do(struct model *model, const struct step *s)
{
	switch (s->deed) {
	case MAKE:
	case MAKE_DIR:
	case NAME_AGAIN:
		return model_make(model, s);
	case REMOVE:
	case REMOVE_DIR:
		return model_remove(model, s);
	default:
		return model_move(model, s);
	}
}

/* Within a transaction. */
static int really_do(const struct model *model, const struct step *s, uint64_t *id)
{
	uint64_t dir = model->node[s->dir].id, to_dir = model->node[s->to_dir].id;
	const struct shmfs_cred *by = users[s->by];
	struct shmfs_attr attr = {.id = 0};
	int rc;

	switch (s->deed) {
	case MAKE:
		rc = shmfs_mknod(fs, by, dir, names[s->name], S_IFREG | 0600, &attr);
		break;
	case MAKE_DIR:
		rc = shmfs_mkdir(fs, by, dir, names[s->name], 0700, &attr);
		break;
	case NAME_AGAIN:
		rc = shmfs_link(fs, by, model->node[s->node].id, dir, names[s->name], &attr);
		break;
	case REMOVE:
		return shmfs_unlink(fs, by, dir, names[s->name]);
	case REMOVE_DIR:
		return shmfs_rmdir(fs, by, dir, names[s->name]);
	default:
		return shmfs_rename(
		    fs, by, dir, names[s->name], to_dir, names[s->to_name], s->flags);
	}
	if (rc == 0)
		shmfs_forget(fs, attr.id, 1);
	*id = attr.id;
	return rc;
}

/* --- comparing
 * ------------------------------------------------------------------------------------ */

struct comparison {
	const struct model *model;
	int dir, seen;
};

static int compare_entry(void *arg, const struct shmfs_entry *entry)
{
	struct comparison *c = arg;
	const struct model_node *dir = &c->model->node[c->dir];
	const struct model_node *node;

	if (strcmp(entry->name, ".") == 0) {
		REQUIRE_SAME(dir->id, entry->id);
		return 0;
	}
	if (strcmp(entry->name, "..") == 0) {
		REQUIRE_SAME(c->model->node[dir->parent].id, entry->id);
		return 0;
	}
	c->seen++;
	REQUIRE(dir->entry[entry->name[0] - 'a'] != NONE, "%s ought not to be there", entry->name);
	node = &c->model->node[dir->entry[entry->name[0] - 'a']];
	REQUIRE_SAME(node->id, entry->id);
	REQUIRE_SAME(node->dir ? S_IFDIR : S_IFREG, entry->mode & S_IFMT);
	return 0;
}

static void compare_accounts(const struct model *model)
{
	int nodes[USERS] = {0};

	for (int i = 0; i < NODES; i++) {
		const struct model_node *node = &model->node[i];

		/* The root is nobody's of them. */
		if (node->there && i != ROOT_NODE)
			nodes[node->maker]++;
		for (int j = 0; node->there && node->dir && j < NAMES; j++)
			if (node->entry[j] != NONE && node->charge[j].counts)
				nodes[node->charge[j].maker]++;
	}
	for (int i = 0; i < USERS; i++)
		REQUIRE_SAME((unsigned)nodes[i], charge_account(fs, users[i]->uid).nodes);
}

static void compare(const struct model *model)
{
	compare_accounts(model);
	for (int i = 0; i < NODES; i++) {
		const struct model_node *node = &model->node[i];
		struct comparison c = {.model = model, .dir = i};
		int entries = 0, subdirs = 0;

		if (!node->there)
			continue;
		for (int j = 0; j < NAMES && node->dir; j++) {
			entries += node->entry[j] != NONE;
			subdirs += node->entry[j] != NONE && model->node[node->entry[j]].dir;
		}
		REQUIRE_SAME(node->dir ? 2 + subdirs : node->names, attributes(fs, node->id).nlink);
		if (!node->dir)
			continue;
		GIVES(0, shmfs_readdir(fs, ALICE, node->id, 0, compare_entry, &c));
		REQUIRE_SAME(entries, c.seen);
	}
}

/* --- the random walk
 * ------------------------------------------------------------------------------ */

static int random_node(struct random *random, const struct model *model, bool dir)
{
	int node;

	do
		node = (int)random_below(random, NODES);
	while (!model->node[node].there || (dir && !model->node[node].dir));
	return node;
}

static struct step random_step(struct random *random, const struct model *model)
{
	static const unsigned flags[] = {0, 0, RENAME_NOREPLACE, RENAME_EXCHANGE};
	struct step s = {
	    .deed = (enum deed)random_below(random, DEEDS),
	    .dir = random_node(random, model, true),
	    .to_dir = random_node(random, model, true),
	    .name = (int)random_below(random, NAMES),
	    .to_name = (int)random_below(random, NAMES),
	    .node = NONE,
	    .by = (int)random_below(random, USERS),
	    .flags = flags[random_below(random, 4)],
	};

	if (random_percent(random, 40))
		s.deed = MOVE;
	if (s.deed == NAME_AGAIN)
		s.node = random_node(random, model, false);
	else if (s.deed == MAKE || s.deed == MAKE_DIR)
		s.node = free_node(model);
	if (s.node == NONE && (s.deed == MAKE || s.deed == MAKE_DIR))
		s.deed = REMOVE;
	return s;
}

static void take_step(struct random *random, struct model *model, unsigned *outcomes)
{
	struct step s = random_step(random, model);
	struct model next = *model;
	int want = model_do(&next, &s), rc;
	uint64_t id = 0;
	char got[32];

	shmfs_begin(fs);
	rc = really_do(model, &s, &id);
	snprintf(got, sizeof got, "%s", result_text(rc));
	REQUIRE(rc == want, "deed %d, %d/%s to %d/%s, flags %u: expected %s, got %s", (int)s.deed,
	    s.dir, names[s.name], s.to_dir, names[s.to_name], s.flags, result_text(want), got);
	outcomes[-rc]++;
	if (rc == 0 && random_percent(random, 15)) {
		shmfs_rollback(fs);
		check_namespace(fs);
		return;
	}
	(void)end_transaction(fs, rc);
	if (rc == 0 && (s.deed == MAKE || s.deed == MAKE_DIR))
		next.node[s.node].id = id;
	*model = next;
}

START_TEST(random_changes_of_the_tree_behave_like_the_model)
{
	static const int errors[] = {0, ENOENT, EEXIST, EPERM, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL};
	struct random random = random_begin("random_changes_of_the_tree");
	unsigned outcomes[200] = {0};
	struct model model;

	fs = open_small();
	model_begin(&model);
	for (unsigned step = 0; step < random_steps(20000 / slowness()); step++) {
		take_step(&random, &model, outcomes);
		compare(&model);
	}
	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
		ck_assert_msg(outcomes[errors[i]] > 0, "%s never came up", result_text(-errors[i]));
	close_checked(fs);
}
END_TEST

Suite *tree_suite(void)
{
	Suite *suite = suite_create("tree");
	TCase *tests = harness_case(suite, "tree");

	tcase_add_test(tests, random_changes_of_the_tree_behave_like_the_model);
	return suite;
}
