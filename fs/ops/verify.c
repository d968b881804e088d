/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks what every operation relies on: that the parts of a namespace agree with each other. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/mac/subjects.h"
#include "fs/object/directory.h"
#include "fs/object/memory.h"
#include "fs/object/node.h"
#include "fs/object/object.h"
#include "fs/object/tenant.h"
#include "fs/state/charge.h"
#include "fs/state/descriptor.h"
#include "fs/state/dictionary.h"
#include "fs/state/expiry.h"
#include "fs/state/xattr.h"
#include "fs/storage/complain.h"

/* What the nodes of users, or tenants, come to: one for each account, in the order of their
 * numbers. */
struct holdings {
	const struct index *accounts;
	struct account *of;
	size_t count;
};

/* What is counted while walking, to be compared with what the namespace says. */
struct recount {
	const struct shmfs *fs;
	const struct complaints *to;
	uint64_t entries, pages, nodes, listed, names;
	/* Sums of ids, once for each entry and once for each name that a node says it has: a name
	 * that is counted at a wrong node makes them differ. */
	uint64_t bound, named;
	/* The same once for each node that has names, and once for each name that it is charged
	 * for. */
	uint64_t paid, covered;
	/* Objects that are to be expiring, pins, and the sum of the ids of pinned objects. */
	uint64_t expiring, pins, pinned;
	struct holdings users, tenants;
	uint64_t memories;
	unsigned bad;
};

/* What a user or tenant holds; NULL: there is no account of it. */
static struct account *holding_of(const struct holdings *holdings, uint32_t number)
{
	size_t low = 0, high = holdings->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (holdings->of[middle].uid < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < holdings->count && holdings->of[low].uid == number ? &holdings->of[low] : NULL;
}

static bool count_for(
    const struct holdings *holdings, uint32_t number, uint64_t pages, uint64_t nodes)
{
	struct account *holding = holding_of(holdings, number);

	if (holding == NULL)
		return false;
	holding->pages += pages;
	holding->nodes += nodes;
	return true;
}

/* Adds what a name is charged to the sums of all, of its maker and of its tenant. */
static void count_name(struct recount *r, const struct entry *entry)
{
	uint32_t tenant = entry->node->tenant;

	if (!entry->charged) {
		r->covered += entry->node->id;
		return;
	}
	r->nodes++;
	r->bad += expect(count_for(&r->users, entry->maker, 0, 1), r->to,
	    "entry %s: its maker has no account", entry->name);
	r->bad += expect(tenant == 0 || count_for(&r->tenants, tenant, 0, 1), r->to,
	    "entry %s: there is no tenant %u", entry->name, tenant);
}

static void verify_entry(void *arg, const struct entry *entry, uint64_t bucket, uint64_t belongs)
{
	struct recount *r = arg;
	const struct complaints *to = r->to;
	const struct directory *directory = &entry->dir->directory;

	r->entries++;
	count_name(r, entry);
	r->bound += entry->node->id;
	r->bad += expect(bucket == belongs, to, "entry %s: in bucket %" PRIu64 ", not %" PRIu64,
	    entry->name, bucket, belongs);
	r->bad += expect(entry->hash == dictionary_hash(&r->fs->super->dictionary, entry->dir,
					    entry->name, entry->length),
	    to, "entry %s: wrong hash", entry->name);
	r->bad +=
	    expect(strlen(entry->name) == entry->length, to, "entry %s: wrong length", entry->name);
	r->bad += expect(node_get(r->fs, entry->dir->id) == entry->dir, to,
	    "entry %s: its directory is unknown", entry->name);
	r->bad += expect(node_get(r->fs, entry->node->id) == entry->node, to,
	    "entry %s: its node is unknown", entry->name);
	r->bad += expect(index_get(&directory->entries, entry->cookie) == entry, to,
	    "entry %s: not at its cookie", entry->name);
	r->bad += expect(
	    entry->newer != NULL ? entry->newer->older == entry : entry->node->entry == entry, to,
	    "entry %s: not among its node's names", entry->name);
	r->bad += expect(entry->older == NULL ||
			     (entry->older->newer == entry && entry->older->node == entry->node),
	    to, "entry %s: its node's names are broken", entry->name);
	r->bad += expect(entry->cookie >= COOKIE_FIRST && entry->cookie < directory->next_cookie,
	    to, "entry %s: impossible cookie", entry->name);
	r->bad += expect(entry->node->tenant == entry->dir->tenant ||
			     (charge_tenant(r->fs, entry->node->tenant) != NULL &&
				 tenant_admits(r->fs, entry->dir, entry->node)),
	    to, "entry %s: leads from tenant %u to %u", entry->name, entry->dir->tenant,
	    entry->node->tenant);
}

static void verify_directory(struct recount *r, const struct node *node)
{
	const struct directory *directory = &node->directory;
	uint64_t count = 0, subdirs = 0;
	const struct entry *entry;

	for (uint64_t cookie = 0; (entry = index_next(&directory->entries, &cookie)) != NULL;
	     cookie++) {
		count++;
		subdirs += is_directory(entry->node);
		r->bad +=
		    expect(entry->dir == node, r->to, "entry %s: listed elsewhere", entry->name);
		r->bad +=
		    expect(!is_directory(entry->node) || entry->node->directory.parent == node,
			r->to, "directory %s: another parent", entry->name);
	}
	r->listed += count;
	r->bad += expect(count == directory->entries.count && subdirs == directory->subdirs, r->to,
	    "directory %" PRIu64 ": %" PRIu64 " entries, %" PRIu64 " directories counted", node->id,
	    count, subdirs);
	r->bad += expect((node->names > 0) == (directory->parent != NULL) && node->names <= 1,
	    r->to, "directory %" PRIu64 ": %u names", node->id, node->names);
}

/* Adds what a node is charged to the sums of all, of its creator and of its tenant. */
static void count_charge(struct recount *r, const struct node *node)
{
	uint64_t pages = charge_pages_of(r->fs, node->xattr_bytes);

	if (node->ended == NODE_ENDED_UNCHARGED)
		return;
	if (is_object(node))
		pages += charge_pages_of(r->fs, node->object.size);
	else if (S_ISLNK(node->mode))
		pages += charge_pages_of(r->fs, node_target_charge(node->symlink.length));
	r->pages += pages;
	r->nodes++;
	r->bad += expect(count_for(&r->users, node->creator, pages, 1), r->to,
	    "node %" PRIu64 ": its creator has no account", node->id);
	r->bad += expect(node->tenant == 0 || count_for(&r->tenants, node->tenant, pages, 1), r->to,
	    "node %" PRIu64 ": there is no tenant %u", node->id, node->tenant);
}

static bool begin_holdings(struct holdings *holdings, const struct index *accounts)
{
	holdings->accounts = accounts;
	holdings->of = calloc(accounts->count + 1, sizeof *holdings->of);
	if (holdings->of == NULL)
		return false;
	for (uint64_t number = 0; index_next(accounts, &number) != NULL; number++)
		holdings->of[holdings->count++].uid = number;
	return true;
}

static void verify_holdings(struct recount *r, const struct holdings *holdings, const char *whose)
{
	for (size_t i = 0; i < holdings->count; i++) {
		const struct account *holding = &holdings->of[i];
		/* An account is the beginning of a tenant. */
		const struct account *account = index_get(holdings->accounts, holding->uid);

		r->bad +=
		    expect(account->uid == holding->uid && account->nodes > 0 &&
			       account->pages == holding->pages && account->nodes == holding->nodes,
			r->to,
			"%s %" PRIu64 ": %" PRIu64 " pages and %" PRIu64 " nodes, charged %" PRIu64
			" and %" PRIu64,
			whose, holding->uid, holding->pages, holding->nodes, account->pages,
			account->nodes);
	}
}

static void verify_object(struct recount *r, const struct node *node)
{
	const struct object *object = &node->object;

	r->expiring += expiry_is_listed(node);
	r->pins += object->pins;
	r->pinned += object->pins * node->id;

	r->bad += expect(memory_exists(node) || (object->size == 0 && object->backing == 0), r->to,
	    "object %" PRIu64 ": no memory for its size", node->id);
	if (object->fd < 0)
		return;
	r->memories++;
	r->bad += expect(descriptor_is_taken(r->fs, object->fd), r->to,
	    "object %" PRIu64 ": descriptor %d is free", node->id, object->fd);
}

static void verify_expiry_and_pins(struct recount *r)
{
	const struct super *super = r->fs->super;
	const struct node *node;
	uint64_t pins = 0, pinned = 0;
	const struct pin *pin;

	for (uint64_t id = 0; (node = index_next(&super->expiring, &id)) != NULL; id++)
		r->bad += expect(node_get(r->fs, id) == node && expiry_is_listed(node), r->to,
		    "expiring object %" PRIu64 ": stray", id);
	r->bad += expect(super->expiring.count == r->expiring, r->to,
	    "%" PRIu64 " objects expiring, %" PRIu64 " to be expiring", super->expiring.count,
	    r->expiring);
	for (uint64_t id = 0; (pin = index_next(&super->pins, &id)) != NULL; id++) {
		pins++;
		pinned += pin->node->id;
		r->bad += expect(pin->id == id && node_get(r->fs, pin->node->id) == pin->node,
		    r->to, "pin %" PRIu64 ": stray", id);
	}
	r->bad += expect(pins == r->pins && pinned == r->pinned, r->to,
	    "%" PRIu64 " pins, %" PRIu64 " counted, or counted at other objects", pins, r->pins);
}

static void verify_node(struct recount *r, const struct node *node, uint64_t id)
{
	count_charge(r, node);
	r->bad += expect(node->xattr_bytes == xattr_bytes(node), r->to,
	    "node %" PRIu64 ": attributes of another size", id);
	r->names += node->names;
	r->named += node->names * node->id;
	r->paid += node->names > 0 ? node->id : 0;
	r->bad += expect(
	    node->entry == NULL ? node->names == 0 || id == SHMFS_ROOT : node->entry->node == node,
	    r->to, "node %" PRIu64 ": its entry is of another", id);
	r->bad += expect(node->id == id && id < r->fs->super->next_id, r->to,
	    "node %" PRIu64 ": found as %" PRIu64, node->id, id);
	r->bad += expect(node->names > 0 || node->lookups > 0 ||
			     (is_object(node) && (object_is_open(node) || node->object.exported)),
	    r->to, "node %" PRIu64 ": nothing knows it", id);
	if (is_directory(node))
		verify_directory(r, node);
	else if (is_object(node))
		verify_object(r, node);
}

static void verify_handles(struct recount *r)
{
	const struct super *super = r->fs->super;
	const struct handle *handle;
	/* And sums of ids, as for names. */
	uint64_t opens = 0, handles = 0, opened = 0, held = 0, writable = 0, writing = 0;
	const struct node *node;

	for (uint64_t id = 0; (node = index_next(&super->nodes, &id)) != NULL; id++) {
		if (!is_object(node))
			continue;
		opens += node->object.opens;
		opened += node->object.opens * id;
		writable += node->object.writers * id;
	}
	for (uint64_t id = 0; (handle = index_next(&super->handles, &id)) != NULL; id++) {
		handles++;
		held += handle->node->id;
		writing += handle->writes ? handle->node->id : 0;
		r->bad +=
		    expect(handle->id == id && node_get(r->fs, handle->node->id) == handle->node,
			r->to, "handle %" PRIu64 ": stray", id);
	}
	r->bad += expect(opens == handles && handles == super->handles.count, r->to,
	    "%" PRIu64 " openings, %" PRIu64 " handles", opens, handles);
	r->bad += expect(opened == held && writable == writing, r->to,
	    "openings are counted at other objects than handles are of");
}

static void verify_deferred(struct recount *r)
{
	const struct deferred_queue *queue = &r->fs->super->deferred;
	const struct list_link *last = NULL;
	uint64_t count = 0, ranges = 0, of_nodes = 0;
	const struct node *node;

	for (const struct deferred_free *entry = deferred_at(queue->list.first); entry != NULL;
	     entry = deferred_next_of(entry)) {
		r->bad += expect(entry->link.prev == last, r->to,
		    "descriptor %d: queued to be freed behind another", entry->fd);
		last = &entry->link;
		count++;
		ranges += entry->node != NULL;
		r->memories += entry->kind == FREE_END;
		r->bad += expect((entry->kind == FREE_END) == (entry->node == NULL) &&
				     descriptor_is_taken(r->fs, entry->fd) &&
				     (entry->node == NULL || entry->node->object.fd == entry->fd),
		    r->to, "descriptor %d: wrongly queued to be freed", entry->fd);
	}
	for (uint64_t id = 0; (node = index_next(&r->fs->super->nodes, &id)) != NULL; id++)
		of_nodes += is_object(node) ? node->object.deferred : 0;
	r->bad += expect(
	    count == queue->list.count && last == queue->list.last && ranges == of_nodes, r->to,
	    "%" PRIu64 " entries to be freed, %" PRIu64 " of nodes, counted %" PRIu64
	    " and %" PRIu64,
	    count, ranges, queue->list.count, of_nodes);
}

static void verify_spare_memory(struct recount *r)
{
	const struct spare_memories *spares = &r->fs->super->spares;

	r->bad += expect(spares->count <= spares->most && spares->most <= SHMFS_SPARES_MAX, r->to,
	    "%u memories kept, of %u at most", spares->count, spares->most);
	for (uint32_t i = 0; i < spares->count; i++) {
		const struct spare_memory *spare = &spares->list[i];

		r->memories++;
		r->bad += expect(descriptor_is_taken(r->fs, spare->fd) &&
				     (spare->backing != 0) == r->fs->super->backing,
		    r->to, "descriptor %d: wrongly kept", spare->fd);
	}
}

static void verify_idle_memory(struct recount *r)
{
	const struct list *list = &r->fs->super->idle;
	const struct list_link *last = NULL;
	uint64_t count = 0, of_nodes = 0;
	const struct node *node;

	for (const struct idle_memory *idle = idle_memory_at(list->first); idle != NULL;
	     idle = idle_memory_at(idle->link.next)) {
		r->bad += expect(idle->link.prev == last && idle->node->object.idle == idle &&
				     memory_exists(idle->node),
		    r->to, "node %" PRIu64 ": wrongly remembered as empty", idle->node->id);
		last = &idle->link;
		count++;
	}
	for (uint64_t id = 0; (node = index_next(&r->fs->super->nodes, &id)) != NULL; id++)
		of_nodes += is_object(node) && node->object.idle != NULL;
	r->bad += expect(count == list->count && last == list->last && count == of_nodes, r->to,
	    "%" PRIu64 " empty objects remembered, %" PRIu64 " of nodes, counted %" PRIu64, count,
	    of_nodes, list->count);
}

unsigned shmfs_verify(
    const struct shmfs *fs, void (*complain)(void *arg, const char *line), void *arg)
{
	const struct super *super = fs->super;
	const struct complaints to = {complain, arg};
	struct recount r = {.fs = fs, .to = &to};
	const struct node *node;

	if (!begin_holdings(&r.users, &super->charge.accounts) ||
	    !begin_holdings(&r.tenants, &super->tenants.by_number)) {
		free(r.users.of);
		return expect(false, &to, "no memory to check accounts with");
	}
	dictionary_each(&super->dictionary, verify_entry, &r);
	for (uint64_t id = 0; (node = index_next(&super->nodes, &id)) != NULL; id++)
		verify_node(&r, node, id);
	verify_handles(&r);
	verify_expiry_and_pins(&r);
	verify_holdings(&r, &r.users, "user");
	verify_holdings(&r, &r.tenants, "tenant");
	free(r.users.of);
	free(r.tenants.of);
	r.bad += mac_verify(fs, &to);
	r.bad += expect(r.entries == super->dictionary.entries && r.entries == r.listed, &to,
	    "%" PRIu64 " entries, %" PRIu64 " of them in directories", r.entries, r.listed);
	/* The root's name is no entry. */
	r.bad += expect(r.names == r.entries + 1 && r.named == r.bound + SHMFS_ROOT, &to,
	    "%" PRIu64 " entries, %" PRIu64 " names counted, or counted elsewhere", r.entries,
	    r.names);
	r.bad += expect(r.paid == r.covered + SHMFS_ROOT, &to,
	    "nodes are charged for other names than one of each");
	r.bad += expect(r.pages == super->charge.total.pages, &to,
	    "%" PRIu64 " pages, %" PRIu64 " charged", r.pages, super->charge.total.pages);
	r.bad += expect(r.nodes == super->charge.total.nodes, &to,
	    "%" PRIu64 " nodes, %" PRIu64 " charged", r.nodes, super->charge.total.nodes);
	verify_deferred(&r);
	verify_idle_memory(&r);
	verify_spare_memory(&r);
	r.bad += expect(r.memories == descriptor_count(fs), &to,
	    "%" PRIu64 " objects with open memory, %" PRIu64 " descriptors taken", r.memories,
	    descriptor_count(fs));
	return r.bad + arena_verify(fs->arena, complain, arg);
}
