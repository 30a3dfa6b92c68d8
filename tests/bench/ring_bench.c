// SPDX-License-Identifier: BSD-3-Clause
/*
 * What the two halves of the split ring cost by themselves: one thread is driver and device in turn, so
 * that no cache line travels and no one waits. Prints nanoseconds and, where the kernel lets us count
 * them, instructions of user space per request and half.
 *
 *   ring_bench [REQUESTS]
 */
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/transport/host/clock.h"
#include "harness/virtqueue/split.h"
#include "ref-backends/virtqueue/split.h"

#define SIZE  256
#define GPA   0x40000000ull
#define BYTES (1u << 20)

struct shape {
	const char *name;
	unsigned out, in;
	bool indirect;
};

static const struct shape shapes[] = {
	{ "1 descriptor", 0, 1, false },
	{ "3 descriptors (blk read)", 1, 2, false },
	{ "3 in an indirect table", 1, 2, true },
};
static const unsigned batches[] = { 1, 8, 64 };

struct side {
	u64 ns, instructions;
};

struct bench {
	u8 *ram;
	struct vq_split vq;
	struct vq_slot slots[SIZE];
	struct dvq_split dvq;
	int counter; /* perf event, -1: none */
};

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	struct bench *b = ctx;

	if (gpa < GPA || gpa - GPA >= BYTES)
		return NULL;
	*len = MIN(*len, BYTES - (gpa - GPA));
	return b->ram + (gpa - GPA);
}

static const struct dvq_ops ops = { .translate = translate };

/* Instructions of this thread in user space; where that is not allowed, -1. */
static int open_counter(void)
{
	struct perf_event_attr a = {
		.type = PERF_TYPE_HARDWARE,
		.size = sizeof(a),
		.config = PERF_COUNT_HW_INSTRUCTIONS,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0);
}

static u64 count(const struct bench *b)
{
	u64 v = 0;

	if (b->counter >= 0 && read(b->counter, &v, sizeof(v)) != sizeof(v))
		return 0;
	return v;
}

static void set_up(struct bench *b, bool indirect)
{
	u32 avail = vq_split_desc_bytes(SIZE);
	u32 used = (u32)ALIGN_UP(avail + vq_split_avail_bytes(SIZE), 64);
	struct vq_layout l = {
		.size = SIZE,
		.desc = { GPA },
		.driver = { GPA + avail },
		.device = { GPA + used },
		.desc_hva = b->ram,
		.driver_hva = b->ram + avail,
		.device_hva = b->ram + used,
	};

	vq_split_init(&b->vq, &l, b->slots, 0, true);
	b->dvq = (struct dvq_split){
		.desc = (void *)b->ram,
		.avail = (void *)(b->ram + avail),
		.used = (void *)(b->ram + used),
		.ops = &ops,
		.ctx = b,
		.num = SIZE,
		.event_idx = true,
		.indirect = indirect,
	};
	dvq_init(&b->dvq, 0);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ring_bench: %s\n", what);
	exit(1);
}

static void submit(struct bench *b, const struct shape *s, unsigned n)
{
	const struct vq_sg sg[3] = { { { GPA + 0x80000 }, 16 },
				     { { GPA + 0x90000 }, 4096 },
				     { { GPA + 0xa0000 }, 1 } };
	struct vring_desc *tables = (void *)(b->ram + 0x40000);
	int rc = 0;

	for (unsigned i = 0; i < n && rc >= 0; i++)
		rc = s->indirect ? vq_split_add_indirect(&b->vq, tables + i * 4,
							 (struct gpa){ GPA + 0x40000 + i * 64 }, sg,
							 s->out, s->in, b)
				 : vq_split_add(&b->vq, sg, s->out, s->in, b);
	must(rc >= 0, "the ring is full");
	vq_split_publish(&b->vq);
	vq_split_kick_due(&b->vq);
}

static void serve(struct bench *b, unsigned n)
{
	struct dvq_seg segs[8];
	struct dvq_chain c = { .segs = segs, .cap = ARRAY_SIZE(segs) };

	for (unsigned i = 0; i < n; i++) {
		u16 head;

		must(dvq_fetch(&b->dvq, &head) == DVQ_OK, "nothing to fetch");
		must(dvq_walk(&b->dvq, head, &c) == DVQ_OK, "a chain that cannot be walked");
		dvq_push(&b->dvq, head, (u32)c.writable);
	}
	dvq_notify_due(&b->dvq);
}

static void reap(struct bench *b, unsigned n)
{
	u32 id, len;
	void *token;

	for (unsigned i = 0; i < n; i++)
		must(vq_split_reap(&b->vq, &id, &len, &token) >= 0, "nothing was used");
}

static void run(struct bench *b, const struct shape *s, unsigned batch, u64 requests)
{
	struct side driver = { 0 }, device = { 0 };
	u64 rounds = requests / batch;

	set_up(b, s->indirect);
	for (u64 i = 0; i < rounds; i++) {
		u64 t[4], k[4];

		t[0] = host_now_ns(), k[0] = count(b);
		submit(b, s, batch);
		t[1] = host_now_ns(), k[1] = count(b);
		serve(b, batch);
		t[2] = host_now_ns(), k[2] = count(b);
		reap(b, batch);
		t[3] = host_now_ns(), k[3] = count(b);
		driver.ns += t[1] - t[0] + t[3] - t[2];
		device.ns += t[2] - t[1];
		driver.instructions += k[1] - k[0] + k[3] - k[2];
		device.instructions += k[2] - k[1];
	}
	printf("%-26s %5u %9.1f %9.1f", s->name, batch,
	       (double)driver.ns / (double)(rounds * batch),
	       (double)device.ns / (double)(rounds * batch));
	if (b->counter >= 0)
		printf(" %9.1f %9.1f\n", (double)driver.instructions / (double)(rounds * batch),
		       (double)device.instructions / (double)(rounds * batch));
	else
		printf(" %9s %9s\n", "-", "-");
}

int main(int argc, char **argv)
{
	u64 requests = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	struct bench *b = calloc(1, sizeof(*b));

	must(b && (b->ram = aligned_alloc(4096, BYTES)), "no memory");
	memset(b->ram, 0, BYTES);
	b->counter = open_counter();
	printf("%-26s %5s %9s %9s %9s %9s\n", "split ring, 256 entries", "batch", "driver",
	       "device", "driver", "device");
	printf("%-26s %5s %9s %9s %9s %9s\n", "", "", "ns", "ns", "instr.", "instr.");
	for (unsigned i = 0; i < ARRAY_SIZE(shapes); i++)
		for (unsigned k = 0; k < ARRAY_SIZE(batches); k++)
			run(b, &shapes[i], batches[k], requests);
	if (b->counter < 0)
		puts("instructions cannot be counted here (perf_event_open)");
	free(b->ram);
	free(b);
	return 0;
}
