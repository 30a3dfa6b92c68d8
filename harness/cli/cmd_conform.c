// SPDX-License-Identifier: BSD-3-Clause
/* ringside conform: run the checks against a target and say what was found. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/run/interrupt.h"
#include "harness/run/runner.h"

struct conform_opts {
	struct runner_opts runner;
	const char *uri, *command, *trigger, *name, *output, *expect_path;
	int format;
	bool list;
};

static void help(void)
{
	puts("usage: ringside conform [OPTION…] TARGET\n"
	     "\n"
	     "Run conformance checks against a target. What is on the device's medium is overwritten.\n"
	     "\n"
	     "TARGET is vhost-user:PATH, the socket a back-end listens on. With --command the path may\n"
	     "be left out.\n"
	     "\n"
	     "      --command CMD        start the target with this shell command, supervise it, and\n"
	     "                           restart it for each group of checks; {socket} stands for PATH\n"
	     "      --device TYPE        what the target is (blk); else found from its configuration\n"
	     "      --check GLOB         only checks whose id matches\n"
	     "      --clause GLOB        only checks that exercise a matching clause\n"
	     "      --ring LAYOUT        split, packed or both (both): over which rings checks run that\n"
	     "                           are of no layout (both: split); checks of the other are left out\n"
	     "      --expect FILE        known deviations: lines of CHECK VERDICT REASON\n"
	     "      --timeout TIME       deadline for what must happen (1s)\n"
	     "      --quiet TIME         how long to watch for what must not happen (40ms)\n"
	     "      --config-trigger CMD make the target change its configuration; {pid}, {socket}\n"
	     "  -j, --jobs N             so many targets at once, started by us, that share the checks (1)\n"
	     "      --name NAME          what reports call the target\n"
	     "      --format FORMAT      text, json, junit or tap\n"
	     "  -o, --output FILE        write there instead of to standard output\n"
	     "      --list               list the checks that would run, and end\n"
	     "      --help               this text\n"
	     "\n"
	     "Exit status: 0 all as expected, 1 a verdict was not, 2 usage, 3 target not reachable or\n"
	     "died, 4 the machine refused something, 128 + N ended early by signal N (what was found\n"
	     "is written).");
}

static int parse(int argc, char **argv, struct conform_opts *o)
{
	enum {
		COMMAND = 256,
		DEVICE,
		CHECK_GLOB,
		CLAUSE,
		RING,
		EXPECT,
		TIMEOUT,
		QUIET,
		TRIGGER,
		NAME,
		FORMAT,
		LIST,
		HELP
	};
	static const struct option longopts[] = {
		{ "command", 1, 0, COMMAND },
		{ "device", 1, 0, DEVICE },
		{ "check", 1, 0, CHECK_GLOB },
		{ "clause", 1, 0, CLAUSE },
		{ "ring", 1, 0, RING },
		{ "expect", 1, 0, EXPECT },
		{ "timeout", 1, 0, TIMEOUT },
		{ "quiet", 1, 0, QUIET },
		{ "config-trigger", 1, 0, TRIGGER },
		{ "name", 1, 0, NAME },
		{ "format", 1, 0, FORMAT },
		{ "output", 1, 0, 'o' },
		{ "list", 0, 0, LIST },
		{ "jobs", 1, 0, 'j' },
		{ "help", 0, 0, HELP },
		{ 0, 0, 0, 0 },
	};
	const unsigned formats = 1u << CLI_FORMAT_TEXT | 1u << CLI_FORMAT_JSON |
				 1u << CLI_FORMAT_JUNIT | 1u << CLI_FORMAT_TAP;
	u64 ms, n;
	int ch;

	optind = 1;
	while ((ch = getopt_long(argc, argv, "j:o:", longopts, NULL)) != -1) {
		switch (ch) {
		case COMMAND:
			o->command = optarg;
			break;
		case DEVICE:
			o->runner.device = optarg;
			if (!runner_device_id(optarg)) {
				cli_error("--device: '%s' is not a device type with checks: blk",
					  optarg);
				return CLI_USAGE;
			}
			break;
		case CHECK_GLOB:
			o->runner.check_glob = optarg;
			break;
		case CLAUSE:
			o->runner.clause_glob = optarg;
			break;
		case RING:
			if (!core_parse_ring(optarg, &o->runner.ring)) {
				cli_error("--ring: '%s' is none of split, packed, both", optarg);
				return CLI_USAGE;
			}
			break;
		case EXPECT:
			o->expect_path = optarg;
			break;
		case TIMEOUT:
			if (cli_parse_duration_ms("--timeout", optarg, &ms) < 0)
				return CLI_USAGE;
			o->runner.timeout_ms = (unsigned)ms;
			break;
		case QUIET:
			if (cli_parse_duration_ms("--quiet", optarg, &ms) < 0)
				return CLI_USAGE;
			o->runner.quiet_ms = (unsigned)ms;
			break;
		case TRIGGER:
			o->trigger = optarg;
			break;
		case NAME:
			o->name = optarg;
			break;
		case FORMAT:
			o->format = cli_parse_format(optarg, formats);
			if (o->format < 0)
				return CLI_USAGE;
			break;
		case 'j':
			if (cli_parse_u64("--jobs", optarg, 1, 64, &n) < 0)
				return CLI_USAGE;
			o->runner.jobs = (unsigned)n;
			break;
		case 'o':
			o->output = optarg;
			break;
		case LIST:
			o->list = true;
			break;
		case HELP:
			help();
			return -2;
		default:
			return CLI_USAGE;
		}
	}
	if (optind + (o->list ? 0 : 1) > argc || optind + 1 < argc) {
		cli_error(optind < argc ? "one target at a time: '%s' is too much"
					: "which target? write vhost-user:PATH%.0s",
			  optind < argc ? argv[optind + 1] : "");
		return CLI_USAGE;
	}
	o->uri = argv[optind];
	return -1;
}

static int list(const struct conform_opts *o)
{
	u32 device = o->runner.device ? runner_device_id(o->runner.device) : 0;
	unsigned n = runner_select(&o->runner, device, NULL, NULL, 0);
	const struct check **k = calloc(n + 1, sizeof(*k));

	if (!k)
		return CLI_INTERNAL;
	runner_select(&o->runner, device, NULL, k, n);
	for (unsigned i = 0; i < n; i++) {
		printf("%-32s", k[i]->id);
		for (unsigned c = 0; c < CHECK_CLAUSES && k[i]->clauses[c]; c++)
			printf(" %s", k[i]->clauses[c]);
		putchar('\n');
	}
	free(k);
	return CLI_OK;
}

static int write_run(const struct conform_opts *o, const struct run *r)
{
	static void (*const writers[])(const struct run *, FILE *) = {
		[CLI_FORMAT_TEXT] = run_write_text,
		[CLI_FORMAT_JSON] = run_write_json,
		[CLI_FORMAT_JUNIT] = run_write_junit,
		[CLI_FORMAT_TAP] = run_write_tap,
	};
	FILE *f = cli_open_output(o->output);

	if (!f)
		return -1;
	writers[o->format](r, f);
	return cli_close_output(f, o->output);
}

static int conform(const struct conform_opts *o)
{
	struct runner_opts ro = o->runner;
	struct expect expect = { 0 };
	char error[RESULT_TEXT] = "";
	struct target target;
	struct run run;
	int rc;

	if (o->expect_path) {
		if (expect_load(&expect, o->expect_path, error, sizeof(error)) < 0) {
			cli_error("%s", error);
			return CLI_USAGE;
		}
		ro.expect = &expect;
	}
	if (runner_select(&ro, ro.device ? runner_device_id(ro.device) : 0, NULL, NULL, 0) == 0) {
		cli_error("no check matches: 'ringside conform --list' lists them");
		expect_free(&expect);
		return CLI_USAGE;
	}
	if (target_init(&target, o->uri, o->command, error, sizeof(error)) < 0) {
		cli_error("%s", error);
		expect_free(&expect);
		return CLI_USAGE;
	}
	target.trigger = (char *)o->trigger;
	if (ro.jobs > 1 && !target_many(&target)) {
		cli_error("--jobs: each needs a target of its own, started by 'vhost-user:' with "
			  "--command, qemu: or machine:");
		target_destroy(&target);
		expect_free(&expect);
		return CLI_USAGE;
	}
	interrupt_catch();
	ro.progress = isatty(STDERR_FILENO);
	if (runner_run(&target, &ro, &run, error, sizeof(error)) < 0) {
		cli_error("%s: %s", target.uri, error);
		rc = CLI_TARGET;
	} else {
		run.target.name = o->name;
		rc = run.unexpected ? CLI_UNEXPECTED : CLI_OK;
		if (write_run(o, &run) < 0)
			rc = CLI_INTERNAL;
		if (run.died[0]) {
			cli_error("%s: %s", target.uri, run.died);
			rc = CLI_TARGET;
		}
	}
	if (interrupt_pending())
		rc = 128 + interrupt_pending();
	run_free(&run);
	target_destroy(&target);
	expect_free(&expect);
	return rc;
}

static int cmd_conform(int argc, char **argv)
{
	struct conform_opts o = { .format = CLI_FORMAT_TEXT };
	int rc = parse(argc, argv, &o);

	if (rc == -2)
		return CLI_OK;
	if (rc >= 0)
		return rc;
	return o.list ? list(&o) : conform(&o);
}

CLI_COMMAND(conform, "conform", "run conformance checks against a target", cmd_conform);
