/* SPDX-License-Identifier: BSD-2-Clause */
/* A live screen. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "client.h"
#include "columns.h"
#include "common/clock.h"
#include "common/number.h"
#include "metrics.h"
#include "servers.h"
#include "text.h"

/* --- top: drawing ----------------------------------------------------------------------------- */

struct screen {
	struct ctl *ctl;
	int width, height;
	const struct view *view;
	bool all;   /* mounts */
	bool plain; /* no terminal: lines and nothing else */
	int line;
	json_t *mount; /* NULL: all of them */
	json_t *before;
	uint64_t before_ns;
};

/* As much of a text as fits in so many places. */
static void put_cut(const char *text, int width)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t length;

	while ((length = mbrtowc(&wide, text, MB_CUR_MAX, &state)) != 0 && length <= MB_LEN_MAX) {
		int places = wcwidth(wide) > 0 ? wcwidth(wide) : 0;

		if (places > width)
			return;
		width -= places;
		fwrite(text, 1, length, stdout);
		text += length;
	}
}

/* One line of the screen, as long as there is room for it. */
static void put_line(struct screen *screen, bool heading, const char *text)
{
	/* The last line says what keys do. */
	if (screen->line >= screen->height - (screen->plain ? 0 : 1))
		return;
	if (screen->line++ > 0)
		fputs(screen->plain ? "" : "\r\n", stdout);
	if (heading && !screen->plain)
		printf("\033[7m%*s\r", screen->width, "");
	put_cut(text, screen->width);
	fputs(screen->plain ? "\n" : heading ? "\033[0m\033[K" : "\033[K", stdout);
}

static int percent(int64_t part, int64_t whole)
{
	return whole > 0 ? (int)((double)part * 100 / (double)whole) : 0;
}

static void put_use(struct screen *screen, const json_t *now)
{
	int64_t size = ctl_int(now, "size"), limit = ctl_int(now, "size_limit");
	char text[512], used[32], all[32], bar[21];
	int marks = percent(size, limit) / 5;

	memset(bar, '.', sizeof bar - 1);
	memset(bar, '#', (size_t)(marks > 20 ? 20 : marks));
	bar[20] = '\0';
	if (limit > 0)
		snprintf(text, sizeof text,
		    "size %s of %s [%s] %d%%  inodes %" PRId64 " of %" PRId64,
		    ctl_human((uint64_t)size, used), ctl_human((uint64_t)limit, all), bar,
		    percent(size, limit), ctl_int(now, "inodes"), ctl_int(now, "inodes_limit"));
	else
		snprintf(text, sizeof text, "size %s, no limit  inodes %" PRId64,
		    ctl_human((uint64_t)size, used), ctl_int(now, "inodes"));
	put_line(screen, false, text);
}

/* Counters outlive servers, and end with a mount. */
static int64_t rate(const struct screen *screen, const json_t *now, uint64_t now_ns)
{
	int64_t more = ctl_int(now, "requests") - ctl_int(screen->before, "requests");
	uint64_t ns = now_ns - screen->before_ns;

	if (screen->before == NULL || more < 0 || ns == 0)
		return 0;
	return (int64_t)((double)more * 1e9 / (double)ns);
}

static void put_activity(struct screen *screen, const json_t *now, uint64_t now_ns)
{
	char text[512];
	snprintf(text, sizeof text,
	    "%" PRId64 " requests/s  %" PRId64 " open  %" PRId64 " pins  %" PRId64
	    " expired  %" PRId64 " refused",
	    rate(screen, now, now_ns), ctl_int(now, "descriptors"), ctl_int(now, "pins"),
	    ctl_int(now, "expired"), ctl_sum_metric(now, "shmfs_refused_total"));
	put_line(screen, false, text);
}

/* Columns that are shown, by their names in the table, and how wide; the last is not cut. */
struct shown {
	const char *name, *heading;
	int width;
	const struct ctl_column *column; /* NULL: that of the table */
};

static const char *print_use(
    const struct ctl_style *style, const char *member, const json_t *item, char out[CTL_CELL_SIZE])
{
	int64_t limit = ctl_int(json_object_get(item, "limits"), "size");

	(void)style;
	(void)member;
	if (limit == 0)
		return strcpy(out, "-");
	snprintf(out, CTL_CELL_SIZE, "%d%%", percent(ctl_int(item, "size"), limit));
	return out;
}

static const struct ctl_look look_use = {true, print_use};
static const struct ctl_column use_column = {"USE", NULL, &look_use, "part of the limit"};

/* What can be shown, by the key that chooses it. */
struct view {
	char key;
	const char *method, *member;
	const struct ctl_column *columns;
	const struct shown *shown;
};

static const struct shown shown_of_objects[] = {
    {"SIZE", "SIZE", 7, NULL},
    {"RESIDENT", "RESIDENT", 8, NULL},
    {"OPENS", "OPENS", 5, NULL},
    {"AGE", "AGE", 6, NULL},
    {"OWNER", "OWNER", 12, NULL},
    {"NAME", "NAME", 0, NULL},
    {0},
};

static const struct shown shown_of_users[] = {
    {"SIZE", "SIZE", 7, NULL},
    {"SIZE-LIMIT", "LIMIT", 7, NULL},
    {"USE", "USE", 4, &use_column},
    {"INODES", "INODES", 8, NULL},
    {"INODE-LIMIT", "LIMIT", 8, NULL},
    {"USER", "USER", 0, NULL},
    {0},
};

static const struct shown shown_of_tenants[] = {
    {"SIZE", "SIZE", 7, NULL},
    {"SIZE-LIMIT", "LIMIT", 7, NULL},
    {"USE", "USE", 4, &use_column},
    {"INODES", "INODES", 8, NULL},
    {"INODE-LIMIT", "LIMIT", 8, NULL},
    {"REFUSED", "REFUSED", 8, NULL},
    {"NAME", "TENANT", 0, NULL},
    {0},
};

static const struct view views[] = {
    {'o', "List", "objects", ctl_object_columns, shown_of_objects},
    {'u', "ListUsers", "users", ctl_user_columns, shown_of_users},
    {'t', "ListTenants", "tenants", ctl_tenant_columns, shown_of_tenants},
};

static void choose_view(struct screen *screen, char key)
{
	for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
		if (views[i].key == key)
			screen->view = &views[i];
	}
}

/* One line of cells; without an item, that of the headings. */
static void put_cells(struct screen *screen, const struct shown *shown,
    const struct ctl_column *columns, const json_t *item)
{
	static const struct ctl_style style = {.human = true};
	static const struct ctl_column mount = {"MOUNT", "mount", &ctl_look_named, NULL};
	char text[1024], cell[CTL_CELL_SIZE];
	size_t used = 0;

	if (screen->all)
		used = (size_t)snprintf(text, sizeof text, "%-20.20s ",
		    item != NULL ? ctl_print_cell(&style, &mount, item, cell) : mount.name);
	for (; shown->name != NULL; shown++) {
		const struct ctl_column *column = shown->column;
		const char *what = shown->heading;

		if (column == NULL)
			column = ctl_find_column(columns, shown->name, strlen(shown->name));
		if (item != NULL)
			what = ctl_print_cell(&style, column, item, cell);
		if (column->look->right || shown->width == 0)
			used += (size_t)snprintf(
			    text + used, sizeof text - used, "%*s", shown->width, what);
		else
			used += (size_t)snprintf(text + used, sizeof text - used, "%-*.*s",
			    shown->width, shown->width, what);
		if (shown->width != 0)
			text[used++] = ' ';
	}
	put_line(screen, item == NULL, text);
}

/* The largest first, as many as there is room for. */
static void put_list(struct screen *screen, json_t *list)
{
	const struct view *view = screen->view;
	const json_t *item;
	size_t index;

	(void)ctl_sort(screen->ctl, view->columns, "SIZE", true, list);
	put_cells(screen, view->shown, view->columns, NULL);
	json_array_foreach(list, index, item)
	{
		if (screen->line >= screen->height - 1)
			return;
		put_cells(screen, view->shown, view->columns, item);
	}
}

static void put_title(struct screen *screen)
{
	char text[1024], path[512], clock[32] = "";
	time_t now = time(NULL);
	struct tm local;
	char *mountpoint = ctl_get_path(screen->mount);
	/* A daemon that has not been upgraded does not tell. */
	const char *memory = json_string_value(json_object_get(screen->mount, "memory"));

	if (localtime_r(&now, &local) != NULL)
		strftime(clock, sizeof clock, "%H:%M:%S", &local);
	snprintf(text, sizeof text, "shmfs %s  io=%s  rules=%s  %s  memory=%s",
	    ctl_escape(mountpoint != NULL ? mountpoint : "", path, sizeof path),
	    json_string_value(json_object_get(screen->mount, "io")),
	    json_string_value(json_object_get(screen->mount, "rules")), clock,
	    memory != NULL ? memory : "memfd");
	free(mountpoint);
	put_line(screen, false, text);
}

/* What is seen at one time, of all mounts together. */
struct sight {
	struct screen *screen;
	json_t *statistics, *list;
	unsigned mounts;
};

static void add_statistics(json_t *sum, const json_t *more)
{
	const json_t *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)more, key, value)
	{
		int64_t both = ctl_int(sum, key) + json_integer_value(value);

		(void)json_object_set_new(sum, key, json_integer((json_int_t)both));
	}
}

static bool look_at(struct ctl *ctl, struct sight *sight)
{
	const struct view *view = sight->screen->view;
	json_t *statistics = ctl_call(ctl, "GetStatistics", NULL), *list = NULL;

	/* Whether with those without a name is a question about objects alone. */
	if (statistics != NULL)
		list = ctl_call_pages(ctl, view->method, view->member, true, false);
	if (list != NULL) {
		add_statistics(sight->statistics, statistics);
		if (sight->screen->all)
			ctl_add_mount(ctl, list);
		(void)json_array_extend(sight->list, list);
		sight->mounts++;
	}
	json_decref(statistics);
	json_decref(list);
	return list != NULL;
}

static void look_at_each(void *arg, int fd)
{
	struct sight *sight = arg;
	struct ctl ctl = *sight->screen->ctl;

	ctl.socket = fd;
	(void)look_at(&ctl, sight);
	ctl_disconnect(&ctl);
}

static void put_number(struct screen *screen, unsigned mounts)
{
	char text[64];

	snprintf(text, sizeof text, "shmfs, %u mount%s", mounts, mounts == 1 ? "" : "s");
	put_line(screen, false, text);
}

/* False: the server does not answer. */
static bool draw(struct screen *screen)
{
	struct sight sight = {screen, json_object(), json_array(), 0};
	uint64_t now_ns = clock_now();

	if (screen->all)
		servers_each(look_at_each, &sight);
	else
		(void)look_at(screen->ctl, &sight);
	if (sight.mounts == 0 && !screen->all) {
		json_decref(sight.statistics);
		json_decref(sight.list);
		return false;
	}
	screen->line = 0;
	if (!screen->plain)
		fputs("\033[H", stdout);
	if (screen->all)
		put_number(screen, sight.mounts);
	else
		put_title(screen);
	put_use(screen, sight.statistics);
	put_activity(screen, sight.statistics, now_ns);
	put_line(screen, false, "");
	put_list(screen, sight.list);
	json_decref(sight.list);
	if (!screen->plain) {
		printf("\033[J\033[%d;1H\033[7m", screen->height);
		put_cut(" q quit   o objects   u users   t tenants ", screen->width);
		fputs("\033[0m", stdout);
	}
	fflush(stdout);
	json_decref(screen->before);
	screen->before = sight.statistics;
	screen->before_ns = now_ns;
	return true;
}

/* --- top: the terminal ------------------------------------------------------------------------ */

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	if (number != SIGWINCH)
		ended = number;
}

static void measure(struct screen *screen)
{
	struct winsize size;

	screen->width = 80;
	screen->height = 24;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
		screen->width = size.ws_col;
		screen->height = size.ws_row;
	}
}

static bool enter_terminal(struct termios *saved)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct sigaction action = {.sa_handler = on_signal};
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, saved) < 0)
		return false;
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		sigaction(numbers[i], &action, NULL);
	raw = *saved;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
		return false;
	/* The other screen, whose content comes back at the end; no cursor; lines are cut. */
	fputs("\033[?1049h\033[?25l\033[?7l", stdout);
	return true;
}

static void leave_terminal(const struct termios *saved)
{
	fputs("\033[?7h\033[?25h\033[?1049l", stdout);
	fflush(stdout);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, saved);
}

/* Waits for a key or the next time to draw. False: the end. */
static bool wait_for_key(struct screen *screen, int ms)
{
	struct pollfd input = {STDIN_FILENO, POLLIN, 0};
	char key;

	if (poll(&input, 1, ms) <= 0)
		return ended == 0;
	if (read(STDIN_FILENO, &key, 1) != 1)
		return false;
	choose_view(screen, key);
	return key != 'q' && ended == 0;
}

static int watch(struct screen *screen, int ms)
{
	struct termios saved;
	bool answers;

	if (!enter_terminal(&saved)) {
		ctl_warn("standard input is no terminal: use --once");
		return CTL_FAILED;
	}
	do {
		measure(screen);
		answers = draw(screen);
	} while (answers && wait_for_key(screen, ms));
	leave_terminal(&saved);
	return answers ? CTL_OK : CTL_FAILED;
}

static int run_top(struct ctl *ctl)
{
	struct screen screen = {.ctl = ctl};
	const char *text = ctl_value(ctl, "delay");
	uint64_t seconds = 2;
	int status;

	if (text != NULL && (!number_read_plain(text, 10, 3600, &seconds) || seconds == 0))
		return ctl_misused("'%s' is no number of seconds", text);
	choose_view(&screen, ctl_value(ctl, "tenants") != NULL ? 't'
			     : ctl_value(ctl, "users") != NULL ? 'u'
							       : 'o');
	screen.all = ctl_value(ctl, "all-mounts") != NULL;
	if (!screen.all)
		screen.mount = ctl_call(ctl, "GetMount", NULL);
	if (!screen.all && screen.mount == NULL)
		return CTL_FAILED;
	if (ctl_value(ctl, "once") != NULL) {
		screen.plain = true;
		measure(&screen);
		status = draw(&screen) ? CTL_OK : CTL_FAILED;
	} else {
		status = watch(&screen, (int)seconds * 1000);
	}
	json_decref(screen.before);
	json_decref(screen.mount);
	return status;
}

static const struct ctl_option top_options[] = {
    {'d', "delay", "SECONDS", "between two looks (default 2)"},
    {'u', "users", NULL, "users instead of objects"},
    {'t', "tenants", NULL, "tenants instead of objects"},
    {'1', "once", NULL, "one look, and no terminal"},
    {0, "all-mounts", NULL, "of all mounts that can be reached from here"},
    {0},
};

const struct ctl_verb ctl_screen_verbs[] = {
    {"top", "", 0, 0, "shows the largest objects, users or tenants, again and again", top_options,
	run_top, NULL},
    {0},
};
