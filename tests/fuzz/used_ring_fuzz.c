// SPDX-License-Identifier: BSD-3-Clause
/*
 * The used ring, written by a hostile device beside an honest driver. Whatever stands in it, the
 * driver's half gives back each chain at most once, with the token it was added with, and counts
 * every free descriptor once. With IN_ORDER they also come back in the order in which they were added.
 *
 * Input: size (1), features (1: EVENT_IDX, 2: IN_ORDER), base (2), then operations: a byte for what, and
 * what belongs to it.
 */
#include "harness/virtqueue/split.h"
#include "tests/fuzz/input.h"

#define MAX_SIZE 16
#define PIECES	 (MAX_SIZE + 4)

/* What an honest driver knows for itself. */
static struct {
	bool out[MAX_SIZE];  /* this head is outstanding … */
	u16 takes[MAX_SIZE]; /* … and has so many descriptors */
	u16 taken;	     /* descriptors in all */
	u8 token[MAX_SIZE];  /* their addresses are the tokens */
	u16 order[MAX_SIZE]; /* heads that are outstanding, as they were added */
	u16 added, reaped;
} model;

static struct vq_split vq;

static void check(void)
{
	bool seen[MAX_SIZE] = { false };
	u16 at = vq.free_head;

	MUST(vq.free_count + model.taken == vq.size);
	for (u16 n = 0; n < vq.free_count; n++) {
		MUST(at < vq.size && !seen[at]);
		/* The head of something outstanding is not free. */
		MUST(!model.out[at]);
		seen[at] = true;
		at = vq.slots[at].next;
	}
}

static void add(struct input *in)
{
	u8 shape = input_u8(in);
	unsigned out = (shape & 0x1f) % (MAX_SIZE + 1), writable = shape >> 5 & 3;
	bool indirect = shape & 0x80;
	struct vring_desc table[PIECES];
	struct vq_sg sg[PIECES];
	/* Where the head will be: the next free slot, of which only the ring itself knows. */
	u16 next = vq.free_count ? vq.free_head : 0;
	void *token = &model.token[next];
	u16 takes = (u16)(indirect ? 1 : out + writable);
	int head;

	for (unsigned i = 0; i < out + writable; i++)
		sg[i] = (struct vq_sg){ { 0x1000u * i }, 64 };
	head = indirect ? vq_split_add_indirect(&vq, table, (struct gpa){ 0x1000 }, sg, out,
						writable, token)
			: vq_split_add(&vq, sg, out, writable, token);
	if (head < 0) {
		MUST(out + writable == 0 || model.taken + takes > vq.size);
		return;
	}
	MUST(head == next && !model.out[head]);
	model.out[head] = true;
	model.takes[head] = takes;
	model.taken += takes;
	model.order[model.added++ % MAX_SIZE] = (u16)head;
}

static void reap(void)
{
	u16 before = vq.used_idx;
	bool pending = vq_split_used_pending(&vq);
	void *token = NULL;
	u32 id = 0, len = 0;
	int head = vq_split_reap(&vq, &id, &len, &token);

	MUST(pending == (head != VQ_EMPTY));
	MUST((u16)(vq.used_idx - before) == (head != VQ_EMPTY));
	if (head < 0)
		return;
	MUST(head < vq.size && (u32)head == id && model.out[head]);
	MUST(token == &model.token[head]);
	MUST(!vq.in_order || head == model.order[model.reaped++ % MAX_SIZE]);
	model.out[head] = false;
	model.taken -= model.takes[head];
}

/* What the device does to memory: mostly what it may write, sometimes what it must not. */
static void device(struct input *in, u8 op)
{
	u16 at = input_u16(in);

	switch (op) {
	case 0: /* an element in its place, and the next index */
		vq.used->ring[vq.used->idx & vq.mask].id = input_u8(in);
		vq.used->ring[vq.used->idx & vq.mask].len = at;
		vq.used->idx++;
		break;
	case 1: /* anywhere, with any id */
		vq.used->ring[at & vq.mask].id = input_u32(in);
		vq.used->ring[at & vq.mask].len = input_u32(in);
		break;
	case 2:
		vq.used->idx = at;
		break;
	case 3:
		vq.used->flags = at;
		break;
	case 4:
		*vq_split_avail_event(&vq) = at;
		break;
	case 5:
		input_bytes(in, &vq.desc[at & vq.mask], sizeof(vq.desc[0]));
		break;
	default:
		vq.avail->ring[at & vq.mask] = input_u16(in);
		vq.avail->idx = input_u16(in);
		break;
	}
}

static void step(struct input *in)
{
	u8 op = input_u8(in) % 14;

	switch (op) {
	case 0:
	case 1:
		add(in);
		break;
	case 2:
		vq_split_publish(&vq);
		vq_split_kick_due(&vq);
		break;
	case 3:
	case 4:
		reap();
		break;
	case 5:
		vq_split_enable_calls(&vq);
		break;
	case 6:
		vq_split_disable_calls(&vq);
		break;
	default:
		device(in, op - 7);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u16 n = (u16)(1u << input_u8(&in) % 5);
	u8 flags = input_u8(&in);
	/* Of their very sizes: what is read or written behind them is found. */
	struct vq_layout layout = {
		.size = n,
		.desc_hva = malloc(vq_split_desc_bytes(n)),
		.driver_hva = malloc(vq_split_avail_bytes(n)),
		.device_hva = malloc(vq_split_used_bytes(n)),
	};
	struct vq_slot *slots = malloc(n * sizeof(*slots));

	MUST(layout.desc_hva && layout.driver_hva && layout.device_hva && slots);
	memset(&model, 0, sizeof(model));
	vq_split_init(&vq, &layout, slots, input_u16(&in), flags & 1);
	vq.in_order = flags & 2;
	while (in.left) {
		step(&in);
		check();
	}
	/* And when the device is let run on: no more can come back than is out. */
	for (unsigned i = 0; i < 2u * MAX_SIZE; i++)
		reap();
	check();
	free(slots);
	free(layout.desc_hva);
	free(layout.driver_hva);
	free(layout.device_hva);
	return 0;
}
