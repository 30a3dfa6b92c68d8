// SPDX-License-Identifier: BSD-3-Clause
/* ringside module: serve a back-end that is a library. */
#include <getopt.h>
#include <string.h>

#include "harness/cli/options.h"
#include "harness/module/library.h"

static void help(void)
{
	puts("usage: ringside module --socket-path PATH LIBRARY [WORD…]\n"
	     "       ringside module --info LIBRARY\n"
	     "\n"
	     "Serve a back-end that is a library, which exports what <ringside/ringside-module.h>\n"
	     "says, to one vhost-user front-end after the other, until SIGTERM. WORDs are the\n"
	     "library's own. 'ringside conform module:LIBRARY' does this by itself.\n"
	     "\n"
	     "      --socket-path PATH  listen there\n"
	     "      --info              print its name and device type, and end\n"
	     "      --help              this text\n"
	     "\n"
	     "SIGUSR1 changes the device from the outside, if the library can.\n"
	     "\n"
	     "Exit status: 0, 2 usage or no such library, 3 the library could not make the back-end\n"
	     "or go on, 4 the machine refused something.");
}

static int serve(struct library *l, const char *path, int argc, char **argv)
{
	char error[300];

	if (library_open(l, argc, argv, error, sizeof(error)) == 0 &&
	    library_serve(l, path, error, sizeof(error)) == 0)
		return CLI_OK;
	cli_error("module: %s", error);
	return CLI_TARGET;
}

static int run(int argc, char **argv)
{
	const char *path = NULL;
	bool info = false;
	const struct cli_option options[] = {
		CLI_OPTION("socket-path", CLI_TEXT, &path),
		CLI_OPTION("info", CLI_FLAG, &info),
	};
	struct library l;
	char error[300];
	int status;

	if (!cli_options(argc, argv, options, ARRAY_SIZE(options), help, &status))
		return status;
	if (optind >= argc || !path == !info) {
		cli_error("module: %s: 'ringside module --help' tells",
			  optind >= argc ? "which library?" : "one of --socket-path and --info");
		return CLI_USAGE;
	}
	if (library_load(&l, argv[optind], error, sizeof(error)) < 0) {
		cli_error("module: %s", error);
		return CLI_USAGE;
	}
	if (info) {
		printf("%s %s\n", l.module->device, l.module->name);
		status = fflush(stdout) ? CLI_INTERNAL : CLI_OK;
	} else {
		status = serve(&l, path, argc - optind - 1, argv + optind + 1);
	}
	library_unload(&l);
	return status;
}

CLI_COMMAND(module, "module", "serve a back-end that is a library", run);
