// SPDX-License-Identifier: BSD-3-Clause
/* ringside-xen(1): a guest and one virtio device for it, under Xen. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ref-backends/binding/xen/in_process.h"
#include "ref-backends/device/host/entropy.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/fault/fault.h"

#define EXIT_USAGE	   2
#define DEFAULT_MEMORY_MB  64
#define DEFAULT_DISK	   (64ull << 20)
#define DEFAULT_QUEUES	   1
#define DEFAULT_QUEUE_SIZE 1024
#define CHANNEL_SIZE	   (4u << 20)

struct options {
	struct xen_monitor_opts monitor;
	struct xen_device_opts device;
	const char *type, *image, *fault;
	u64 disk;
	unsigned num_queues;
	bool null, read_only;
};

static void usage(FILE *f)
{
	fputs("usage: ringside-xen DEVICE --kernel IMAGE [OPTION…]\n"
	      "\n"
	      "Makes a Xen domain, boots IMAGE in it as PVH says, and is its one virtio device, behind\n"
	      "a virtio-mmio window. To be run in dom0. DEVICE is blk or rng.\n"
	      "\n"
	      "The guest:\n"
	      "  --kernel IMAGE         ringside-probe-x86_64, or another ELF file with a PVH note\n"
	      "  --append WORDS         its command line; the window and the channel are added\n"
	      "  --memory-mb N          its memory (64)\n"
	      "  --platform pvh|hvm     a local APIC only, or all of Xen's own platform (pvh)\n"
	      "  --channel FILE         append to FILE what a probe found (standard output)\n"
	      "  --silence S            give up when the guest asks for nothing for S seconds (never)\n"
	      "\n"
	      "The device:\n"
	      "  --interrupt HOW        msi: a message to the local APIC; upcall: an event channel;\n"
	      "                         line: an input of the I/O APIC, with --platform hvm (msi)\n"
	      "  --queue-size N         largest size of its queues (1024)\n"
	      "  --num-queues N         of blk (1)\n"
	      "  --image FILE           blk: a file or block device\n"
	      "  --memory SIZE          blk: memory (64m)\n"
	      "  --null[=SIZE]          blk: reads give zeroes, writes vanish\n"
	      "  --read-only            blk: writes fail\n"
	      "\n"
	      "For tests:\n"
	      "  --fault NAME           break one clause (ringside-backend --list-faults)\n"
	      "  --stats                counts on standard error at the end\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: what the guest wrote to port 0x501, as QEMU's isa-debug-exit makes it (33:\n"
	      "all jobs done, 35: a job could not be done, 37: panic, 39: to be booted again); 1: Xen\n"
	      "or a file refused something, 2: wrong command line, 3: the guest crashed, 5: it was\n"
	      "silent for too long.\n",
	      f);
}

static int usage_error(const char *fmt, const char *arg)
{
	fputs("ringside-xen: ", stderr);
	fprintf(stderr, fmt, arg);
	fputs(" (--help tells more)\n", stderr);
	return EXIT_USAGE;
}

/* A number in [min, max], with an optional suffix k, m, g. */
static bool parse(const char *arg, u64 min, u64 max, u64 *out)
{
	static const char suffixes[] = "kmg";
	unsigned long long v;
	unsigned shift = 0;
	char *end;

	errno = 0;
	v = strtoull(arg, &end, 0);
	if (end == arg || arg[0] == '-' || errno)
		return false;
	if (*end) {
		const char *s = strchr(suffixes, *end | 0x20);

		if (!s || end[1])
			return false;
		shift = 10 * (unsigned)(s - suffixes + 1);
	}
	if (v > max >> shift || v << shift < min)
		return false;
	*out = v << shift;
	return true;
}

/* One of a list of names; -1: none of them. */
static int choose(const char *arg, const char *const *names)
{
	for (int i = 0; names[i]; i++)
		if (strcmp(arg, names[i]) == 0)
			return i;
	return -1;
}

enum {
	OPT_KERNEL = 256,
	OPT_APPEND,
	OPT_MEMORY_MB,
	OPT_PLATFORM,
	OPT_CHANNEL,
	OPT_SILENCE,
	OPT_INTERRUPT,
	OPT_QUEUE_SIZE,
	OPT_NUM_QUEUES,
	OPT_IMAGE,
	OPT_MEMORY,
	OPT_NULL,
	OPT_READ_ONLY,
	OPT_FAULT,
	OPT_STATS,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "memory-mb", required_argument, NULL, OPT_MEMORY_MB },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "channel", required_argument, NULL, OPT_CHANNEL },
	{ "silence", required_argument, NULL, OPT_SILENCE },
	{ "interrupt", required_argument, NULL, OPT_INTERRUPT },
	{ "queue-size", required_argument, NULL, OPT_QUEUE_SIZE },
	{ "num-queues", required_argument, NULL, OPT_NUM_QUEUES },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "null", optional_argument, NULL, OPT_NULL },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* Options of the guest: -1: go on; else the exit status. */
static int guest_option(struct options *o, int opt)
{
	static const char *const platforms[] = { "pvh", "hvm", NULL };
	struct xen_monitor_opts *m = &o->monitor;
	int which;
	u64 v;

	switch (opt) {
	case OPT_KERNEL:
		m->domain.kernel = optarg;
		return -1;
	case OPT_APPEND:
		m->domain.words = optarg;
		return -1;
	case OPT_MEMORY_MB:
		if (!parse(optarg, 8, 2048, &v))
			return usage_error("--memory-mb: '%s' is not a number from 8 to 2048",
					   optarg);
		m->domain.memory_mb = (unsigned)v;
		return -1;
	case OPT_PLATFORM:
		which = choose(optarg, platforms);
		if (which < 0)
			return usage_error("--platform: '%s' is neither pvh nor hvm", optarg);
		m->domain.platform = (enum xen_platform)which;
		return -1;
	case OPT_CHANNEL:
		m->channel = optarg;
		return -1;
	case OPT_SILENCE:
		if (!parse(optarg, 1, 86400, &v))
			return usage_error("--silence: '%s' is not a number of seconds", optarg);
		m->silence_s = (unsigned)v;
		return -1;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
}

static int device_option(struct options *o, int opt)
{
	static const char *const interrupts[] = { "msi", "upcall", "line", NULL };
	int which;
	u64 v;

	switch (opt) {
	case OPT_INTERRUPT:
		which = choose(optarg, interrupts);
		if (which < 0)
			return usage_error("--interrupt: '%s' is none of msi, upcall and line",
					   optarg);
		o->monitor.interrupt = (enum xen_interrupt_kind)which;
		return -1;
	case OPT_QUEUE_SIZE:
		if (!parse(optarg, 2, 32768, &v) || v & (v - 1))
			return usage_error("--queue-size: '%s' is not a power of 2 up to 32768",
					   optarg);
		o->device.queue_size = (u16)v;
		return -1;
	case OPT_NUM_QUEUES:
		if (!parse(optarg, 1, 256, &v))
			return usage_error("--num-queues: '%s' is not a number from 1 to 256",
					   optarg);
		o->num_queues = (unsigned)v;
		return -1;
	case OPT_NULL:
		o->null = true;
		if (!optarg)
			return -1;
		/* fall through */
	case OPT_MEMORY:
		if (!parse(optarg, 512, 1ull << 60, &o->disk))
			return usage_error("'%s' is not a size", optarg);
		return -1;
	case OPT_IMAGE:
		o->image = optarg;
		return -1;
	case OPT_READ_ONLY:
		o->read_only = true;
		return -1;
	case OPT_FAULT:
		o->fault = optarg;
		return -1;
	case OPT_STATS:
		o->monitor.stats = true;
		return -1;
	default:
		return guest_option(o, opt);
	}
}

static int run_blk(struct options *o)
{
	struct rblk_store *store;
	struct rblk blk;
	int status;

	if (o->image)
		store = store_file_open(o->image, o->read_only, (u16)o->num_queues);
	else
		store = o->null ? store_null_open(o->disk) : store_memory_open(o->disk);
	if (!store)
		return XEN_STATUS_FAILED;
	rblk_init(&blk, store, (u16)o->num_queues, o->read_only, "ringside");
	o->device.dev = &blk.dev;
	status = xen_in_process(&o->monitor, &o->device);
	store->ops->close(store);
	return status;
}

static int run_rng(struct options *o)
{
	struct rrng rng;

	rrng_init(&rng, entropy_of_the_host, NULL);
	o->device.dev = &rng.dev;
	return xen_in_process(&o->monitor, &o->device);
}

/* What is added to the guest's words: where the device is, and where results go. */
static int complete(struct options *o, char *words, size_t room)
{
	struct xen_domain_opts *d = &o->monitor.domain;
	int n;

	if (!d->kernel)
		return usage_error("%s", "which guest? --kernel IMAGE");
	if (o->monitor.interrupt == XEN_LINE && d->platform != XEN_HVM)
		return usage_error("%s", "--interrupt line needs --platform hvm: PVH has no lines");
	d->upcall = o->monitor.interrupt == XEN_UPCALL;
	d->channel_size = CHANNEL_SIZE;
	n = snprintf(words, room, "virtio_mmio.device=0x%x@0x%llx:%u channel=shm:0x%llx,0x%x %s",
		     XEN_WINDOW_SIZE, (unsigned long long)XEN_WINDOW, XEN_INTERRUPT_LINE,
		     (unsigned long long)XEN_CHANNEL_BASE, CHANNEL_SIZE, d->words);
	if (n < 0 || (size_t)n >= room)
		return usage_error("%s", "--append: too long");
	d->words = words;
	return -1;
}

static int run(struct options *o)
{
	static const struct {
		const char *name;
		int (*run)(struct options *o);
	} devices[] = { { "blk", run_blk }, { "rng", run_rng } };
	static char words[4096];
	int status = complete(o, words, sizeof(words));

	if (status >= 0)
		return status;
	if (o->fault) {
		fault_active = fault_find(o->fault);
		if (!fault_active)
			return usage_error("no fault '%s': see ringside-backend --list-faults",
					   o->fault);
	}
	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (strcmp(o->type, devices[i].name) == 0)
			return devices[i].run(o);
	return usage_error("no device type '%s': blk and rng are", o->type);
}

int main(int argc, char **argv)
{
	struct options o = {
		.monitor.domain = { .words = "", .memory_mb = DEFAULT_MEMORY_MB },
		.device.queue_size = DEFAULT_QUEUE_SIZE,
		.disk = DEFAULT_DISK,
		.num_queues = DEFAULT_QUEUES,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		int status;

		if (opt == OPT_HELP) {
			usage(stdout);
			return 0;
		}
		if (opt == OPT_VERSION) {
			puts("ringside-xen " RINGSIDE_VERSION);
			return 0;
		}
		status = device_option(&o, opt);
		if (status >= 0)
			return status;
	}
	if (optind >= argc)
		return usage_error("%s", "which device? blk and rng are");
	o.type = argv[optind++];
	if (optind < argc)
		return usage_error("'%s' is one argument too many", argv[optind]);
	return run(&o);
}
