/* SPDX-License-Identifier: BSD-2-Clause */
/* Subjects and labels; see subjects.h. */
#include "subjects.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fs/storage/complain.h"

#define PER_PAGE (ARENA_PAGE_SIZE / sizeof(struct mac_subject))

_Static_assert(SHMFS_LABELS_MAX <= ARENA_PAGE_SIZE / sizeof(struct mac_label *), "one page");
_Static_assert(MAC_SUBJECT_PAGES *PER_PAGE == SHMFS_SUBJECTS_MAX, "whole pages");

static inline struct mac_label *label_at(const struct mac *mac, mac_number number)
{
	return mac->labels[number - 1];
}

static inline struct mac_subject *subject_at(const struct mac *mac, uint32_t index)
{
	return &mac->pages[index / PER_PAGE][index % PER_PAGE];
}

const struct shmfs_label *mac_label_of(const struct shmfs *fs, const struct node *node)
{
	const struct mac *mac = &fs->super->mac;

	return mac->policies == 0 ? NULL : &label_at(mac, node->label)->label;
}

/* The first subject is the default. */
static mac_number find_subject(const struct mac *mac, uint16_t kind, uint32_t id)
{
	uint32_t low = 1, high = mac->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct mac_subject *subject = subject_at(mac, middle);

		if (subject->kind == kind && subject->id <= id && id <= subject->last)
			return subject->label;
		if (subject->kind < kind || (subject->kind == kind && subject->last < id))
			low = middle + 1;
		else
			high = middle;
	}
	return 0;
}

static mac_number label_of_subject(const struct mac *mac, const struct shmfs_cred *cred)
{
	mac_number number = find_subject(mac, SHMFS_SUBJECT_UID, cred->uid);

	if (number == 0)
		number = find_subject(mac, SHMFS_SUBJECT_GID, cred->gid);
	return number != 0 ? number : subject_at(mac, 0)->label;
}

const struct shmfs_label *mac_subject_label(const struct shmfs *fs, const struct shmfs_cred *cred)
{
	const struct mac *mac = &fs->super->mac;

	return &label_at(mac, label_of_subject(mac, cred))->label;
}

static void hold(struct shmfs *fs, mac_number number)
{
	struct mac_label *label = label_at(&fs->super->mac, number);

	save(fs, &label->users, sizeof label->users);
	label->users++;
}

static void let_go(struct shmfs *fs, mac_number number)
{
	struct mac *mac = &fs->super->mac;
	struct mac_label *label = label_at(mac, number);

	assert(label->users > 0);
	save(fs, &label->users, sizeof label->users);
	if (--label->users > 0)
		return;
	save(fs, &mac->labels[number - 1], sizeof mac->labels[0]);
	mac->labels[number - 1] = NULL;
	arena_free(fs->arena, label);
}

/* The number of a label of this content, which is made where there is none; it may have no user
 * yet. */
static int find_label(struct shmfs *fs, const struct shmfs_label *label, mac_number *out)
{
	struct mac *mac = &fs->super->mac;
	struct mac_label *made;
	mac_number unused = 0;

	for (mac_number number = SHMFS_LABELS_MAX; number > 0; number--) {
		if (label_at(mac, number) == NULL) {
			unused = number;
		} else if (memcmp(&label_at(mac, number)->label, label, sizeof *label) == 0) {
			*out = number;
			return 0;
		}
	}
	if (unused == 0)
		return -ENOSPC;
	made = arena_alloc(fs->arena, sizeof *made);
	if (made == NULL)
		return -ENOMEM;
	made->label = *label;
	save(fs, &mac->labels[unused - 1], sizeof mac->labels[0]);
	mac->labels[unused - 1] = made;
	*out = unused;
	return 0;
}

void mac_label_new(struct shmfs *fs, const struct shmfs_cred *cred, struct node *node)
{
	if (fs->super->mac.policies == 0)
		return;
	node->label = label_of_subject(&fs->super->mac, cred);
	hold(fs, node->label);
}

int mac_label_root(struct shmfs *fs, struct node *root)
{
	struct mac *mac = &fs->super->mac;
	struct shmfs_label equal = {0};
	int rc;

	if (mac->policies == 0)
		return 0;
	for (int i = 0; i < SHMFS_POLICIES; i++) {
		if (mac->policies & 1u << i)
			equal.of[i].kind = SHMFS_ELEMENT_EQUAL;
	}
	rc = find_label(fs, &equal, &root->label);
	if (rc == 0)
		hold(fs, root->label);
	return rc;
}

void mac_label_end(struct shmfs *fs, struct node *node)
{
	if (node->label != 0)
		let_go(fs, node->label);
}

static bool is_sound(const struct shmfs_element *element, bool in_effect)
{
	static const struct shmfs_element nothing;
	struct shmfs_element plain = *element;

	if (!in_effect)
		return memcmp(element, &nothing, sizeof nothing) == 0;
	if (element->kind == SHMFS_ELEMENT_NUMBER)
		return element->number <= SHMFS_ELEMENT_MAX;
	plain.kind = 0;
	return element->kind <= SHMFS_ELEMENT_EQUAL && memcmp(&plain, &nothing, sizeof plain) == 0;
}

static uint32_t last_of(const struct shmfs_mac_subject *subject)
{
	return subject->last != 0 ? subject->last : subject->id;
}

static bool is_behind(const struct shmfs_mac_subject *a, const struct shmfs_mac_subject *b)
{
	return a->kind > b->kind || (a->kind == b->kind && a->id > last_of(b));
}

static int check_table(
    const struct mac *mac, const struct shmfs_mac_subject *subjects, size_t count)
{
	if (count > SHMFS_SUBJECTS_MAX)
		return -E2BIG;
	if (count == 0 || subjects[0].kind != SHMFS_SUBJECT_DEFAULT || subjects[0].id != 0)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		if (subjects[i].kind > SHMFS_SUBJECT_GID ||
		    last_of(&subjects[i]) < subjects[i].id ||
		    (i > 0 && (subjects[i].kind == SHMFS_SUBJECT_DEFAULT ||
				  !is_behind(&subjects[i], &subjects[i - 1]))))
			return -EINVAL;
		for (int p = 0; p < SHMFS_POLICIES; p++) {
			if (!is_sound(&subjects[i].label.of[p], mac->policies >> p & 1))
				return -EINVAL;
		}
	}
	return 0;
}

/* Marks which labels a table has. */
typedef bool marks[SHMFS_LABELS_MAX + 1];

static int fill(struct shmfs *fs, struct mac *next, const struct shmfs_mac_subject *subjects,
    size_t count, marks has)
{
	for (size_t i = 0; i < count; i++) {
		struct mac_subject *subject;
		mac_number number;
		int rc;

		if (i % PER_PAGE == 0) {
			next->pages[i / PER_PAGE] = arena_alloc(fs->arena, ARENA_PAGE_SIZE);
			if (next->pages[i / PER_PAGE] == NULL)
				return -ENOMEM;
		}
		rc = find_label(fs, &subjects[i].label, &number);
		if (rc < 0)
			return rc;
		if (!has[number])
			hold(fs, number);
		has[number] = true;
		subject = subject_at(next, (uint32_t)i);
		*subject = (struct mac_subject){
		    .kind = (uint16_t)subjects[i].kind,
		    .id = subjects[i].id,
		    .last = last_of(&subjects[i]),
		    .label = number,
		};
	}
	return 0;
}

/* Lets go of a table that is in nobody's hands any more. */
static void end_table(struct shmfs *fs, const struct mac *old)
{
	marks had = {false};

	for (uint32_t i = 0; i < old->count; i++)
		had[subject_at(old, i)->label] = true;
	for (mac_number number = 1; number <= SHMFS_LABELS_MAX; number++) {
		if (had[number])
			let_go(fs, number);
	}
	for (uint32_t i = 0; i < old->count; i += PER_PAGE)
		arena_free(fs->arena, old->pages[i / PER_PAGE]);
}

int mac_set_subjects(struct shmfs *fs, const struct shmfs_mac_subject *subjects, size_t count)
{
	struct mac *mac = &fs->super->mac, old = *mac, next = *mac;
	marks has = {false};
	int rc;

	if (mac->policies == 0)
		return -EOPNOTSUPP;
	rc = check_table(mac, subjects, count);
	if (rc == 0)
		rc = fill(fs, &next, subjects, count, has);
	if (rc < 0)
		return rc;
	next.count = (uint32_t)count;
	save(fs, mac, sizeof *mac);
	*mac = next;
	end_table(fs, &old);
	return 0;
}

int mac_init(struct shmfs *fs, const struct shmfs_mac *config)
{
	struct mac *mac = &fs->super->mac;

	if (config == NULL || config->policies == 0)
		return 0;
	if (config->policies >> SHMFS_POLICIES != 0)
		return -EINVAL;
	mac->policies = config->policies;
	mac->revoke = config->revoke;
	mac->labels = arena_alloc(fs->arena, ARENA_PAGE_SIZE);
	if (mac->labels == NULL)
		return -ENOMEM;
	return mac_set_subjects(fs, config->subjects, config->count);
}

/* Each label has the users that it says: nodes are counted one by one, and the table as one. */
unsigned mac_verify(const struct shmfs *fs, const struct complaints *to)
{
	const struct mac *mac = &fs->super->mac;
	uint64_t users[SHMFS_LABELS_MAX + 1] = {0};
	marks has = {false};
	const struct node *node;
	unsigned bad = 0;

	for (uint64_t id = 0; (node = index_next(&fs->super->nodes, &id)) != NULL; id++) {
		bool known = mac->policies == 0
				 ? node->label == 0
				 : node->label > 0 && node->label <= SHMFS_LABELS_MAX;

		bad +=
		    expect(known, to, "node %llu: label %u", (unsigned long long)id, node->label);
		if (known)
			users[node->label]++;
	}
	if (mac->policies == 0)
		return bad;
	for (uint32_t i = 0; i < mac->count; i++)
		has[subject_at(mac, i)->label] = true;
	for (mac_number number = 1; number <= SHMFS_LABELS_MAX; number++) {
		const struct mac_label *label = label_at(mac, number);
		uint64_t said = label != NULL ? label->users : 0;

		bad += expect(said == users[number] + has[number] && (label == NULL || said > 0),
		    to, "label %u: %llu users counted, it says %llu", number,
		    (unsigned long long)(users[number] + has[number]), (unsigned long long)said);
	}
	return bad;
}
