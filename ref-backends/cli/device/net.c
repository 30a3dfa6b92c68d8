// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/cli/device/device.h"
#include "ref-backends/device/host/net_port.h"
#include "ref-backends/device/net_loop.h"

static struct {
	char *local;
	const char *remote, *tap, *pcap_read, *pcap_write;
	unsigned pairs, mtu;
	u8 mac[6];
	bool loopback;
} opt = { .pairs = 1 };

/* "LOCAL,REMOTE" into its two halves. */
static int parse_socket(const char *arg, void *out)
{
	char *comma;

	free(opt.local);
	opt.local = strdup(arg);
	comma = opt.local ? strchr(opt.local, ',') : NULL;
	if (!comma)
		return cli_usage_error("--net-socket: '%s' is not LOCAL,REMOTE", arg);
	*comma = '\0';
	*(const char **)out = comma + 1;
	return 0;
}

static int parse_mac(const char *arg, void *out)
{
	unsigned b[6];
	u8 *mac = out;
	char end;

	if (sscanf(arg, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    b[0] & 1)
		return cli_usage_error("--mac: '%s' is not a unicast address", arg);
	for (int i = 0; i < 6; i++)
		mac[i] = (u8)b[i];
	return 0;
}

/* clang-format off */
static const struct cli_option options[] = {
	CLI_TITLED("\nDevice net, attached to one of:"),
	CLI_OPTION(CLI_FLAG, "loopback", NULL, &opt.loopback,
		   "itself: what is sent is received"),
	CLI_OPTION(CLI_OWN, "net-socket", "LOCAL,REMOTE", &opt.remote,
		   "datagram sockets of these paths, one frame each; or, written\n"
		   "HOST:PORT, UDP",
		   .parse = parse_socket),
	CLI_OPTION(CLI_TEXT, "tap", "NAME", &opt.tap,
		   "a TAP device"),
	CLI_OPTION(CLI_TEXT, "pcap-read", "FILE", &opt.pcap_read,
		   "what is received, once"),
	CLI_OPTION(CLI_TEXT, "pcap-write", "FILE", &opt.pcap_write,
		   "where to put what is sent"),
	CLI_TITLED("and:"),
	CLI_OPTION(CLI_NUMBER, "queue-pairs", "N", &opt.pairs,
		   "receive and transmit queues (1)",
		   .min = 1, .max = NET_PAIRS_MAX),
	CLI_OPTION(CLI_OWN, "mac", "ADDRESS", opt.mac,
		   "52:54:00:52:53:01",
		   .parse = parse_mac),
	CLI_OPTION(CLI_NUMBER, "mtu", "N", &opt.mtu,
		   "1500",
		   .min = NET_MTU_MIN, .max = 65535),
};
/* clang-format on */

static bool meant(void)
{
	return opt.loopback || opt.local || opt.tap || opt.pcap_read || opt.pcap_write;
}

static struct net_port *open_port(struct net_port *loop)
{
	if (opt.tap)
		return net_port_tap(opt.tap);
	if (opt.pcap_read || opt.pcap_write)
		return net_port_pcap(opt.pcap_read, opt.pcap_write);
	if (opt.local)
		return strchr(opt.remote, '/') ? net_port_unix(opt.local, opt.remote)
					       : net_port_udp(opt.local, opt.remote);
	net_loop_init(loop);
	return loop;
}

static int run(const struct cli_place *place)
{
	struct net_opts opts = { .pairs = (u16)opt.pairs,
				 .mtu = (u16)opt.mtu,
				 .hidden = place->hidden };
	struct net_port loop;
	struct rnet *n;
	void *memory;
	int status;

	if (opt.loopback + !!opt.local + !!opt.tap + (opt.pcap_read || opt.pcap_write) != 1)
		return cli_usage_error("one of --loopback, --net-socket, --tap and --pcap-read or "
				       "--pcap-write is needed");
	memcpy(opts.mac, opt.mac, sizeof(opts.mac));
	opts.port = open_port(&loop);
	if (!opts.port)
		return 1;
	n = malloc(sizeof(*n));
	memory = aligned_alloc(64, ALIGN_UP(rnet_memory(&opts), 64));
	if (n && memory) {
		rnet_init(n, &opts, memory);
		status = place->serve(place, &n->dev);
	} else {
		status = cli_failed("net: %s", strerror(errno));
	}
	net_port_free(opts.port);
	free(memory);
	free(n);
	return status;
}

const struct cli_device cli_net = {
	.name = "net",
	.options = CLI_TABLE(options),
	.no_latency = true,
	.meant = meant,
	.run = run,
};
