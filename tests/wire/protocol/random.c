/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random requests. Whatever comes: at most one reply, of the length that it says, to the request
 * that was made; the namespace keeps its invariants; and once all is forgotten, released and
 * removed, nothing is left.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/fuse/shape.h"
#include "fuzz.h"
#include "requests.h"
#include "suites.h"

/* Cuts it off, adds to it, or changes bytes of it; mostly such that the length still agrees. */
static void spoil(struct fuzz *f)
{
	struct wire *w = f->w;
	char more[64];

	switch (below(f, 3)) {
	case 0:
		w->request_size = 1 + below(f, (uint32_t)w->request_size);
		break;
	case 1:
		random_bytes(&f->random, more, sizeof more);
		message_add(w, more, below(f, sizeof more));
		break;
	default:
		for (uint32_t n = below(f, 8); n > 0; n--)
			w->request[below(f, (uint32_t)w->request_size)] =
			    (char)random_next(&f->random);
	}
	if (percent(f, 80))
		message_header(w)->len = (uint32_t)w->request_size;
}

/* Mostly well-formed, of live nodes, handles and names. */
static void plausible_request(struct fuzz *f)
{
	f->w->uid = percent(f, 80) ? 0 : 1000;
	any_message(f);
	if (percent(f, 10))
		spoil(f);
}

static void raw_request(struct fuzz *f)
{
	struct wire *w = f->w;

	message_begin(w, below(f, 64), any_node(f));
	w->request_size = 1 + below(f, percent(f, 5) ? 60000 : 200);
	if (percent(f, 50)) {
		random_bytes(&f->random, w->request, w->request_size);
	} else if (w->request_size > 40) {
		random_bytes(&f->random, w->request + 40, w->request_size - 40);
		if (percent(f, 50))
			w->request[w->request_size - 1] = '\0';
	}
	if (percent(f, 90))
		message_header(w)->len = (uint32_t)w->request_size;
}

/* What must be true of any exchange. */
static void exchange(struct fuzz *f)
{
	struct wire *w = f->w;
	struct fuse_out_header header = {.error = 0};
	struct fuse_in_header request;
	bool well_formed = shape_check(w->request, w->request_size) == 0;

	memcpy(&request, w->request, sizeof request);
	GIVES(1, message_serve(w));
	if (reply_take(w)) {
		ck_assert_uint_ge(w->request_size, sizeof request);
		ck_assert_msg(
		    shape_has_reply(request.opcode), "opcode %u has a reply", request.opcode);
		memcpy(&header, w->reply, sizeof header);
		ck_assert_uint_eq(header.unique, request.unique);
		ck_assert(header.error == 0 || w->reply_size == sizeof header);
		ck_assert(well_formed || header.error == -EINVAL);
		f->succeeded += header.error == 0;
	} else {
		ck_assert_msg(w->request_size < sizeof request || !shape_has_reply(request.opcode),
		    "opcode %u has no reply", request.opcode);
	}
	model_learn(f->model, w, header.error);
	ck_assert_msg(!reply_take(w), "opcode %u has two replies", request.opcode);
	f->served++;
}

/* The model's table has an end, unlike the server's. */
static void close_half(struct fuzz *f)
{
	f->w->uid = 0;
	while (f->model->handle_count > MODEL_HANDLES / 2)
		GIVES(0, ask_release(f->w, f->model->handles[--f->model->handle_count]));
}

static void run(const char *name, enum tier tier, struct shmfs_config config,
    void (*next)(struct fuzz *f), unsigned usual)
{
	struct fuzz f = {.random = random_begin(name)};
	unsigned steps = random_steps(usual);

	config.node_limit = NODES;
	config.size_limit = BYTES;
	config.user_node_limit = NODES / 2;
	config.user_size_limit = BYTES / 2;
	f.model = calloc(1, sizeof *f.model);
	ck_assert_ptr_nonnull(f.model);
	f.model->newest = ROOT;
	f.w = wire_open_with(tier, config);
	f.w->verifies = false;
	while (f.served < steps) {
		next(&f);
		if (f.model->handle_count == MODEL_HANDLES) {
			close_half(&f);
			continue;
		}
		exchange(&f);
		f.w->outside->now.tv_nsec += 1000;
		if (f.served % 1000 == 0)
			wire_verify(f.w);
	}
	printf("%s: %u requests, %u succeeded\n", name, f.served, f.succeeded);
	fflush(stdout);
	wire_verify(f.w);
	model_empty(f.model, f.w);
	wire_close(f.w);
	free(f.model);
}

START_TEST(random_bytes_never_break_it)
{
	run("random_bytes_never_break_it", TIER_CACHED, wire_config(), raw_request, 10000);
}
END_TEST

START_TEST(random_requests_never_break_it)
{
	run("random_requests_never_break_it", TIER_CACHED, wire_config(), plausible_request, 10000);
}
END_TEST

START_TEST(random_requests_never_break_passthrough)
{
	run("random_requests_never_break_passthrough", TIER_PASSTHROUGH, wire_config(),
	    plausible_request, 10000);
}
END_TEST

START_TEST(random_requests_never_break_other_rules)
{
	struct shmfs_config config = wire_config();

	config.rules = SHMFS_RULES_FREEBSD;
	run("random_requests_never_break_other_rules", TIER_PASSTHROUGH, config, plausible_request,
	    5000);
}
END_TEST

Suite *random_suite(void)
{
	const TTest *const tests[] = {
	    random_bytes_never_break_it,
	    random_requests_never_break_it,
	    random_requests_never_break_passthrough,
	    random_requests_never_break_other_rules,
	};

	return suite_of("random", tests, sizeof tests / sizeof tests[0]);
}
