// SPDX-License-Identifier: BSD-3-Clause
/*
 * The packed ring, written by a hostile device beside an honest driver. Both write to the same
 * descriptors; whatever stands in them, the driver's half gives back each buffer at most once, with
 * the token it was added with, and never loses count. With IN_ORDER they also come back in the order in
 * which they were added.
 *
 * Input: size (1), features and where the ring begins (1: EVENT_IDX, 2: the wrap counter, 4 to 64: the
 * place, 128: IN_ORDER), then operations: a byte for what, and what belongs to it.
 */
#include "harness/virtqueue/packed.h"
#include "tests/fuzz/input.h"

#define MAX_SIZE 20
#define PIECES	 (MAX_SIZE + 4)

/* What an honest driver knows for itself. */
static struct {
	bool out[MAX_SIZE];  /* this id is outstanding … */
	u16 takes[MAX_SIZE]; /* … and has so many descriptors */
	u16 taken, buffers;  /* descriptors and buffers in all */
	u8 token[MAX_SIZE];  /* their addresses are the tokens */
	u16 order[MAX_SIZE]; /* ids that are outstanding, as they were added */
	u16 added, reaped;
} model;

static struct vq_packed vq;

static void check(void)
{
	bool seen[MAX_SIZE] = { false };
	u16 id = vq.free_id;

	MUST(vq.free_count + model.taken == vq.size);
	MUST(vq.used.off < vq.size && vq.avail.off < vq.size);
	for (unsigned n = model.buffers; n < vq.size; n++) {
		MUST(id < vq.size && !seen[id] && !model.out[id]);
		seen[id] = true;
		id = vq.slots[id].next;
	}
}

static void add(struct input *in)
{
	u8 shape = input_u8(in);
	unsigned out = (shape & 0x1f) % (MAX_SIZE + 1), writable = shape >> 5 & 3;
	bool indirect = shape & 0x80;
	struct vring_packed_desc table[PIECES];
	struct vq_sg sg[PIECES];
	/* Which id it will be: the next free one, of which only the ring itself knows. */
	u16 next = vq.free_count ? vq.free_id : 0;
	void *token = &model.token[next];
	u16 takes = (u16)(indirect ? 1 : out + writable);
	int id;

	for (unsigned i = 0; i < out + writable; i++)
		sg[i] = (struct vq_sg){ { 0x1000u * i }, 64 };
	id = indirect ? vq_packed_add_indirect(&vq, table, (struct gpa){ 0x1000 }, sg, out,
					       writable, token)
		      : vq_packed_add(&vq, sg, out, writable, token);
	if (id < 0) {
		MUST(out + writable == 0 || model.taken + takes > vq.size);
		return;
	}
	MUST(id == next && !model.out[id]);
	model.out[id] = true;
	model.takes[id] = takes;
	model.taken += takes;
	model.buffers++;
	model.order[model.added++ % MAX_SIZE] = (u16)id;
}

static void reap(void)
{
	bool pending = vq_packed_used_pending(&vq);
	void *token = NULL;
	u32 id = 0, len = 0;
	int got = vq_packed_reap(&vq, &id, &len, &token);

	MUST(pending == (got != VQ_EMPTY));
	if (got < 0)
		return;
	MUST(got < vq.size && (u32)got == id && model.out[got]);
	MUST(token == &model.token[got]);
	MUST(!vq.in_order || got == model.order[model.reaped++ % MAX_SIZE]);
	model.out[got] = false;
	model.taken -= model.takes[got];
	model.buffers--;
}

static void device(struct input *in, u8 op)
{
	u16 at = input_u16(in);

	switch (op) {
	case 0: /* a used descriptor in its place */
	case 1:
		vq_packed_raw_desc(&vq, vq.used.off, 0, at, input_u8(in),
				   vq_packed_used_bits(vq.used.wrap));
		break;
	case 2: /* anything anywhere */
		input_bytes(in, &vq.desc[at % vq.size], sizeof(vq.desc[0]));
		break;
	case 3:
		input_bytes(in, vq.device, sizeof(*vq.device));
		break;
	default: /* what it must not */
		input_bytes(in, vq.driver, sizeof(*vq.driver));
		break;
	}
}

static void step(struct input *in)
{
	u8 op = input_u8(in) % 12;

	switch (op) {
	case 0:
	case 1:
		add(in);
		break;
	case 2:
		vq_packed_publish(&vq);
		vq_packed_kick_due(&vq);
		break;
	case 3:
	case 4:
		reap();
		break;
	case 5:
		vq_packed_enable_calls(&vq);
		break;
	case 6:
		vq_packed_disable_calls(&vq);
		break;
	default:
		device(in, op - 7);
		break;
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u16 n = (u16)(1 + input_u8(&in) % MAX_SIZE);
	u8 flags = input_u8(&in);
	struct vq_packed_at start = { (u16)(flags >> 2 & 31) % n, flags & 2 };
	/* Of their very sizes: what is read or written behind them is found. */
	struct vq_layout layout = {
		.size = n,
		.desc_hva = malloc(vq_packed_desc_bytes(n)),
		.driver_hva = malloc(VQ_PACKED_EVENT_BYTES),
		.device_hva = malloc(VQ_PACKED_EVENT_BYTES),
	};
	struct vq_slot *slots = malloc(n * sizeof(*slots));

	MUST(layout.desc_hva && layout.driver_hva && layout.device_hva && slots);
	memset(&model, 0, sizeof(model));
	vq_packed_init(&vq, &layout, slots, start, flags & 1);
	vq.in_order = flags & 0x80;
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
