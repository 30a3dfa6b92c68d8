// SPDX-License-Identifier: BSD-3-Clause
/* ringside collect: what a guest said, as the results that conform and bench make. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/cli/bench_result.h"
#include "harness/cli/options.h"
#include "harness/cli/run_result.h"
#include "harness/run/collect.h"
#include "harness/run/expect.h"
#include "traces/ring/record.h"
#include "traces/tracer.h"

struct collect_opts {
	const char *from, *name, *output, *expect_path, *raw, *figures, *trace;
	bool has_memory, resume, has_ahead;
	u64 ahead;	     /* what the guest's counter is ahead of ours, when that is known */
	unsigned counter_hz; /* of ours; 0: found out */
	u64 memory;
	u64 job; /* from 1; 0: not chosen */
	enum wire_job_kind kind;
	int format;
};

static void help(void)
{
	puts("usage: ringside collect [OPTION…]\n"
	     "\n"
	     "Read what a guest (ringside-probe-ARCH) wrote to its channel, and write the result\n"
	     "as 'ringside conform' or 'ringside bench' would.\n"
	     "\n"
	     "      --from FILE         the stream; standard input when not told, or '-'\n"
	     "      --memory OFFSET     FILE is guest memory, and the stream stands at this offset\n"
	     "      --job N|KIND        of several jobs this one: its number, conform or bench\n"
	     "      --resume            only print the word that the next boot's job needs, if any\n"
	     "      --expect FILE       known deviations: lines of CHECK VERDICT REASON\n"
	     "      --name NAME         what reports call the target\n"
	     "      --raw FILE          write the time stamps of single requests there\n"
	     "      --figures FILE      write what was calibrated there\n"
	     "      --trace DIR         put the events that the guest kept (trace= in its job) into the\n"
	     "                          recording DIR, and say where each request's time went\n"
	     "      --counter-ahead N   its counter is the host's plus N (without: that is measured)\n"
	     "      --counter-hz N      of the host's counter, where times are not measured (a lab)\n"
	     "      --format FORMAT     text, json, junit, tap or ktap; bench: text or json\n"
	     "  -o, --output FILE       write there instead of to standard output\n"
	     "      --help              this text\n"
	     "\n"
	     "Exit status: 0 all as expected, 1 a verdict was not or requests failed, 2 usage,\n"
	     "3 the stream is cut or damaged, or the guest could not do its job (what it found is\n"
	     "written), 4 the machine refused something.");
}

static int parse_job(const char *arg, void *out)
{
	struct collect_opts *o = out;

	if (strcmp(arg, "conform") == 0)
		o->kind = WIRE_JOB_CONFORM;
	else if (strcmp(arg, "bench") == 0)
		o->kind = WIRE_JOB_BENCH;
	else
		return cli_parse_u64("--job", arg, 1, COLLECT_JOBS, &o->job);
	return 0;
}

static int parse_memory(const char *arg, void *out)
{
	struct collect_opts *o = out;

	o->has_memory = true;
	return cli_parse_u64("--memory", arg, 0, 1ull << 40, &o->memory);
}

static int parse_ahead(const char *arg, void *out)
{
	struct collect_opts *o = out;
	const bool negative = *arg == '-';

	if (cli_parse_u64("--counter-ahead", arg + negative, 0, UINT64_MAX, &o->ahead))
		return -1;
	o->has_ahead = true;
	if (negative)
		o->ahead = 0 - o->ahead;
	return 0;
}

/* As cli_options(). */
static bool parse(int argc, char **argv, struct collect_opts *o, int *status)
{
	const struct cli_option options[] = {
		CLI_OPTION("from", CLI_TEXT, &o->from),
		CLI_OPTION("memory", CLI_OWN, o, .parse = parse_memory),
		CLI_OPTION("job", CLI_OWN, o, .parse = parse_job),
		CLI_OPTION("expect", CLI_TEXT, &o->expect_path),
		CLI_OPTION("name", CLI_TEXT, &o->name),
		CLI_OPTION("raw", CLI_TEXT, &o->raw),
		CLI_OPTION("figures", CLI_TEXT, &o->figures),
		CLI_OPTION("trace", CLI_TEXT, &o->trace),
		CLI_OPTION("counter-ahead", CLI_OWN, o, .parse = parse_ahead),
		CLI_OPTION("counter-hz", CLI_NUMBER, &o->counter_hz, .min = 1000,
			   .max = UINT32_MAX),
		CLI_OPTION("resume", CLI_FLAG, &o->resume),
		CLI_OPTION("format", CLI_FORMAT, &o->format, .formats = CLI_ANY_FORMAT),
		CLI_OUTPUT(&o->output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, status))
		return false;
	if (optind < argc) {
		cli_error("'%s' is too much: write --from FILE", argv[optind]);
		*status = CLI_USAGE;
		return false;
	}
	return true;
}

/* Guest memory: "RSSHM1", the count of bytes, the bytes. */
static int find_in_memory(FILE *f, const struct collect_opts *o, u64 *left)
{
	char magic[8];

	if (fseeko(f, (off_t)o->memory, SEEK_SET) < 0 || fread(magic, sizeof(magic), 1, f) != 1 ||
	    fread(left, sizeof(*left), 1, f) != 1 || memcmp(magic, "RSSHM1\0", 8) != 0) {
		cli_error("'%s' has no stream at offset 0x%llx", o->from,
			  (unsigned long long)o->memory);
		return -1;
	}
	return 0;
}

static int read_stream(const struct collect_opts *o, struct collect *c)
{
	const bool standard = !o->from || strcmp(o->from, "-") == 0;
	FILE *f = standard ? stdin : fopen(o->from, "rb");
	u64 left = ~0ull;
	char piece[65536];
	int rc = CLI_OK;
	size_t n;

	if (!f) {
		cli_error("cannot read '%s': %s", o->from, strerror(errno));
		return CLI_USAGE;
	}
	if (o->has_memory && (standard || find_in_memory(f, o, &left) < 0)) {
		if (standard)
			cli_error("--memory goes with --from FILE");
		rc = CLI_USAGE;
	}
	while (rc == CLI_OK && (n = fread(piece, 1, MIN(left, sizeof(piece)), f)) > 0) {
		collect_feed(c, piece, n);
		left -= n;
	}
	if (ferror(f)) {
		cli_error("cannot read '%s': %s", standard ? "-" : o->from, strerror(errno));
		rc = CLI_INTERNAL;
	}
	if (!standard)
		fclose(f);
	return rc;
}

static bool chosen(const struct collect_opts *o, const struct collect *c, unsigned i)
{
	return (!o->job || o->job == i + 1) && (!o->kind || c->job[i].kind == o->kind);
}

static const char *op_name(u32 type)
{
	return type == LOAD_FILL	    ? "fill"
	       : type == VIRTIO_BLK_T_OUT   ? "write"
	       : type == VIRTIO_BLK_T_FLUSH ? "flush"
					    : "read";
}

/* A guest's own times may lie: they are written as they came. 0, or -1 after an error line. */
static int add_to_recording(const struct collect_opts *o, const struct collect_job *j)
{
	struct buffer_file head = {
		.magic = BUFFER_MAGIC,
		.version = BUFFER_VERSION,
		.rings = 1,
		.actor = BUFFER_DRIVER,
		.counter = 1,
		.whose = o->has_ahead ? BUFFER_GUEST_AHEAD : BUFFER_GUEST,
		.error_ppm = j->trace.error_ppm,
		.hz = j->trace.hz,
		.ahead = o->ahead,
		.lost = j->trace.lost,
	};
	struct record_file *f;
	char err[512];

	if (mkdir(o->trace, 0777) && errno != EEXIST) {
		cli_error("cannot make '%s': %s", o->trace, strerror(errno));
		return -1;
	}
	f = record_file_new(o->trace, "guest", &head, err, sizeof(err));
	if (!f) {
		cli_error("%s", err);
		return -1;
	}
	/* It has an end: it is whole. */
	head.begin.ticks = head.end.ticks = 1;
	if (j->event_count && record_file_add(f, 0, j->event, j->event_count)) {
		cli_error("cannot write to '%s': %s", o->trace, strerror(errno));
		record_file_end(f, &head);
		return -1;
	}
	if (record_file_end(f, &head)) {
		cli_error("cannot write to '%s': %s", o->trace, strerror(errno));
		return -1;
	}
	return 0;
}

/* The stages of a traced job go into its result. */
static int read_trace(const struct collect_opts *o, const struct collect_job *j,
		      struct bench_result *r)
{
	char err[512];

	if (!j->has_trace || !j->has_untraced) {
		cli_error("the guest has kept no events: its job needs trace=N");
		return CLI_USAGE;
	}
	if (add_to_recording(o, j))
		return CLI_INTERNAL;
	if (stage_read_at(o->trace, o->counter_hz, &r->stages, err, sizeof(err))) {
		cli_error("%s", err);
		return CLI_TARGET;
	}
	r->trace_dir = o->trace;
	r->tracers = TRACER_BUFFER | (r->stages.kernel.present ? TRACER_BPF : 0);
	r->untraced = j->untraced;
	return CLI_OK;
}

static int write_bench(const struct collect_opts *o, const struct collect *c,
		       const struct collect_job *j, FILE *f)
{
	int rc = CLI_OK;
	struct bench_result r = {
		.uri = j->uri,
		.name = o->name,
		.op = op_name(j->opts.type),
		.transport = j->transport,
		.guest = &c->guest,
		.features = j->features,
		.opts = &j->opts,
		.figures = j->figures,
		.clock = j->clock,
	};

	/* Without all of its histogram a latency is none. */
	if (!j->ended || !j->has_figures || j->in_hist != j->figures.requests)
		return CLI_TARGET;
	if (o->format != CLI_FORMAT_TEXT && o->format != CLI_FORMAT_JSON) {
		cli_error("a bench is written as text or json");
		return CLI_USAGE;
	}
	if (j->figures.requests < 1000)
		r.warnings[r.warning_count++] =
			"fewer than 1000 requests: the high percentiles say little";
	if (j->clock.error_ppm > 10000)
		r.warnings[r.warning_count++] =
			"the guest could not measure its clock: times may be wrong by a tenth";
	if (j->figures.errors)
		r.warnings[r.warning_count++] =
			"requests failed: these are the times of failures too";
	if (o->trace)
		rc = read_trace(o, j, &r);
	(o->format == CLI_FORMAT_JSON ? bench_write_json : bench_write_text)(&r, f);
	return rc ? rc : j->figures.errors ? CLI_UNEXPECTED : CLI_OK;
}

static int write_conform(const struct collect_opts *o, struct collect_job *j,
			 const struct expect *expect, FILE *f)
{
	struct run *r = &j->run;

	for (u32 i = 0; i < r->count; i++)
		run_compare(r, &r->results[i], expect);
	r->target.name = o->name;
	cli_write_run(r, (enum cli_format)o->format, f);
	return r->unexpected ? CLI_UNEXPECTED : CLI_OK;
}

static int write_raw(const struct collect_opts *o, const struct collect *c)
{
	FILE *f = cli_open_output(o->raw);

	if (!f)
		return CLI_INTERNAL;
	bench_write_raw_head(f);
	for (unsigned i = 0; i < c->job_count; i++)
		if (chosen(o, c, i))
			bench_write_raw_rows(f, &c->job[i].clock, c->job[i].raw,
					     c->job[i].raw_count);
	return cli_close_output(f, o->raw) < 0 ? CLI_INTERNAL : CLI_OK;
}

static int write_figures(const struct collect_opts *o, const struct collect *c)
{
	FILE *f = cli_open_output(o->figures);

	if (!f)
		return CLI_INTERNAL;
	fputs("what\tcount\tmin\tmedian\tmax\tsum\n", f);
	for (unsigned i = 0; i < c->figure_count; i++)
		fprintf(f, "%s\t%llu\t%llu\t%llu\t%llu\t%llu\n", c->figure[i].what,
			(unsigned long long)c->figure[i].count,
			(unsigned long long)c->figure[i].min,
			(unsigned long long)c->figure[i].median,
			(unsigned long long)c->figure[i].max, (unsigned long long)c->figure[i].sum);
	return cli_close_output(f, o->figures) < 0 ? CLI_INTERNAL : CLI_OK;
}

static int write_jobs(const struct collect_opts *o, struct collect *c, const struct expect *expect)
{
	unsigned count = 0;
	int rc = CLI_OK;
	FILE *f;

	for (unsigned i = 0; i < c->job_count; i++)
		count += chosen(o, c, i);
	if (count > 1 && o->format != CLI_FORMAT_TEXT) {
		cli_error("the guest did %u jobs, and this format holds one: say --job N", count);
		return CLI_USAGE;
	}
	if (o->figures)
		rc = write_figures(o, c);
	if (!count)
		return rc;
	f = cli_open_output(o->output);
	if (!f)
		return CLI_INTERNAL;
	for (unsigned i = 0; i < c->job_count; i++) {
		struct collect_job *j = &c->job[i];
		int one;

		if (!chosen(o, c, i))
			continue;
		one = j->kind == WIRE_JOB_CONFORM ? write_conform(o, j, expect, f)
						  : write_bench(o, c, j, f);
		rc = MAX(rc, one);
	}
	if (cli_close_output(f, o->output) < 0)
		rc = CLI_INTERNAL;
	if (rc <= CLI_UNEXPECTED && o->raw)
		rc = MAX(rc, write_raw(o, c));
	return rc;
}

static const char *said_by(const struct collect_opts *o)
{
	return o->from ? o->from : "-";
}

/* What is to be said on standard error; the exit status that it asks for. */
static int complain(const struct collect_opts *o, const struct collect *c)
{
	unsigned of_kind = 0;
	int rc = CLI_OK;

	for (unsigned i = 0; i < c->note_count; i++)
		fprintf(stderr, "guest: %s\n", c->notes[i]);
	for (unsigned i = 0; i < c->fail_count; i++) {
		cli_error("%s: the guest could not do its job: %s", said_by(o), c->fails[i]);
		rc = CLI_TARGET;
	}
	if (c->panic[0]) {
		cli_error("%s: the guest panicked: %s", said_by(o), c->panic);
		rc = CLI_TARGET;
	}
	if (c->error[0]) {
		cli_error("%s: %s", said_by(o), c->error);
		return CLI_TARGET;
	}
	for (unsigned i = 0; i < c->job_count; i++) {
		of_kind += chosen(o, c, i);
		if (rc != CLI_OK || !chosen(o, c, i) || !c->job[i].run.died[0])
			continue;
		cli_error("%s: %s", said_by(o), c->job[i].run.died);
		rc = CLI_TARGET;
	}
	if (rc == CLI_OK && !of_kind && (o->job || o->kind)) {
		cli_error("%s: the guest did no such job", said_by(o));
		rc = CLI_USAGE;
	}
	return rc;
}

static int collect(const struct collect_opts *o)
{
	struct collect *c = collect_new();
	char error[RESULT_TEXT] = "";
	struct expect expect = { 0 };
	int rc = CLI_OK, said;

	if (!c)
		return CLI_INTERNAL;
	if (o->expect_path && expect_load(&expect, o->expect_path, error, sizeof(error)) < 0) {
		cli_error("%s", error);
		rc = CLI_USAGE;
	}
	if (rc == CLI_OK)
		rc = read_stream(o, c);
	if (rc == CLI_OK && o->resume) {
		u32 number, next;

		if (collect_resume(c, &number, &next))
			printf("resume=%u:%u\n", number, next);
	} else if (rc == CLI_OK) {
		collect_finish(c);
		rc = write_jobs(o, c, o->expect_path ? &expect : NULL);
		said = complain(o, c);
		rc = said ? said : rc;
	}
	collect_free(c);
	expect_free(&expect);
	return rc;
}

static int cmd_collect(int argc, char **argv)
{
	struct collect_opts o = { .format = CLI_FORMAT_TEXT };
	int status;

	return parse(argc, argv, &o, &status) ? collect(&o) : status;
}

CLI_COMMAND(collect, "collect", "turn what a guest wrote into a result", cmd_collect);
