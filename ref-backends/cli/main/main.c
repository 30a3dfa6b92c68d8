// SPDX-License-Identifier: BSD-3-Clause
/* ringside-backend(1): reference back-ends, correct to the letter, and their faults. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "ref-backends/binding/machine/machine.h"
#include "ref-backends/binding/vhost_user/server.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/device/host/entropy.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/net_port.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/net_loop.h"
#include "ref-backends/device/null.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

#define EXIT_USAGE	   2
#define MAX_QUEUES	   256 /* the index of SET_VRING_KICK has 8 bits */
#define DEFAULT_QUEUES	   4
#define DEFAULT_NULL_BYTES (1ull << 30)
#define DEFAULT_QUEUE_SIZE 1024

struct options {
	struct vub_server server;
	struct machine machine;
	const char *registers;
	const char *device, *image, *memory, *serial, *fault, *judge_output, *stamps;
	u64 burn;
	unsigned num_queues;
	/* net */
	const char *net_local, *net_remote, *tap, *pcap_read, *pcap_write;
	unsigned pairs, mtu;
	u8 mac[6];
	bool loopback;

	bool null, read_only, judge, trace;
	bool print_capabilities, list_faults, list_devices, json;
};

static void usage(FILE *f)
{
	fputs("usage: ringside-backend [DEVICE] (--socket-path PATH | --fd N) [OPTION…]\n"
	      "       ringside-backend DEVICE --registers pci|mmio --machine SOCKET --ram FILE "
	      "[OPTION…]\n"
	      "       ringside-backend --print-capabilities | --list-faults | --list-devices\n"
	      "\n"
	      "Serves one vhost-user front-end after the other until SIGTERM. DEVICE is blk, net, rng\n"
	      "or null; blk need not be said beside one of its options.\n"
	      "\n"
	      "  --socket-path PATH     listen on this unix socket\n"
	      "  --fd N                 use this inherited socket: a connected one for one\n"
	      "                         session, or a listening one\n"
	      "  --num-queues N         queues, each with its thread (4)\n"
	      "  --poll                 look at the rings all the time: no notification is needed, and\n"
	      "                         each queue keeps a processor busy\n"
	      "  --no-status            do not offer VHOST_USER_PROTOCOL_F_STATUS, for a front-end that\n"
	      "                         begins with it and never sets DRIVER_OK\n"
	      "\n"
	      "A device with registers, in a machine without a processor:\n"
	      "  --registers pci|mmio   what its registers are\n"
	      "  --machine SOCKET       connect there, and do what the other side says in the line\n"
	      "                         protocol of QEMU's qtest\n"
	      "  --ram FILE             guest memory: a path, or the number of a descriptor\n"
	      "  --queue-size N         largest size of its queues (1024)\n"
	      "  --without BIT          do not offer this feature; may be repeated\n"
	      "  --latency MS           every request takes at least so long\n"
	      "  --extras               two shared memory regions, and vendor data over PCI\n"
	      "\n"
	      "Device blk, one of:\n"
	      "  --image FILE           a file or block device, through io_uring\n"
	      "  --blk-file FILE        the same\n"
	      "  --memory SIZE          memory (64m, 1g …)\n"
	      "  --null[=SIZE]          reads give zeroes, writes vanish (1g)\n"
	      "and:\n"
	      "  --read-only            offer VIRTIO_BLK_F_RO; writes fail\n"
	      "  --serial S             what GET_ID answers, up to 20 bytes (ringside)\n"
	      "\n"
	      "Device net, attached to one of:\n"
	      "  --loopback             itself: what is sent is received\n"
	      "  --net-socket LOCAL,REMOTE\n"
	      "                         datagram sockets of these paths, one frame each; or, written\n"
	      "                         HOST:PORT, UDP\n"
	      "  --tap NAME             a TAP device\n"
	      "  --pcap-read FILE, --pcap-write FILE\n"
	      "                         what is received, once; where to put what is sent\n"
	      "and:\n"
	      "  --queue-pairs N        receive and transmit queues (1)\n"
	      "  --mac ADDRESS          52:54:00:52:53:01\n"
	      "  --mtu N                1500\n"
	      "\n"
	      "Devices rng and null have no options of their own. null returns every buffer at once.\n"
	      "\n"
	      "For tests:\n"
	      "  --fault NAME           break one clause (see --list-faults)\n"
	      "  --judge                watch the driver and the front-end: each clause they break is\n"
	      "                         printed on stderr, once\n"
	      "  --judge-output FILE    and all of them to FILE as JSON, at each disconnect and at the\n"
	      "                         end\n"
	      "  --judge-offer BIT      offer a feature that the device does not have, to see whether\n"
	      "                         the driver takes it; may be repeated\n"
	      "  --stamps FILE          stamp each request of queue 0 with the processor's counter,\n"
	      "                         into this file (device/host/measure.h)\n"
	      "  --burn N               N loop iterations more for each request\n"
	      "  --trace                turn the LTTng-UST tracepoints on (provider 'ringside')\n"
	      "\n"
	      "  --print-capabilities   JSON as in QEMU's vhost-user.json; nothing else is done\n"
	      "  --list-faults          name, clause and one line for each\n"
	      "  --list-devices         device types\n"
	      "  --format text|json     of --list-faults\n"
	      "  --help, --version\n"
	      "\n"
	      "SIGUSR1 changes the device from the outside: memory and null grow by 2048 sectors,\n"
	      "an image's size is read again; net asks for an announcement or, where the driver\n"
	      "knows of none, its cable is pulled or plugged. The front-end is told if it can be.\n"
	      "\n"
	      "Exit status: 0, or 1 if something could not be opened, or 2 for a wrong command line.\n",
	      f);
}

static int usage_error(const char *fmt, const char *arg)
{
	fputs("ringside-backend: ", stderr);
	fprintf(stderr, fmt, arg);
	fputs(" (--help tells more)\n", stderr);
	return EXIT_USAGE;
}

static int print_capabilities(void)
{
	puts("{\"type\": \"block\", \"features\": [\"read-only\", \"blk-file\"]}");
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct fault *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int list_faults(bool json)
{
	size_t n = (size_t)(__stop_rb_faults - __start_rb_faults);
	const struct fault **sorted = malloc(n * sizeof(*sorted));
	json_t *list = json_array();

	if (!sorted || !list) {
		free(sorted);
		return 1;
	}
	memcpy(sorted, __start_rb_faults, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (size_t i = 0; i < n; i++) {
		const struct fault *f = sorted[i];

		if (!json)
			printf("%-36s %-44s %s\n", f->name, f->clause, f->summary);
		else
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:s, s:s*}", "name", f->name,
							"clause", f->clause, "summary", f->summary,
							"transport", f->transport));
	}
	if (json) {
		json_dumpf(list, stdout, JSON_INDENT(2));
		putchar('\n');
	}
	json_decref(list);
	free(sorted);
	return fflush(stdout) ? 1 : 0;
}

enum {
	OPT_SOCKET_PATH = 256,
	OPT_FD,
	OPT_IMAGE,
	OPT_MEMORY,
	OPT_NULL,
	OPT_READ_ONLY,
	OPT_NUM_QUEUES,
	OPT_POLL,
	OPT_NO_STATUS,
	OPT_REGISTERS,
	OPT_MACHINE,
	OPT_RAM,
	OPT_QUEUE_SIZE,
	OPT_EXTRAS,
	OPT_LATENCY,
	OPT_WITHOUT,
	OPT_SERIAL,
	OPT_LOOPBACK,
	OPT_NET_SOCKET,
	OPT_TAP,
	OPT_PCAP_READ,
	OPT_PCAP_WRITE,
	OPT_QUEUE_PAIRS,
	OPT_MAC,
	OPT_MTU,
	OPT_JUDGE,
	OPT_JUDGE_OUTPUT,
	OPT_JUDGE_OFFER,
	OPT_FAULT,
	OPT_STAMPS,
	OPT_BURN,
	OPT_TRACE,
	OPT_PRINT_CAPABILITIES,
	OPT_LIST_FAULTS,
	OPT_LIST_DEVICES,
	OPT_FORMAT,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "socket-path", required_argument, NULL, OPT_SOCKET_PATH },
	{ "fd", required_argument, NULL, OPT_FD },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "blk-file", required_argument, NULL, OPT_IMAGE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "null", optional_argument, NULL, OPT_NULL },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "num-queues", required_argument, NULL, OPT_NUM_QUEUES },
	{ "poll", no_argument, NULL, OPT_POLL },
	{ "no-status", no_argument, NULL, OPT_NO_STATUS },
	{ "registers", required_argument, NULL, OPT_REGISTERS },
	{ "machine", required_argument, NULL, OPT_MACHINE },
	{ "ram", required_argument, NULL, OPT_RAM },
	{ "queue-size", required_argument, NULL, OPT_QUEUE_SIZE },
	{ "latency", required_argument, NULL, OPT_LATENCY },
	{ "extras", no_argument, NULL, OPT_EXTRAS },
	{ "without", required_argument, NULL, OPT_WITHOUT },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "loopback", no_argument, NULL, OPT_LOOPBACK },
	{ "net-socket", required_argument, NULL, OPT_NET_SOCKET },
	{ "tap", required_argument, NULL, OPT_TAP },
	{ "pcap-read", required_argument, NULL, OPT_PCAP_READ },
	{ "pcap-write", required_argument, NULL, OPT_PCAP_WRITE },
	{ "queue-pairs", required_argument, NULL, OPT_QUEUE_PAIRS },
	{ "mac", required_argument, NULL, OPT_MAC },
	{ "mtu", required_argument, NULL, OPT_MTU },
	{ "judge", no_argument, NULL, OPT_JUDGE },
	{ "judge-output", required_argument, NULL, OPT_JUDGE_OUTPUT },
	{ "judge-offer", required_argument, NULL, OPT_JUDGE_OFFER },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "stamps", required_argument, NULL, OPT_STAMPS },
	{ "burn", required_argument, NULL, OPT_BURN },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "print-capabilities", no_argument, NULL, OPT_PRINT_CAPABILITIES },
	{ "list-faults", no_argument, NULL, OPT_LIST_FAULTS },
	{ "list-devices", no_argument, NULL, OPT_LIST_DEVICES },
	{ "format", required_argument, NULL, OPT_FORMAT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static bool parse_mac(const char *arg, u8 mac[6])
{
	unsigned b[6];
	char end;

	if (sscanf(arg, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
		   &end) != 6 ||
	    b[0] & 1)
		return false;
	for (int i = 0; i < 6; i++)
		mac[i] = (u8)b[i];
	return true;
}

/* Options of net. -1: go on, -2: it is none; else the exit status. */
static int parse_net_option(struct options *o, int opt)
{
	char *comma;
	u64 v;

	switch (opt) {
	case OPT_LOOPBACK:
		o->loopback = true;
		return -1;
	case OPT_NET_SOCKET:
		comma = strchr(optarg, ',');
		if (!comma)
			return usage_error("--net-socket: '%s' is not LOCAL,REMOTE", optarg);
		*comma = '\0';
		o->net_local = optarg;
		o->net_remote = comma + 1;
		return -1;
	case OPT_TAP:
		o->tap = optarg;
		return -1;
	case OPT_PCAP_READ:
		o->pcap_read = optarg;
		return -1;
	case OPT_PCAP_WRITE:
		o->pcap_write = optarg;
		return -1;
	case OPT_QUEUE_PAIRS:
		if (!parse_size(optarg, &v) || v < 1 || v > NET_PAIRS_MAX)
			return usage_error("--queue-pairs: '%s' is not a number from 1 to 16",
					   optarg);
		o->pairs = (unsigned)v;
		return -1;
	case OPT_MAC:
		return parse_mac(optarg, o->mac)
			       ? -1
			       : usage_error("--mac: '%s' is not a unicast address", optarg);
	case OPT_MTU:
		if (!parse_size(optarg, &v) || v < NET_MTU_MIN || v > 65535)
			return usage_error("--mtu: '%s' is not a number from 68 to 65535", optarg);
		o->mtu = (unsigned)v;
		return -1;
	default:
		return -2;
	}
}

/* -1: go on; else the exit status. */
static int parse_option(struct options *o, int opt)
{
	int status = parse_net_option(o, opt);
	u64 v;

	if (status != -2)
		return status;
	switch (opt) {
	case OPT_SOCKET_PATH:
		o->server.socket_path = optarg;
		break;
	case OPT_FD:
		if (!parse_size(optarg, &v) || v > 1 << 20)
			return usage_error("--fd: '%s' is not a descriptor", optarg);
		o->server.fd = (int)v;
		break;
	case OPT_IMAGE:
		o->image = optarg;
		break;
	case OPT_MEMORY:
		o->memory = optarg;
		break;
	case OPT_NULL:
		o->null = true;
		o->memory = optarg ? optarg : o->memory;
		break;
	case OPT_READ_ONLY:
		o->read_only = true;
		break;
	case OPT_NUM_QUEUES:
		if (!parse_size(optarg, &v) || v < 1 || v > MAX_QUEUES)
			return usage_error("--num-queues: '%s' is not a number from 1 to 256",
					   optarg);
		o->num_queues = (unsigned)v;
		break;
	case OPT_NO_STATUS:
		vub_hidden_protocol_features |= BIT_ULL(VU_PF_STATUS);
		break;
	case OPT_POLL:
		o->server.poll = true;
		break;
	case OPT_REGISTERS:
		if (strcmp(optarg, "pci") && strcmp(optarg, "mmio"))
			return usage_error("--registers: '%s' is neither pci nor mmio", optarg);
		o->registers = optarg;
		break;
	case OPT_MACHINE:
		o->machine.socket_path = optarg;
		break;
	case OPT_RAM:
		o->machine.ram = optarg;
		break;
	case OPT_QUEUE_SIZE:
		if (!parse_size(optarg, &v) || v < 2 || v > VIRTIO_QUEUE_SIZE_MAX || v & (v - 1))
			return usage_error("--queue-size: '%s' is not a power of 2 up to 32768",
					   optarg);
		o->machine.queue_size = (u16)v;
		break;
	case OPT_WITHOUT:
		if (!parse_size(optarg, &v) || v > 63)
			return usage_error("--without: '%s' is not the number of a feature bit",
					   optarg);
		o->machine.hidden |= BIT_ULL(v);
		break;
	case OPT_JUDGE_OFFER:
		/* Others mean something to the back-end itself. */
		if (!parse_size(optarg, &v) || v > 63 || (v > 23 && v < 42))
			return usage_error("--judge-offer: '%s' is not the number of a feature bit "
					   "of a device (0 to 23, or 42 to 63)",
					   optarg);
		o->judge = true;
		judge_offer |= BIT_ULL(v);
		break;
	case OPT_LATENCY:
		if (!parse_size(optarg, &v) || v > 60000)
			return usage_error("--latency: '%s' is not a number of milliseconds up to "
					   "60000",
					   optarg);
		o->machine.latency_ms = (unsigned)v;
		break;
	case OPT_EXTRAS:
		o->machine.shm = true;
		break;
	case OPT_SERIAL:
		if (strlen(optarg) > VIRTIO_BLK_ID_BYTES)
			return usage_error("--serial: '%s' is longer than 20 bytes", optarg);
		o->serial = optarg;
		break;
	case OPT_JUDGE_OUTPUT:
		o->judge_output = optarg;
		/* fall through */
	case OPT_JUDGE:
		o->judge = true;
		break;
	case OPT_FAULT:
		o->fault = optarg;
		break;
	case OPT_STAMPS:
		o->stamps = optarg;
		break;
	case OPT_BURN:
		if (!parse_size(optarg, &o->burn))
			return usage_error("--burn: '%s' is not a number", optarg);
		break;
	case OPT_TRACE:
		o->trace = true;
		break;
	case OPT_PRINT_CAPABILITIES:
		o->print_capabilities = true;
		break;
	case OPT_LIST_FAULTS:
		o->list_faults = true;
		break;
	case OPT_LIST_DEVICES:
		o->list_devices = true;
		break;
	case OPT_FORMAT:
		if (strcmp(optarg, "json") && strcmp(optarg, "text"))
			return usage_error("unknown format '%s': text or json", optarg);
		o->json = strcmp(optarg, "json") == 0;
		break;
	case OPT_HELP:
		usage(stdout);
		return 0;
	case OPT_VERSION:
		puts("ringside-backend " RINGSIDE_VERSION);
		return 0;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
	return -1;
}

static struct rblk_store *open_store(const struct options *o, int *status)
{
	u64 bytes = DEFAULT_NULL_BYTES;

	*status = 1;
	if (o->image)
		return store_file_open(o->image, o->read_only, (u16)o->num_queues);
	if (o->memory && (!parse_size(o->memory, &bytes) || bytes < VIRTIO_BLK_SECTOR)) {
		*status = usage_error("'%s' is not a size", o->memory);
		return NULL;
	}
	return o->null ? store_null_open(bytes) : store_memory_open(bytes);
}

static int serve(const struct options *o, struct rdev *dev)
{
	struct machine m = o->machine;
	static struct measure measure;

	if (o->stamps || o->burn)
		dev = measure_init(&measure, dev, o->stamps, o->burn);
	if (!dev) {
		fprintf(stderr, "ringside-backend: %s: %s\n", o->stamps, strerror(errno));
		return 1;
	}
	if (!o->registers)
		return vub_serve(&o->server, dev);
	m.pci = strcmp(o->registers, "pci") == 0;
	return machine_serve(&m, dev);
}

static int run_blk(const struct options *o)
{
	struct rblk_store *store;
	struct rblk blk;
	int status;

	if (!!o->image + o->null + (o->memory && !o->null) != 1)
		return usage_error("%s", "one of --image, --memory and --null is needed");
	store = open_store(o, &status);
	if (!store)
		return status;
	rblk_init(&blk, store, (u16)o->num_queues, o->read_only, o->serial);
	status = serve(o, &blk.dev);
	store->ops->close(store);
	return status;
}

static int run_rng(const struct options *o)
{
	struct rrng rng;

	rrng_init(&rng, entropy_of_the_host, NULL);
	return serve(o, &rng.dev);
}

static struct net_port *open_port(const struct options *o, struct net_port *loop)
{
	if (o->tap)
		return net_port_tap(o->tap);
	if (o->pcap_read || o->pcap_write)
		return net_port_pcap(o->pcap_read, o->pcap_write);
	if (o->net_local)
		return strchr(o->net_remote, '/') ? net_port_unix(o->net_local, o->net_remote)
						  : net_port_udp(o->net_local, o->net_remote);
	net_loop_init(loop);
	return loop;
}

static int run_net(const struct options *o)
{
	struct net_opts opts = { .pairs = (u16)o->pairs,
				 .mtu = (u16)o->mtu,
				 .hidden = o->machine.hidden };
	struct net_port loop;
	struct rnet *n;
	void *memory;
	int status = 1;

	if (o->loopback + !!o->net_local + !!o->tap + (o->pcap_read || o->pcap_write) != 1)
		return usage_error("%s",
				   "one of --loopback, --net-socket, --tap and --pcap-read or "
				   "--pcap-write is needed");
	if (o->machine.latency_ms)
		return usage_error("%s", "--latency is not for net, whose buffers wait anyway");
	memcpy(opts.mac, o->mac, sizeof(opts.mac));
	opts.port = open_port(o, &loop);
	if (!opts.port)
		return 1;
	n = malloc(sizeof(*n));
	memory = aligned_alloc(64, ALIGN_UP(rnet_memory(&opts), 64));
	if (n && memory) {
		rnet_init(n, &opts, memory);
		status = serve(o, &n->dev);
	} else {
		perror("ringside-backend: net");
	}
	net_port_free(opts.port);
	free(memory);
	free(n);
	return status;
}

static int run_null(const struct options *o)
{
	struct rdev dev;

	if (o->registers)
		return usage_error("%s", "null has no registers: it is no device type");
	rnull_init(&dev, (u16)o->num_queues);
	return vub_serve(&o->server, &dev);
}

static const struct {
	const char *name;
	int (*run)(const struct options *o);
} devices[] = {
	{ "blk", run_blk },
	{ "net", run_net },
	{ "rng", run_rng },
	{ "null", run_null },
};

/* Where it is reached: 0, or the exit status. */
static int check_place(const struct options *o)
{
	bool machine = o->machine.socket_path && o->machine.ram;

	if (o->registers && !machine)
		return usage_error("%s", "--registers needs --machine SOCKET and --ram FILE");
	if (!o->registers && (o->machine.socket_path || o->machine.ram))
		return usage_error("%s", "--machine and --ram go with --registers pci|mmio");
	if (o->server.socket_path && o->server.fd >= 0)
		return usage_error("%s", "--socket-path and --fd exclude each other");
	if (o->registers && (o->server.socket_path || o->server.fd >= 0))
		return usage_error("%s", "--registers excludes --socket-path and --fd");
	if (!o->registers && !o->server.socket_path && o->server.fd < 0)
		return usage_error("%s", "where? --socket-path PATH, --fd N or --registers");
	return 0;
}

static int run(const struct options *o)
{
	int (*run_device)(const struct options *o) = NULL;
	char err[200];
	int status;

	/* Management software knows a program and its options, but not of device types. */
	if (!o->device && !o->image && !o->memory && !o->null)
		return usage_error("%s", "which device? blk is one");
	if (!o->device)
		run_device = run_blk;
	for (size_t i = 0; o->device && i < ARRAY_SIZE(devices); i++)
		if (strcmp(o->device, devices[i].name) == 0)
			run_device = devices[i].run;
	if (!run_device)
		return usage_error("no device type '%s': blk, net, rng and null are", o->device);
	status = check_place(o);
	if (status)
		return status;
	if (o->fault) {
		fault_active = fault_find(o->fault);
		if (!fault_active)
			return usage_error("no fault '%s': see --list-faults", o->fault);
	}
	if (o->trace && trace_open(err, sizeof(err))) {
		fprintf(stderr, "ringside-backend: --trace: %s\n", err);
		return 1;
	}
	if (o->judge)
		judge_open(o->judge_output);
	status = run_device(o);
	if (judge_close() && !status)
		status = 1;
	return status;
}

int main(int argc, char **argv)
{
	struct options o = {
		.server.fd = -1,
		.machine.queue_size = DEFAULT_QUEUE_SIZE,
		.num_queues = DEFAULT_QUEUES,
		.serial = "ringside",
		.pairs = 1,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		int status = parse_option(&o, opt);

		if (status >= 0)
			return status;
	}
	/* Other options are ignored with these: a management layer may pass them all. */
	if (o.print_capabilities)
		return print_capabilities();
	if (o.list_faults)
		return list_faults(o.json);
	if (o.list_devices) {
		for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
			puts(devices[i].name);
		return 0;
	}
	if (optind < argc)
		o.device = argv[optind++];
	if (optind < argc)
		return usage_error("'%s' is one argument too many", argv[optind]);
	return run(&o);
}
