/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names that are made to collide.
 *
 * The low byte of an FNV-1 state depends on the low byte of the state before and nothing else. So
 * two blocks of bytes can be computed (by lattice reduction, in seconds) that lead from every state
 * with a given low byte to one and the same state, and blocks can be joined: thousands of names
 * that have one hash of 64 bits for one in 256 of all bases, however secret the basis is. A user
 * who tries all 256 low bytes meets the right one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/state/name.h"
#include "fs/state/state.h"
#include "harness.h"
#include "suites.h"

enum { BLOCKS = 13, BLOCK = 14, NAMES = 1 << BLOCKS };

/* The blocks below are for bases that give the root's names this low byte. */
#define SECRET UINT64_C(0x0123456789abcd00)

static const char *const blocks[BLOCKS][2] = {
    {"lJ9e{$#}~Q+(>.", "UA=^@-*xl0<$g&"},
    {"}[~~z*aLP=2tee", "d@zGs7XKjZ]H,m"},
    {"%19Eu'#Ua7|P,[", "<n5|h**PiPKL%C"},
    {"]p-q`''9d)W^8-", "Z9!Hu$(6n&~:C5"},
    {"a1LgPL_qk.F,%a", "Xz@XkOTjw+A(,Y"},
    {"!=QR^4l}h$CP1e", "(b]-i+cxb-Z|&m"},
    {"M+3KU$L1L%&wCj", "JrOPJ%E*Z&]E8r"},
    {"^}%-w%tuo*ej')", "EL)Vd:{p{)bb.!"},
    {"^)Sn`(d5:dos#f", "Y`OWU!m>0+$I(n"},
    {"wASRN%b7n+D}..", "~:_mY<k0`lC_)&"},
    {"uKn:ScpeLXR1FT", "NBJAH,{hB9qK1l"},
    {"ir{&q>Hh-+Sq*L", "V+wmn#Au]4*#s4"},
    {"5:kX,*_L>0WS%^", ",agq9'VK0SP=2V"},
};

static void colliding_name(unsigned number, char name[BLOCKS * BLOCK + 1])
{
	for (unsigned i = 0; i < BLOCKS; i++)
		memcpy(name + (size_t)i * BLOCK, blocks[i][number >> i & 1], BLOCK);
	name[BLOCKS * BLOCK] = '\0';
}

static struct shmfs *open_with_secret(void)
{
	struct shmfs_config config = small_config();

	config.arena_size = 64 << 20;
	outside->secret = SECRET;
	return open_with(config);
}

static int64_t make(struct shmfs *fs, const char *name)
{
	struct shmfs_attr attr;
	int64_t rc = TX(fs, shmfs_mknod(fs, ALICE, SHMFS_ROOT, name, S_IFREG | 0600, &attr));

	if (rc == 0)
		forget(fs, attr.id, 1);
	return rc;
}

START_TEST(such_names_exist)
{
	char name[BLOCKS * BLOCK + 1];
	uint64_t hash;

	for (unsigned upper = 0; upper < 10; upper++) {
		uint64_t basis = (upper * UINT64_C(0x9e3779b97f4a7c15) << 8 | (SECRET & 0xff)) ^ 1;

		colliding_name(0, name);
		hash = name_hash(basis, name, strlen(name));
		for (unsigned i = 0; i < NAMES; i += 7) {
			colliding_name(i, name);
			REQUIRE_SAME(hash, name_hash(basis, name, strlen(name)));
		}
	}
}
END_TEST

START_TEST(they_are_refused_when_they_are_too_many_and_do_no_harm)
{
	struct shmfs *fs = open_with_secret();
	char name[BLOCKS * BLOCK + 1];
	unsigned made = 0, refused = 0;

	check_every_transaction(false);
	for (unsigned i = 0; i < NAMES; i++) {
		int64_t rc;

		colliding_name(i, name);
		rc = make(fs, name);
		REQUIRE(rc == 0 || rc == -ENOSPC, "expected 0 or -ENOSPC, got %s", result_text(rc));
		made += rc == 0;
		refused += rc != 0;
	}
	/* Nobody else is refused, and the bucket with all of them is split more than once. */
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "other-%u", i);
		GIVES(0, make(fs, name));
	}
	printf("%u colliding names were made, %u refused\n", made, refused);
	fflush(stdout);
	ck_assert_uint_ge(made, 2);
	ck_assert_uint_le(made, 100);
	check_namespace(fs);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "other-%u", i);
		GIVES(0, TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name)));
	}
	for (unsigned i = 0; i < NAMES; i++) {
		int64_t rc;

		colliding_name(i, name);
		rc = TX(fs, shmfs_unlink(fs, ALICE, SHMFS_ROOT, name));
		REQUIRE(rc == 0 || rc == -ENOENT, "unlink: got %s", result_text(rc));
	}
	ck_assert_uint_eq(count_entries(fs, SHMFS_ROOT), 0);
	close_checked(fs);
}
END_TEST

START_TEST(a_rename_to_one_too_many_is_refused_too)
{
	struct shmfs *fs = open_with_secret();
	char name[BLOCKS * BLOCK + 1];
	struct shmfs_attr attr;
	unsigned i = 0;

	check_every_transaction(false);
	GIVES(0, make(fs, "a"));
	GIVES(0, TX(fs, shmfs_lookup(fs, ALICE, SHMFS_ROOT, "a", &attr)));
	do
		colliding_name(i++, name);
	while (i < NAMES && make(fs, name) == 0);
	ck_assert_uint_lt(i, NAMES);
	check_every_transaction(true);
	GIVES(-ENOSPC, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, name, 0)));
	GIVES(-ENOSPC, TX(fs, shmfs_link(fs, ALICE, attr.id, SHMFS_ROOT, name, &attr)));
	colliding_name(0, name);
	GIVES(0, TX(fs, shmfs_rename(fs, ALICE, SHMFS_ROOT, "a", SHMFS_ROOT, name, 0)));
	close_checked(fs);
}
END_TEST

Suite *collisions_suite(void)
{
	Suite *suite = suite_create("collisions");
	TCase *tests = harness_case(suite, "collisions");

	tcase_add_test(tests, such_names_exist);
	tcase_add_test(tests, they_are_refused_when_they_are_too_many_and_do_no_harm);
	tcase_add_test(tests, a_rename_to_one_too_many_is_refused_too);
	return suite;
}
