// SPDX-License-Identifier: BSD-3-Clause
/*
 * Build-time generator: reads the tables of harness/spec/data and writes them as C.
 *
 *	spec-gen clauses OUT.c TABLE.tsv…
 *	spec-gen messages OUT.c TABLE.tsv
 *
 * A malformed row ends the build with its file, line and column; all of them are named at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/spec/clause_id.h"
#include "harness/spec/gen/rules.h"

struct origin {
	const char *path;
	size_t line;
};

/* A clause or a message with where it came from, so that duplicates can be named. */
struct entry {
	union {
		struct clause clause;
		struct vu_msg_spec msg;
	};
	struct origin from;
};

/* Why clauses are not covered: applied once all clauses are known. */
struct reason {
	struct rules_reason rule;
	struct origin from;
};

struct entries {
	struct entry *v;
	size_t n, cap;
	struct reason *reasons;
	size_t reason_count;
	unsigned errors;
};

static void complain(struct entries *e, const char *path, const struct tsv_error *err)
{
	fprintf(stderr, "%s:%zu: error: ", path, err->line);
	if (err->column[0])
		fprintf(stderr, "column '%s': ", err->column);
	fprintf(stderr, "%s\n", err->what);
	e->errors++;
}

static struct entry *append(struct entries *e)
{
	if (e->n == e->cap) {
		e->cap = e->cap ? 2 * e->cap : 1024;
		e->v = realloc(e->v, e->cap * sizeof(*e->v));
		if (!e->v) {
			fprintf(stderr, "spec-gen: out of memory\n");
			exit(1);
		}
	}
	return &e->v[e->n++];
}

static void collect_reasons(struct entries *e, const struct tsv *t)
{
	struct tsv_error err;

	e->reasons = realloc(e->reasons, (e->reason_count + t->rows) * sizeof(*e->reasons));
	if (!e->reasons && t->rows) {
		fprintf(stderr, "spec-gen: out of memory\n");
		exit(1);
	}
	for (size_t row = 0; row < t->rows; row++) {
		struct reason *r = &e->reasons[e->reason_count];

		r->from = (struct origin){ t->path, tsv_line(row) };
		if (rules_reason(t, row, &r->rule, &err))
			e->reason_count++;
		else
			complain(e, t->path, &err);
	}
}

/* The first row that speaks of a clause counts; one that speaks of none is out of date. */
static void apply_reasons(struct entries *e)
{
	struct tsv_error err;

	for (size_t i = 0; i < e->n; i++)
		e->v[i].clause.reason = "";
	for (size_t r = 0; r < e->reason_count; r++) {
		const struct reason *reason = &e->reasons[r];
		bool used = false;

		for (size_t i = 0; i < e->n; i++) {
			struct clause *c = &e->v[i].clause;

			if (*c->reason || !rules_reason_is_for(&reason->rule, c->id))
				continue;
			c->reason = reason->rule.reason;
			used = true;
		}
		if (used)
			continue;
		tsv_fail(&err, reason->from.line, "clause",
			 "'%.60s' is no clause's id, or a row above says it already",
			 reason->rule.clause);
		complain(e, reason->from.path, &err);
	}
}

static void collect(struct entries *e, const struct tsv *t, bool messages)
{
	enum rules_layout layout = rules_layout_of(t);
	struct tsv_error err;

	if (layout == RULES_REASONS && !messages) {
		collect_reasons(e, t);
		return;
	}
	if (layout == RULES_UNKNOWN || (layout == RULES_MESSAGES) != messages) {
		tsv_fail(&err, 1, "", "the header is not that of a table of %s",
			 messages ? "messages" : "clauses");
		complain(e, t->path, &err);
		return;
	}
	for (size_t row = 0; row < t->rows; row++) {
		struct entry *x = append(e);

		x->from = (struct origin){ t->path, tsv_line(row) };
		if (messages ? rules_message(t, row, &x->msg, &err)
			     : rules_clause(t, row, &x->clause, &err))
			continue;
		complain(e, t->path, &err);
		e->n--;
	}
}

static int by_id(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return clause_id_cmp(x->clause.id, y->clause.id);
}

static int by_chan_and_number(const void *a, const void *b)
{
	const struct vu_msg_spec *x = &((const struct entry *)a)->msg;
	const struct vu_msg_spec *y = &((const struct entry *)b)->msg;

	if (x->chan != y->chan)
		return x->chan < y->chan ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void sort(struct entries *e, bool messages)
{
	int (*cmp)(const void *, const void *) = messages ? by_chan_and_number : by_id;
	struct tsv_error err;

	if (e->n)
		qsort(e->v, e->n, sizeof(*e->v), cmp);
	for (size_t i = 1; i < e->n; i++) {
		const struct entry *x = &e->v[i - 1], *y = &e->v[i];

		if (cmp(x, y) != 0)
			continue;
		tsv_fail(&err, y->from.line, "id", "stands in %s:%zu too", x->from.path,
			 x->from.line);
		complain(e, y->from.path, &err);
	}
}

/* Cells are printable ASCII: only these two need an escape. */
static void put_string(FILE *f, const char *field, const char *s)
{
	fprintf(f, "\n\t\t.%s = \"", field);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', f);
		fputc(*s, f);
	}
	fputs("\",", f);
}

static void put_number(FILE *f, const char *field, u64 v)
{
	fprintf(f, "\n\t\t.%s = 0x%llx,", field, (unsigned long long)v);
}

static void put_clauses(FILE *f, const struct entries *e)
{
	fputs("#include \"harness/spec/clause.h\"\n\nconst struct clause clause_table[] = {\n", f);
	for (size_t i = 0; i < e->n; i++) {
		const struct clause *c = &e->v[i].clause;

		fputs("\t{", f);
		put_string(f, "id", c->id);
		put_string(f, "section", c->section);
		put_string(f, "number", c->number);
		put_string(f, "summary", c->summary);
		put_string(f, "feature", c->feature);
		put_string(f, "sketch", c->sketch);
		put_string(f, "note", c->note);
		put_string(f, "reason", c->reason);
		put_number(f, "actor", c->actor);
		put_number(f, "level", c->level);
		put_number(f, "doc", c->doc);
		put_number(f, "where", c->where);
		put_number(f, "flags", c->flags);
		fputs("\n\t},\n", f);
	}
	fprintf(f, "};\n\nconst size_t clause_count = %zu;\n", e->n);
}

static void put_messages(FILE *f, const struct entries *e)
{
	fputs("#include \"harness/spec/vu_msg.h\"\n\n"
	      "const struct vu_msg_spec vu_msg_table[] = {\n",
	      f);
	for (size_t i = 0; i < e->n; i++) {
		const struct vu_msg_spec *m = &e->v[i].msg;

		fputs("\t{", f);
		put_string(f, "name", m->name);
		put_string(f, "old_name", m->old_name);
		put_string(f, "req_layout", m->req_layout);
		put_string(f, "reply_layout", m->reply_layout);
		put_string(f, "reply_cond", m->reply_cond);
		put_string(f, "gate", m->gate);
		put_string(f, "edition", m->edition);
		put_string(f, "error", m->error);
		put_string(f, "note", m->note);
		put_number(f, "gate_pf", m->gate_pf);
		put_number(f, "id", m->id);
		put_number(f, "req_size_min", m->req_size_min);
		put_number(f, "req_size_max", m->req_size_max);
		put_number(f, "reply_size", m->reply_size);
		put_number(f, "chan", m->chan);
		put_number(f, "req_fds_min", m->req_fds_min);
		put_number(f, "req_fds_max", m->req_fds_max);
		put_number(f, "reply_when", m->reply_when);
		put_number(f, "reply_fds_min", m->reply_fds_min);
		put_number(f, "reply_fds_max", m->reply_fds_max);
		put_number(f, "reply_ack", m->reply_ack);
		fputs("\n\t},\n", f);
	}
	fprintf(f, "};\n\nconst size_t vu_msg_count = %zu;\n", e->n);
}

static int write_out(const char *path, const struct entries *e, bool messages)
{
	FILE *f = fopen(path, "w");
	int failed;

	if (!f) {
		fprintf(stderr, "spec-gen: %s: %s\n", path, strerror(errno));
		return 1;
	}
	fputs("/* Generated by spec-gen from the tables of harness/spec/data: edit those. */\n", f);
	(messages ? put_messages : put_clauses)(f, e);
	failed = ferror(f);
	failed |= fclose(f);
	if (failed) {
		fprintf(stderr, "spec-gen: %s: could not be written\n", path);
		remove(path);
	}
	return failed ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct entries e = { 0 };
	struct tsv_error err;
	struct tsv *tables;
	bool messages;
	int rc = 1;

	if (argc < 4 || (strcmp(argv[1], "clauses") != 0 && strcmp(argv[1], "messages") != 0)) {
		fprintf(stderr, "usage: spec-gen clauses|messages OUT.c TABLE.tsv…\n");
		return 2;
	}
	messages = strcmp(argv[1], "messages") == 0;
	tables = calloc((size_t)argc, sizeof(*tables));
	if (!tables)
		return 1;
	for (int i = 3; i < argc; i++) {
		if (tsv_load(&tables[i], argv[i], &err))
			collect(&e, &tables[i], messages);
		else
			complain(&e, argv[i], &err);
	}
	sort(&e, messages);
	if (!messages)
		apply_reasons(&e);
	if (!e.errors)
		rc = write_out(argv[2], &e, messages);
	free(e.v);
	free(e.reasons);
	for (int i = 3; i < argc; i++)
		tsv_free(&tables[i]);
	free(tables);
	return rc;
}
