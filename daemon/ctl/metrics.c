/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics for Prometheus; see metrics.h. */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "columns.h"

/* Users who have series of their own; the rest is summed, so that their number has a bound. */
#define USERS_MAX 50

/* A metric, or one of the series of the last one before it. */
static const struct row {
	const char *name, *type, *help; /* of a metric; else NULL */
	const char *member, *labels;	/* of GetStatistics */
	const char *of_users;		/* a member of each user */
} rows[] = {
#define METRIC(...) {__VA_ARGS__, NULL, NULL, NULL},
#define VALUE(member, labels, value) {NULL, NULL, NULL, #member, labels, NULL},
#define USERS(member) {NULL, NULL, NULL, NULL, NULL, #member},
#include "common/metrics.def"
};

#define ROWS (sizeof rows / sizeof rows[0])

int64_t ctl_sum_metric(const json_t *statistics, const char *name)
{
	bool is_it = false;
	int64_t sum = 0;

	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].name != NULL)
			is_it = strcmp(rows[i].name, name) == 0;
		if (is_it && rows[i].member != NULL)
			sum += ctl_int(statistics, rows[i].member);
	}
	return sum;
}

static void print_value(const char *name, const char *labels, int64_t value)
{
	bool any = labels[0] != '\0';

	printf("%s%s%s%s %" PRId64 "\n", name, any ? "{" : "", labels, any ? "}" : "", value);
}

static void print_users(const json_t *users, const char *member, const char *name)
{
	int64_t others = 0;
	const json_t *user;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)users, index, user)
	{
		if (index < USERS_MAX)
			printf("%s{uid=\"%" PRId64 "\"} %" PRId64 "\n", name, ctl_int(user, "uid"),
			    ctl_int(user, member));
		else
			others += ctl_int(user, member);
	}
	if (json_array_size(users) > USERS_MAX)
		printf("%s{uid=\"others\"} %" PRId64 "\n", name, others);
}

static void print_metrics(const json_t *statistics, const json_t *users)
{
	const char *name = NULL;

	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (row->name != NULL) {
			name = row->name;
			printf("# HELP %s %s\n# TYPE %s %s\n", name, row->help, name, row->type);
		} else if (row->member != NULL) {
			print_value(name, row->labels, ctl_int(statistics, row->member));
		} else {
			print_users(users, row->of_users, name);
		}
	}
}

static int run_metrics(struct ctl *ctl)
{
	json_t *statistics = ctl_call(ctl, "GetStatistics", NULL), *users;

	if (statistics == NULL)
		return CTL_FAILED;
	users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	if (users == NULL) {
		json_decref(statistics);
		return CTL_FAILED;
	}
	(void)ctl_sort(ctl, ctl_user_columns, "SIZE", true, users);
	print_metrics(statistics, users);
	json_decref(users);
	json_decref(statistics);
	return CTL_OK;
}

const struct ctl_verb ctl_metrics_verbs[] = {
    {"metrics", "", 0, 0, "shows the state as Prometheus reads it", NULL, run_metrics, NULL},
    {0},
};
