/* SPDX-License-Identifier: BSD-2-Clause */
/* The helpers of arguments.h. */
#include "arguments.h"

#include <stdlib.h>
#include <string.h>

struct parsed *parse_as(const char *program, const char *line)
{
	struct parsed *p = calloc(1, sizeof *p);
	char *words = strdup(line), *word;
	int count = 0;

	ck_assert(p != NULL && words != NULL);
	p->argv[count++] = strdup(program);
	for (word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
		ck_assert_int_lt(count, MOST_ARGUMENTS);
		p->argv[count++] = strdup(strcmp(word, "''") == 0 ? "" : word);
		for (char *at = p->argv[count - 1]; *at != '\0'; at++)
			*at = *at == '~' ? ' ' : *at;
	}
	free(words);
	p->rc = options_parse(&p->options, count, p->argv, p->why, sizeof p->why);
	return p;
}

struct parsed *parse(const char *line)
{
	return parse_as("shmfs", line);
}

void done(struct parsed *p)
{
	for (size_t i = 0; i < MOST_ARGUMENTS; i++)
		free(p->argv[i]);
	free(p);
}

struct parsed *accept_line(const char *line)
{
	struct parsed *p = parse(line);

	ck_assert_msg(p->rc == 0, "'%s' is refused: %s", line, p->why);
	return p;
}

void refuse_line(const char *line, const char *in_why)
{
	struct parsed *p = parse(line);

	ck_assert_msg(p->rc == -EINVAL, "'%s': expected -EINVAL, got %s", line, result_text(p->rc));
	ck_assert_msg(
	    strstr(p->why, in_why) != NULL, "'%s' says '%s', not '%s'", line, p->why, in_why);
	ck_assert_msg(strchr(p->why, '\n') == NULL, "'%s' says more than one line", line);
	done(p);
}
