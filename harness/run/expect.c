// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/expect.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/run/result.h"

static bool parse_verdicts(const char *text, enum verdict *first, unsigned *verdicts)
{
	*verdicts = 0;
	for (;;) {
		const size_t length = strcspn(text, ",");
		char word[16] = "";
		int v;

		if (length >= sizeof(word))
			return false;
		memcpy(word, text, length);
		v = verdict_parse(word);
		if (v < 0)
			return false;
		if (!*verdicts)
			*first = (enum verdict)v;
		*verdicts |= 1u << v;
		text += length;
		if (!*text++)
			return true;
	}
}

static int parse_line(struct expect *e, char *line, unsigned number, const char *path, char *error,
		      size_t room)
{
	static const char blank[] = " \t\r\n";
	char *save, *pattern, *verdict, *reason;
	struct expectation *grown;
	enum verdict first;
	unsigned verdicts;

	line += strspn(line, blank);
	if (*line == '\0' || *line == '#')
		return 0;
	pattern = strtok_r(line, blank, &save);
	verdict = strtok_r(NULL, blank, &save);
	reason = strtok_r(NULL, "\n", &save);
	if (reason)
		reason += strspn(reason, blank);
	if (!verdict || !reason || !*reason) {
		snprintf(error, room, "%s:%u: a line is 'CHECK VERDICT REASON', all three", path,
			 number);
		return -1;
	}
	if (!parse_verdicts(verdict, &first, &verdicts)) {
		snprintf(
			error, room,
			"%s:%u: '%s' is not a verdict (pass fail warn hazard info skip error), nor "
			"several with commas between them",
			path, number, verdict);
		return -1;
	}
	grown = realloc(e->entries, (e->count + 1) * sizeof(*grown));
	if (!grown) {
		snprintf(error, room, "out of memory");
		return -1;
	}
	e->entries = grown;
	grown[e->count++] = (struct expectation){
		.pattern = strdup(pattern),
		.reason = strdup(reason),
		.verdict = first,
		.verdicts = verdicts,
		.line = number,
	};
	return 0;
}

int expect_load(struct expect *e, const char *path, char *error, size_t room)
{
	FILE *f = fopen(path, "r");
	unsigned number = 0;
	char *line = NULL;
	size_t size = 0;
	int rc = 0;

	*e = (struct expect){ 0 };
	if (!f) {
		snprintf(error, room, "cannot read the expectation file '%s': %s", path,
			 strerror(errno));
		return -1;
	}
	while (rc == 0 && getline(&line, &size, f) >= 0)
		rc = parse_line(e, line, ++number, path, error, room);
	free(line);
	fclose(f);
	if (rc < 0)
		expect_free(e);
	return rc;
}

void expect_free(struct expect *e)
{
	for (unsigned i = 0; i < e->count; i++) {
		free(e->entries[i].pattern);
		free(e->entries[i].reason);
	}
	free(e->entries);
	*e = (struct expect){ 0 };
}

const struct expectation *expect_find(const struct expect *e, const char *check_id)
{
	for (unsigned i = 0; i < e->count; i++)
		if (fnmatch(e->entries[i].pattern, check_id, 0) == 0)
			return &e->entries[i];
	return NULL;
}
