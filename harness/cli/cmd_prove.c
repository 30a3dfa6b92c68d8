// SPDX-License-Identifier: BSD-3-Clause
/* ringside prove: show that every check catches what it is there for. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/cli/options.h"
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

/* As cli_options(). */
static bool parse(int argc, char **argv, struct cmd_opts *o, int *status)
{
	struct prove_opts *p = &o->prove;
	const struct cli_option options[] = {
		CLI_OPTION("check", CLI_TEXT, &p->check_glob),
		CLI_OPTION("fault", CLI_TEXT, &p->fault_glob),
		CLI_OPTION("quick", CLI_FLAG, &p->quick),
		CLI_OPTION("all-faults", CLI_FLAG, &p->all_faults),
		CLI_OPTION("backend", CLI_TEXT, &p->backend),
		CLI_OPTION("jobs", CLI_NUMBER, &p->parallel, .min = 1, .max = 256, .letter = 'j'),
		CLI_OPTION("format", CLI_FORMAT, &o->format, .formats = CLI_TEXT_OR_JSON),
		CLI_OUTPUT(&o->output),
	};

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, status))
		return false;
	*status = CLI_USAGE;
	if (p->quick && p->all_faults) {
		cli_error("--quick shows a check the faults in its own clauses, --all-faults all: "
			  "one of them");
		return false;
	}
	if (optind < argc) {
		cli_error("prove takes no argument: '%s' is too much", argv[optind]);
		return false;
	}
	return true;
}

static int cmd_prove(int argc, char **argv)
{
	struct cmd_opts o = { .format = CLI_FORMAT_TEXT };
	char self[4096], backend[4096], error[256] = "";
	struct proof proof;
	ssize_t n;
	FILE *f;
	int rc;

	if (!parse(argc, argv, &o, &rc))
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
