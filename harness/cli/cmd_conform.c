// SPDX-License-Identifier: BSD-3-Clause
/* ringside conform: run the checks against a target and say what was found. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/options.h"
#include "harness/cli/run_result.h"
#include "harness/run/interrupt.h"
#include "harness/run/runner.h"

struct conform_opts {
	struct runner_opts runner;
	const char *uri, *command, *trigger, *uds_path, *name, *output, *expect_path;
	int format;
	bool list, one_session;
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
	     "      --one-session        the target ends after a session, or after one that went wrong:\n"
	     "                           the next is with another one, and that end is no finding\n"
	     "      --device TYPE        what the target is (blk); else found from its configuration\n"
	     "      --check GLOB         only checks whose id matches\n"
	     "      --clause GLOB        only checks that exercise a matching clause\n"
	     "      --ring LAYOUT        split, packed or both (both): over which rings checks run that\n"
	     "                           are of no layout (both: split); checks of the other are left out\n"
	     "      --expect FILE        known deviations: lines of CHECK VERDICT REASON\n"
	     "      --timeout TIME       deadline for what must happen (1s)\n"
	     "      --quiet TIME         how long to watch for what must not happen (40ms)\n"
	     "      --config-trigger CMD make the target change its configuration; {pid}, {socket}\n"
	     "      --uds-path PATH      of a socket device, where the sockets of its other side are, in\n"
	     "                           Firecracker's convention; {socket}\n"
	     "  -j, --jobs N             so many targets at once, started by us, that share the checks (1)\n"
	     "      --name NAME          what reports call the target\n"
	     "      --format FORMAT      text, json, junit, tap or ktap\n"
	     "  -o, --output FILE        write there instead of to standard output\n"
	     "      --list               list the checks that would run, and end\n"
	     "      --help               this text\n"
	     "\n"
	     "Exit status: 0 all as expected, 1 a verdict was not, 2 usage, 3 target not reachable or\n"
	     "died, 4 the machine refused something, 128 + N ended early by signal N (what was found\n"
	     "is written).");
}

static int parse_device(const char *arg, void *out)
{
	*(const char **)out = arg;
	if (runner_device_id(arg))
		return 0;
	cli_error("--device: '%s' is not a device type: a name, or the number of one without", arg);
	return -1;
}

static int parse_ring(const char *arg, void *out)
{
	if (core_parse_ring(arg, out))
		return 0;
	cli_error("--ring: '%s' is none of split, packed, both", arg);
	return -1;
}

/* As cli_options(). */
static bool parse(int argc, char **argv, struct conform_opts *o, int *status)
{
	struct runner_opts *r = &o->runner;
	const struct cli_option options[] = {
		CLI_OPTION("command", CLI_TEXT, &o->command),
		CLI_OPTION("one-session", CLI_FLAG, &o->one_session),
		CLI_OPTION("device", CLI_OWN, &r->device, .parse = parse_device),
		CLI_OPTION("check", CLI_TEXT, &r->check_glob),
		CLI_OPTION("clause", CLI_TEXT, &r->clause_glob),
		CLI_OPTION("ring", CLI_OWN, &r->ring, .parse = parse_ring),
		CLI_OPTION("expect", CLI_TEXT, &o->expect_path),
		CLI_OPTION("timeout", CLI_DURATION, &r->timeout_ms),
		CLI_OPTION("quiet", CLI_DURATION, &r->quiet_ms),
		CLI_OPTION("config-trigger", CLI_TEXT, &o->trigger),
		CLI_OPTION("uds-path", CLI_TEXT, &o->uds_path),
		CLI_OPTION("jobs", CLI_NUMBER, &r->jobs, .min = 1, .max = 64, .letter = 'j'),
		CLI_OPTION("name", CLI_TEXT, &o->name),
		CLI_OPTION("format", CLI_FORMAT, &o->format, .formats = CLI_ANY_FORMAT),
		CLI_OPTION("list", CLI_FLAG, &o->list),
		CLI_OUTPUT(&o->output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, status))
		return false;
	if (optind + (o->list ? 0 : 1) > argc || optind + 1 < argc) {
		cli_error(optind < argc ? "one target at a time: '%s' is too much"
					: "which target? write vhost-user:PATH%.0s",
			  optind < argc ? argv[optind + 1] : "");
		*status = CLI_USAGE;
		return false;
	}
	o->uri = argv[optind];
	return true;
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
	FILE *f = cli_open_output(o->output);

	if (!f)
		return -1;
	cli_write_run(r, (enum cli_format)o->format, f);
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
	target.uds_path = (char *)o->uds_path;
	target.one_session = o->one_session;
	if (o->one_session && (target.kind != TARGET_VHOST_USER || !target.command)) {
		cli_error("--one-session: for 'vhost-user:' with a --command that starts it");
		target_destroy(&target);
		expect_free(&expect);
		return CLI_USAGE;
	}
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
	int status;

	if (!parse(argc, argv, &o, &status))
		return status;
	return o.list ? list(&o) : conform(&o);
}

CLI_COMMAND(conform, "conform", "run conformance checks against a target", cmd_conform);
