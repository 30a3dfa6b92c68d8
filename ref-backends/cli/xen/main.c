// SPDX-License-Identifier: BSD-3-Clause
/* ringside-xen(1): a guest and one virtio device for it, under Xen. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/xen/in_process.h"
#include "ref-backends/binding/xen/shim.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/device/host/entropy.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/fault/fault.h"

#define EXIT_USAGE	   2
#define DEFAULT_RAM	   (64ull << 20)
#define DEFAULT_DISK	   (64ull << 20)
#define DEFAULT_QUEUES	   1
#define DEFAULT_QUEUE_SIZE 1024
#define CHANNEL_SIZE	   (4u << 20)

enum mode {
	MODE_LIBRARY,
	MODE_VHOST_USER,
};

struct options {
	struct xen_monitor_opts monitor;
	struct xen_device_opts device;
	struct xen_shim_opts shim;
	enum mode mode;
	const char *type, *image, *serial, *fault, *stamps;
	u64 disk, burn;
	unsigned num_queues;
	bool null, read_only;
};

static void usage(FILE *f)
{
	fputs("usage: ringside-xen DEVICE --kernel IMAGE [OPTION…]\n"
	      "\n"
	      "Makes a Xen domain, boots IMAGE in it as PVH says, and gives it one virtio-mmio device. To\n"
	      "be run in dom0. DEVICE is blk or rng.\n"
	      "\n"
	      "The guest:\n"
	      "  --kernel IMAGE         ringside-probe-x86_64, or another ELF file with a PVH note\n"
	      "  --append WORDS         its command line; where the device is, is added\n"
	      "  --ram SIZE             its memory (64m)\n"
	      "  --platform pvh|hvm     a local APIC only, or all of Xen's own platform (pvh)\n"
	      "  --stream FILE          append to FILE what a probe found (standard output)\n"
	      "  --silence S            give up when the guest asks for nothing for S seconds (never)\n"
	      "\n"
	      "  --mode MODE            how the device is connected (library):\n"
	      "            library      the device model is in this process, an ioreq server\n"
	      "            vhost-user   a back-end serves it, and this process is a shim\n"
	      "  --interrupt HOW        msi: a message to the local APIC; upcall: an event channel;\n"
	      "                         line: an input of the I/O APIC, with --platform hvm (msi)\n"
	      "  --socket-path PATH     vhost-user: where the back-end listens\n"
	      "  --share foreign|bounce vhost-user: it maps the guest's memory itself (XEN_MMAP), or\n"
	      "                         rings and buffers are copied for it (foreign)\n"
	      "  --num-queues N         queues, at most what the device has (1)\n"
	      "  --queue-size N         largest size of a queue (1024)\n"
	      "\n"
	      "Device blk in this process, one of:\n"
	      "  --image FILE           a file or block device\n"
	      "  --memory SIZE          memory (64m)\n"
	      "  --null[=SIZE]          reads give zeroes, writes vanish\n"
	      "and:\n"
	      "  --read-only            offer VIRTIO_BLK_F_RO; writes fail\n"
	      "  --serial S             what GET_ID answers, up to 20 bytes (ringside)\n"
	      "\n"
	      "Measuring, and for tests:\n"
	      "  --counts FILE          accesses and interrupts between the guest's two marks, as JSON\n"
	      "  --stamps FILE          stamp each request with the processor's counter, and give\n"
	      "                         the guest the same counter\n"
	      "  --burn N               N loop iterations more for each request\n"
	      "  --fault NAME           break one clause (ringside-backend --list-faults)\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: 33 the guest did its work, 35 a job of it could not be done, 37 it\n"
	      "panicked, 39 it is to be started again; 1 something could not be opened, 2 a wrong\n"
	      "command line, 3 the back-end went away, 4 Xen is not there or refuses, 5 the guest\n"
	      "crashed, 6 it was silent for too long.\n",
	      f);
}

static int usage_error(const char *fmt, const char *arg)
{
	fputs("ringside-xen: ", stderr);
	fprintf(stderr, fmt, arg);
	fputs(" (--help tells more)\n", stderr);
	return EXIT_USAGE;
}

/* A number in [min, max], with an optional suffix. */
static bool parse(const char *arg, u64 min, u64 max, u64 *out)
{
	return parse_size(arg, out) && *out >= min && *out <= max;
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
	OPT_RAM,
	OPT_PLATFORM,
	OPT_STREAM,
	OPT_SILENCE,
	OPT_MODE,
	OPT_INTERRUPT,
	OPT_SOCKET_PATH,
	OPT_SHARE,
	OPT_NUM_QUEUES,
	OPT_QUEUE_SIZE,
	OPT_IMAGE,
	OPT_MEMORY,
	OPT_NULL,
	OPT_READ_ONLY,
	OPT_SERIAL,
	OPT_COUNTS,
	OPT_STAMPS,
	OPT_BURN,
	OPT_FAULT,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "ram", required_argument, NULL, OPT_RAM },
	{ "platform", required_argument, NULL, OPT_PLATFORM },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "silence", required_argument, NULL, OPT_SILENCE },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "interrupt", required_argument, NULL, OPT_INTERRUPT },
	{ "socket-path", required_argument, NULL, OPT_SOCKET_PATH },
	{ "share", required_argument, NULL, OPT_SHARE },
	{ "num-queues", required_argument, NULL, OPT_NUM_QUEUES },
	{ "queue-size", required_argument, NULL, OPT_QUEUE_SIZE },
	{ "image", required_argument, NULL, OPT_IMAGE },
	{ "memory", required_argument, NULL, OPT_MEMORY },
	{ "null", optional_argument, NULL, OPT_NULL },
	{ "read-only", no_argument, NULL, OPT_READ_ONLY },
	{ "serial", required_argument, NULL, OPT_SERIAL },
	{ "counts", required_argument, NULL, OPT_COUNTS },
	{ "stamps", required_argument, NULL, OPT_STAMPS },
	{ "burn", required_argument, NULL, OPT_BURN },
	{ "fault", required_argument, NULL, OPT_FAULT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* Options that are one of a few words: what they set, or -1 after a line on stderr. */
static int word(int opt, const char *arg)
{
	static const struct {
		int opt;
		const char *name, *all;
		const char *const names[4];
	} words[] = {
		{ OPT_PLATFORM, "platform", "pvh, hvm", { "pvh", "hvm" } },
		{ OPT_MODE, "mode", "library, vhost-user", { "library", "vhost-user" } },
		{ OPT_INTERRUPT, "interrupt", "msi, upcall, line", { "msi", "upcall", "line" } },
		{ OPT_SHARE, "share", "foreign, bounce", { "foreign", "bounce" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		int which;

		if (words[i].opt != opt)
			continue;
		which = choose(arg, words[i].names);
		if (which < 0)
			fprintf(stderr,
				"ringside-xen: --%s: '%s' is none of %s (--help tells more)\n",
				words[i].name, arg, words[i].all);
		return which;
	}
	return -1;
}

static int word_option(struct options *o, int opt)
{
	const int which = word(opt, optarg);

	if (which < 0)
		return EXIT_USAGE;
	if (opt == OPT_PLATFORM)
		o->monitor.domain.platform = (enum xen_platform)which;
	else if (opt == OPT_MODE)
		o->mode = (enum mode)which;
	else if (opt == OPT_INTERRUPT)
		o->monitor.interrupt = (enum xen_interrupt_kind)which;
	else
		o->shim.share = (enum xen_share)which;
	return -1;
}

/* Options that are a number. */
static int number_option(struct options *o, int opt)
{
	u64 v;

	switch (opt) {
	case OPT_RAM:
		if (!parse(optarg, 8 << 20, 2ull << 30, &v) || v & ((1 << 20) - 1))
			return usage_error("--ram: '%s' is not a number of MiB from 8m to 2g",
					   optarg);
		o->monitor.domain.ram_size = v;
		return -1;
	case OPT_SILENCE:
		if (!parse(optarg, 1, 86400, &v))
			return usage_error("--silence: '%s' is not a number of seconds", optarg);
		o->monitor.silence_s = (unsigned)v;
		return -1;
	case OPT_NUM_QUEUES:
		if (!parse(optarg, 1, 256, &v))
			return usage_error("--num-queues: '%s' is not a number from 1 to 256",
					   optarg);
		o->num_queues = (unsigned)v;
		return -1;
	case OPT_QUEUE_SIZE:
		if (!parse(optarg, 2, 32768, &v) || v & (v - 1))
			return usage_error("--queue-size: '%s' is not a power of 2 up to 32768",
					   optarg);
		o->device.queue_size = (u16)v;
		return -1;
	case OPT_BURN:
		if (!parse_size(optarg, &o->burn))
			return usage_error("--burn: '%s' is not a number", optarg);
		return -1;
	default:
		if (!parse(optarg, VIRTIO_BLK_SECTOR, 1ull << 60, &o->disk))
			return usage_error("'%s' is not a size", optarg);
		return -1;
	}
}

/* -1: go on; else the exit status. */
static int take_option(struct options *o, int opt)
{
	switch (opt) {
	case OPT_KERNEL:
		o->monitor.domain.kernel = optarg;
		return -1;
	case OPT_APPEND:
		o->monitor.domain.words = optarg;
		return -1;
	case OPT_STREAM:
		o->monitor.stream = optarg;
		return -1;
	case OPT_COUNTS:
		o->monitor.counts = optarg;
		return -1;
	case OPT_STAMPS:
		o->stamps = optarg;
		return -1;
	case OPT_FAULT:
		o->fault = optarg;
		return -1;
	case OPT_SOCKET_PATH:
		o->shim.socket_path = optarg;
		return -1;
	case OPT_IMAGE:
		o->image = optarg;
		return -1;
	case OPT_SERIAL:
		if (strlen(optarg) > VIRTIO_BLK_ID_BYTES)
			return usage_error("--serial: '%s' is longer than 20 bytes", optarg);
		o->serial = optarg;
		return -1;
	case OPT_READ_ONLY:
		o->read_only = true;
		return -1;
	case OPT_NULL:
		o->null = true;
		return optarg ? number_option(o, opt) : -1;
	case OPT_PLATFORM:
	case OPT_MODE:
	case OPT_INTERRUPT:
	case OPT_SHARE:
		return word_option(o, opt);
	case OPT_RAM:
	case OPT_SILENCE:
	case OPT_NUM_QUEUES:
	case OPT_QUEUE_SIZE:
	case OPT_MEMORY:
	case OPT_BURN:
		return number_option(o, opt);
	case OPT_HELP:
		usage(stdout);
		return 0;
	case OPT_VERSION:
		puts("ringside-xen " RINGSIDE_VERSION);
		return 0;
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
}

static int in_process(struct options *o, struct rdev *dev)
{
	static struct measure measure;
	int status;

	o->device.dev = dev;
	if (o->stamps || o->burn)
		o->device.dev = measure_init(&measure, dev, o->stamps, o->burn);
	if (!o->device.dev) {
		fprintf(stderr, "ringside-xen: %s: %s\n", o->stamps, strerror(errno));
		return XEN_STATUS_FAILED;
	}
	status = xen_in_process(&o->monitor, &o->device);
	o->device.dev = NULL; /* the caller's */
	return status;
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
	rblk_init(&blk, store, (u16)o->num_queues, o->read_only, o->serial);
	status = in_process(o, &blk.dev);
	store->ops->close(store);
	return status;
}

static int run_rng(struct options *o)
{
	struct rrng rng;

	rrng_init(&rng, entropy_of_the_host, NULL);
	return in_process(o, &rng.dev);
}

static int run_shim(struct options *o)
{
	o->shim.device_id = remote_device_id(o->type);
	o->shim.num_queues = (u16)o->num_queues;
	o->shim.queue_size = o->device.queue_size;
	return xen_shim(&o->monitor, &o->shim);
}

/* What is added to the guest's words: where the device is, and where results go. */
static int complete(struct options *o, char *words, size_t room)
{
	struct xen_domain_opts *d = &o->monitor.domain;
	char counter[48] = "";
	int n;

	if (!d->kernel)
		return usage_error("%s", "which guest? --kernel IMAGE");
	if (o->monitor.interrupt == XEN_LINE && d->platform != XEN_HVM)
		return usage_error("%s", "--interrupt line needs --platform hvm: PVH has no lines");
	if ((o->mode == MODE_VHOST_USER) != !!o->shim.socket_path)
		return usage_error("%s", "--mode vhost-user and --socket-path go together");
	d->upcall = o->monitor.interrupt == XEN_UPCALL;
	d->channel_size = CHANNEL_SIZE;
	o->monitor.same_counter = o->stamps != NULL;
	if (o->stamps)
		snprintf(counter, sizeof(counter), "xen.counter=0x%llx ",
			 (unsigned long long)XEN_COUNTER_AT(CHANNEL_SIZE));
	n = snprintf(words, room, "virtio_mmio.device=0x%x@0x%llx:%u channel=shm:0x%llx,0x%x %s%s",
		     XEN_WINDOW_SIZE, (unsigned long long)XEN_WINDOW, XEN_INTERRUPT_LINE,
		     (unsigned long long)XEN_CHANNEL_BASE, CHANNEL_SIZE - 4096, counter, d->words);
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
			return o->mode == MODE_VHOST_USER ? run_shim(o) : devices[i].run(o);
	return usage_error("no device type '%s': blk and rng are", o->type);
}

int main(int argc, char **argv)
{
	struct options o = {
		.monitor.domain = { .words = "", .ram_size = DEFAULT_RAM },
		.device.queue_size = DEFAULT_QUEUE_SIZE,
		.serial = "ringside",
		.disk = DEFAULT_DISK,
		.num_queues = DEFAULT_QUEUES,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		int status = take_option(&o, opt);

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
