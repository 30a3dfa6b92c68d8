// SPDX-License-Identifier: BSD-3-Clause
/* ringside prove: show that every check catches what it is there for. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/cli.h"
#include "harness/run/fault_list.h"
#include "harness/run/interrupt.h"
#include "harness/run/prove.h"

static void help(void)
{
	puts("usage: ringside prove [OPTION…]\n"
	     "\n"
	     "Run every check against the clean reference back-end, where it must pass, and against the\n"
	     "back-end with each of its faults, where a check that names the broken clause must accuse\n"
	     "it and no other check may.\n"
	     "\n"
	     "      --check GLOB     only these checks, and the faults in clauses they name\n"
	     "      --fault GLOB     only these faults\n"
	     "      --quick          show each fault to the checks that name its clause, and to no other\n"
	     "      --all-faults     with --check: faults in other clauses, too, which are to be let be\n"
	     "      --backend PATH   the reference back-end (ringside-backend beside ringside)\n"
	     "  -j, --jobs N         so many back-ends at once (4 per processor)\n"
	     "      --format FORMAT  text or json\n"
	     "  -o, --output FILE    write there instead of to standard output\n"
	     "      --help           this text\n"
	     "\n"
	     "Exit status: 0 all proven and nobody accused wrongly, 1 otherwise, 2 usage, 4 the back-end\n"
	     "could not be run.");
}

struct cmd_opts {
	struct prove_opts prove;
	const char *output;
	int format;
};

/* -1: go on; otherwise the exit status. */
static int parse(int argc, char **argv, struct cmd_opts *o)
{
	enum {
		CHECK_GLOB = 256,
		FAULT,
		BACKEND,
		FORMAT,
		QUICK,
		ALL_FAULTS,
		HELP
	};
	static const struct option longopts[] = {
		{ "check", 1, 0, CHECK_GLOB }, { "fault", 1, 0, FAULT },
		{ "backend", 1, 0, BACKEND },  { "jobs", 1, 0, 'j' },
		{ "format", 1, 0, FORMAT },    { "output", 1, 0, 'o' },
		{ "quick", 0, 0, QUICK },      { "all-faults", 0, 0, ALL_FAULTS },
		{ "help", 0, 0, HELP },	       { 0, 0, 0, 0 },
	};
	u64 n;
	int ch;

	optind = 1;
	while ((ch = getopt_long(argc, argv, "j:o:", longopts, NULL)) != -1) {
		switch (ch) {
		case CHECK_GLOB:
			o->prove.check_glob = optarg;
			break;
		case FAULT:
			o->prove.fault_glob = optarg;
			break;
		case BACKEND:
			o->prove.backend = optarg;
			break;
		case 'j':
			if (cli_parse_u64("--jobs", optarg, 1, 256, &n) < 0)
				return CLI_USAGE;
			o->prove.parallel = (unsigned)n;
			break;
		case FORMAT:
			o->format = cli_parse_format(optarg,
						     1u << CLI_FORMAT_TEXT | 1u << CLI_FORMAT_JSON);
			if (o->format < 0)
				return CLI_USAGE;
			break;
		case 'o':
			o->output = optarg;
			break;
		case QUICK:
			o->prove.quick = true;
			break;
		case ALL_FAULTS:
			o->prove.all_faults = true;
			break;
		case HELP:
			help();
			return CLI_OK;
		default:
			return CLI_USAGE;
		}
	}
	if (o->prove.quick && o->prove.all_faults) {
		cli_error(
			"--quick shows a check the faults in its own clauses, --all-faults all: one "
			"of them");
		return CLI_USAGE;
	}
	if (optind < argc) {
		cli_error("prove takes no argument: '%s' is too much", argv[optind]);
		return CLI_USAGE;
	}
	return -1;
}

static int cmd_prove(int argc, char **argv)
{
	struct cmd_opts o = { .format = CLI_FORMAT_TEXT };
	char self[4096], backend[4096], error[256] = "";
	struct proof proof;
	ssize_t n;
	FILE *f;
	int rc = parse(argc, argv, &o);

	if (rc >= 0)
		return rc;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = '\0';
	o.prove.ringside = self;
	if (!o.prove.backend)
		o.prove.backend = fault_list_backend(backend, sizeof(backend));
	if (!o.prove.parallel)
		o.prove.parallel = 4 * (unsigned)MAX(sysconf(_SC_NPROCESSORS_ONLN), 1);
	o.prove.progress = isatty(STDERR_FILENO);
	interrupt_catch();
	rc = prove_run(&o.prove, &proof, error, sizeof(error));
	if (rc < 0) {
		cli_error("%s", error);
		prove_free(&proof);
		if (rc == -ENOENT)
			return CLI_USAGE;
		return interrupt_pending() ? 128 + interrupt_pending() : CLI_INTERNAL;
	}
	rc = proof.proven == proof.asked && proof.accused == 0 ? CLI_OK : CLI_UNEXPECTED;
	f = cli_open_output(o.output);
	if (f)
		(o.format == CLI_FORMAT_JSON ? prove_write_json : prove_write_text)(&proof, f);
	if (!f || cli_close_output(f, o.output) < 0)
		rc = CLI_INTERNAL;
	prove_free(&proof);
	return rc;
}

CLI_COMMAND(prove, "prove", "show that every check catches its faults", cmd_prove);
