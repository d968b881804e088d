/* SPDX-License-Identifier: BSD-2-Clause */
/* See tree.h. */
#include "tree.h"

#include "requests.h"

struct tree grow_tree(struct wire *w)
{
	struct tree tree;

	tree.object = new_object(w, ROOT, "object");
	tree.directory = new_directory(w, ROOT, "directory");
	new_object(w, tree.directory, "child");
	tree.symlink = new_symlink(w, ROOT, "symlink", "object");
	GIVES(0, ask_mknod(w, ROOT, "fifo", S_IFIFO | 0600));
	tree.fifo = entry_of(w)->nodeid;
	tree.removed = new_directory(w, ROOT, "removed");
	GIVES(0, ask_rmdir(w, ROOT, "removed"));
	tree.gone = new_object(w, ROOT, "gone");
	GIVES(0, ask_unlink(w, ROOT, "gone"));
	tell_forget(w, tree.gone, 1);
	return tree;
}

int on_lookup(struct wire *w, uint64_t dir, const char *name)
{
	return ask_lookup(w, dir, name);
}

int on_mknod(struct wire *w, uint64_t dir, const char *name)
{
	return ask_mknod(w, dir, name, S_IFREG | 0600);
}

int on_mkdir(struct wire *w, uint64_t dir, const char *name)
{
	return ask_mkdir(w, dir, name, 0700);
}

int on_symlink(struct wire *w, uint64_t dir, const char *name)
{
	return ask_symlink(w, dir, name, "target");
}

int on_create(struct wire *w, uint64_t dir, const char *name)
{
	return ask_create(w, dir, name, 0600, O_RDWR);
}

int on_link(struct wire *w, uint64_t dir, const char *name)
{
	uint64_t id = id_of(w, ROOT, "object");

	return ask_link(w, id, dir, name);
}

int on_unlink(struct wire *w, uint64_t dir, const char *name)
{
	return ask_unlink(w, dir, name);
}

int on_rmdir(struct wire *w, uint64_t dir, const char *name)
{
	return ask_rmdir(w, dir, name);
}

int on_rename_from(struct wire *w, uint64_t dir, const char *name)
{
	return ask_rename(w, dir, name, ROOT, "elsewhere");
}

int on_rename_to(struct wire *w, uint64_t dir, const char *name)
{
	return ask_rename(w, ROOT, "object", dir, name);
}

int on_rename2_from(struct wire *w, uint64_t dir, const char *name)
{
	return ask_rename2(w, dir, name, ROOT, "elsewhere", RENAME_NOREPLACE);
}

int on_rename2_to(struct wire *w, uint64_t dir, const char *name)
{
	return ask_rename2(w, ROOT, "object", dir, name, RENAME_NOREPLACE);
}
