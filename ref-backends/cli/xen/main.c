// SPDX-License-Identifier: BSD-3-Clause
/* ringside-xen(1): a guest and one virtio device for it, under Xen. */
#include <stdio.h>
#include <string.h>

#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/xen/events.h"
#include "ref-backends/binding/xen/in_process.h"
#include "ref-backends/binding/xen/shim.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/cli/device/device.h"
#include "ref-backends/cli/device/measured.h"
#include "ref-backends/cli/device/traced.h"
#include "ref-backends/fault/fault.h"

#define CHANNEL_SIZE (4u << 20)

enum mode {
	MODE_LIBRARY,
	MODE_EVENTFD,
	MODE_VHOST_USER,
};

static struct {
	struct xen_monitor_opts monitor;
	struct xen_device_opts device;
	struct xen_shim_opts shim;
	const char *fault;
	unsigned num_queues;
	int mode, platform, interrupt, share;
} opt = {
	.monitor.domain = { .words = "", .ram_size = 64 << 20 },
	.device.queue_size = 1024,
	.num_queues = 1,
	.interrupt = XEN_HAS_MESSAGES ? XEN_MSI : XEN_LINE,
};

static const char *const modes[] = {
	[MODE_LIBRARY] = "library",
	[MODE_EVENTFD] = "eventfd",
	[MODE_VHOST_USER] = "vhost-user",
	NULL,
};
static const char *const platforms[] = { [XEN_PVH] = "pvh", [XEN_HVM] = "hvm", NULL };
static const char *const interrupts[] = {
	[XEN_MSI] = "msi",
	[XEN_UPCALL] = "upcall",
	[XEN_LINE] = "line",
	NULL,
};
static const char *const shares[] = {
	[XEN_SHARE_FOREIGN] = "foreign",
	[XEN_SHARE_GRANTS] = "grants",
	[XEN_SHARE_BOUNCE] = "bounce",
	NULL,
};

static int parse_ram(const char *arg, void *out)
{
	u64 v;

	if (!parse_size(arg, &v) || v < 8 << 20 || v > 2ull << 30 || v & ((1 << 20) - 1))
		return cli_usage_error("--ram: '%s' is not a number of MiB from 8m to 2g", arg);
	*(u64 *)out = v;
	return 0;
}

/* clang-format off */
static const struct cli_option guest_options[] = {
	CLI_TITLED("The guest:"),
	CLI_OPTION(CLI_TEXT, "kernel", "IMAGE", &opt.monitor.domain.kernel,
		   "ringside-probe-ARCH, or another ELF file with a PVH note (x86_64)\n"
		   "or Image of Linux's boot protocol (arm64)"),
	CLI_OPTION(CLI_TEXT, "append", "WORDS", &opt.monitor.domain.words,
		   "its command line; where the device is, is added"),
	CLI_OPTION(CLI_OWN, "ram", "SIZE", &opt.monitor.domain.ram_size, "its memory (64m)",
		   .parse = parse_ram),
	CLI_OPTION(CLI_WORD, "platform", "pvh|hvm", &opt.platform,
		   "x86_64: a local APIC only, or all of Xen's own platform (pvh)",
		   .words = platforms),
	CLI_OPTION(CLI_TEXT, "stream", "FILE", &opt.monitor.stream,
		   "append to FILE what a probe found (standard output)"),
	CLI_OPTION(CLI_NUMBER, "silence", "S", &opt.monitor.silence_s,
		   "give up when the guest asks for nothing for S seconds (never)",
		   .min = 1, .max = 86400),
	CLI_TITLED(""),
	CLI_OPTION(CLI_WORD, "mode", "MODE", &opt.mode,
		   "how the device is connected (library):\n"
		   "library      the device model is in this process, an ioreq server\n"
		   "eventfd      in this process, behind ioeventfd and irqfd of a PVH dom0\n"
		   "vhost-user   a back-end serves it, and this process is a shim",
		   .words = modes),
	CLI_OPTION(CLI_WORD, "interrupt", "HOW", &opt.interrupt,
		   "msi: a message to the local APIC; upcall: an event channel;\n"
		   "line: an input of the I/O APIC, with --platform hvm (msi);\n"
		   "arm64 has line alone: an input of the GIC",
		   .words = interrupts),
	CLI_OPTION(CLI_TEXT, "socket-path", "PATH", &opt.shim.socket_path,
		   "vhost-user: where the back-end listens"),
	CLI_OPTION(CLI_WORD, "share", "foreign|grants|bounce", &opt.share,
		   "vhost-user: it maps the guest's memory itself (XEN_MMAP), or what\n"
		   "the guest has granted, or rings and buffers are copied (foreign)", .words = shares),
	CLI_OPTION(CLI_NUMBER, "num-queues", "N", &opt.num_queues,
		   "queues, at most what the device has (1)", .min = 1, .max = 256),
	CLI_OPTION(CLI_OWN, "queue-size", "N", &opt.device.queue_size,
		   "largest size of a queue (1024)", .parse = cli_parse_queue_size),
};

static const struct cli_option test_options[] = {
	CLI_TITLED(XEN_SHARES_COUNTER ? "\nMeasuring, and for tests; stamps also give the guest the host's counter:"
				      : "\nMeasuring, and for tests:"),
	CLI_OPTION(CLI_TEXT, "counts", "FILE", &opt.monitor.counts,
		   "accesses and interrupts between the guest's two marks, as JSON"),
#if !XEN_SHARES_COUNTER
	CLI_OPTION(CLI_TEXT, "guest-counter", "FILE", &opt.monitor.guest_counter,
		   "how far the guest's counter is behind the processor's"),
#endif
	CLI_OPTION(CLI_TEXT, "fault", "NAME", &opt.fault,
		   "break one clause (ringside-backend --list-faults)"),
};
/* clang-format on */

static const char synopsis[] =
	"usage: ringside-xen DEVICE --kernel IMAGE [OPTION…]\n"
	"\n"
	"Makes a Xen domain, boots IMAGE in it, and gives it one virtio-mmio device. To be run in\n"
	"dom0. DEVICE is a type that 'ringside-backend --list-devices' has.\n"
	"\n";
static const char ending[] =
	"\n"
	"Exit status: 33 the guest did its work, 35 a job of it could not be done, 37 it\n"
	"panicked, 39 it is to be started again; 1 something could not be opened, 2 a wrong\n"
	"command line, 3 the back-end went away, 4 Xen is not there or refuses, 5 the guest\n"
	"crashed, 6 it was silent for too long.\n";

static bool parse(int argc, char **argv, int *status)
{
	struct cli_device_program p = { .name = "ringside-xen",
					.synopsis = synopsis,
					.ending = ending,
					.first = CLI_TABLE(guest_options) };

	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(test_options);
	p.rest[p.num_rest++] = measured_options;
	p.rest[p.num_rest++] = traced_options;
	return cli_device_parse(&p, argc, argv, status);
}

static int serve(const struct cli_place *place, struct rdev *dev)
{
	int status;

	(void)place;
	opt.device.dev = measured(dev);
	if (!opt.device.dev)
		return XEN_STATUS_FAILED;
	status = opt.mode == MODE_EVENTFD ? xen_events(&opt.monitor, &opt.device)
					  : xen_in_process(&opt.monitor, &opt.device);
	opt.device.dev = NULL; /* the caller's */
	return status;
}

/* Where the device is, and the way to end: arm64 tells the former by a device tree, and has no ports for the latter. */
static void tell_place(char *place, size_t room)
{
	if (XEN_HAS_PORTS)
		snprintf(place, room, "virtio_mmio.device=0x%x@0x%llx:%u ", XEN_WINDOW_SIZE,
			 (unsigned long long)XEN_WINDOW, XEN_INTERRUPT_LINE);
	else
		snprintf(place, room, "exit=0x%llx ", (unsigned long long)XEN_WINDOW + XEN_CAL_END);
}

/* What is added to the guest's words: where the device is, and where results go. 0, or the exit status. */
static int complete(char *words, size_t room)
{
	struct xen_domain_opts *d = &opt.monitor.domain;
	const bool same = XEN_SHARES_COUNTER && measured_stamps();
	char place[64], counter[48] = "", grants[24] = "";
	int n;

	tell_place(place, sizeof(place));
	d->platform = (enum xen_platform)opt.platform;
	d->upcall = opt.interrupt == XEN_UPCALL;
	d->channel_size = CHANNEL_SIZE;
	opt.monitor.interrupt = (enum xen_interrupt_kind)opt.interrupt;
	opt.monitor.same_counter = same;
	if (same || opt.monitor.guest_counter)
		snprintf(counter, sizeof(counter), "xen.counter=0x%llx ",
			 (unsigned long long)XEN_COUNTER_AT(d->ram_size, CHANNEL_SIZE));
	if (opt.mode == MODE_VHOST_USER && opt.share == XEN_SHARE_GRANTS)
		snprintf(grants, sizeof(grants), "xen.grants=%u ", XEN_GRANTS_FIRST);
	n = snprintf(words, room, "%schannel=shm:0x%llx,0x%x %s%s%s", place,
		     (unsigned long long)xen_channel_base(d->ram_size), CHANNEL_SIZE - 4096,
		     counter, grants, d->words);
	if (n < 0 || (size_t)n >= room)
		return cli_usage_error("--append: too long");
	d->words = words;
	return 0;
}

static int check(const struct cli_device *device)
{
	if (device->no_registers)
		return cli_usage_error("%s has no registers: it is no device type", device->name);
	if (!opt.monitor.domain.kernel)
		return cli_usage_error("which guest? --kernel IMAGE");
	if (!XEN_HAS_MESSAGES && (opt.interrupt != XEN_LINE || opt.platform != XEN_PVH))
		return cli_usage_error(
			"this architecture has neither --platform hvm nor --interrupt %s",
			interrupts[opt.interrupt == XEN_UPCALL ? XEN_UPCALL : XEN_MSI]);
	if (!XEN_HAS_GRANTS && opt.share == XEN_SHARE_GRANTS)
		return cli_usage_error("--share grants is not for this architecture");
	if (XEN_HAS_MESSAGES && opt.interrupt == XEN_LINE && opt.platform != XEN_HVM)
		return cli_usage_error("--interrupt line needs --platform hvm: PVH has no lines");
	/* The page that is shared with the hypervisor takes a page of RAM away, which can be granted no more. */
	if (opt.share == XEN_SHARE_GRANTS && opt.interrupt == XEN_UPCALL)
		return cli_usage_error("--share grants does not go with --interrupt upcall");
	if (opt.mode == MODE_EVENTFD && opt.interrupt != XEN_MSI)
		return cli_usage_error("--mode eventfd has interrupts by --interrupt msi alone");
	if ((opt.mode == MODE_VHOST_USER) != !!opt.shim.socket_path)
		return cli_usage_error("--mode vhost-user and --socket-path go together");
	if (opt.fault) {
		fault_active = fault_find(opt.fault);
		if (!fault_active)
			return cli_usage_error("no fault '%s': see ringside-backend --list-faults",
					       opt.fault);
	}
	return 0;
}

static int run(const struct cli_device *device)
{
	const struct cli_place place = { .num_queues = opt.num_queues, .serve = serve };
	static char words[4096];
	int status = check(device);

	if (!status)
		status = complete(words, sizeof(words));
	if (status)
		return status;
	/* Who copies for a back-end serves the rings itself. */
	if (traced_open(opt.mode == MODE_VHOST_USER && opt.share != XEN_SHARE_BOUNCE))
		return XEN_STATUS_FAILED;
	if (opt.mode != MODE_VHOST_USER)
		return device->run(&place);
	opt.shim.device_id = remote_device_id(device->name);
	if (!opt.shim.device_id)
		return cli_usage_error("--mode vhost-user is not for %s", device->name);
	opt.shim.num_queues = (u16)opt.num_queues;
	opt.shim.queue_size = opt.device.queue_size;
	opt.shim.share = (enum xen_share)opt.share;
	return xen_shim(&opt.monitor, &opt.shim);
}

int main(int argc, char **argv)
{
	const struct cli_device *device;
	int status;

	if (!parse(argc, argv, &status))
		return status;
	device = cli_device_named(argc, argv);
	return device ? run(device) : CLI_USAGE;
}
