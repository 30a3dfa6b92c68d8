// SPDX-License-Identifier: BSD-3-Clause
/* Buffers used in order (VIRTIO_F_IN_ORDER): batches of which only the last is told, over both layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "harness/virtqueue/vq.h"

#define SIZE 8

static _Alignas(4096) u8 ram[3 * 4096];
static struct vq_slot slots[SIZE];
static struct vq vq;
static int token[64];

static void make(enum vq_ring ring)
{
	const struct vq_mode mode = { .ring = ring, .in_order = true, .base = vq_start(ring) };
	struct vq_layout l;

	vq_lay_out(&l, ring, SIZE, ram, (struct gpa){ 0 });
	vq_init(&vq, &mode, &l, slots);
}

/* `descs` descriptors with 100 writable bytes in the last. Its id. */
static int add(int n, unsigned descs)
{
	struct vq_sg sg[SIZE];

	for (unsigned i = 0; i < descs; i++)
		sg[i] = (struct vq_sg){ { 0x1000 * (i + 1) }, 100 };
	return vq_add(&vq, sg, descs - 1, 1, &token[n]);
}

/* The device: one entry at `at`, which stands for `batch` buffers. */
static void used(struct vq_packed_at at, u16 batch, u32 id, u32 len)
{
	if (vq.ring == VQ_RING_PACKED) {
		vq_packed_raw_desc(&vq.packed, at.off, 0, len, (u16)id,
				   vq_packed_used_bits(at.wrap));
		return;
	}
	vq.split.used->ring[le16(vq.split.used->idx) % SIZE] =
		(struct vring_used_elem){ le32(id), le32(len) };
	vq.split.used->idx = le16((u16)(le16(vq.split.used->idx) + batch));
}

static void expect(int n, u32 len)
{
	void *t = NULL;
	u32 id, got;

	assert_true(vq_used_pending(&vq));
	assert_true(vq_reap(&vq, &id, &got, &t) >= 0);
	assert_ptr_equal(t, &token[n]);
	assert_int_equal(got, len);
}

static struct vq_packed_at here(void)
{
	return vq.ring == VQ_RING_PACKED ? vq.packed.used : (struct vq_packed_at){ 0 };
}

static void batches(enum vq_ring ring)
{
	make(ring);
	/* Many laps, in batches of one to three, chains of one and two descriptors. */
	for (int round = 0; round < 50; round++) {
		const u16 batch = (u16)(1 + round % 3);
		int id = -1;

		for (int i = 0; i < batch; i++) {
			id = add(i, 1 + (unsigned)(round + i) % 2);
			assert_true(id >= 0);
		}
		vq_publish(&vq);
		assert_false(vq_used_pending(&vq));
		used(here(), batch, (u32)id, 7);
		assert_int_equal((u16)(vq_used(&vq) - vq_reaped(&vq)), batch);
		/* What is not told is what there is room for. */
		for (int i = 0; i < batch; i++)
			expect(i, i + 1 < batch ? 100 : 7);
		assert_false(vq_used_pending(&vq));
		assert_int_equal(vq_room(&vq), SIZE);
	}
}

static void batches_split(void **state)
{
	batches(VQ_RING_SPLIT);
}

static void batches_packed(void **state)
{
	batches(VQ_RING_PACKED);
}

static void hostile(enum vq_ring ring)
{
	static const u32 wild[] = { 5, SIZE, 0xffff };
	void *t;
	u32 id, len;

	for (size_t i = 0; i < ARRAY_SIZE(wild); i++) {
		make(ring);
		assert_true(add(0, 1) >= 0 && add(1, 1) >= 0);
		vq_publish(&vq);
		used(here(), 1, wild[i], 0);
		assert_int_equal(vq_reap(&vq, &id, &len, &t), VQ_BADID);
		assert_int_equal(id, wild[i]);
	}
}

static void hostile_split(void **state)
{
	hostile(VQ_RING_SPLIT);
	/* The index covers less than the batch. */
	make(VQ_RING_SPLIT);
	assert_int_equal(add(0, 1), 0);
	assert_int_equal(add(1, 1), 1);
	vq_publish(&vq);
	used(here(), 1, 1, 0);
	{
		void *t;
		u32 id, len;

		assert_int_equal(vq_reap(&vq, &id, &len, &t), VQ_BADID);
	}
}

static void hostile_packed(void **state)
{
	hostile(VQ_RING_PACKED);
}

/* Where a ring stands, as GET_VRING_BASE and notifications tell. */
static void places(void **state)
{
	make(VQ_RING_PACKED);
	assert_int_equal(vq_where(&vq), VQ_PACKED_START);
	assert_int_equal(add(0, 3), 0);
	vq_publish(&vq);
	assert_int_equal(vq_next(&vq), 0x8003);
	used(here(), 1, 0, 1);
	expect(0, 1);
	assert_int_equal(vq_where(&vq), 0x80038003);
	assert_true(add(0, 7) >= 0);
	vq_publish(&vq);
	/* Two places into the lap with counter 0. */
	assert_int_equal(vq_next(&vq), 2);
	make(VQ_RING_SPLIT);
	assert_int_equal(add(0, 3), 0);
	assert_int_equal(vq_next(&vq), 0);
	vq_publish(&vq);
	assert_int_equal(vq_next(&vq), 1);
	assert_int_equal(vq_where(&vq), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_split), cmocka_unit_test(batches_packed),
		cmocka_unit_test(hostile_split), cmocka_unit_test(hostile_packed),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
