// SPDX-License-Identifier: BSD-3-Clause
/* ringside-backend(1): reference back-ends, correct to the letter, and their faults. */
#include <string.h>

#include "ref-backends/binding/machine/machine.h"
#include "ref-backends/binding/vhost_user/server.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/cli/common/size.h"
#include "ref-backends/cli/device/device.h"
#include "ref-backends/cli/device/measured.h"
#include "ref-backends/cli/main/list.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

#define MAX_QUEUES 256 /* the index of SET_VRING_KICK has 8 bits */

enum registers {
	REGISTERS_NONE,
	REGISTERS_PCI,
	REGISTERS_MMIO
};

static struct {
	struct vub_server server;
	struct machine machine;
	enum registers registers;
	const char *fault, *judge_output;
	unsigned num_queues;
	int format; /* an index of formats[] */
	bool judge, trace;
	const char *trace_buffer;
	bool print_capabilities, list_faults, list_devices;
} opt = {
	.server.fd = -1,
	.machine.queue_size = 1024,
	.num_queues = 4,
};

static const char *const formats[] = { "text", "json", NULL };

static int parse_fd(const char *arg, void *out)
{
	u64 v;

	if (!parse_size(arg, &v) || v > 1 << 20)
		return cli_usage_error("--fd: '%s' is not a descriptor", arg);
	*(int *)out = (int)v;
	return 0;
}

static int parse_registers(const char *arg, void *out)
{
	if (strcmp(arg, "pci") && strcmp(arg, "mmio"))
		return cli_usage_error("--registers: '%s' is neither pci nor mmio", arg);
	*(enum registers *)out = strcmp(arg, "pci") == 0 ? REGISTERS_PCI : REGISTERS_MMIO;
	return 0;
}

static int parse_without(const char *arg, void *out)
{
	u64 v;

	if (!parse_size(arg, &v) || v > 63)
		return cli_usage_error("--without: '%s' is not the number of a feature bit", arg);
	*(u64 *)out |= BIT_ULL(v);
	vub_hidden_features |= BIT_ULL(v);
	return 0;
}

static int parse_judge_offer(const char *arg, void *out)
{
	u64 v;

	/* Others mean something to the back-end itself. */
	if (!parse_size(arg, &v) || v > 63 || (v > 23 && v < 42))
		return cli_usage_error("--judge-offer: '%s' is not the number of a feature bit "
				       "of a device (0 to 23, or 42 to 63)",
				       arg);
	*(u64 *)out |= BIT_ULL(v);
	opt.judge = true;
	return 0;
}

static int parse_judge_output(const char *arg, void *out)
{
	*(const char **)out = arg;
	opt.judge = true;
	return 0;
}

static int hide_status(const char *arg, void *out)
{
	(void)arg;
	*(u64 *)out |= BIT_ULL(VU_PF_STATUS);
	return 0;
}

static int hide_xen_mmap(const char *arg, void *out)
{
	(void)arg;
	*(u64 *)out |= BIT_ULL(VU_PF_XEN_MMAP);
	return 0;
}

/* clang-format off */
static const struct cli_option place_options[] = {
	CLI_OPTION(CLI_TEXT, "socket-path", "PATH", &opt.server.socket_path,
		   "listen on this unix socket"),
	CLI_OPTION(CLI_FLAG, "client", NULL, &opt.server.client,
		   "connect there instead, and again behind each session: the\n"
		   "front-end listens"),
	CLI_OPTION(CLI_OWN, "fd", "N", &opt.server.fd,
		   "use this inherited socket: a connected one for one\n"
		   "session, or a listening one",
		   .parse = parse_fd),
	CLI_OPTION(CLI_NUMBER, "num-queues", "N", &opt.num_queues,
		   "queues, each with its thread (4)",
		   .min = 1, .max = MAX_QUEUES),
	CLI_OPTION(CLI_FLAG, "poll", NULL, &opt.server.poll,
		   "look at the rings all the time: no notification is needed, and\n"
		   "each queue keeps a processor busy"),
	CLI_OPTION(CLI_OWN, "no-status", NULL, &vub_hidden_protocol_features,
		   "do not offer VHOST_USER_PROTOCOL_F_STATUS, for a front-end that\n"
		   "begins with it and never sets DRIVER_OK",
		   .parse = hide_status),
	CLI_OPTION(CLI_OWN, "no-xen-mmap", NULL, &vub_hidden_protocol_features,
		   "do not offer VHOST_USER_PROTOCOL_F_XEN_MMAP, for a front-end that\n"
		   "takes it and sends regions as they are without",
		   .parse = hide_xen_mmap),

	CLI_TITLED("\nA device with registers, in a machine without a processor:"),
	CLI_OPTION(CLI_OWN, "registers", "pci|mmio", &opt.registers,
		   "what its registers are",
		   .parse = parse_registers),
	CLI_OPTION(CLI_TEXT, "machine", "SOCKET", &opt.machine.socket_path,
		   "connect there, and do what the other side says in the line\n"
		   "protocol of QEMU's qtest"),
	CLI_OPTION(CLI_TEXT, "ram", "FILE", &opt.machine.ram,
		   "guest memory: a path, or the number of a descriptor"),
	CLI_OPTION(CLI_OWN, "queue-size", "N", &opt.machine.queue_size,
		   "largest size of its queues (1024)",
		   .parse = cli_parse_queue_size),
	CLI_OPTION(CLI_OWN, "without", "BIT", &opt.machine.hidden,
		   "do not offer this feature, over vhost-user either; may be\n"
		   "repeated",
		   .parse = parse_without),
	CLI_OPTION(CLI_NUMBER, "latency", "MS", &opt.machine.latency_ms,
		   "every request takes at least so long",
		   .max = 60000),
	CLI_OPTION(CLI_FLAG, "extras", NULL, &opt.machine.shm,
		   "two shared memory regions, and vendor data over PCI"),
};

static const struct cli_option test_options[] = {
	CLI_TITLED("\n"
		   "Devices rng and null have no options of their own. null returns every buffer at once.\n"
		   "\n"
		   "For tests:"),
	CLI_OPTION(CLI_TEXT, "fault", "NAME", &opt.fault,
		   "break one clause (see --list-faults)"),
	CLI_OPTION(CLI_FLAG, "judge", NULL, &opt.judge,
		   "watch the driver and the front-end: each clause they break is\n"
		   "printed on stderr, once"),
	CLI_OPTION(CLI_OWN, "judge-output", "FILE", &opt.judge_output,
		   "and all of them to FILE as JSON, at each disconnect and at the\n"
		   "end",
		   .parse = parse_judge_output),
	CLI_OPTION(CLI_OWN, "judge-offer", "BIT", &judge_offer,
		   "offer a feature that the device does not have, to see whether\n"
		   "the driver takes it; may be repeated",
		   .parse = parse_judge_offer),
	CLI_OPTION(CLI_FLAG, "trace", NULL, &opt.trace,
		   "turn the LTTng-UST tracepoints on (provider 'ringside')"),
	CLI_OPTION(CLI_TEXT, "trace-buffer", "FILE", &opt.trace_buffer,
		   "write tracepoints to FILE, whenever 'ringside bench --trace' or\n"
		   "'ringside trace record' records"),
};

static const struct cli_option list_options[] = {
	CLI_TITLED(""),
	CLI_OPTION(CLI_FLAG, "print-capabilities", NULL, &opt.print_capabilities,
		   "JSON as in QEMU's vhost-user.json; nothing else is done"),
	CLI_OPTION(CLI_FLAG, "list-faults", NULL, &opt.list_faults,
		   "name, clause and one line for each"),
	CLI_OPTION(CLI_FLAG, "list-devices", NULL, &opt.list_devices,
		   "device types"),
	CLI_OPTION(CLI_WORD, "format", "text|json", &opt.format,
		   "of --list-faults",
		   .words = formats),
};
/* clang-format on */

static const char synopsis[] =
	"usage: ringside-backend [DEVICE] (--socket-path PATH | --fd N) [OPTION…]\n"
	"       ringside-backend DEVICE --registers pci|mmio --machine SOCKET --ram FILE [OPTION…]\n"
	"       ringside-backend --print-capabilities | --list-faults | --list-devices\n"
	"\n"
	"Serves one vhost-user front-end after the other until SIGTERM. DEVICE is a type that\n"
	"--list-devices has; blk need not be said beside one of its options.\n"
	"\n";
static const char ending[] =
	"\n"
	"SIGUSR1 changes the device from the outside: memory and null grow by 2048 sectors,\n"
	"an image's size is read again; net asks for an announcement or, where the driver\n"
	"knows of none, its cable is pulled or plugged; console has the size of its terminal,\n"
	"or grows. The front-end is told if it can be.\n"
	"\n"
	"Exit status: 0, or 1 if something could not be opened, or 2 for a wrong command line.\n";

static bool parse(int argc, char **argv, int *status)
{
	struct cli_device_program p = { .name = "ringside-backend",
					.synopsis = synopsis,
					.ending = ending,
					.first = CLI_TABLE(place_options) };

	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(test_options);
	p.rest[p.num_rest++] = measured_options;
	p.rest[p.num_rest++] = (struct cli_table)CLI_TABLE(list_options);
	return cli_device_parse(&p, argc, argv, status);
}

static int serve(const struct cli_place *place, struct rdev *dev)
{
	(void)place;
	dev = measured(dev);
	if (!dev)
		return 1;
	if (opt.registers == REGISTERS_NONE)
		return vub_serve(&opt.server, dev);
	opt.machine.pci = opt.registers == REGISTERS_PCI;
	return machine_serve(&opt.machine, dev);
}

/* Where it is reached: 0, or the exit status. */
static int check_place(const struct cli_device *device)
{
	const bool registers = opt.registers != REGISTERS_NONE;
	const bool socket = opt.server.socket_path || opt.server.fd >= 0;

	if (registers && !(opt.machine.socket_path && opt.machine.ram))
		return cli_usage_error("--registers needs --machine SOCKET and --ram FILE");
	if (!registers && (opt.machine.socket_path || opt.machine.ram))
		return cli_usage_error("--machine and --ram go with --registers pci|mmio");
	if (opt.server.socket_path && opt.server.fd >= 0)
		return cli_usage_error("--socket-path and --fd exclude each other");
	if (opt.server.client && !opt.server.socket_path)
		return cli_usage_error("--client goes with --socket-path");
	if (registers && socket)
		return cli_usage_error("--registers excludes --socket-path and --fd");
	if (!registers && !socket)
		return cli_usage_error("where? --socket-path PATH, --fd N or --registers");
	if (registers && device->no_registers)
		return cli_usage_error("%s has no registers: it is no device type", device->name);
	if (opt.machine.latency_ms && device->no_latency)
		return cli_usage_error("--latency is not for %s, whose buffers wait anyway",
				       device->name);
	return 0;
}

static int run(const struct cli_device *device)
{
	const struct cli_place place = { opt.num_queues, opt.machine.hidden, serve, NULL };
	int status = check_place(device);
	char err[200];

	if (status)
		return status;
	if (opt.fault) {
		fault_active = fault_find(opt.fault);
		if (!fault_active)
			return cli_usage_error("no fault '%s': see --list-faults", opt.fault);
	}
	if (opt.trace && trace_open(err, sizeof(err)))
		return cli_failed("--trace: %s", err);
	if (opt.trace_buffer && trace_buffer_open(opt.trace_buffer, false, err, sizeof(err)))
		return cli_failed("--trace-buffer: %s", err);
	if (opt.judge)
		judge_open(opt.judge_output);
	status = device->run(&place);
	if (judge_close() && !status)
		status = 1;
	return status;
}

int main(int argc, char **argv)
{
	const struct cli_device *device;
	int status;

	if (!parse(argc, argv, &status))
		return status;
	/* Other options are ignored with these: a management layer may pass them all. */
	if (opt.print_capabilities)
		return print_capabilities();
	if (opt.list_faults)
		return list_faults(opt.format != 0);
	if (opt.list_devices)
		return list_devices();
	device = cli_device_named(argc, argv);
	return device ? run(device) : CLI_USAGE;
}
