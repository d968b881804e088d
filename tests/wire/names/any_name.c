/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of every request on a name: of its directory, and of the name. */
#include <string.h>

#include "requests.h"
#include "suites.h"
#include "tree.h"

static const struct named_request {
	const char *label;
	int (*request)(struct wire *w, uint64_t dir, const char *name);
	int missing; /* what it says of a name that is not there */
} named_requests[] = {
    {"LOOKUP", on_lookup, 0},
    {"MKNOD", on_mknod, 0},
    {"MKDIR", on_mkdir, 0},
    {"SYMLINK", on_symlink, 0},
    {"CREATE", on_create, 0},
    {"LINK", on_link, 0},
    {"UNLINK", on_unlink, -ENOENT},
    {"RMDIR", on_rmdir, -ENOENT},
    {"RENAME from", on_rename_from, -ENOENT},
    {"RENAME to", on_rename_to, 0},
    {"RENAME2 from", on_rename2_from, -ENOENT},
    {"RENAME2 to", on_rename2_to, 0},
};

/* Each request from the first on, in a tree of its own, says this of such a name in such a
 * directory. */
static void say(size_t first, uint64_t (*dir)(const struct tree *tree), const char *name, int want)
{
	for (size_t i = first; i < sizeof named_requests / sizeof named_requests[0]; i++) {
		const struct named_request *r = &named_requests[i];
		struct wire *w = wire_open();
		struct tree tree = grow_tree(w);
		int missing = want == 0 ? r->missing : want;
		int got = r->request(w, dir(&tree), name);

		ck_assert_msg(got == missing, "%s of '%.20s': expected %s, got %s", r->label, name,
		    result_text(missing), result_text(got));
		wire_close(w);
	}
}

static void all_say(uint64_t (*dir)(const struct tree *tree), const char *name, int want)
{
	say(0, dir, name, want);
}

static uint64_t in_root(const struct tree *tree)
{
	(void)tree;
	return ROOT;
}

static uint64_t in_directory(const struct tree *tree)
{
	return tree->directory;
}

static uint64_t in_object(const struct tree *tree)
{
	return tree->object;
}

static uint64_t in_symlink(const struct tree *tree)
{
	return tree->symlink;
}

static uint64_t in_removed(const struct tree *tree)
{
	return tree->removed;
}

static uint64_t in_gone(const struct tree *tree)
{
	return tree->gone;
}

static uint64_t in_nothing(const struct tree *tree)
{
	(void)tree;
	return 0;
}

static uint64_t in_impossible(const struct tree *tree)
{
	(void)tree;
	return UINT64_MAX;
}

START_TEST(a_name_in_an_unknown_directory_is_estale)
{
	all_say(in_gone, "name", -ESTALE);
	all_say(in_nothing, "name", -ESTALE);
	all_say(in_impossible, "name", -ESTALE);
}
END_TEST

START_TEST(a_name_in_what_is_no_directory_is_enotdir)
{
	all_say(in_object, "name", -ENOTDIR);
	all_say(in_symlink, "name", -ENOTDIR);
}
END_TEST

START_TEST(a_name_that_is_none_is_einval)
{
	all_say(in_root, "", -EINVAL);
	/* All but LOOKUP, by which a node is found again. */
	say(1, in_root, ".", -EINVAL);
	say(1, in_root, "..", -EINVAL);
	all_say(in_root, "/", -EINVAL);
	all_say(in_root, "a/b", -EINVAL);
	all_say(in_root, "object/", -EINVAL);
}
END_TEST

START_TEST(names_have_at_most_255_bytes)
{
	char name[258];

	memset(name, 'n', sizeof name);
	name[257] = '\0';
	all_say(in_root, name, -ENAMETOOLONG);
	name[256] = '\0';
	all_say(in_root, name, -ENAMETOOLONG);
	name[255] = '\0';
	all_say(in_root, name, 0);
	all_say(in_directory, name, 0);
}
END_TEST

START_TEST(names_may_have_any_other_byte)
{
	all_say(in_root, "\x01\n\xff\\ '\"", 0);
	all_say(in_root, "...", 0);
}
END_TEST

/* LOOKUP tells a missing name by a node id of 0, so that the kernel remembers it. */
START_TEST(a_removed_directory_has_no_names_and_takes_none)
{
	for (size_t i = 0; i < sizeof named_requests / sizeof named_requests[0]; i++) {
		const struct named_request *r = &named_requests[i];
		struct wire *w = wire_open();
		struct tree tree = grow_tree(w);

		GIVES(r->request == on_lookup ? 0 : -ENOENT, r->request(w, in_removed(&tree), "n"));
		wire_close(w);
	}
}
END_TEST

Suite *any_name_suite(void)
{
	const TTest *const tests[] = {
	    a_name_in_an_unknown_directory_is_estale,
	    a_name_in_what_is_no_directory_is_enotdir,
	    a_name_that_is_none_is_einval,
	    names_have_at_most_255_bytes,
	    names_may_have_any_other_byte,
	    a_removed_directory_has_no_names_and_takes_none,
	};

	return suite_of("any name", tests, sizeof tests / sizeof tests[0]);
}
