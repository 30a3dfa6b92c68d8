// SPDX-License-Identifier: BSD-3-Clause
/* ringside bench: latency and throughput of a target, and the floor of the machine beside it. */
#include <getopt.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "harness/bench/host/spoil.h"
#include "harness/cli/bench_op.h"
#include "harness/cli/bench_result.h"
#include "harness/cli/bench_trace.h"
#include "harness/cli/cli.h"
#include "harness/run/interrupt.h"
#include "harness/run/target.h"

#define RAW_MAX (1u << 20)

struct cmd_opts {
	struct bench_opts bench;
	const char *uri, *command, *name, *output, *raw;
	struct bench_op op;
	struct bench_trace_opts trace;
	int format;
	bool no_floor;
};

static void help(void)
{
	puts("usage: ringside bench [OPTION…] TARGET\n"
	     "\n"
	     "Measure how long requests take. With --op write the medium is overwritten.\n"
	     "\n"
	     "      --command CMD       start the target with this shell command; {socket} stands "
	     "for PATH\n"
	     "      --device TYPE       blk; rng; null: buffers that the target returns at once; or\n"
	     "                          a message each: i2c, gpio, scmi, console, net, vsock, fs, "
	     "can,\n"
	     "                          spi, input, sound, gpu, scsi\n"
	     "      --op OP             of blk: read (default), write or flush\n"
	     "      --block-size N      bytes of a request (4096; others: 64, or what it takes)\n"
	     "      --queue-depth N     requests outstanding at once (1)\n"
	     "      --batch N           made available so many at a time (1)\n"
	     "      --indirect          each in a table of its own\n"
	     "      --queues N          with a thread each; depth and batch are of each (1)\n"
	     "      --memory M          direct: data anywhere in guest memory (default); fat: in a\n"
	     "                          region set aside, all that is shared; copy: copied there\n"
	     "      --pin LIST          CPUs of the queues' threads: 1 or 1,3 or 2-5\n"
	     "      --pattern P         random (default) or sequential\n"
	     "      --rate R            open loop: R requests a second, timed from when each was "
	     "due\n"
	     "      --wait W            how the driver waits: poll (default) or event\n"
	     "      --ring R            split (default) or packed\n"
	     "      --in-order          negotiate VIRTIO_F_IN_ORDER\n"
	     "      --notified          with --wait event: look into the ring only when notified\n"
	     "      --ring-size N       entries of the ring (chosen for the depth)\n"
	     "      --no-event-idx      do not negotiate VIRTIO_F_EVENT_IDX\n"
	     "      --duration TIME     measure for so long (2s)\n"
	     "      --requests N        or measure so many requests\n"
	     "      --warmup TIME       before that, unmeasured (200ms)\n"
	     "      --raw FILE          write the time stamps of each request there; needs "
	     "--requests\n"
	     "      --counter-hz N      take the processor's counter for a clock of so many ticks a "
	     "second\n"
	     "      --trace DIR         record there what happens to each request, and print the "
	     "stages;\n"
	     "                          an untraced run comes first and is given beside it\n"
	     "      --tracer LIST       with what: buffer, lttng, bpf, uprobes (auto)\n"
	     "      --no-floor          do not measure the machine's floor\n"
	     "      --name NAME         what reports call the target\n"
	     "      --format FORMAT     text or json\n"
	     "  -o, --output FILE       write there instead of to standard output\n"
	     "      --help              this text\n"
	     "\n"
	     "Exit status: 0 done, 1 requests failed, 2 usage, 3 target not reachable, stalled or "
	     "died,\n"
	     "4 the machine refused something.");
}

enum {
	COMMAND = 256,
	DEVICE,
	OP,
	BLOCK_SIZE,
	DEPTH,
	BATCH,
	INDIRECT,
	IN_ORDER,
	QUEUES,
	MEMORY,
	PIN,
	PATTERN,
	RATE,
	WAIT,
	RING,
	RING_SIZE,
	NO_EVENT_IDX,
	DURATION,
	REQUESTS,
	WARMUP,
	NOTIFIED,
	RAW,
	COUNTER_HZ,
	TRACE,
	TRACER,
	NO_FLOOR,
	NAME,
	FORMAT,
	HELP
};

static const struct option longopts[] = {
	{ "command", 1, 0, COMMAND },
	{ "device", 1, 0, DEVICE },
	{ "op", 1, 0, OP },
	{ "block-size", 1, 0, BLOCK_SIZE },
	{ "queue-depth", 1, 0, DEPTH },
	{ "batch", 1, 0, BATCH },
	{ "indirect", 0, 0, INDIRECT },
	{ "in-order", 0, 0, IN_ORDER },
	{ "queues", 1, 0, QUEUES },
	{ "memory", 1, 0, MEMORY },
	{ "pin", 1, 0, PIN },
	{ "pattern", 1, 0, PATTERN },
	{ "rate", 1, 0, RATE },
	{ "wait", 1, 0, WAIT },
	{ "ring", 1, 0, RING },
	{ "ring-size", 1, 0, RING_SIZE },
	{ "no-event-idx", 0, 0, NO_EVENT_IDX },
	{ "duration", 1, 0, DURATION },
	{ "requests", 1, 0, REQUESTS },
	{ "warmup", 1, 0, WARMUP },
	{ "notified", 0, 0, NOTIFIED },
	{ "raw", 1, 0, RAW },
	{ "counter-hz", 1, 0, COUNTER_HZ },
	{ "trace", 1, 0, TRACE },
	{ "tracer", 1, 0, TRACER },
	{ "no-floor", 0, 0, NO_FLOOR },
	{ "name", 1, 0, NAME },
	{ "format", 1, 0, FORMAT },
	{ "output", 1, 0, 'o' },
	{ "help", 0, 0, HELP },
	{ 0, 0, 0, 0 },
};

/* Options that are a number. -1: fine; otherwise the exit status. */
static int parse_number(int ch, struct cmd_opts *o)
{
	struct bench_opts *b = &o->bench;
	u64 v;

	switch (ch) {
	case BLOCK_SIZE:
		if (cli_parse_u64("--block-size", optarg, 1, 1 << 20, &v) < 0)
			return CLI_USAGE;
		b->block_size = (u32)v;
		return -1;
	case DEPTH:
		if (cli_parse_u64("--queue-depth", optarg, 1, LOAD_DEPTH_MAX, &v) < 0)
			return CLI_USAGE;
		b->depth = (unsigned)v;
		return -1;
	case BATCH:
		if (cli_parse_u64("--batch", optarg, 1, LOAD_DEPTH_MAX, &v) < 0)
			return CLI_USAGE;
		b->batch = (unsigned)v;
		return -1;
	case QUEUES:
		if (cli_parse_u64("--queues", optarg, 1, BENCH_QUEUES, &v) < 0)
			return CLI_USAGE;
		b->queues = (unsigned)v;
		return -1;
	case RATE:
		return cli_parse_u64("--rate", optarg, 1, 100000000, &b->rate) < 0 ? CLI_USAGE : -1;
	case RING_SIZE:
		if (cli_parse_u64("--ring-size", optarg, 1, VIRTIO_QUEUE_SIZE_MAX, &v) < 0)
			return CLI_USAGE;
		b->ring_size = (u16)v;
		return -1;
	case REQUESTS:
		return cli_parse_u64("--requests", optarg, 1, 1ull << 40, &b->requests) < 0
			       ? CLI_USAGE
			       : -1;
	case COUNTER_HZ:
		return cli_parse_u64("--counter-hz", optarg, 1000, 1ull << 40, &b->counter_hz) < 0
			       ? CLI_USAGE
			       : -1;
	case DURATION:
		if (cli_parse_duration_ms("--duration", optarg, &v) < 0)
			return CLI_USAGE;
		b->duration_ns = v * 1000000;
		return -1;
	default: /* WARMUP */
		if (strcmp(optarg, "0") == 0)
			v = 0;
		else if (cli_parse_duration_ms("--warmup", optarg, &v) < 0)
			return CLI_USAGE;
		b->warmup_ns = v * 1000000;
		return -1;
	}
}

static int parse_memory(struct cmd_opts *o, const char *arg)
{
	for (int m = BENCH_DIRECT; m <= BENCH_COPY; m++) {
		if (strcmp(arg, bench_memory_name((enum bench_memory)m)) != 0)
			continue;
		o->bench.memory = (enum bench_memory)m;
		return -1;
	}
	return bench_bad_choice("--memory", arg, "direct, fat, copy");
}

static int bad_pin(const char *arg)
{
	cli_error("--pin: '%s' is no list of CPUs that this process may use", arg);
	return CLI_USAGE;
}

/* "1,3", "2-5". */
static int parse_pin(struct cmd_opts *o, const char *arg)
{
	struct bench_opts *b = &o->bench;
	const char *p = arg;
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	b->pins = 0;
	for (;;) {
		unsigned from, to;
		int used;

		if (*p < '0' || *p > '9' || sscanf(p, "%u%n", &from, &used) != 1)
			return bad_pin(arg);
		p += used;
		to = from;
		if (*p == '-') {
			if (p[1] < '0' || p[1] > '9' || sscanf(p + 1, "%u%n", &to, &used) != 1)
				return bad_pin(arg);
			p += 1 + used;
		}
		for (unsigned cpu = from; cpu <= to; cpu++) {
			if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, &allowed) ||
			    b->pins == BENCH_QUEUES)
				return bad_pin(arg);
			b->pin[b->pins++] = (int)cpu;
		}
		if (!*p)
			return from <= to ? -1 : bad_pin(arg);
		if (*p++ != ',')
			return bad_pin(arg);
	}
}

/* -1: fine, -2: help was given; otherwise the exit status. */
static int parse_one(int ch, struct cmd_opts *o)
{
	switch (ch) {
	case COMMAND:
		o->command = optarg;
		return -1;
	case DEVICE:
		return bench_op_device(&o->op, optarg);
	case INDIRECT:
		o->bench.indirect = true;
		return -1;
	case OP:
		o->op.name = optarg;
		return -1;
	case PATTERN:
		o->bench.sequential = strcmp(optarg, "sequential") == 0;
		if (o->bench.sequential || strcmp(optarg, "random") == 0)
			return -1;
		return bench_bad_choice("--pattern", optarg, "random, sequential");
	case WAIT:
		o->bench.poll = strcmp(optarg, "poll") == 0;
		if (o->bench.poll || strcmp(optarg, "event") == 0)
			return -1;
		return bench_bad_choice("--wait", optarg, "poll, event");
	case RING:
		o->bench.packed = strcmp(optarg, "packed") == 0;
		if (o->bench.packed || strcmp(optarg, "split") == 0)
			return -1;
		return bench_bad_choice("--ring", optarg, "split, packed");
	case IN_ORDER:
		o->bench.in_order = true;
		return -1;
	case MEMORY:
		return parse_memory(o, optarg);
	case PIN:
		return parse_pin(o, optarg);
	case NO_EVENT_IDX:
		o->bench.event_idx = false;
		return -1;
	case NOTIFIED:
		o->bench.notified = true;
		return -1;
	case RAW:
		o->raw = optarg;
		return -1;
	case TRACE:
		o->trace.dir = optarg;
		return -1;
	case TRACER:
		return bench_trace_parse("--tracer", optarg, &o->trace.sources) < 0 ? CLI_USAGE
										    : -1;
	case NO_FLOOR:
		o->no_floor = true;
		return -1;
	case NAME:
		o->name = optarg;
		return -1;
	case FORMAT:
		o->format = cli_parse_format(optarg, 1u << CLI_FORMAT_TEXT | 1u << CLI_FORMAT_JSON);
		return o->format < 0 ? CLI_USAGE : -1;
	case 'o':
		o->output = optarg;
		return -1;
	case HELP:
		help();
		return -2;
	case '?':
		return CLI_USAGE;
	default:
		return parse_number(ch, o);
	}
}

/* What options mean together. -1: fine; otherwise the exit status. */
static int fit(struct cmd_opts *o)
{
	struct bench_opts *b = &o->bench;
	const int rc = bench_op_fit(&o->op, b);
	const bool blk = load_is_blk(b->type);
	const unsigned each = b->indirect ? 1 : blk ? 3 : o->op.ask ? bench_ask_pieces(b->ask) : 1;

	if (rc != -1)
		return rc;
	if (o->raw && (!b->requests || b->requests > RAW_MAX || o->trace.dir)) {
		cli_error("--raw needs --requests up to %u, and no --trace", RAW_MAX);
		return CLI_USAGE;
	}
	b->raw = o->raw ? (u32)b->requests : 0;
	if (!b->block_size)
		b->block_size = blk ? 4096 : 64;
	if (blk && b->block_size % VIRTIO_BLK_SECTOR) {
		cli_error("--block-size: %u is not a multiple of 512", b->block_size);
		return CLI_USAGE;
	}
	if (b->batch > b->depth) {
		cli_error("--batch: %u is more than --queue-depth %u", b->batch, b->depth);
		return CLI_USAGE;
	}
	if (b->ring_size && !b->packed && (b->ring_size & (b->ring_size - 1))) {
		cli_error("--ring-size: %u is not a power of two, as a split ring's has to be",
			  b->ring_size);
		return CLI_USAGE;
	}
	if (b->ring_size && b->ring_size < each * b->depth) {
		cli_error("--ring-size: %u entries do not hold %u requests of %u descriptors",
			  b->ring_size, b->depth, each);
		return CLI_USAGE;
	}
	return -1;
}

static int parse(int argc, char **argv, struct cmd_opts *o)
{
	int ch, rc;

	optind = 1;
	while ((ch = getopt_long(argc, argv, "o:", longopts, NULL)) != -1) {
		rc = parse_one(ch, o);
		if (rc != -1)
			return rc;
	}
	if (optind + 1 != argc) {
		cli_error("bench takes one target: vhost-user:PATH, vhost-user-listen:PATH, "
			  "vdpa:PATH or vhost:PATH");
		return CLI_USAGE;
	}
	o->uri = argv[optind];
	return fit(o);
}

/* An error line; the exit status that fits. */
static int target_failed(const struct cmd_opts *o, const char *error)
{
	cli_error("%s: %s", o->uri, error);
	return CLI_TARGET;
}

static int measure_traced(const struct cmd_opts *o, struct bench_session *s, struct bench_result *r)
{
	char error[512] = "";

	switch (bench_measure_traced(&o->trace, s, r, error, sizeof(error))) {
	case BENCH_TRACED:
		return CLI_OK;
	case BENCH_TARGET_FAILED:
		return target_failed(o, error);
	default:
		cli_error("--trace: %s", error);
		return CLI_INTERNAL;
	}
}

static bool cancelled(void)
{
	return interrupt_pending() != 0;
}

static int write_raw(const struct cmd_opts *o, const struct bench_session *s)
{
	FILE *f = cli_open_output(o->raw);

	if (!f)
		return CLI_INTERNAL;
	bench_write_raw_head(f);
	bench_write_raw_rows(f, &s->clock, s->raw, s->queue[0].load.raw_count);
	return cli_close_output(f, o->raw) < 0 ? CLI_INTERNAL : CLI_OK;
}

static int measure_open(const struct cmd_opts *o, struct bench_session *s, struct bench_result *r)
{
	char error[256] = "";

	if (o->trace.dir)
		return measure_traced(o, s, r);
	return bench_measure(s, &r->figures, error, sizeof(error)) < 0 ? target_failed(o, error)
								       : CLI_OK;
}

static int measure(const struct cmd_opts *o, struct target *t, struct bench_result *r,
		   struct spoil *spoil)
{
	const struct bench_opts *b = &o->bench;
	const bool is_socket = t->kind == TARGET_VHOST_USER;
	struct spoil_place place = { .pin = b->pin, .pins = b->pins, .threads = b->queues };
	const struct bench_where where = { .socket = is_socket ? t->socket : NULL,
					   .listener = t->listener,
					   .kernel = &t->kernel,
					   .vdpa = t->kind == TARGET_VDPA };
	struct bench_session s;
	char error[256] = "";
	int rc;

	if (target_start(t, error, sizeof(error)) < 0)
		return target_failed(o, error);
	if (bench_open(&s, &where, &o->bench, error, sizeof(error)) < 0) {
		rc = target_failed(o, error);
	} else {
		s.cancelled = cancelled;
		place.target = is_socket ? s.fe.peer : 0;
		spoil_begin(spoil, "");
		rc = measure_open(o, &s, r);
		spoil_end(spoil, "", &place);
		if (rc == CLI_OK && o->raw)
			rc = write_raw(o, &s);
	}
	if (rc == CLI_TARGET && target_died(t))
		cli_error("%s: the target %s", o->uri, t->death);
	r->features = bench_offered(&s);
	r->protocol_features = s.fe.pf_offered;
	r->clock = s.clock;
	bench_close(&s);
	target_stop(t);
	if (rc != CLI_OK)
		return rc;
	r->has_floor = !o->no_floor &&
		       floor_measure(o->bench.poll ? FLOOR_POLL : FLOOR_EVENT, &r->floor) == 0;
	bench_add_warnings(spoil, r);
	return CLI_OK;
}

static int write_result(const struct cmd_opts *o, const struct bench_result *r)
{
	FILE *f = cli_open_output(o->output);

	if (!f)
		return CLI_INTERNAL;
	(o->format == CLI_FORMAT_JSON ? bench_write_json : bench_write_text)(r, f);
	if (cli_close_output(f, o->output) < 0)
		return CLI_INTERNAL;
	return r->figures.errors ? CLI_UNEXPECTED : CLI_OK;
}

static bool may_measure(const struct cmd_opts *o, const struct target *t)
{
	if (t->kind == TARGET_QEMU || t->kind == TARGET_MACHINE)
		cli_error("%s: bench takes vhost-user:, vdpa: and vhost: targets", o->uri);
	else if (t->kind != TARGET_VHOST_USER && o->trace.dir)
		cli_error("--trace: %s is in the kernel, where a trace has nobody to follow",
			  o->uri);
	else
		return true;
	return false;
}

static int cmd_bench(int argc, char **argv)
{
	struct cmd_opts o = {
		.bench = { .type = VIRTIO_BLK_T_IN,
			   .depth = 1,
			   .batch = 1,
			   .queues = 1,
			   .poll = true,
			   .event_idx = true,
			   .duration_ns = 2000000000,
			   .warmup_ns = 200000000 },
		.op.device = "blk",
		.format = CLI_FORMAT_TEXT,
	};
	struct bench_result r = { .opts = &o.bench };
	char error[256] = "";
	struct spoil spoil;
	struct target t;
	int rc = parse(argc, argv, &o);

	if (rc != -1)
		return rc == -2 ? CLI_OK : rc;
	if (target_init(&t, o.uri, o.command, error, sizeof(error)) < 0) {
		cli_error("%s", error);
		return CLI_USAGE;
	}
	if (!may_measure(&o, &t)) {
		target_destroy(&t);
		return CLI_USAGE;
	}
	r.transport = t.kind == TARGET_VDPA ? "vdpa" : t.kind == TARGET_VHOST ? "vhost" : NULL;
	r.uri = o.uri;
	r.name = o.name;
	r.command = o.command;
	r.op = o.op.name;
	r.device = o.op.ask ? o.op.ask->device : NULL;
	interrupt_catch();
	rc = measure(&o, &t, &r, &spoil);
	if (rc == CLI_OK)
		rc = write_result(&o, &r);
	bench_figures_free(&r.figures);
	bench_figures_free(&r.untraced);
	target_destroy(&t);
	if (interrupt_pending())
		rc = 128 + interrupt_pending();
	return rc;
}

CLI_COMMAND(bench, "bench", "measure a target's latency and throughput", cmd_bench);
