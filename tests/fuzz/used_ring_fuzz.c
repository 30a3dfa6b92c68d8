// SPDX-License-Identifier: BSD-3-Clause
/*
 * The used ring, written by a hostile device. Whatever stands in it, the driver's half gives back
 * each chain at most once, with the token it was added with, and never loses count of its slots.
 */
#include "harness/virtqueue/split.h"
#include "tests/fuzz/input.h"

#define SIZE_MAX_LOG 4
#define MAX_SIZE     (1u << SIZE_MAX_LOG)

struct model {
	bool outstanding[MAX_SIZE];
	u8 pieces[MAX_SIZE]; /* of the chain with this head */
	u8 tokens[MAX_SIZE]; /* their addresses are the tokens */
	unsigned used_slots;
};

static struct {
	_Alignas(16) u8 desc[16 * MAX_SIZE];
	_Alignas(16) u8 avail[6 + 2 * MAX_SIZE];
	_Alignas(16) u8 used[6 + 8 * MAX_SIZE];
} ring;

static void add(struct vq_split *vq, struct model *m, struct input *in)
{
	unsigned out = input_u8(in) % (MAX_SIZE + 2), writable = input_u8(in) % 4;
	bool indirect = out & 1;
	struct vq_sg sg[MAX_SIZE + 8];
	struct vring_desc table[MAX_SIZE + 8];
	/* Where the head will be: the next free slot, of which only the ring itself knows. */
	u16 head = vq->free_head;
	int got;

	for (unsigned i = 0; i < out + writable; i++)
		sg[i] = (struct vq_sg){ { input_u32(in) }, input_u16(in) };
	if (head >= vq->size)
		head = 0; /* none is free */
	got = indirect ? vq_split_add_indirect(vq, table, (struct gpa){ 0x1000 }, sg, out, writable,
					       &m->tokens[head])
		       : vq_split_add(vq, sg, out, writable, &m->tokens[head]);
	if (got < 0) {
		unsigned need = indirect ? 1 : out + writable;

		MUST(out + writable == 0 || m->used_slots + need > vq->size);
		return;
	}
	MUST(got == head && !m->outstanding[head]);
	m->outstanding[head] = true;
	m->pieces[head] = (u8)(indirect ? 1 : out + writable);
	m->used_slots += m->pieces[head];
	MUST(m->used_slots <= vq->size);
}

static void reap(struct vq_split *vq, struct model *m)
{
	void *token = NULL;
	u32 id = 0, len = 0;
	int head = vq_split_reap(vq, &id, &len, &token);

	if (head < 0)
		return;
	MUST((u32)head == id && id < vq->size && m->outstanding[id]);
	MUST(token == &m->tokens[id]);
	m->outstanding[id] = false;
	m->used_slots -= m->pieces[id];
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u16 entries = (u16)(1u << input_u8(&in) % (SIZE_MAX_LOG + 1));
	bool event_idx = input_u8(&in) & 1;
	struct vq_split_layout layout = {
		.size = entries,
		.desc_hva = ring.desc,
		.avail_hva = ring.avail,
		.used_hva = ring.used,
	};
	struct vq_split_slot slots[MAX_SIZE];
	struct model m = { 0 };
	struct vq_split vq;

	vq_split_init(&vq, &layout, slots, input_u16(&in), event_idx);
	while (in.left) {
		switch (input_u8(&in) % 8) {
		case 0:
		case 1:
			add(&vq, &m, &in);
			break;
		case 2:
			vq_split_publish(&vq);
			vq_split_kick_due(&vq);
			break;
		case 3: /* the device: any element, and the next index */
		case 4: {
			struct vring_used *used = vq.used;
			u16 at = used->idx;

			used->ring[at & vq.mask].id = input_u8(&in) % (entries + 2);
			used->ring[at & vq.mask].len = input_u32(&in);
			used->idx = (u16)(at + 1);
			break;
		}
		case 5: /* the device: any bytes anywhere in what it may write, and in what it may not */
			input_bytes(&in, ring.used, input_u8(&in) % sizeof(ring.used));
			input_bytes(&in, ring.desc, input_u8(&in) % sizeof(ring.desc));
			break;
		case 6:
			for (unsigned i = 0; i < 2 * MAX_SIZE; i++)
				reap(&vq, &m);
			break;
		case 7:
			if (input_u8(&in) & 1)
				vq_split_enable_calls(&vq);
			else
				vq_split_disable_calls(&vq);
			break;
		}
		MUST(vq.free_count + m.used_slots == entries);
	}
	return 0;
}
