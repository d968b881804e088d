/* SPDX-License-Identifier: BSD-2-Clause */
/* Policies and rights as the kernel sees them: what it may remember, ioctl, re-reading, the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "daemon/ops/shmfs_ioctl.h"
#include "daemon/policy/policy.h"
#include "requests.h"
#include "suites.h"

enum { HIGH = 1000, LOW = 1001 };

static const char usual_policy[] = "default mls/low\nuser 1000 mls/high\n";

/* MLS, with one user above all others. */
static struct wire *open_labelled(enum tier tier, bool revoke)
{
	struct shmfs_mac_subject subjects[] = {
	    {.kind = SHMFS_SUBJECT_DEFAULT}, {.kind = SHMFS_SUBJECT_UID, .id = HIGH}};
	const struct shmfs_mac mac = {1u << SHMFS_MLS, revoke, subjects, 2};
	struct shmfs_config config = wire_config();

	subjects[1].label.of[SHMFS_MLS].kind = SHMFS_ELEMENT_HIGH;
	config.mac = &mac;
	return wire_open_with(tier, config);
}

static void become(struct wire *w, uint32_t uid)
{
	w->uid = w->gid = uid;
}

static uint64_t new_high(struct wire *w, const char *name)
{
	uint64_t id;

	become(w, HIGH);
	id = new_object_of(w, ROOT, name, 100);
	return id;
}

START_TEST(the_kernel_remembers_nothing_under_a_policy)
{
	struct wire *w = open_labelled(TIER_CACHED, false);
	uint64_t id = new_high(w, "a");

	GIVES(0, ask_lookup(w, ROOT, "a"));
	ck_assert_uint_eq(entry_of(w)->entry_valid + entry_of(w)->entry_valid_nsec, 0);
	ck_assert_uint_eq(entry_of(w)->attr_valid + entry_of(w)->attr_valid_nsec, 0);
	GIVES(0, ask_lookup(w, ROOT, "missing"));
	ck_assert_uint_eq(entry_of(w)->nodeid, 0);
	ck_assert_uint_eq(entry_of(w)->entry_valid + entry_of(w)->entry_valid_nsec, 0);
	GIVES(0, ask_getattr(w, id));
	ck_assert_uint_eq(attr_of(w)->attr_valid + attr_of(w)->attr_valid_nsec, 0);
	GIVES(0, ask_statx(w, id));
	ck_assert_uint_eq(statx_of(w)->attr_valid + statx_of(w)->attr_valid_nsec, 0);
	GIVES(0, ask_create(w, ROOT, "b", 0600, O_RDWR));
	ck_assert_uint_eq(created_of(w)->entry.entry_valid + created_of(w)->entry.attr_valid, 0);
	GIVES(0, ask_mkdir(w, ROOT, "dir", 0700));
	ck_assert_uint_eq(entry_of(w)->entry_valid + entry_of(w)->attr_valid, 0);
	wire_close(w);
}
END_TEST

START_TEST(directories_are_opened_under_a_policy_and_not_kept)
{
	struct fuse_open_in in = {.flags = O_RDONLY};
	struct wire *w = open_labelled(TIER_CACHED, false);

	GIVES(0, ask_plain(w, FUSE_OPENDIR, ROOT, &in, sizeof in));
	ck_assert_uint_eq(open_of(w)->open_flags, 0);
	wire_close(w);
	w = wire_open();
	GIVES(-ENOSYS, ask_plain(w, FUSE_OPENDIR, ROOT, &in, sizeof in));
	wire_close(w);
}
END_TEST

START_TEST(each_request_is_decided_for_its_caller)
{
	struct wire *w = open_labelled(TIER_CACHED, false);
	uint64_t id = new_high(w, "a");
	struct fuse_setattr_in in = {.valid = FATTR_MODE, .mode = 0600};

	become(w, LOW);
	GIVES(-EACCES, ask_lookup(w, ROOT, "a"));
	GIVES(-EACCES, ask_getattr(w, id));
	GIVES(-EACCES, ask_statx(w, id));
	GIVES(-EACCES, ask_open(w, id, O_RDONLY));
	GIVES(-EACCES, ask_open(w, id, O_RDWR));
	GIVES(-EACCES, ask_getxattr(w, id, "user.shmfs.label", 100));
	GIVES(-EACCES, ask_listxattr(w, id, 100));
	/* Writing up is allowed. */
	GIVES(0, ask_setattr(w, id, &in));
	become(w, HIGH);
	GIVES(0, ask_lookup(w, ROOT, "a"));
	GIVES(0, ask_open(w, id, O_RDWR));
	wire_close(w);
}
END_TEST

static int ask_getattr_by(struct wire *w, struct file file)
{
	struct fuse_getattr_in in = {.getattr_flags = FUSE_GETATTR_FH, .fh = file.handle};

	return ask_plain(w, FUSE_GETATTR, file.id, &in, sizeof in);
}

/* The kernel needs a size for lseek and writes through an opening, whoever has that now. */
START_TEST(attributes_for_an_opening_were_decided_with_it)
{
	for (int revoke = 0; revoke < 2; revoke++) {
		struct wire *w = open_labelled(TIER_CACHED, revoke);
		struct file file = open_file(w, new_high(w, "a"), O_RDWR);
		struct file bogus = {file.id, 4711}, root = {ROOT, file.handle};

		become(w, LOW);
		GIVES(revoke ? -EACCES : 0, ask_getattr_by(w, file));
		GIVES(-EACCES, ask_getattr_by(w, bogus));
		GIVES(0, ask_getattr_by(w, root));
		wire_close(w);
	}
}
END_TEST

START_TEST(under_revocation_every_read_and_write_comes_to_the_server)
{
	static const enum tier tiers[] = {TIER_PASSTHROUGH, TIER_CACHED};

	for (size_t i = 0; i < 2; i++) {
		struct wire *w = open_labelled(tiers[i], true);
		struct file file = open_file(w, new_high(w, "a"), O_RDONLY), both;

		ck_assert_uint_eq(open_of(w)->open_flags & ABI_OPEN_DIRECT_IO, ABI_OPEN_DIRECT_IO);
		both = open_file(w, file.id, O_RDWR);
		GIVES(0, ask_read(w, file, 10, 0));
		GIVES(0, ask_write(w, both, "x", 1, 0));
		become(w, LOW);
		GIVES(-EACCES, ask_read(w, file, 10, 0));
		GIVES(0, ask_write(w, both, "x", 1, 0));
		GIVES(-EACCES, ask_lseek(w, both, 0, SEEK_DATA));
		/* What a mapping stored is nobody's to refuse. */
		become(w, 0);
		GIVES(0, ask_write_back(w, both, "x", 1, 0));
		wire_close(w);
	}
}
END_TEST

/* --- ioctl ------------------------------------------------------------------------------------ */

static int ask_ioctl(
    struct wire *w, struct file file, uint32_t command, const void *in, uint32_t size, uint32_t out)
{
	struct fuse_ioctl_in ioctl = {
	    .fh = file.handle, .cmd = command, .in_size = size, .out_size = out};

	message_begin(w, FUSE_IOCTL, file.id);
	message_add(w, &ioctl, sizeof ioctl);
	message_add(w, in, size);
	return ask(w);
}

static int drop(struct wire *w, struct file file, uint32_t rights)
{
	return ask_ioctl(w, file, SHMFS_IOC_DROP_RIGHTS, &rights, sizeof rights, sizeof rights);
}

/* The rights that the last ioctl answered with. */
static uint32_t answered(const struct wire *w)
{
	const char *body = reply_body(w, sizeof(struct fuse_ioctl_out) + sizeof(uint32_t));
	uint32_t rights;

	memcpy(&rights, body + sizeof(struct fuse_ioctl_out), sizeof rights);
	return rights;
}

START_TEST(rights_are_told_and_given_up)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDWR);

	GIVES(0, ask_ioctl(w, file, SHMFS_IOC_GET_RIGHTS, NULL, 0, 4));
	GIVES(SHMFS_MAY_READ | SHMFS_MAY_WRITE | SHMFS_MAY_TRUNCATE | SHMFS_MAY_ALLOCATE,
	    answered(w));
	GIVES(0, drop(w, file, SHMFS_MAY_WRITE | SHMFS_MAY_TRUNCATE));
	GIVES(SHMFS_MAY_READ | SHMFS_MAY_ALLOCATE, answered(w));
	GIVES(-EPERM, ask_write(w, file, "x", 1, 0));
	GIVES(0, ask_read(w, file, 1, 0));
	GIVES(0, ask_fallocate(w, file, 0, 0, 200));
	GIVES(0, drop(w, file, 0));
	GIVES(SHMFS_MAY_READ | SHMFS_MAY_ALLOCATE, answered(w));
	wire_close(w);
}
END_TEST

START_TEST(the_size_is_set_by_name_or_by_an_opening_with_that_right)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDWR);
	struct fuse_setattr_in in = {.valid = FATTR_SIZE | FATTR_FH, .size = 50, .fh = file.handle};

	GIVES(0, ask_setattr(w, file.id, &in));
	GIVES(0, drop(w, file, SHMFS_MAY_TRUNCATE));
	GIVES(-EPERM, ask_setattr(w, file.id, &in));
	GIVES(0, ask_resize(w, file.id, 60));
	wire_close(w);
}
END_TEST

START_TEST(what_the_kernel_serves_cannot_be_given_up)
{
	static const struct {
		enum tier tier;
		bool revoke;
		int flags, want;
	} cases[] = {
	    {TIER_PASSTHROUGH, false, O_RDONLY, -EOPNOTSUPP},
	    {TIER_PASSTHROUGH, false, O_RDWR, 0},
	    {TIER_PASSTHROUGH, true, O_RDONLY, 0},
	    {TIER_CACHED, false, O_RDONLY, -EOPNOTSUPP},
	    {TIER_CACHED, false, O_RDWR, -EOPNOTSUPP},
	    {TIER_CACHED, false, O_WRONLY, 0},
	    {TIER_CACHED, true, O_RDONLY, 0},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct wire *w = open_labelled(cases[i].tier, cases[i].revoke);
		struct file file = open_file(w, new_high(w, "a"), cases[i].flags);

		GIVES(cases[i].want, drop(w, file, SHMFS_MAY_READ));
		GIVES(-EOPNOTSUPP, drop(w, file, SHMFS_MAY_MMAP));
		GIVES(0, drop(w, file, SHMFS_MAY_WRITE));
		wire_close(w);
	}
}
END_TEST

START_TEST(other_ioctls_and_malformed_ones_are_refused)
{
	struct wire *w = wire_open_with(TIER_CACHED, wire_config());
	struct file file = open_file(w, new_object_of(w, ROOT, "a", 100), O_RDWR);
	struct file bogus = {file.id, 4711}, other = {ROOT, file.handle};
	uint32_t rights = SHMFS_MAY_READ;
	struct fuse_ioctl_in in = {
	    .fh = file.handle, .cmd = SHMFS_IOC_DROP_RIGHTS, .in_size = 8, .out_size = 4};

	GIVES(-ENOTTY, ask_ioctl(w, file, 0x5401, &rights, 4, 4));
	GIVES(-ENOTTY, ask_ioctl(w, file, 0, NULL, 0, 0));
	GIVES(-EBADF, drop(w, bogus, SHMFS_MAY_READ));
	GIVES(-EBADF, drop(w, other, SHMFS_MAY_READ));
	GIVES(-EINVAL, drop(w, file, 32));
	GIVES(-EINVAL, ask_ioctl(w, file, SHMFS_IOC_DROP_RIGHTS, &rights, 3, 4));
	GIVES(-EINVAL, ask_ioctl(w, file, SHMFS_IOC_DROP_RIGHTS, NULL, 0, 4));
	GIVES(-EINVAL, ask_ioctl(w, file, SHMFS_IOC_DROP_RIGHTS, &rights, 4, 3));
	GIVES(-EINVAL, ask_ioctl(w, file, SHMFS_IOC_GET_RIGHTS, NULL, 0, 0));
	/* It says that more follows than does. */
	message_begin(w, FUSE_IOCTL, file.id);
	message_add(w, &in, sizeof in);
	message_add(w, &rights, sizeof rights);
	GIVES(-EINVAL, ask(w));
	in.in_size = UINT32_MAX;
	message_begin(w, FUSE_IOCTL, file.id);
	message_add(w, &in, sizeof in);
	GIVES(-EINVAL, ask(w));
	GIVES(0, ask_read(w, file, 1, 0));
	wire_close(w);
}
END_TEST

/* --- re-reading, and the log ------------------------------------------------------------------ */

static char policy_path[64];

static void write_policy(const char *text)
{
	FILE *file;

	snprintf(policy_path, sizeof policy_path, "/tmp/shmfs-wire-mac-%ld", (long)getpid());
	file = fopen(policy_path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

/* What a call says on standard error. */
struct said {
	int saved, fd;
	char text[16384];
};

static void listen_begin(struct said *said)
{
	fflush(stderr);
	said->fd = memfd_create("said", MFD_CLOEXEC);
	said->saved = dup(STDERR_FILENO);
	ck_assert(said->fd >= 0 && said->saved >= 0);
	ck_assert_int_eq(dup2(said->fd, STDERR_FILENO), STDERR_FILENO);
}

static void listen_end(struct said *said)
{
	ssize_t length;

	fflush(stderr);
	ck_assert_int_eq(dup2(said->saved, STDERR_FILENO), STDERR_FILENO);
	length = pread(said->fd, said->text, sizeof said->text - 1, 0);
	ck_assert_int_ge(length, 0);
	said->text[length] = '\0';
	close(said->fd);
	close(said->saved);
}

static int reload(struct wire *w, const char *text, const char *says)
{
	static struct said said;
	int rc;

	write_policy(text);
	strcpy(w->server.handover->policy_path, policy_path);
	listen_begin(&said);
	rc = policy_reload(w->server.channel.fs, w->server.handover->policy_path);
	listen_end(&said);
	ck_assert_msg(strstr(said.text, says) != NULL, "expected '%s', got '%s'", says, said.text);
	ck_assert_ptr_eq(strchr(said.text, '\n'), said.text + strlen(said.text) - 1);
	return rc;
}

START_TEST(a_file_that_is_read_again_counts_from_then_on)
{
	struct wire *w = open_labelled(TIER_CACHED, false);
	uint64_t id = new_high(w, "a");

	GIVES(0, reload(w, "default mls/high\n", "again: 1 subjects"));
	become(w, LOW);
	GIVES(0, ask_getattr(w, id));
	GIVES(0, reload(w, usual_policy, "again: 2 subjects"));
	GIVES(-EACCES, ask_getattr(w, id));
	unlink(policy_path);
	wire_close(w);
}
END_TEST

START_TEST(a_bad_file_keeps_the_old_one_and_is_told)
{
	struct wire *w = open_labelled(TIER_CACHED, false);
	uint64_t id = new_high(w, "a");
	char many[20000];
	size_t used = (size_t)sprintf(many, "default mls/low\n");

	become(w, LOW);
	GIVES(-EINVAL, reload(w, "default mls/high\nuser x mls/high\n",
			   ":2: 'x' is no number, as users and groups are given here; the subjects "
			   "stay as they were"));
	GIVES(-EACCES, ask_getattr(w, id));
	GIVES(-EINVAL, reload(w, "strictness revoke\ndefault mls/high\n",
			   "strictness stays as it was when mounting; the subjects stay"));
	GIVES(-EACCES, ask_getattr(w, id));
	for (unsigned i = 0; i < SHMFS_LABELS_MAX; i++)
		used += (size_t)sprintf(many + used, "user %u mls/%u\n", i, i);
	GIVES(-ENOSPC, reload(w, many, "different labels, with those that objects have; the"));
	GIVES(-EACCES, ask_getattr(w, id));
	unlink(policy_path);
	strcpy(w->server.handover->policy_path, "/nonexistent/policy");
	GIVES(-ENOENT, policy_reload(w->server.channel.fs, w->server.handover->policy_path));
	GIVES(-EACCES, ask_getattr(w, id));
	wire_close(w);
}
END_TEST

START_TEST(without_policies_there_is_nothing_to_read_again)
{
	struct wire *w = wire_open();

	GIVES(0, policy_reload(w->server.channel.fs, w->server.handover->policy_path));
	wire_close(w);
}
END_TEST

static unsigned count(const char *text, const char *what)
{
	unsigned found = 0;

	while ((text = strstr(text, what)) != NULL) {
		found++;
		text++;
	}
	return found;
}

START_TEST(a_denial_is_logged_with_both_labels_and_the_rule)
{
	static struct said said;
	struct wire *w = open_labelled(TIER_CACHED, false);

	(void)new_high(w, "se\ncret");
	become(w, LOW);
	listen_begin(&said);
	GIVES(-EACCES, ask_lookup(w, ROOT, "se\ncret"));
	listen_end(&said);
	ck_assert_msg(strstr(said.text, "denied: uid 1001, gid 1001, pid ") != NULL &&
			  strstr(said.text, "label mls/low: stat of 'se?cret', label mls/high: "
					    "mls: no read up\n") != NULL,
	    "got '%s'", said.text);
	wire_close(w);
}
END_TEST

START_TEST(denials_do_not_flood_the_log)
{
	static struct said said;
	struct wire *w = open_labelled(TIER_CACHED, false);
	uint64_t id = new_high(w, "a");

	become(w, LOW);
	listen_begin(&said);
	for (int i = 0; i < 1000; i++)
		GIVES(-EACCES, ask_getattr(w, id));
	listen_end(&said);
	/* Two times as many, should the time for which they are counted end in between. */
	ck_assert_uint_ge(count(said.text, "denied: "), 10);
	ck_assert_uint_le(count(said.text, "denied: "), 20);
	wire_close(w);
}
END_TEST

Suite *mac_suite(void)
{
	const TTest *const tests[] = {
	    the_kernel_remembers_nothing_under_a_policy,
	    directories_are_opened_under_a_policy_and_not_kept,
	    each_request_is_decided_for_its_caller,
	    attributes_for_an_opening_were_decided_with_it,
	    under_revocation_every_read_and_write_comes_to_the_server,
	    rights_are_told_and_given_up,
	    the_size_is_set_by_name_or_by_an_opening_with_that_right,
	    what_the_kernel_serves_cannot_be_given_up,
	    other_ioctls_and_malformed_ones_are_refused,
	    a_file_that_is_read_again_counts_from_then_on,
	    a_bad_file_keeps_the_old_one_and_is_told,
	    without_policies_there_is_nothing_to_read_again,
	    a_denial_is_logged_with_both_labels_and_the_rule,
	    denials_do_not_flood_the_log,
	};

	return suite_of("mac", tests, sizeof tests / sizeof tests[0]);
}
