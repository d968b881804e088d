/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's side of the books; see model.h. */
#include "model.h"

#include <string.h>

#include "daemon/fuse/shape.h"

static void add_reference(struct model *model, uint64_t id)
{
	if (id == 0)
		return;
	ck_assert_uint_lt(id, MODEL_NODES);
	model->references[id]++;
	if (id > model->newest)
		model->newest = id;
}

static void drop_references(struct model *model, uint64_t id, uint64_t count)
{
	if (id < MODEL_NODES)
		model->references[id] -=
		    count < model->references[id] ? count : model->references[id];
}

static void add_handle(struct model *model, uint64_t id, uint64_t handle)
{
	ck_assert_uint_lt(model->handle_count, MODEL_HANDLES);
	model->handles[model->handle_count++] = (struct file){id, handle};
}

static void drop_handle(struct model *model, uint64_t handle)
{
	for (unsigned i = 0; i < model->handle_count; i++) {
		if (model->handles[i].handle == handle) {
			model->handles[i] = model->handles[--model->handle_count];
			return;
		}
	}
}

/* Requests that take something back do so whatever their reply is. */
static void learn_request(struct model *model, const struct wire *w)
{
	const char *body = w->request + sizeof(struct fuse_in_header);
	struct fuse_batch_forget_in batch;
	struct fuse_forget_one one;
	struct fuse_in_header header;
	struct fuse_release_in release;
	struct fuse_forget_in forget;

	memcpy(&header, w->request, sizeof header);
	if (header.opcode == FUSE_FORGET) {
		memcpy(&forget, body, sizeof forget);
		drop_references(model, header.nodeid, forget.nlookup);
	} else if (header.opcode == FUSE_BATCH_FORGET) {
		memcpy(&batch, body, sizeof batch);
		for (uint32_t i = 0; i < batch.count; i++) {
			memcpy(&one, body + sizeof batch + i * sizeof one, sizeof one);
			drop_references(model, one.nodeid, one.nlookup);
		}
	} else if (header.opcode == FUSE_RELEASE) {
		memcpy(&release, body, sizeof release);
		drop_handle(model, release.fh);
	}
}

static void learn_reply(
    struct model *model, const struct wire *w, const struct fuse_in_header *header)
{
	switch (header->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		add_reference(model, entry_of(w)->nodeid);
		break;
	case FUSE_CREATE:
	case ABI_TMPFILE:
		add_reference(model, created_of(w)->entry.nodeid);
		add_handle(model, created_of(w)->entry.nodeid, created_of(w)->open.fh);
		break;
	case FUSE_OPEN:
		add_handle(model, header->nodeid, open_of(w)->fh);
		break;
	default:
		break;
	}
}

void model_learn(struct model *model, const struct wire *w, int error)
{
	struct fuse_in_header header;

	if (error != 0 || shape_check(w->request, w->request_size) != 0)
		return;
	memcpy(&header, w->request, sizeof header);
	learn_request(model, w);
	if (w->reply_size > 0)
		learn_reply(model, w, &header);
}

/* The first name in a directory; false: it is empty. */
static bool first_name(struct wire *w, uint64_t dir, char name[SHMFS_NAME_MAX_FREEBSD + 1])
{
	struct fuse_dirent dirent;
	const char *at;

	/* Behind "." and "..". */
	GIVES(0, ask_readdir(w, dir, 4096, 0));
	if (reply_body_size(w) <= 64)
		return false;
	at = (const char *)reply_body(w, reply_body_size(w)) + 64;
	memcpy(&dirent, at, sizeof dirent);
	memcpy(name, at + sizeof dirent, dirent.namelen);
	name[dirent.namelen] = '\0';
	return true;
}

/* Goes as deep as the tree, which a random test keeps small. */
static void remove_all(struct wire *w, uint64_t dir)
{
	char name[SHMFS_NAME_MAX_FREEBSD + 1];
	uint64_t id;
	int rc;

	while (first_name(w, dir, name)) {
		rc = ask_unlink(w, dir, name);
		if (rc == 0)
			continue;
		GIVES(-EISDIR, rc);
		id = id_of(w, dir, name);
		remove_all(w, id);
		GIVES(0, ask_rmdir(w, dir, name));
	}
}

/* The root stays, but what was hung on it is charged too. */
static void remove_attributes(struct wire *w, uint64_t id)
{
	char names[4096];
	size_t size;

	GIVES(0, ask_listxattr(w, id, sizeof names));
	size = reply_body_size(w);
	memcpy(names, reply_body(w, size), size);
	for (size_t at = 0; at < size; at += strlen(names + at) + 1)
		GIVES(0, ask_removexattr(w, id, names + at));
}

void model_empty(struct model *model, struct wire *w)
{
	struct shmfs_usage left;

	w->uid = 0;
	ck_assert_uint_eq(usage(w).handles, model->handle_count);
	for (uint64_t id = 1; id <= model->newest; id++) {
		if (model->references[id] == 0)
			continue;
		ck_assert_msg(exists(w, id), "node %llu is gone with %llu references",
		    (unsigned long long)id, (unsigned long long)model->references[id]);
		tell_forget(w, id, model->references[id]);
	}
	while (model->handle_count > 0)
		GIVES(0, ask_release(w, model->handles[--model->handle_count]));
	remove_all(w, ROOT);
	remove_attributes(w, ROOT);
	wire_verify(w);
	left = usage(w);
	ck_assert_uint_eq(left.used_nodes, 1);
	ck_assert_uint_eq(left.used_pages, 0);
	ck_assert_uint_eq(left.handles, 0);
	ck_assert_uint_eq(w->outside->memories, 0);
	ck_assert_uint_eq(w->outside->backings, 0);
}
