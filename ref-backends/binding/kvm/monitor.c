// SPDX-License-Identifier: BSD-3-Clause
/* The processor's loop: what it exits with, the few ports of a PC, and how it all ends. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ref-backends/binding/kvm/attach.h"
#include "ref-backends/binding/kvm/stats.h"

#define PORT_DEBUG     0xe9
#define PORT_EXIT      0xf4
#define PORT_EXIT_QEMU 0x501
#define PORT_MARK      0xea /* 1: what is counted begins, 2: it ends */
#define PORT_POWER     0x604
#define PORT_KEYBOARD  0x64
#define KEYBOARD_RESET 0xfe

struct monitor {
	const struct kvm_opts *o;
	struct vm v;
	struct attach a;
	struct stats stats;
	u64 before[STATS_MAX];
	u64 exits, exits_before; /* to here */
	u64 kicks_before;
	int event; /* of calibration */
	bool over;
	int status;
	pthread_t self;
	char buffer[8192]; /* of the stream */
	size_t used;
};

static volatile sig_atomic_t ended; /* by a signal */
static volatile sig_atomic_t resized;
static struct kvm_run *ended_run;

static void on_signal(int number)
{
	if (number == SIGUSR1)
		resized = 1;
	else
		ended = number;
	if (ended_run)
		ended_run->immediate_exit = 1;
}

static void end(struct monitor *m, int status)
{
	m->over = true;
	m->status = status;
}

static void flush(struct monitor *m)
{
	for (size_t done = 0; m->o->stream >= 0 && done < m->used;) {
		ssize_t n = write(m->o->stream, m->buffer + done, m->used - done);

		if (n < 0 && errno != EINTR)
			break;
		done += n > 0 ? (size_t)n : 0;
	}
	m->used = 0;
}

/* --- counting -------------------------------------------------------------------------------------------- */

static void begin_counting(struct monitor *m)
{
	stats_read(&m->stats, m->before);
	m->exits_before = m->exits;
	m->kicks_before = attach_kicks(&m->a);
}

static void write_counts(struct monitor *m)
{
	u64 now[STATS_MAX] = { 0 };
	FILE *f = fopen(m->o->counts, "w");

	if (!f) {
		perror(m->o->counts);
		return;
	}
	stats_read(&m->stats, now);
	/* Without the exit that the second mark itself is. */
	fprintf(f, "{\"exits-to-user\": %llu",
		(unsigned long long)(m->exits - m->exits_before - 1));
	if (m->o->mode == KVM_EVENTFD)
		fprintf(f, ", \"kicks\": %llu",
			(unsigned long long)(attach_kicks(&m->a) - m->kicks_before));
	for (unsigned i = 0; i < m->stats.count; i++) {
		u64 n = now[i] - m->before[i];

		if (n && (strcmp(m->stats.what[i].name, "exits") == 0 ||
			  strcmp(m->stats.what[i].name, "io_exits") == 0))
			n--;
		if (n)
			fprintf(f, ", \"%s\": %llu", m->stats.what[i].name, (unsigned long long)n);
	}
	fputs("}\n", f);
	fclose(f);
}

static void mark(struct monitor *m, u8 what)
{
	if (!m->o->counts)
		return;
	if (what == 1)
		begin_counting(m);
	else if (what == 2)
		write_counts(m);
}

/* --- ports --------------------------------------------------------------------------------------------- */

static void out(struct monitor *m, u16 port, const u8 *data, u32 size, u32 count)
{
	u32 value = 0;

	memcpy(&value, data, size);
	if (attach_port_write(&m->a, port, size, value))
		return;
	switch (port) {
	case PORT_DEBUG:
		for (u32 i = 0; i < size * count; i++) {
			if (m->used == sizeof(m->buffer))
				flush(m);
			m->buffer[m->used++] = (char)data[i];
		}
		break;
	case PORT_MARK:
		mark(m, data[0]);
		break;
	case PORT_EXIT:
	case PORT_EXIT_QEMU:
		end(m, (data[0] << 1 | 1) & 0xff);
		break;
	case PORT_POWER:
		end(m, KVM_END_OK);
		break;
	case PORT_KEYBOARD:
		if (data[0] == KEYBOARD_RESET)
			end(m, KVM_END_OK);
		break;
	default:
		break;
	}
}

static void port(struct monitor *m)
{
	const struct kvm_run *run = m->v.run;
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 value;

	if (run->io.direction == KVM_EXIT_IO_OUT) {
		out(m, run->io.port, data, run->io.size, run->io.count);
		return;
	}
	memset(data, 0xff, (size_t)run->io.size * run->io.count);
	if (run->io.port == PORT_DEBUG)
		data[0] = PORT_DEBUG;
	else if (attach_port_read(&m->a, run->io.port, run->io.size, &value))
		memcpy(data, &value, run->io.size);
}

/* --- memory that is none --------------------------------------------------------------------------------- */

static void inject(struct monitor *m)
{
	vm_line(&m->v, KVM_CAL_LINE, true);
	vm_line(&m->v, KVM_CAL_LINE, false);
}

static void access_window(struct monitor *m)
{
	struct kvm_run *run = m->v.run;
	const u64 addr = run->mmio.phys_addr;
	const unsigned size = run->mmio.len;
	const bool ours =
		!m->o->pci && addr >= KVM_WINDOW && addr + size <= KVM_WINDOW + KVM_WINDOW_SIZE;
	u64 value = ~0ull;

	if (run->mmio.is_write) {
		value = 0;
		memcpy(&value, run->mmio.data, size);
		if (ours)
			attach_write(&m->a, (u32)(addr - KVM_WINDOW), size, value);
		else if (addr == KVM_CAL_INJECT)
			inject(m);
		else
			attach_bar_write(&m->a, addr, size, value);
		return;
	}
	if (ours)
		value = attach_read(&m->a, (u32)(addr - KVM_WINDOW), size);
	else
		attach_bar_read(&m->a, addr, size, &value);
	memcpy(run->mmio.data, &value, size);
}

/* --- the loop -------------------------------------------------------------------------------------------- */

static void crashed(struct monitor *m, const char *how)
{
	struct kvm_regs regs = { 0 };

	ioctl(m->v.vcpu, KVM_GET_REGS, &regs);
	fprintf(stderr, "ringside-vmm: the guest crashed: %s at 0x%llx\n", how,
		(unsigned long long)regs.rip);
	end(m, KVM_END_CRASHED);
}

static void step(struct monitor *m)
{
	const struct kvm_run *run = m->v.run;

	if (ioctl(m->v.vcpu, KVM_RUN, 0)) {
		if (errno == EINTR || errno == EAGAIN)
			return;
		fprintf(stderr, "ringside-vmm: KVM_RUN: %s\n", strerror(errno));
		end(m, KVM_END_REFUSED);
		return;
	}
	m->exits++;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		port(m);
		break;
	case KVM_EXIT_MMIO:
		access_window(m);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		crashed(m, "triple fault");
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		crashed(m, "KVM cannot go on (it emulates an instruction that it does not know?)");
		break;
	case KVM_EXIT_FAIL_ENTRY:
		fprintf(stderr, "ringside-vmm: KVM cannot enter the guest: 0x%llx\n",
			(unsigned long long)run->fail_entry.hardware_entry_failure_reason);
		end(m, KVM_END_REFUSED);
		break;
	default:
		fprintf(stderr, "ringside-vmm: exit %u, which nobody asked for\n",
			run->exit_reason);
		end(m, KVM_END_REFUSED);
		break;
	}
}

static void gone(void *ctx)
{
	const struct monitor *m = ctx;

	pthread_kill(m->self, SIGUSR2);
}

static int set_up(struct monitor *m)
{
	struct sigaction action = { .sa_handler = on_signal };

	ended_run = m->v.run;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	stats_open(&m->stats, &m->v);
	m->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->event < 0)
		return vm_failed("eventfd");
	if (vm_ioeventfd(&m->v, KVM_CAL_EVENT, false, 0, m->event, true))
		return -1;
	m->a.gone = gone;
	m->a.ctx = m;
	if (attach_open(&m->a, m->o, &m->v))
		return -1;
	if (m->o->stamps && !vm_share_counter(&m->v)) {
		snprintf(vm_error, sizeof(vm_error),
			 "this kernel does not let the guest have the host's counter");
		return -1;
	}
	return vm_load(&m->v, m->o->kernel, m->o->append, !m->o->pci);
}

int kvm_run(const struct kvm_opts *o)
{
	static struct monitor m;

	m.o = o;
	m.self = pthread_self();
	m.event = -1;
	m.stats.fd = -1;
	if (vm_open(&m.v, o->ram, true)) {
		fprintf(stderr, "ringside-vmm: %s\n", vm_error);
		return KVM_END_REFUSED;
	}
	if (set_up(&m)) {
		fprintf(stderr, "ringside-vmm: %s\n", vm_error);
		end(&m, KVM_END_FAILED);
	}
	while (!m.over) {
		/* First: a signal from here on is seen below, or keeps the guest from running. */
		__atomic_store_n(&m.v.run->immediate_exit, 0, __ATOMIC_SEQ_CST);
		if (ended)
			break;
		if (resized) {
			resized = 0;
			attach_resized(&m.a);
		}
		step(&m);
	}
	flush(&m);
	if (ended == SIGUSR2) {
		fputs("ringside-vmm: the back-end closed the connection\n", stderr);
		m.status = KVM_END_GONE;
	}
	ended_run = NULL;
	if (m.a.o)
		attach_close(&m.a);
	stats_close(&m.stats);
	if (m.event >= 0)
		close(m.event);
	vm_close(&m.v);
	return m.status;
}
