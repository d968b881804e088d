/* SPDX-License-Identifier: BSD-2-Clause */
/* Metrics for Prometheus; see metrics.h. */
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "client.h"
#include "columns.h"
#include "servers.h"
#include "text.h"

/* Users, and tenants, that have series of their own, so that their number has a bound. */
#define USERS_MAX 50
#define TENANTS_MAX 50

/* A metric, or one of the series of the last one before it. */
static const struct row {
	const char *name, *type, *help; /* of a metric; else NULL */
	const char *member, *labels;	/* of GetStatistics */
	const char *of_users;		/* a member of each user, or */
	const char *of_tenants;		/* of each tenant, */
	bool of_limits;			/* or of its limits */
} rows[] = {
#define METRIC(n, t, h) {.name = (n), .type = (t), .help = (h)},
#define VALUE(m, l, value) {.member = #m, .labels = (l)},
#define USERS(m) {.of_users = #m, .labels = ""},
#define USER_LIMITS(m) {.of_users = #m, .labels = "", .of_limits = true},
#define TENANTS(m, l) {.of_tenants = #m, .labels = (l)},
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

/* --- printing --------------------------------------------------------------------------------- */

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

/* A series and the labels of its mount. */
static void print_begin(const char *name, const json_t *mount)
{
	char *path = ctl_get_path(json_object_get(mount, "mount"));
	const char *device = json_string_value(json_object_get(mount, "device"));
	char text[4 * PATH_MAX];

	printf("%s{mount=", name);
	print_quoted(ctl_escape(path != NULL ? path : "", text, sizeof text));
	if (device != NULL)
		printf(",device=\"%s\"", device);
	free(path);
}

static void print_end(const char *labels, int64_t value)
{
	printf("%s%s} %" PRId64 "\n", labels[0] != '\0' ? "," : "", labels, value);
}

static int64_t value_of(const struct row *row, const json_t *item, const char *member)
{
	return ctl_int(row->of_limits ? json_object_get(item, "limits") : item, member);
}

static void print_user(
    const struct row *row, const char *name, const json_t *mount, const json_t *user)
{
	print_begin(name, mount);
	printf(",uid=\"%" PRId64 "\"", ctl_int(user, "uid"));
	print_end(row->labels, value_of(row, user, row->of_users));
}

static void print_tenant(
    const struct row *row, const char *name, const json_t *mount, const json_t *tenant)
{
	static const struct ctl_style style = {.human = false};
	const struct ctl_column *column = ctl_find_column(ctl_tenant_columns, "NAME", 4);
	char cell[CTL_CELL_SIZE];

	print_begin(name, mount);
	printf(",tenant=");
	print_quoted(ctl_print_cell(&style, column, tenant, cell));
	printf(",id=\"%" PRId64 "\"", ctl_int(tenant, "id"));
	print_end(row->labels, value_of(row, tenant, row->of_tenants));
}

/* What those use that have no series of their own. A sum of counters that come and go is none, and
 * of limits there is none. */
static void print_others(const struct row *row, const char *name, const json_t *mount,
    const json_t *list, size_t from, const char *member, const char *labels)
{
	int64_t sum = 0;

	if (json_array_size(list) <= from || row->of_limits || row->labels[0] != '\0')
		return;
	for (size_t i = from; i < json_array_size(list); i++)
		sum += ctl_int(json_array_get(list, i), member);
	print_begin(name, mount);
	print_end(labels, sum);
}

static void print_series(const struct row *row, const char *name, const json_t *mount)
{
	const json_t *users = json_object_get(mount, "users");
	const json_t *tenants = json_object_get(mount, "tenants");

	if (row->member != NULL) {
		print_begin(name, mount);
		print_end(row->labels, ctl_int(json_object_get(mount, "statistics"), row->member));
	} else if (row->of_users != NULL) {
		for (size_t i = 0; i < json_array_size(users) && i < USERS_MAX; i++)
			print_user(row, name, mount, json_array_get(users, i));
		print_others(row, name, mount, users, USERS_MAX, row->of_users, "uid=\"others\"");
	} else {
		for (size_t i = 0; i < json_array_size(tenants) && i < TENANTS_MAX; i++)
			print_tenant(row, name, mount, json_array_get(tenants, i));
		print_others(row, name, mount, tenants, TENANTS_MAX, row->of_tenants,
		    "tenant=\"others\",id=\"\"");
	}
}

/* All series of a metric stand together, whatever mounts they are of. */
static void print_metrics(const json_t *mounts)
{
	const char *name = NULL;

	for (size_t i = 0; i < ROWS; i++) {
		if (rows[i].name != NULL) {
			name = rows[i].name;
			printf(
			    "# HELP %s %s\n# TYPE %s %s\n", name, rows[i].help, name, rows[i].type);
			continue;
		}
		for (size_t k = 0; k < json_array_size(mounts); k++)
			print_series(&rows[i], name, json_array_get(mounts, k));
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

/* A daemon that has not been upgraded knows none. */
static json_t *tenants_of(struct ctl *ctl)
{
	json_t *answer = NULL;
	int rc = ctl_try(ctl, "ListTenants", NULL, &answer);

	json_decref(answer);
	return rc == -ENOSYS ? json_array()
			     : ctl_call_pages(ctl, "ListTenants", "tenants", false, false);
}

/* Whether a mount is where it says: others are in other namespaces, or have one over them. So there
 * is one at most of each path, and that stays the same whatever comes and goes. */
static bool is_here(const json_t *about)
{
	char *path = ctl_get_path(about), device[64] = "";
	const char *said = json_string_value(json_object_get(about, "device"));
	struct stat st;

	if (path != NULL && stat(path, &st) == 0)
		snprintf(device, sizeof device, "%u:%u", major(st.st_dev), minor(st.st_dev));
	free(path);
	return said != NULL && strcmp(said, device) == 0;
}

/* What there is to tell of one mount, added to a list; false: the reason was told. */
static bool collect(struct ctl *ctl, json_t *mounts)
{
	json_t *mount = json_object();
	json_t *about = ctl_call(ctl, "GetMount", NULL), *statistics = NULL, *users = NULL,
	       *tenants = NULL;

	if (about != NULL)
		statistics = ctl_call(ctl, "GetStatistics", NULL);
	if (statistics != NULL)
		users = ctl_call_pages(ctl, "ListUsers", "users", false, false);
	if (users != NULL)
		tenants = tenants_of(ctl);
	if (tenants != NULL) {
		(void)ctl_sort(ctl, ctl_user_columns, "SIZE", true, users);
		(void)ctl_sort(ctl, ctl_tenant_columns, "SIZE", true, tenants);
		(void)json_object_set(mount, "mount", about);
		if (!is_here(about))
			(void)json_object_set(mount, "device", json_object_get(about, "device"));
		(void)json_object_set(mount, "statistics", statistics);
		(void)json_object_set(mount, "users", users);
		(void)json_object_set(mount, "tenants", tenants);
		(void)json_array_append(mounts, mount);
	}
	json_decref(about);
	json_decref(statistics);
	json_decref(users);
	json_decref(tenants);
	json_decref(mount);
	return tenants != NULL;
}

struct collection {
	const struct ctl_verb *verb;
	json_t *mounts;
	bool complete;
};

static void collect_one(void *arg, int fd)
{
	struct collection *collection = arg;
	struct ctl ctl = {.verb = collection->verb, .socket = fd, .root = -1, .passed = -1};

	collection->complete &= collect(&ctl, collection->mounts);
	ctl_disconnect(&ctl);
}

static int run_metrics(struct ctl *ctl)
{
	struct collection collection = {ctl->verb, json_array(), true};

	/* Labels are UTF-8, and the same whoever asks. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		(void)setlocale(LC_CTYPE, "C");
	if (ctl_value(ctl, "all-mounts") != NULL)
		servers_each(collect_one, &collection);
	else
		collection.complete = collect(ctl, collection.mounts);
	if (collection.complete || json_array_size(collection.mounts) > 0)
		print_metrics(collection.mounts);
	json_decref(collection.mounts);
	return collection.complete ? CTL_OK : CTL_FAILED;
}

static const struct ctl_option options[] = {
    {0, "all-mounts", NULL, "of all mounts that can be reached from here"},
    {0},
};

const struct ctl_verb ctl_metrics_verbs[] = {
    {"metrics", "", 0, 0, "shows the state as Prometheus reads it", options, run_metrics, NULL},
    {0},
};
