// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/xen/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "ref-backends/binding/xen/counter.h"

/* How long nothing has to happen before the hypervisor is asked how the guest is. */
#define LOOK_MS 200
/* Accesses between two looks at what a guest that is never silent has found. */
#define TAKE_EVERY 16384
/* Of the descriptors that are polled, those that are not the device's: its accesses, and signals. */
#define OTHERS 2

static int failed(const char *what)
{
	fprintf(stderr, "ringside-xen: %s: %s\n", what, strerror(errno));
	return -1;
}

/* --- what the guest found ------------------------------------------------------------------------------ */

/* As harness/probe/guest/shm.c writes it: magic, a count of bytes, the bytes. */
static const char magic[8] = "RSSHM1";
#define CHANNEL_HEADER 16u

static void take_channel(struct xen_monitor *m)
{
	const u64 room = m->o->domain.channel_size - CHANNEL_HEADER;
	u64 have;

	if (!m->channel || memcmp(m->channel, magic, sizeof(magic)) != 0)
		return;
	have = MIN(__atomic_load_n((u64 *)(m->channel + 8), __ATOMIC_ACQUIRE), room);
	while (m->channel_done < have) {
		const ssize_t n = write(m->stream_fd, m->channel + CHANNEL_HEADER + m->channel_done,
					have - m->channel_done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			failed(m->o->stream);
			m->status = XEN_STATUS_FAILED;
			return;
		}
		m->channel_done += (u64)n;
	}
}

/* --- what is counted ------------------------------------------------------------------------------------- */

static u64 interrupts(const struct xen_monitor *m)
{
	/* Another thread may count. */
	return __atomic_load_n(&m->interrupt.count, __ATOMIC_RELAXED);
}

static void mark(struct xen_monitor *m, u8 what)
{
	FILE *f;

	if (what == 1) {
		m->before.accesses = m->ioreq.requests + 1; /* this one ends with it */
		m->before.interrupts = interrupts(m);
		return;
	}
	if (!m->o->counts)
		return;
	f = fopen(m->o->counts, "we");
	if (f)
		fprintf(f, "{\"mmio_exits\": %" PRIu64 ", \"interrupts\": %" PRIu64 "}\n",
			m->ioreq.requests - m->before.accesses,
			interrupts(m) - m->before.interrupts);
	if (!f || fclose(f))
		failed(m->o->counts);
}

/* --- accesses ------------------------------------------------------------------------------------------- */

static u64 on_read(void *ctx, bool port, u64 addr, unsigned size)
{
	struct xen_monitor *m = ctx;

	if (port || addr < XEN_WINDOW || addr - XEN_WINDOW >= XEN_WINDOW_SIZE)
		return ~0ull;
	if (addr - XEN_WINDOW >= XEN_CAL_EXIT)
		return 0;
	return m->ops->read(m->ctx, (u32)(addr - XEN_WINDOW), size);
}

static void on_write(void *ctx, bool port, u64 addr, unsigned size, u64 value)
{
	struct xen_monitor *m = ctx;

	if (addr == (port ? XEN_MARK_PORT : XEN_WINDOW + XEN_CAL_MARK))
		mark(m, (u8)value);
	/* The status that QEMU's isa-debug-exit would make of it. */
	else if (addr == (port ? XEN_EXIT_PORT : XEN_WINDOW + XEN_CAL_END)) {
		m->status = (int)((value << 1 | 1) & 0xff);
		m->ioreq.hold = true;
	} else if (!port && addr == XEN_WINDOW + XEN_CAL_INJECT)
		xen_interrupt_pulse(&m->interrupt);
	else if (!port && addr >= XEN_WINDOW && addr - XEN_WINDOW < XEN_CAL_EXIT)
		m->ops->write(m->ctx, (u32)(addr - XEN_WINDOW), size, value);
}

static void *on_memory(void *ctx, u64 gpa, u64 *len)
{
	struct xen_monitor *m = ctx;

	return xen_memory_at(&m->memory, gpa, len);
}

static void on_remapped(void *ctx)
{
	struct xen_monitor *m = ctx;

	if (m->ops->hold)
		m->ops->hold(m->ctx, true);
	if (xen_memory_renew(&m->memory))
		m->status = XEN_STATUS_FAILED;
	if (m->ops->hold)
		m->ops->hold(m->ctx, false);
}

static const struct xen_ioreq_ops accesses = {
	.read = on_read,
	.write = on_write,
	.memory = on_memory,
	.remapped = on_remapped,
};

/* --- life ------------------------------------------------------------------------------------------------- */

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int give_counter(struct xen_monitor *m)
{
	u64 offset;

	if (xen_counter_offset(&m->domain, &offset))
		return -1;
	offset = 0 - offset;
	memcpy(m->channel + m->o->domain.channel_size - sizeof(offset), &offset, sizeof(offset));
	return 0;
}

static void take_counter(struct xen_monitor *m)
{
	FILE *f;
	u64 behind;

	if (!m->o->guest_counter || !m->channel)
		return;
	memcpy(&behind, m->channel + m->o->domain.channel_size - sizeof(behind), sizeof(behind));
	f = fopen(m->o->guest_counter, "we");
	if (f)
		fprintf(f, "%" PRIu64 "\n", behind);
	if (!f || fclose(f))
		failed(m->o->guest_counter);
}

static int open_channel(struct xen_monitor *m)
{
	const struct xen_monitor_opts *o = m->o;

	m->stream_fd = o->stream ? open(o->stream, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)
				 : STDOUT_FILENO;
	if (m->stream_fd < 0)
		return failed(o->stream);
	if (!o->domain.channel_size)
		return 0;
	m->channel = xen_memory_piece(m->ioreq.fm, m->domain.id, NULL,
				      xen_channel_base(o->domain.ram_size), o->domain.channel_size);
	return m->channel && (!o->same_counter || give_counter(m) == 0) ? 0 : -1;
}

static int claim_ports(struct xen_monitor *m)
{
	return XEN_HAS_PORTS && (xen_ioreq_claim(&m->ioreq, true, XEN_EXIT_PORT, XEN_EXIT_PORT) ||
				 xen_ioreq_claim(&m->ioreq, true, XEN_MARK_PORT, XEN_MARK_PORT));
}

static int open_all(struct xen_monitor *m)
{
	m->signal_fd = open_signals();
	if (m->signal_fd < 0)
		return failed("signals");
	if (xen_domain_create(&m->domain, &m->o->domain) ||
	    xen_ioreq_open(&m->ioreq, m->domain.id) ||
	    xen_ioreq_claim(&m->ioreq, false, XEN_WINDOW, XEN_WINDOW + XEN_WINDOW_SIZE - 1) ||
	    claim_ports(m) || xen_ioreq_enable(&m->ioreq) ||
	    xen_memory_map(&m->memory, m->ioreq.fm, m->domain.id, m->domain.ram_size))
		return -1;
	if (xen_interrupt_open(&m->interrupt, m->o->interrupt, &m->domain, m->ioreq.dm,
			       m->ioreq.ev))
		return -1;
	return open_channel(m);
}

int xen_monitor_open(struct xen_monitor *m, const struct xen_monitor_opts *o)
{
	*m = (struct xen_monitor){ .o = o, .status = -1, .stream_fd = -1, .signal_fd = -1 };
	m->ioreq.ops = &accesses;
	m->ioreq.ctx = m;
	if (open_all(m) == 0)
		return 0;
	xen_monitor_close(m);
	return -1;
}

void xen_monitor_stop(struct xen_monitor *m, int status)
{
	if (m->status < 0)
		m->status = status;
}

/* Nothing has come from the guest for a while. */
static void look(struct xen_monitor *m, unsigned *silent_ms)
{
	static const struct {
		int status;
		const char *what;
	} ends[] = {
		[XEN_DOMAIN_OFF] = { XEN_STATUS_CRASHED, "powered itself off without a word" },
		[XEN_DOMAIN_REBOOTS] = { XEN_STATUS_CRASHED, "crashed: triple fault, or a reset" },
		[XEN_DOMAIN_CRASHED] = { XEN_STATUS_CRASHED, "crashed: the hypervisor ended it" },
		[XEN_DOMAIN_GONE] = { XEN_STATUS_CRASHED, "was destroyed by somebody else" },
	};
	const enum xen_domain_state state = xen_domain_look(&m->domain);

	if (state != XEN_DOMAIN_RUNS) {
		fprintf(stderr, "ringside-xen: the guest %s\n", ends[state].what);
		m->status = ends[state].status;
		return;
	}
	*silent_ms += LOOK_MS;
	if (m->o->silence_s && *silent_ms >= m->o->silence_s * 1000u) {
		fprintf(stderr, "ringside-xen: the guest has asked for nothing for %u s\n",
			m->o->silence_s);
		m->status = XEN_STATUS_SILENT;
	}
}

static void read_signals(struct xen_monitor *m)
{
	struct signalfd_siginfo si;

	while (read(m->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGUSR1) {
			if (m->ops->resized)
				m->ops->resized(m->ctx);
			continue;
		}
		fputs("ringside-xen: ended by a signal\n", stderr);
		m->status = XEN_STATUS_FAILED;
	}
}

static bool any(const struct pollfd *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (p[i].revents)
			return true;
	return false;
}

static void loop(struct xen_monitor *m)
{
	struct pollfd p[OTHERS + REACTOR_WATCHES_MAX];
	unsigned silent_ms = 0;
	u64 before = 0;

	p[0] = (struct pollfd){ .fd = xen_ioreq_fd(&m->ioreq), .events = POLLIN };
	p[1] = (struct pollfd){ .fd = m->signal_fd, .events = POLLIN };
	while (m->status < 0) {
		const bool busy = m->ops->work && m->ops->work(m->ctx);
		unsigned listened;
		int n;

		if (m->status >= 0)
			return;
		listened = m->ops->listen ? m->ops->listen(m->ctx, p + OTHERS) : 0;
		n = poll(p, OTHERS + listened, busy ? 0 : LOOK_MS);
		if (n > 0 && p[1].revents)
			read_signals(m);
		if (n > 0 && p[0].revents && xen_ioreq_serve(&m->ioreq))
			m->status = XEN_STATUS_FAILED;
		if (n > 0 && m->ops->ready && any(p + OTHERS, listened))
			m->ops->ready(m->ctx);
		if (m->ioreq.requests != before) {
			silent_ms = 0;
			/* Who is never silent is to be heard, too. */
			if (m->ioreq.requests % TAKE_EVERY == 0)
				take_channel(m);
		} else if (n == 0 && !busy) {
			take_channel(m);
			look(m, &silent_ms);
		}
		before = m->ioreq.requests;
	}
}

int xen_monitor_run(struct xen_monitor *m, const struct xen_monitor_ops *ops, void *ctx)
{
	m->ops = ops;
	m->ctx = ctx;
	if (xen_domain_unpause(&m->domain))
		return XEN_STATUS_FAILED;
	loop(m);
	take_channel(m);
	take_counter(m);
	return m->status;
}

void xen_monitor_close(struct xen_monitor *m)
{
	if (m->channel)
		xenforeignmemory_unmap(m->ioreq.fm, m->channel, m->o->domain.channel_size / 4096);
	xen_memory_unmap(&m->memory);
	xen_ioreq_close(&m->ioreq);
	xen_domain_destroy(&m->domain);
	if (m->o->stream && m->stream_fd >= 0)
		close(m->stream_fd);
	if (m->signal_fd >= 0)
		close(m->signal_fd);
}
