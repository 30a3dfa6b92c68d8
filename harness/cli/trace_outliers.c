// SPDX-License-Identifier: BSD-3-Clause
/* ringside trace outliers: the slowest requests, each with its whole timeline. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>

#include "harness/cli/options.h"
#include "harness/cli/trace_cmd.h"
#include "harness/run/host.h"
#include "harness/run/kernel_out.h"
#include "harness/spec/version.h"
#include "traces/stage/kernel.h"
#include "traces/stage/read.h"

#define MOST 1000

static void help(void)
{
	printf("usage: ringside trace outliers [OPTION…] RECORDING\n"
	       "\n"
	       "Print the slowest requests in a recording, each with what happened when.\n"
	       "\n"
	       "      --slowest N       so many (5, at most %d)\n"
	       "      --format FORMAT   text|json\n"
	       "  -o, --output FILE     write there instead of to standard output\n"
	       "      --help            this text\n",
	       MOST);
}

/* Where the kernel's events were recorded: who had the processors meanwhile. */
static void context_text(FILE *f, const struct kernel_context *c)
{
	for (unsigned i = 0; i < c->rans; i++) {
		const struct kernel_ran *r = &c->ran[i];

		fprintf(f, "  %12s     cpu %-4u %10.2f us of %s", "", r->cpu, (double)r->ns / 1000,
			r->tid ? r->name : "nobody");
		if (r->tid)
			fprintf(f, " (%u)", r->tid);
		fputc('\n', f);
	}
	for (unsigned i = 0; i < STAGE_WHOS; i++)
		if (c->waited[i])
			fprintf(f, "  %12s     %s: %.2f us without a processor\n", "",
				kernel_who_name(i), (double)c->waited[i] / 1000);
}

static void text(FILE *f, const struct line *slow, unsigned n, const struct kernel_context *context)
{
	for (unsigned i = 0; i < n; i++) {
		const struct line *l = &slow[i];
		const u64 begin = l->at[line_first(l)];
		unsigned before = line_first(l);

		fprintf(f, "request %" PRIu64 " of queue %u, head %u: %.2f us\n", l->seq, l->queue,
			l->head, (double)line_ns(l) / 1000);
		for (unsigned p = 0; p < TRACE_POINTS; p++) {
			char name[80] = "";

			if (!line_has(l, p))
				continue;
			if (p != before)
				stage_join(name, sizeof(name), before, p);
			fprintf(f, "  %12.2f us  %-12s", (double)(l->at[p] - begin) / 1000,
				stage_point_name(p));
			if (name[0])
				fprintf(f, " %10.2f us of %s",
					(double)(l->at[p] - l->at[before]) / 1000, name);
			fputc('\n', f);
			before = p;
		}
		if (context)
			context_text(f, &context[i]);
	}
	if (!n)
		fputs("no whole request in the recording\n", f);
}

static void context_json(json_t *outlier, const struct kernel_context *c)
{
	json_t *ran = json_array(), *waited = json_object();

	for (unsigned i = 0; i < c->rans; i++) {
		const struct kernel_ran *r = &c->ran[i];
		json_t *name = json_string(r->tid ? r->name : "");
		json_t *o = json_pack("{s:i, s:I, s:I}", "cpu", (int)r->cpu, "tid",
				      (json_int_t)r->tid, "ns", (json_int_t)r->ns);

		if (name)
			json_object_set_new(o, "name", name);
		json_array_append_new(ran, o);
	}
	for (unsigned i = 0; i < STAGE_WHOS; i++)
		if (c->waited[i])
			json_object_set_new(waited, kernel_who_name(i),
					    json_integer((json_int_t)c->waited[i]));
	json_object_set_new(outlier, "ran", ran);
	json_object_set_new(outlier, "waited_ns", waited);
}

static json_t *json(const struct line *slow, unsigned n, const struct kernel_context *context)
{
	json_t *all = json_array();

	for (unsigned i = 0; i < n; i++) {
		const struct line *l = &slow[i];
		const u64 begin = l->at[line_first(l)];
		json_t *points = json_array();

		for (unsigned p = 0; p < TRACE_POINTS; p++)
			if (line_has(l, p))
				json_array_append_new(points,
						      json_pack("{s:s, s:I}", "point",
								stage_point_name(p), "ns",
								(json_int_t)(l->at[p] - begin)));
		json_array_append_new(all, json_pack("{s:I, s:i, s:i, s:I, s:I, s:o}", "seq",
						     (json_int_t)l->seq, "queue", (int)l->queue,
						     "head", (int)l->head, "begin_ns",
						     (json_int_t)begin, "latency_ns",
						     (json_int_t)line_ns(l), "points", points));
		if (context)
			context_json(json_array_get(all, i), &context[i]);
	}
	return all;
}

static int write_all(const char *output, int format, const struct line *slow, unsigned n,
		     const struct kernel_context *context)
{
	FILE *f = cli_open_output(output);
	json_t *j;

	if (!f)
		return CLI_INTERNAL;
	if (format == CLI_FORMAT_TEXT) {
		text(f, slow, n, context);
	} else {
		j = json_pack("{s:s, s:s, s:o, s:o}", "schema", "ringside.outliers/1", "ringside",
			      ringside_version, "created", host_timestamp(), "outliers",
			      json(slow, n, context));
		json_dumpf(j, f, JSON_INDENT(1));
		fputc('\n', f);
		json_decref(j);
	}
	return cli_close_output(f, output) ? CLI_INTERNAL : CLI_OK;
}

static int find(const char *dir, unsigned slowest, int format, const char *output)
{
	const struct lines_options o = { .slowest = slowest };
	const struct line *slow;
	struct kernel_context *context = NULL;
	struct lines *lines = NULL;
	struct stage_table table;
	char err[512];
	unsigned n;
	int rc;

	if (stage_read_lines(dir, &o, &table, &lines, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_USAGE;
	}
	n = lines_slowest(lines, &slow);
	if (kernel_contexts(dir, slow, n, &context, err, sizeof(err))) {
		cli_error("%s", err);
		rc = CLI_USAGE;
	} else {
		rc = write_all(output, format, slow, n, context);
	}
	free(context);
	lines_free(lines);
	return rc;
}

int trace_outliers(int argc, char **argv)
{
	unsigned slowest = 5;
	const char *output = NULL, *dir;
	int format = CLI_FORMAT_TEXT, status;
	const struct cli_option options[] = {
		CLI_OPTION("slowest", CLI_NUMBER, &slowest, .min = 1, .max = MOST),
		CLI_OPTION("format", CLI_FORMAT, &format, .formats = CLI_TEXT_OR_JSON),
		CLI_OUTPUT(&output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	dir = trace_folder(argc, argv);
	return dir ? find(dir, slowest, format, output) : CLI_USAGE;
}
