// SPDX-License-Identifier: BSD-3-Clause
/* ringside-vmm(1): a small KVM monitor, for the probe. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/kvm.h"
#include "ref-backends/binding/front/remote.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/device/host/entropy.h"
#include "ref-backends/device/host/measure.h"
#include "ref-backends/device/host/store.h"

#define EXIT_USAGE	   2
#define DEFAULT_NULL_BYTES (1ull << 30)

struct options {
	struct kvm_opts kvm;
	const char *device, *mode, *image, *memory, *serial, *stream, *stamps;
	u64 burn;
	bool null, read_only, check;
};

static void usage(FILE *f)
{
	fputs("usage: ringside-vmm DEVICE --kernel FILE [OPTION…]\n"
	      "       ringside-vmm --check\n"
	      "\n"
	      "Run a guest on KVM that has one virtio-mmio device. DEVICE is blk or rng.\n"
	      "\n"
	      "  --kernel FILE          an x86_64 ELF file with a PVH entry: ringside-probe-x86_64\n"
	      "  --append TEXT          its command line\n"
	      "  --ram SIZE             its memory (64m)\n"
	      "  --stream FILE          what it writes to port 0xe9 (standard output)\n"
	      "\n"
	      "  --mode MODE            how the device is connected (library):\n"
	      "            library      the device model is in this process, and serves where the\n"
	      "                         guest's access exits to\n"
	      "            eventfd      it is in this process on a thread of its own, behind\n"
	      "                         ioeventfd and irqfd\n"
	      "            vhost-user   a back-end serves it, behind ioeventfd and irqfd\n"
	      "  --socket-path PATH     where the back-end listens\n"
	      "  --num-queues N         queues at most (1)\n"
	      "  --queue-size N         largest size of a queue (1024)\n"
	      "\n"
	      "Device blk in this process, one of:\n"
	      "  --image FILE           a file or block device\n"
	      "  --memory SIZE          memory (64m, 1g …)\n"
	      "  --null[=SIZE]          reads give zeroes, writes vanish (1g)\n"
	      "and:\n"
	      "  --read-only            offer VIRTIO_BLK_F_RO; writes fail\n"
	      "  --serial S             what GET_ID answers, up to 20 bytes (ringside)\n"
	      "\n"
	      "Measuring:\n"
	      "  --counts FILE          exits and the like between the guest's two marks, as JSON\n"
	      "  --stamps FILE          stamp each request with the processor's counter, and give\n"
	      "                         the guest the same counter\n"
	      "  --burn N               N loop iterations more for each request\n"
	      "\n"
	      "  --check                does KVM run an ordinary guest here? Says why not\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: 33 the guest did its work, 35 a job of it could not be done, 37 it\n"
	      "panicked, 39 it is to be started again; 0 it ended without a word; 1 something could\n"
	      "not be opened, 2 a wrong command line, 3 the back-end went away, 4 KVM is not there\n"
	      "or cannot run the guest, 5 the guest crashed.\n",
	      f);
}

static int usage_error(const char *fmt, const char *arg)
{
	fputs("ringside-vmm: ", stderr);
	fprintf(stderr, fmt, arg);
	fputs(" (--help tells more)\n", stderr);
	return EXIT_USAGE;
}

enum {
	OPT_KERNEL = 256,
	OPT_APPEND,
	OPT_RAM,
	OPT_STREAM,
	OPT_MODE,
	OPT_SOCKET_PATH,
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
	OPT_CHECK,
	OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "ram", required_argument, NULL, OPT_RAM },
	{ "stream", required_argument, NULL, OPT_STREAM },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "socket-path", required_argument, NULL, OPT_SOCKET_PATH },
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
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static bool parse_mode(const char *arg, enum kvm_mode *mode)
{
	static const char *const names[] = { [KVM_LIBRARY] = "library",
					     [KVM_EVENTFD] = "eventfd",
					     [KVM_VHOST_USER] = "vhost-user" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], arg) == 0) {
			*mode = (enum kvm_mode)i;
			return true;
		}
	}
	return false;
}

/* Numbers. -1: go on; else the exit status. */
static int parse_number(struct options *o, int opt)
{
	u64 v;

	switch (opt) {
	case OPT_RAM:
		if (!parse_size(optarg, &v) || v < 2 << 20 || v > 2ull << 30 || v % 4096)
			return usage_error("--ram: '%s' is not a size from 2m to 2g", optarg);
		o->kvm.ram = v;
		break;
	case OPT_NUM_QUEUES:
		if (!parse_size(optarg, &v) || v < 1 || v > FRONT_QUEUES)
			return usage_error("--num-queues: '%s' is not a number from 1 to 256",
					   optarg);
		o->kvm.num_queues = (u16)v;
		break;
	case OPT_QUEUE_SIZE:
		if (!parse_size(optarg, &v) || v < 2 || v > VIRTIO_QUEUE_SIZE_MAX || v & (v - 1))
			return usage_error("--queue-size: '%s' is not a power of 2 up to 32768",
					   optarg);
		o->kvm.queue_size = (u16)v;
		break;
	default:
		if (!parse_size(optarg, &o->burn))
			return usage_error("--burn: '%s' is not a number", optarg);
		break;
	}
	return -1;
}

static int parse_option(struct options *o, int opt)
{
	switch (opt) {
	case OPT_KERNEL:
		o->kvm.kernel = optarg;
		break;
	case OPT_APPEND:
		o->kvm.append = optarg;
		break;
	case OPT_STREAM:
		o->stream = optarg;
		break;
	case OPT_MODE:
		if (!parse_mode(optarg, &o->kvm.mode))
			return usage_error("--mode: '%s' is none of library, eventfd and "
					   "vhost-user",
					   optarg);
		break;
	case OPT_SOCKET_PATH:
		o->kvm.socket_path = optarg;
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
	case OPT_SERIAL:
		if (strlen(optarg) > VIRTIO_BLK_ID_BYTES)
			return usage_error("--serial: '%s' is longer than 20 bytes", optarg);
		o->serial = optarg;
		break;
	case OPT_COUNTS:
		o->kvm.counts = optarg;
		break;
	case OPT_STAMPS:
		o->stamps = optarg;
		o->kvm.stamps = true;
		break;
	case OPT_CHECK:
		o->check = true;
		break;
	case OPT_HELP:
		usage(stdout);
		return 0;
	case OPT_VERSION:
		puts("ringside-vmm " RINGSIDE_VERSION);
		return 0;
	case OPT_RAM:
	case OPT_NUM_QUEUES:
	case OPT_QUEUE_SIZE:
	case OPT_BURN:
		return parse_number(o, opt);
	default:
		return EXIT_USAGE; /* getopt has said why */
	}
	return -1;
}

static int run_device(struct options *o, struct rdev *dev)
{
	static struct measure measure;
	int status;

	if (dev && (o->stamps || o->burn)) {
		dev = measure_init(&measure, dev, o->stamps, o->burn);
		if (!dev) {
			fprintf(stderr, "ringside-vmm: %s: %s\n", o->stamps, strerror(errno));
			return KVM_END_FAILED;
		}
	}
	o->kvm.dev = dev;
	status = kvm_run(&o->kvm);
	o->kvm.dev = NULL; /* the caller's */
	return status;
}

static int run_blk(struct options *o)
{
	struct rblk_store *store;
	struct rblk blk;
	u64 bytes = DEFAULT_NULL_BYTES;
	int status;

	if (!!o->image + o->null + (o->memory && !o->null) != 1)
		return usage_error("%s", "one of --image, --memory and --null is needed");
	if (o->memory && (!parse_size(o->memory, &bytes) || bytes < VIRTIO_BLK_SECTOR))
		return usage_error("'%s' is not a size", o->memory);
	store = o->image  ? store_file_open(o->image, o->read_only, o->kvm.num_queues)
		: o->null ? store_null_open(bytes)
			  : store_memory_open(bytes);
	if (!store)
		return KVM_END_FAILED;
	rblk_init(&blk, store, o->kvm.num_queues, o->read_only, o->serial);
	status = run_device(o, &blk.dev);
	store->ops->close(store);
	return status;
}

static int run_rng(struct options *o)
{
	struct rrng rng;

	if (o->image || o->memory || o->null)
		return usage_error("%s", "rng has no medium");
	rrng_init(&rng, entropy_of_the_host, NULL);
	return run_device(o, &rng.dev);
}

static int run(struct options *o)
{
	const bool remote = o->kvm.mode == KVM_VHOST_USER;

	if (!o->device)
		return usage_error("%s", "which device? blk is one");
	o->kvm.device_id = remote_device_id(o->device);
	if (!o->kvm.device_id)
		return usage_error("no device type '%s': blk and rng are", o->device);
	if (!o->kvm.kernel)
		return usage_error("%s", "which guest? --kernel FILE");
	if (remote != !!o->kvm.socket_path)
		return usage_error("%s", "--mode vhost-user and --socket-path go together");
	if (remote && (o->image || o->memory || o->null || o->burn))
		return usage_error("%s", "what the back-end has is said to the back-end");
	if (o->stream) {
		o->kvm.stream = open(o->stream, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (o->kvm.stream < 0) {
			fprintf(stderr, "ringside-vmm: %s: %s\n", o->stream, strerror(errno));
			return KVM_END_FAILED;
		}
	}
	if (remote)
		return run_device(o, NULL);
	return strcmp(o->device, "blk") == 0 ? run_blk(o) : run_rng(o);
}

static int check(void)
{
	const char *why = kvm_check();

	puts(why ? why : "KVM runs ordinary guests here");
	return why ? KVM_END_REFUSED : 0;
}

int main(int argc, char **argv)
{
	struct options o = {
		.kvm = { .append = "",
			 .ram = 64 << 20,
			 .queue_size = 1024,
			 .num_queues = 1,
			 .stream = STDOUT_FILENO },
		.serial = "ringside",
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		int status = parse_option(&o, opt);

		if (status >= 0)
			return status;
	}
	if (optind < argc)
		o.device = argv[optind++];
	if (optind < argc)
		return usage_error("'%s' is one argument too many", argv[optind]);
	return o.check ? check() : run(&o);
}
