// SPDX-License-Identifier: BSD-3-Clause
/* The qtest protocol: one line a command, one line an answer. */
#include "harness/transport/qtest/access.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/transport/host/clock.h"
#include "harness/transport/host/process.h"

/* Where the machines have what we use. All of it is fixed in QEMU's boards. */
struct board {
	const char *machine; /* prefix of the machine's name */
	enum qtest_arch arch;
	u64 ram_gpa;
	u64 bar_base, bar_base64;
	u64 ecam; /* 0: configuration space through ports 0xcf8 and 0xcfc */
	bool pci;
	u64 mmio_base;
	u32 mmio_stride;
	unsigned mmio_count;
};

static const struct board boards[] = {
	/* ref-backends/binding/machine. */
	{ .machine = "ringside",
	  .arch = QTEST_X86_64,
	  .pci = true,
	  .bar_base = 0xe0000000,
	  .bar_base64 = 0x800000000,
	  .ecam = 0xb0000000,
	  .mmio_base = 0xfeb00000,
	  .mmio_stride = 0x200,
	  .mmio_count = 1 },
	{ .machine = "microvm",
	  .arch = QTEST_X86_64,
	  .mmio_base = 0xfeb00000,
	  .mmio_stride = 0x200,
	  .mmio_count = 24 },
	{ .machine = "q35",
	  .arch = QTEST_X86_64,
	  .pci = true,
	  .bar_base = 0xe0000000,
	  .bar_base64 = 0x800000000 },
	{ .machine = "pc",
	  .arch = QTEST_X86_64,
	  .pci = true,
	  .bar_base = 0xe0000000,
	  .bar_base64 = 0x800000000 },
	{ .machine = "virt",
	  .arch = QTEST_AARCH64,
	  .ram_gpa = 0x40000000,
	  .pci = true,
	  .bar_base = 0x10000000,
	  .bar_base64 = 0x8000000000,
	  .ecam = 0x4010000000,
	  .mmio_base = 0x0a000000,
	  .mmio_stride = 0x200,
	  .mmio_count = 32 },
};

static int gone(struct qtest *q)
{
	u64 end = host_now_ns() + 2000000000u;

	/* The socket may close a moment before the process can be waited for. */
	while (!qtest_died(q) && host_now_ns() < end)
		poll(NULL, 0, 1);
	snprintf(q->access.error, sizeof(q->access.error), "%s %.230s", qtest_name(q),
		 q->death[0] ? q->death : "closed its qtest socket");
	return TP_EGONE;
}

/* The next line into `line`, without its end. */
static int read_line(struct qtest *q, char *line, size_t room, u64 deadline)
{
	for (;;) {
		char *end = memchr(q->input, '\n', q->have);
		struct pollfd pfd = { .fd = q->sock, .events = POLLIN };
		u64 now = host_now_ns();
		ssize_t n;

		if (end) {
			size_t len = (size_t)(end - q->input);

			snprintf(line, room, "%.*s", (int)len, q->input);
			q->have -= len + 1;
			memmove(q->input, end + 1, q->have);
			return TP_OK;
		}
		if (q->have == sizeof(q->input))
			return gone(q);
		if (poll(&pfd, 1, now < deadline ? (int)((deadline - now) / 1000000 + 1) : 0) ==
		    0) {
			snprintf(q->access.error, sizeof(q->access.error),
				 "%s does not answer its qtest socket", qtest_name(q));
			q->hung = true;
			return TP_ETIMEOUT;
		}
		n = recv(q->sock, q->input + q->have, sizeof(q->input) - q->have, MSG_DONTWAIT);
		if (n > 0)
			q->have += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return gone(q);
	}
}

/* Send a command, take its answer: "OK" and what stands behind it. */
static int command(struct qtest *q, u64 *value, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int command(struct qtest *q, u64 *value, const char *fmt, ...)
{
	u64 deadline = host_now_ns() + (u64)q->opts->timeout_ms * 1000000;
	char line[256];
	va_list ap;
	int n, rc;

	/* A deadline was waited for once; whoever asks again shall not wait for another. */
	if (q->sock < 0 || q->hung)
		return TP_EGONE;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (send(q->sock, line, (size_t)n, MSG_NOSIGNAL) != n)
		return gone(q);
	do
		rc = read_line(q, line, sizeof(line), deadline);
	while (rc == TP_OK && strncmp(line, "IRQ", 3) == 0);
	if (rc != TP_OK)
		return rc;
	if (strncmp(line, "OK", 2) != 0) {
		snprintf(q->access.error, sizeof(q->access.error), "qtest: %.120s", line);
		return TP_EPROTO;
	}
	if (value)
		*value = strtoull(line + 2, NULL, 0);
	return TP_OK;
}

static char width(unsigned size)
{
	return size == 1 ? 'b' : size == 2 ? 'w' : size == 4 ? 'l' : 'q';
}

static int op_read(struct access *a, u64 addr, unsigned size, u64 *value)
{
	return command((struct qtest *)a, value, "read%c 0x%llx\n", width(size),
		       (unsigned long long)addr);
}

static int op_write(struct access *a, u64 addr, unsigned size, u64 value)
{
	return command((struct qtest *)a, NULL, "write%c 0x%llx 0x%llx\n", width(size),
		       (unsigned long long)addr, (unsigned long long)value);
}

static const struct board *board_of(const struct qtest *q)
{
	for (size_t i = 0; i < ARRAY_SIZE(boards); i++)
		if (boards[i].arch == q->opts->arch &&
		    strncmp(q->opts->machine, boards[i].machine, strlen(boards[i].machine)) == 0)
			return &boards[i];
	return NULL;
}

/* Configuration mechanism #1: address into 0xcf8, data at 0xcfc. */
static int cfg_select(struct qtest *q, u8 devfn, u16 offset)
{
	return command(q, NULL, "outl 0xcf8 0x%x\n", 0x80000000u | devfn << 8 | (offset & 0xfcu));
}

static int op_cfg_read(struct access *a, u8 devfn, u16 offset, unsigned size, u32 *value)
{
	struct qtest *q = (struct qtest *)a;
	const struct board *b = board_of(q);
	u64 v = 0;
	int rc;

	if (b->ecam) {
		rc = op_read(a, b->ecam + ((u64)devfn << 12) + offset, size, &v);
	} else {
		rc = cfg_select(q, devfn, offset);
		if (rc == TP_OK)
			rc = command(q, &v, "in%c 0x%x\n", width(size), 0xcfcu + (offset & 3u));
	}
	*value = (u32)v;
	return rc;
}

static int op_cfg_write(struct access *a, u8 devfn, u16 offset, unsigned size, u32 value)
{
	struct qtest *q = (struct qtest *)a;
	const struct board *b = board_of(q);
	int rc;

	if (b->ecam)
		return op_write(a, b->ecam + ((u64)devfn << 12) + offset, size, value);
	rc = cfg_select(q, devfn, offset);
	return rc != TP_OK ? rc
			   : command(q, NULL, "out%c 0x%x 0x%x\n", width(size),
				     0xcfcu + (offset & 3u), value);
}

static void op_clear_ram(struct access *a)
{
	qtest_clear_ram((struct qtest *)a);
}

static int op_process(struct access *a, struct tp_process *p)
{
	return process_look(((struct qtest *)a)->peer, p);
}

static bool is_gone(void *arg)
{
	struct qtest *q = arg;
	struct pollfd pfd = { .fd = q->sock };

	return q->sock < 0 || poll(&pfd, 1, 0) > 0 ||
	       (q->access.severed && q->access.severed(&q->access));
}

static bool op_gone(struct access *a)
{
	struct qtest *q = (struct qtest *)a;

	return host_gone(&q->gone, is_gone, q);
}

static bool op_busy(struct access *a)
{
	struct qtest *q = (struct qtest *)a;

	return process_is_busy(&q->busy, q->peer);
}

static u64 op_now_ns(struct access *a)
{
	return host_now_ns();
}

static void op_relax(struct access *a)
{
	/* QEMU needs a processor, and timers of its devices need its clock to move. */
	host_relax(&((struct qtest *)a)->pace);
}

static const struct access_ops qtest_ops = {
	.read = op_read,
	.write = op_write,
	.cfg_read = op_cfg_read,
	.cfg_write = op_cfg_write,
	.clear_ram = op_clear_ram,
	.process = op_process,
	.gone = op_gone,
	.busy = op_busy,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

static const struct access_ops qtest_ops_without_pci = {
	.read = op_read,
	.write = op_write,
	.clear_ram = op_clear_ram,
	.process = op_process,
	.gone = op_gone,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

static struct tp_buf part(const struct qtest *q, u64 offset, u32 len)
{
	return (struct tp_buf){ q->ram + offset, { q->ram_gpa + offset }, len };
}

int qtest_access_init(struct qtest *q)
{
	const struct board *b = board_of(q);
	struct access *a = &q->access;

	if (!b) {
		snprintf(a->error, sizeof(a->error), "machine '%.60s' is none that Ringside knows",
			 q->opts->machine);
		return -1;
	}
	q->ram_gpa = b->ram_gpa;
	a->ops = b->pci ? &qtest_ops : &qtest_ops_without_pci;
	/* Below 2 MiB there may be holes for firmware and video; interrupts get a page of their own. */
	a->ram[0] = part(q, 2 << 20, 14 << 20);
	a->ram[1] = part(q, 20 << 20, 12 << 20);
	a->ram[2] = part(q, 36 << 20, 28 << 20);
	a->ram_count = 3;
	a->msi = part(q, 18 << 20, 1 << 20);
	a->bar_base = b->bar_base;
	a->bar_base64 = b->bar_base64;
	a->mmio_base = b->mmio_base;
	a->mmio_stride = b->mmio_stride;
	a->mmio_count = b->mmio_count;
	return 0;
}
