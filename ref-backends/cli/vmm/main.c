// SPDX-License-Identifier: BSD-3-Clause
/* ringside-vmm(1): a small KVM monitor, for the probe. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ref-backends/binding/front/remote.h"
#include "ref-backends/binding/kvm/kvm.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/cli/device/device.h"
#include "ref-backends/cli/device/measured.h"
#include "ref-backends/cli/device/traced.h"
#include "ref-backends/judge/judge.h"

static struct {
	struct kvm_opts kvm;
	const char *stream, *judge_output;
	unsigned num_queues;
	int mode; /* enum kvm_mode */
	int transport;
	bool check;
} opt = {
	.kvm = { .append = "", .ram = 64 << 20, .queue_size = 1024, .stream = STDOUT_FILENO },
	.num_queues = 1,
};

static const char *const modes[] = {
	[KVM_LIBRARY] = "library",
	[KVM_EVENTFD] = "eventfd",
	[KVM_VHOST_USER] = "vhost-user",
	NULL,
};

static const char *const transports[] = { "mmio", "pci", NULL };

static int parse_ram(const char *arg, void *out)
{
	u64 v;

	if (!parse_size(arg, &v) || v < 2 << 20 || v > 2ull << 30 || v % 4096)
		return cli_usage_error("--ram: '%s' is not a size from 2m to 2g", arg);
	*(u64 *)out = v;
	return 0;
}

/* clang-format off */
static const struct cli_option guest_options[] = {
	CLI_OPTION(CLI_TEXT, "kernel", "FILE", &opt.kvm.kernel,
		   "an x86_64 ELF file with a PVH entry: ringside-probe-x86_64"),
	CLI_OPTION(CLI_TEXT, "append", "TEXT", &opt.kvm.append, "its command line"),
	CLI_OPTION(CLI_OWN, "ram", "SIZE", &opt.kvm.ram, "its memory (64m)", .parse = parse_ram),
	CLI_OPTION(CLI_TEXT, "stream", "FILE", &opt.stream,
		   "what it writes to port 0xe9 (standard output)"),
	CLI_TITLED(""),
	CLI_OPTION(CLI_WORD, "mode", "MODE", &opt.mode,
		   "how the device is connected (library):\n"
		   "library      the device model is in this process, and serves where the\n"
		   "             guest's access exits to\n"
		   "eventfd      it is in this process on a thread of its own, behind\n"
		   "             ioeventfd and irqfd\n"
		   "vhost-user   a back-end serves it, behind ioeventfd and irqfd",
		   .words = modes),
	CLI_OPTION(CLI_WORD, "transport", "mmio|pci", &opt.transport,
		   "a virtio-mmio window, or the PCI function 00:01.0 with MSI-X, not with\n"
		   "vhost-user (mmio)",
		   .words = transports),
	CLI_OPTION(CLI_TEXT, "socket-path", "PATH", &opt.kvm.socket_path,
		   "where the back-end listens"),
	CLI_OPTION(CLI_NUMBER, "num-queues", "N", &opt.num_queues,
		   "queues at most (1)", .min = 1, .max = FRONT_QUEUES),
	CLI_OPTION(CLI_OWN, "queue-size", "N", &opt.kvm.queue_size,
		   "largest size of a queue (1024)", .parse = cli_parse_queue_size),
};

static const struct cli_option measuring_options[] = {
	CLI_TITLED("\nMeasuring; stamps also give the guest the host's counter:"),
	CLI_OPTION(CLI_TEXT, "counts", "FILE", &opt.kvm.counts,
		   "exits and the like between the guest's two marks, as JSON"),
};

static const struct cli_option judge_options[] = {
	CLI_TITLED("\nIn mode library:"),
	CLI_OPTION(CLI_TEXT, "judge-output", "FILE", &opt.judge_output,
		   "watch the driver; a verdict for each clause that is seen of it is\n"
		   "written there as JSON, and what it breaks to stderr"),
};

static const struct cli_option check_options[] = {
	CLI_TITLED(""),
	CLI_OPTION(CLI_FLAG, "check", NULL, &opt.check,
		   "does KVM run an ordinary guest here? Says why not"),
};
/* clang-format on */

static const char synopsis[] =
	"usage: ringside-vmm DEVICE --kernel FILE [OPTION…]\n"
	"       ringside-vmm --check\n"
	"\n"
	"Run a guest on KVM that has one virtio device. DEVICE is a type that\n"
	"'ringside-backend --list-devices' has.\n"
	"\n";
static const char ending[] =
	"\n"
	"Exit status: 33 the guest did its work, 35 a job of it could not be done, 37 it\n"
	"panicked, 39 it is to be started again; 0 it ended without a word; 1 something could\n"
	"not be opened, 2 a wrong command line, 3 the back-end went away, 4 KVM is not there\n"
	"or cannot run the guest, 5 the guest crashed.\n";

static bool parse(int argc, char **argv, int *status)
{
	struct cli_device_program p = { .name = "ringside-vmm",
					.synopsis = synopsis,
					.ending = ending,
					.first = CLI_TABLE(guest_options) };

	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(measuring_options);
	p.rest[p.num_rest++] = measured_options;
	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(judge_options);
	p.rest[p.num_rest++] = traced_options;
	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(check_options);
	return cli_device_parse(&p, argc, argv, status);
}

static int serve(const struct cli_place *place, struct rdev *dev)
{
	int status;

	(void)place;
	dev = measured(dev);
	if (!dev)
		return KVM_END_FAILED;
	opt.kvm.dev = dev;
	status = kvm_run(&opt.kvm);
	opt.kvm.dev = NULL; /* the caller's */
	return status;
}

static int run(const struct cli_device *device)
{
	const struct cli_place place = { .num_queues = opt.num_queues, .serve = serve };
	const bool remote = opt.mode == KVM_VHOST_USER;
	int status;

	if (device->no_registers)
		return cli_usage_error("%s has no registers: it is no device type", device->name);
	if (!opt.kvm.kernel)
		return cli_usage_error("which guest? --kernel FILE");
	if (remote != !!opt.kvm.socket_path)
		return cli_usage_error("--mode vhost-user and --socket-path go together");
	if (remote && ((device->meant && device->meant()) || measured_burns()))
		return cli_usage_error("what the back-end has is said to the back-end");
	if (remote && opt.transport)
		return cli_usage_error("--transport pci does not go with --mode vhost-user");
	opt.kvm.pci = opt.transport;
	if (opt.judge_output && opt.mode != KVM_LIBRARY)
		return cli_usage_error("--judge-output is for --mode library");
	opt.kvm.mode = (enum kvm_mode)opt.mode;
	opt.kvm.num_queues = (u16)opt.num_queues;
	opt.kvm.stamps = measured_stamps() != NULL;
	opt.kvm.device_id = remote_device_id(device->name);
	if (remote && !opt.kvm.device_id)
		return cli_usage_error("--mode vhost-user is not for %s", device->name);
	if (opt.stream) {
		opt.kvm.stream = open(opt.stream, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
		if (opt.kvm.stream < 0)
			return cli_failed("%s: %s", opt.stream, strerror(errno));
	}
	if (traced_open(remote))
		return KVM_END_FAILED;
	if (opt.judge_output)
		judge_open(opt.judge_output);
	status = remote ? kvm_run(&opt.kvm) : device->run(&place);
	return judge_close() ? KVM_END_FAILED : status;
}

static int check(void)
{
	const char *why = kvm_check();

	puts(why ? why : "KVM runs ordinary guests here");
	return why ? KVM_END_REFUSED : 0;
}

int main(int argc, char **argv)
{
	const struct cli_device *device;
	int status;

	if (!parse(argc, argv, &status))
		return status;
	if (opt.check)
		return check();
	device = cli_device_named(argc, argv);
	return device ? run(device) : CLI_USAGE;
}
