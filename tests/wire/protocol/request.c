/* SPDX-License-Identifier: BSD-2-Clause */
/* shape_check() by itself: what is a well-formed request. */
#include <string.h>

#include "daemon/fuse/shape.h"
#include "suites.h"
#include "wire.h"

#define H sizeof(struct fuse_in_header)

struct check_case {
	const char *label;
	uint32_t opcode;
	size_t fixed; /* zeros behind the header */
	const char *tail;
	size_t tail_size;
	int32_t lie; /* added to the length that the header tells */
	int want;
};

static void expect_check(const struct check_case *c)
{
	struct fuse_in_header header = {.opcode = c->opcode};
	char request[1024];
	size_t length = H + c->fixed + c->tail_size;
	int rc;

	ck_assert_uint_lt(length, sizeof request);
	header.len = (uint32_t)((int64_t)length + c->lie);
	/* A NUL beyond the end must not end a string within. */
	memset(request, 0, sizeof request);
	memcpy(request, &header, H);
	if (c->tail_size > 0)
		memcpy(request + H + c->fixed, c->tail, c->tail_size);
	rc = shape_check(request, length);
	ck_assert_msg(rc == c->want, "%s: expected %s, got %s", c->label, result_text(c->want),
	    result_text(rc));
}

START_TEST(shapes_are_checked)
{
	static const struct check_case cases[] = {
	    {"header alone", FUSE_STATFS, 0, "", 0, 0, 0},
	    {"length too small", FUSE_STATFS, 0, "", 0, -1, -EINVAL},
	    {"length too large", FUSE_STATFS, 0, "", 0, 1, -EINVAL},
	    {"length of nothing", FUSE_STATFS, 0, "", 0, -40, -EINVAL},
	    {"more than needed", FUSE_STATFS, 100, "", 0, 0, 0},
	    {"no fixed part", FUSE_GETATTR, 0, "", 0, 0, -EINVAL},
	    {"fixed part less a byte", FUSE_GETATTR, 15, "", 0, 0, -EINVAL},
	    {"fixed part", FUSE_GETATTR, 16, "", 0, 0, 0},
	    {"INIT of 7.1 to 7.35", FUSE_INIT, 16, "", 0, 0, 0},
	    {"INIT less a byte", FUSE_INIT, 15, "", 0, 0, -EINVAL},
	    {"no string", FUSE_LOOKUP, 0, "", 0, 0, -EINVAL},
	    {"empty string", FUSE_LOOKUP, 0, "", 1, 0, 0},
	    {"string", FUSE_LOOKUP, 0, "abc", 4, 0, 0},
	    {"string without end", FUSE_LOOKUP, 0, "abc", 3, 0, -EINVAL},
	    {"string and more", FUSE_LOOKUP, 0, "abc\0def", 7, 0, 0},
	    {"two strings", FUSE_SYMLINK, 0, "a\0b", 4, 0, 0},
	    {"two empty strings", FUSE_SYMLINK, 0, "\0", 2, 0, 0},
	    {"one string of two", FUSE_SYMLINK, 0, "a", 2, 0, -EINVAL},
	    {"second without end", FUSE_SYMLINK, 0, "a\0b", 3, 0, -EINVAL},
	    {"fixed part and strings", FUSE_RENAME2, 16, "a\0b", 4, 0, 0},
	    {"fixed part, one string", FUSE_RENAME2, 16, "ab", 3, 0, -EINVAL},
	    /* The fixed part's own zeros are no strings. */
	    {"fixed part alone", FUSE_RENAME, 8, "", 0, 0, -EINVAL},
	    {"fixed part alone", FUSE_CREATE, 16, "", 0, 0, -EINVAL},
	    {"unknown opcode", 100, 0, "", 0, 0, 0},
	    {"unknown opcode", 0, 0, "", 0, 0, 0},
	    {"unknown opcode", UINT32_MAX, 3, "abc", 3, 0, 0},
	    {"unknown opcode, length", 100, 0, "", 0, 1, -EINVAL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		expect_check(&cases[i]);
}
END_TEST

START_TEST(counts_are_checked)
{
	static const struct {
		uint32_t opcode, count;
		size_t offset; /* of the count in the fixed part */
		size_t fixed, came;
		int want;
	} cases[] = {
	    {FUSE_WRITE, 0, 16, 40, 0, 0},
	    {FUSE_WRITE, 1, 16, 40, 0, -EINVAL},
	    {FUSE_WRITE, 5, 16, 40, 5, 0},
	    {FUSE_WRITE, 6, 16, 40, 5, -EINVAL},
	    {FUSE_WRITE, 4, 16, 40, 5, 0},
	    {FUSE_WRITE, UINT32_MAX, 16, 40, 5, -EINVAL},
	    /* The name is empty: a NUL. */
	    {FUSE_SETXATTR, 0, 0, 8, 1, 0},
	    {FUSE_SETXATTR, 1, 0, 8, 1, -EINVAL},
	    {FUSE_SETXATTR, 4, 0, 8, 5, 0},
	    {FUSE_SETXATTR, 5, 0, 8, 5, -EINVAL},
	    {FUSE_SETXATTR, UINT32_MAX, 0, 8, 5, -EINVAL},
	    {FUSE_BATCH_FORGET, 0, 0, 8, 0, 0},
	    {FUSE_BATCH_FORGET, 1, 0, 8, 15, -EINVAL},
	    {FUSE_BATCH_FORGET, 1, 0, 8, 16, 0},
	    {FUSE_BATCH_FORGET, 2, 0, 8, 31, -EINVAL},
	    /* Times 16 these are small numbers in 32 bits. */
	    {FUSE_BATCH_FORGET, UINT32_C(1) << 28, 0, 8, 16, -EINVAL},
	    {FUSE_BATCH_FORGET, (UINT32_C(1) << 28) + 1, 0, 8, 16, -EINVAL},
	    {FUSE_BATCH_FORGET, UINT32_MAX, 0, 8, 16, -EINVAL},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fuse_in_header header = {.opcode = cases[i].opcode};
		char request[256] = "";
		size_t length = H + cases[i].fixed + cases[i].came;

		header.len = (uint32_t)length;
		memcpy(request, &header, H);
		memcpy(request + H + cases[i].offset, &cases[i].count, sizeof cases[i].count);
		ck_assert_msg(shape_check(request, length) == cases[i].want, "case %zu", i);
	}
}
END_TEST

START_TEST(less_than_a_header_is_no_request)
{
	char request[H + 1] = "";

	for (size_t length = 0; length < H; length++)
		GIVES(-EINVAL, shape_check(request, length));
}
END_TEST

START_TEST(four_opcodes_have_no_reply_and_two_of_them_no_effect)
{
	for (uint32_t opcode = 0; opcode < 100; opcode++) {
		bool moot = opcode == FUSE_INTERRUPT || opcode == FUSE_NOTIFY_REPLY;

		ck_assert_int_eq(shape_is_moot(opcode), moot);
		ck_assert_int_eq(shape_has_reply(opcode),
		    opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && !moot);
	}
	ck_assert(shape_has_reply(UINT32_MAX));
	ck_assert(!shape_is_moot(UINT32_MAX));
}
END_TEST

Suite *request_suite(void)
{
	const TTest *const tests[] = {
	    shapes_are_checked,
	    counts_are_checked,
	    less_than_a_header_is_no_request,
	    four_opcodes_have_no_reply_and_two_of_them_no_effect,
	};

	return suite_of("request", tests, sizeof tests / sizeof tests[0]);
}
