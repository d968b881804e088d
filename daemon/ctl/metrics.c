/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics for Prometheus; see metrics.h. */
#include "metrics.h"

#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "columns.h"

/* Users, and tenants, that have series of their own, so that their number has a bound. */
#define USERS_MAX 50
#define TENANTS_MAX 50

/* A metric, or one of the series of the last one before it. */
static const struct row {
	const char *name, *type, *help; /* of a metric; else NULL */
	const char *member, *labels;	/* of GetStatistics */
	const char *of_users;		/* a member of each user */
	const char *of_tenants;		/* a member of each tenant, */
	bool of_limits;			/* or of its limits */
} rows[] = {
#define METRIC(n, t, h) {.name = n, .type = t, .help = h},
#define VALUE(m, l, value) {.member = #m, .labels = l},
#define USERS(m) {.of_users = #m},
#define TENANTS(m, l) {.of_tenants = #m, .labels = l},
#define TENANT_LIMITS(m) {.of_tenants = #m, .labels = "", .of_limits = true},
#include "common/tables/metrics.def"
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

/* A name as the value of a label, in which Prometheus knows a backslash before another one and
 * before a quotation mark. */
static void print_quoted(const char *name)
{
	putchar('"');
	for (; *name != '\0'; name++) {
		if (*name == '\\' || *name == '"')
			putchar('\\');
		putchar(*name);
	}
	putchar('"');
}

static void print_tenant(const struct row *row, const char *name, const json_t *tenant)
{
	static const struct ctl_style style = {.human = false};
	const json_t *of = row->of_limits ? json_object_get(tenant, "limits") : tenant;
	char cell[CTL_CELL_SIZE];

	printf("%s{tenant=", name);
	print_quoted(
	    ctl_print_cell(&style, ctl_find_column(ctl_tenant_columns, "NAME", 4), tenant, cell));
	printf(",id=\"%" PRId64 "\"%s%s} %" PRId64 "\n", ctl_int(tenant, "id"),
	    row->labels[0] != '\0' ? "," : "", row->labels, ctl_int(of, row->of_tenants));
}

/* What the others use is summed. A sum of counters that come and go is none, and no limit. */
static void print_tenants(const json_t *tenants, const struct row *row, const char *name)
{
	int64_t others = 0;
	const json_t *tenant;
	size_t index;

	json_array_foreach((json_t *)(uintptr_t)tenants, index, tenant)
	{
		if (index < TENANTS_MAX)
			print_tenant(row, name, tenant);
		else
			others += ctl_int(tenant, row->of_tenants);
	}
	if (index > TENANTS_MAX && !row->of_limits && row->labels[0] == '\0')
		printf("%s{tenant=\"others\",id=\"\"} %" PRId64 "\n", name, others);
}

static void print_metrics(const json_t *statistics, const json_t *users, const json_t *tenants)
{
	const char *name = NULL;

	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		if (row->name != NULL) {
			name = row->name;
			printf("# HELP %s %s\n# TYPE %s %s\n", name, row->help, name, row->type);
		} else if (row->member != NULL) {
			print_value(name, row->labels, ctl_int(statistics, row->member));
		} else if (row->of_users != NULL) {
			print_users(users, row->of_users, name);
		} else {
			print_tenants(tenants, row, name);
		}
	}
}

static int run_metrics(struct ctl *ctl)
{
	json_t *statistics = ctl_call(ctl, "GetStatistics", NULL), *users = NULL, *tenants = NULL;
	int status = CTL_FAILED;

	if (statistics != NULL)
		users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	if (users != NULL)
		tenants = ctl_call_pages(ctl, "ListTenants", "tenants", false, false);
	if (tenants != NULL) {
		(void)ctl_sort(ctl, ctl_user_columns, "SIZE", true, users);
		(void)ctl_sort(ctl, ctl_tenant_columns, "SIZE", true, tenants);
		print_metrics(statistics, users, tenants);
		status = CTL_OK;
	}
	json_decref(tenants);
	json_decref(users);
	json_decref(statistics);
	return status;
}

const struct ctl_verb ctl_metrics_verbs[] = {
    {"metrics", "", 0, 0, "shows the state as Prometheus reads it", NULL, run_metrics, NULL},
    {0},
};
