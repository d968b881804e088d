/* SPDX-License-Identifier: BSD-2-Clause */
/* The keyed hash of names, against what its authors published. */
#include <string.h>

#include "fs/state/siphash.h"
#include "harness.h"
#include "random.h"
#include "suites.h"

/* Of the bytes 0, 1, 2 and so on, eight of them and more, with the key of the bytes 0 to 15. */
static const uint64_t published[] = {
    UINT64_C(0x93f5f5799a932462),
    UINT64_C(0x9e0082df0ba9e4b0),
    UINT64_C(0x7a5dbbc594ddb9f3),
    UINT64_C(0xf4b32f46226bada7),
    UINT64_C(0x751e8fbc860ee5fb),
    UINT64_C(0x14ea5627c0843d90),
    UINT64_C(0xf723ca908e7af2ee),
    UINT64_C(0xa129ca6149be45e5),
};

START_TEST(the_hash_is_siphash_2_4)
{
	const uint64_t key[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
	unsigned char bytes[64];

	for (unsigned i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(8 + i);
	for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
		ck_assert_uint_eq(siphash(key, key[0], bytes, i), published[i]);
}
END_TEST

/* Each bit of key, head, bytes and length counts: about half of the result's bits change with it.
 */
START_TEST(each_bit_changes_half_of_the_hash)
{
	enum { LENGTH = 21 };
	struct random random = random_begin("each_bit_changes_half_of_the_hash");
	uint64_t input[2 + 1 + (LENGTH + 7) / 8], changed = 0, bits = 8 * (24 + LENGTH);
	uint64_t hash;

	for (size_t i = 0; i < sizeof input / sizeof input[0]; i++)
		input[i] = random_next(&random);
	hash = siphash(input, input[2], input + 3, LENGTH);
	for (uint64_t bit = 0; bit < bits; bit++) {
		input[bit / 64] ^= UINT64_C(1) << bit % 64;
		changed += (uint64_t)__builtin_popcountll(
		    hash ^ siphash(input, input[2], input + 3, LENGTH));
		input[bit / 64] ^= UINT64_C(1) << bit % 64;
	}
	ck_assert_uint_ge(changed, bits * 64 * 45 / 100);
	ck_assert_uint_le(changed, bits * 64 * 55 / 100);
	ck_assert_uint_ne(hash, siphash(input, input[2], input + 3, LENGTH - 1));
}
END_TEST

Suite *siphash_suite(void)
{
	Suite *suite = suite_create("siphash");
	TCase *tests = harness_case(suite, "siphash");

	tcase_add_test(tests, the_hash_is_siphash_2_4);
	tcase_add_test(tests, each_bit_changes_half_of_the_hash);
	return suite;
}
