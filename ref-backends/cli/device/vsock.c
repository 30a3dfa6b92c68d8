// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/vsock_unix.h"

#define CID_USUAL 3

static struct {
	const char *path;
	unsigned cid, next_cid, flows, buffer;
} opt = { .cid = CID_USUAL, .flows = VSOCK_FLOWS };

static int parse_buffer(const char *arg, void *out)
{
	unsigned *bytes = out;
	char end;

	if (sscanf(arg, "%u%c", bytes, &end) != 1 || *bytes < VSOCK_BUFFER_MIN ||
	    *bytes > 1u << 24 || *bytes & (*bytes - 1))
		return cli_usage_error("--buffer: '%s' is not a power of two from %u to %u", arg,
				       VSOCK_BUFFER_MIN, 1u << 24);
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice vsock, sockets of the host's on its other side:"),
	CLI_OPTION(CLI_TEXT, "uds-path", "PATH", &opt.path,
		   "PATH_N is port N of the host; who connects to PATH and says\n"
		   "'CONNECT N' is connected to port N of the guest"),
	CLI_OPTION(CLI_NUMBER, "guest-cid", "N", &opt.cid,
		   "the guest's address (3)",
		   .min = 3, .max = 0xfffffffe),
	CLI_OPTION(CLI_NUMBER, "next-cid", "N", &opt.next_cid,
		   "its address after SIGUSR1, which resets the transport",
		   .min = 3, .max = 0xfffffffe),
	CLI_OPTION(CLI_NUMBER, "flows", "N", &opt.flows,
		   "connections at once (1024)",
		   .min = 1, .max = VSOCK_FLOWS_MAX),
	CLI_OPTION(CLI_OWN, "buffer", "BYTES", &opt.buffer,
		   "that wait for the host's program, of each (131072)",
		   .parse = parse_buffer),
};
/* clang-format on */

static bool meant(void)
{
	return opt.path;
}

static int run(const struct cli_place *place)
{
	struct vsock_opts opts = { .guest_cid = opt.cid,
				   .next_cid = opt.next_cid,
				   .flows = opt.flows,
				   .buffer = opt.buffer };
	size_t size = rvsock_memory(&opts);
	struct rvsock *v;
	void *memory;
	int status;

	if (!opt.path)
		return cli_usage_error("--uds-path is needed");
	opts.port = vsock_unix_open(opt.path);
	if (!opts.port)
		return 1;
	v = malloc(sizeof(*v));
	/* Pages that no flow has used are none. */
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (v && memory != MAP_FAILED) {
		rvsock_init(v, &opts, memory);
		status = place->serve(place, &v->dev);
	} else {
		status = cli_failed("vsock: %s", strerror(errno));
	}
	opts.port->ops->free(opts.port);
	if (memory != MAP_FAILED)
		munmap(memory, size);
	free(v);
	return status;
}

const struct cli_device cli_vsock = {
	.name = "vsock",
	.options = CLI_TABLE(options),
	.no_latency = true,
	.meant = meant,
	.run = run,
};
