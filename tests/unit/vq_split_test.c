// SPDX-License-Identifier: BSD-3-Clause
/*
 * The driver's half of the split ring, against a device that is a few lines here: it takes what the
 * available ring shows, and returns what the test tells it to, right or wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/spec/virtio14.h"
#include "harness/virtqueue/split.h"

#define GPA 0x100000

struct fixture {
	struct vq_split vq;
	struct vq_layout layout;
	struct vq_slot *slots;
	u8 *memory;
	u16 seen; /* the device's position in the available ring */
};

static struct fixture *make(u16 size, u16 base, bool event_idx)
{
	struct fixture *f = calloc(1, sizeof(*f));
	u32 desc = vq_split_desc_bytes(size), avail = vq_split_avail_bytes(size);
	u32 avail_at = desc, used_at = (u32)ALIGN_UP(avail_at + avail, VQ_USED_ALIGN);
	u32 total = used_at + vq_split_used_bytes(size);

	assert_non_null(f);
	f->slots = calloc(size, sizeof(*f->slots));
	f->memory = aligned_alloc(VQ_DESC_ALIGN, ALIGN_UP(total, VQ_DESC_ALIGN));
	assert_non_null(f->slots);
	assert_non_null(f->memory);
	/* What init does not clear is not clear. */
	memset(f->memory, 0xa5, total);
	f->layout = (struct vq_layout){
		.size = size,
		.desc = { GPA },
		.driver = { GPA + avail_at },
		.device = { GPA + used_at },
		.desc_hva = f->memory,
		.driver_hva = f->memory + avail_at,
		.device_hva = f->memory + used_at,
	};
	f->seen = base;
	vq_split_init(&f->vq, &f->layout, f->slots, base, event_idx);
	return f;
}

static void drop(struct fixture *f)
{
	free(f->memory);
	free(f->slots);
	free(f);
}

/* --- the device ------------------------------------------------------------------------------------ */

static bool dev_has(const struct fixture *f)
{
	return le16(f->vq.avail->idx) != f->seen;
}

static u16 dev_take(struct fixture *f)
{
	assert_true(dev_has(f));
	return le16(f->vq.avail->ring[f->seen++ & f->vq.mask]);
}

static void dev_return(struct fixture *f, u32 id, u32 len)
{
	u16 idx = le16(f->vq.used->idx);

	f->vq.used->ring[idx & f->vq.mask] = (struct vring_used_elem){ le32(id), le32(len) };
	f->vq.used->idx = le16((u16)(idx + 1));
}

/* --- one chain ------------------------------------------------------------------------------------- */

static const struct vq_sg three[] = {
	{ { 0x1000 }, 16 },
	{ { 0x200000000 }, 512 },
	{ { 0x3000 }, 1 },
};

static void chain_is_written(void **state)
{
	struct fixture *f = make(8, 0, false);
	struct vring_desc *d = f->vq.desc;
	int head, token;
	u16 i;

	head = vq_split_add(&f->vq, three, 1, 2, &token);
	assert_in_range(head, 0, 7);
	assert_int_equal(f->vq.free_count, 5);
	/* Not shown before it is published. */
	assert_false(dev_has(f));
	vq_split_publish(&f->vq);
	assert_int_equal(dev_take(f), head);
	assert_false(dev_has(f));

	i = (u16)head;
	assert_int_equal(d[i].addr, 0x1000);
	assert_int_equal(d[i].len, 16);
	assert_int_equal(d[i].flags, VRING_DESC_F_NEXT);
	i = d[i].next;
	assert_int_equal(d[i].addr, 0x200000000);
	assert_int_equal(d[i].len, 512);
	assert_int_equal(d[i].flags, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	i = d[i].next;
	assert_int_equal(d[i].addr, 0x3000);
	assert_int_equal(d[i].len, 1);
	assert_int_equal(d[i].flags, VRING_DESC_F_WRITE);
	drop(f);
}

static void chain_comes_back(void **state)
{
	struct fixture *f = make(8, 0, false);
	void *token = NULL;
	int mine, head;
	u32 id, len;

	head = vq_split_add(&f->vq, three, 1, 2, &mine);
	vq_split_publish(&f->vq);
	assert_false(vq_split_used_pending(&f->vq));
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), VQ_EMPTY);
	dev_return(f, dev_take(f), 513);
	assert_true(vq_split_used_pending(&f->vq));
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), head);
	assert_int_equal(id, head);
	assert_int_equal(len, 513);
	assert_ptr_equal(token, &mine);
	assert_int_equal(f->vq.free_count, 8);
	assert_false(vq_split_used_pending(&f->vq));
	drop(f);
}

static void table_is_written(void **state)
{
	struct fixture *f = make(8, 0, false);
	struct vring_desc table[3], *d;
	int head, token;

	head = vq_split_add_indirect(&f->vq, table, (struct gpa){ 0x5000 }, three, 1, 2, &token);
	assert_in_range(head, 0, 7);
	/* However long the table, it takes one slot. */
	assert_int_equal(f->vq.free_count, 7);
	d = &f->vq.desc[head];
	assert_int_equal(d->addr, 0x5000);
	assert_int_equal(d->len, sizeof(table));
	assert_int_equal(d->flags, VRING_DESC_F_INDIRECT);
	assert_int_equal(table[0].flags, VRING_DESC_F_NEXT);
	assert_int_equal(table[0].next, 1);
	assert_int_equal(table[1].flags, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE);
	assert_int_equal(table[1].addr, 0x200000000);
	assert_int_equal(table[1].next, 2);
	assert_int_equal(table[2].flags, VRING_DESC_F_WRITE);
	drop(f);
}

/* --- room ------------------------------------------------------------------------------------------- */

static void full_is_full(void **state)
{
	struct fixture *f = make(4, 0, false);
	struct vring_desc table[3];
	int token;

	assert_int_equal(vq_split_add(&f->vq, three, 0, 0, &token), VQ_EMPTY);
	assert_true(vq_split_add(&f->vq, three, 1, 2, &token) >= 0);
	/* One slot is left: not enough for three, enough for a table. */
	assert_int_equal(vq_split_add(&f->vq, three, 1, 2, &token), VQ_EMPTY);
	assert_true(vq_split_add_indirect(&f->vq, table, (struct gpa){ 0x5000 }, three, 1, 2,
					  &token) >= 0);
	assert_int_equal(vq_split_add(&f->vq, three, 1, 0, &token), VQ_EMPTY);
	assert_int_equal(
		vq_split_add_indirect(&f->vq, table, (struct gpa){ 0x5000 }, three, 1, 2, &token),
		VQ_EMPTY);
	drop(f);
}

static u32 next_random(u32 *rng)
{
	*rng = *rng * 1664525 + 1013904223;
	return *rng >> 16;
}

/* Chains of one to three that come back in another order: no slot is lost, none is given twice. */
static void slots_survive_disorder(void **state)
{
	struct fixture *f = make(16, 0xfff0, false);
	u32 rng = 1;

	for (unsigned round = 0; round < 20000; round++) {
		struct {
			u16 head;
			int *token;
		} out[16];
		bool taken[16] = { false };
		int tokens[16];
		unsigned n = 0;

		for (;;) {
			unsigned len = 1 + next_random(&rng) % 3;
			int head = vq_split_add(&f->vq, three, 1, len - 1, &tokens[n]);

			if (head < 0)
				break;
			/* No descriptor is part of two chains. */
			for (u16 i = (u16)head, k = 0; k < len; k++, i = f->vq.desc[i].next) {
				assert_false(taken[i]);
				taken[i] = true;
			}
			out[n].head = (u16)head;
			out[n].token = &tokens[n];
			n++;
		}
		vq_split_publish(&f->vq);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(dev_take(f), out[i].head);
		for (; n; n--) {
			unsigned pick = next_random(&rng) % n;
			void *token;
			u32 id, len;

			dev_return(f, out[pick].head, 0);
			assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), out[pick].head);
			assert_ptr_equal(token, out[pick].token);
			out[pick] = out[n - 1];
		}
		assert_int_equal(f->vq.free_count, 16);
	}
	drop(f);
}

/* --- indices ------------------------------------------------------------------------------------------ */

static void wraps(u16 size, u16 base, unsigned requests)
{
	struct fixture *f = make(size, base, false);
	void *token;
	u32 id, len;
	int mine;

	assert_int_equal(le16(f->vq.avail->idx), base);
	assert_int_equal(le16(f->vq.used->idx), base);
	for (unsigned i = 0; i < requests; i++) {
		int head = vq_split_add(&f->vq, three, 1, 1, &mine);

		assert_true(head >= 0);
		vq_split_publish(&f->vq);
		assert_int_equal(le16(f->vq.avail->idx), (u16)(base + i + 1));
		assert_int_equal(dev_take(f), head);
		dev_return(f, (u32)head, i);
		assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), head);
		assert_int_equal(len, i);
		assert_false(vq_split_used_pending(&f->vq));
	}
	assert_int_equal(vq_split_raw_used_idx(&f->vq), (u16)(base + requests));
	drop(f);
}

static void indices_wrap(void **state)
{
	wraps(2, 0xfff0, 64);
	wraps(16, 0xffff, 64);
	wraps(256, 0, 2 * 65536 + 10);
}

static void largest_queue(void **state)
{
	struct fixture *f = make(VIRTIO_QUEUE_SIZE_MAX, 0x8001, false);
	static int tokens[VIRTIO_QUEUE_SIZE_MAX];
	void *token;
	u32 id, len;

	for (unsigned lap = 0; lap < 3; lap++) {
		for (u32 i = 0; i < VIRTIO_QUEUE_SIZE_MAX; i++)
			assert_true(vq_split_add(&f->vq, three, 1, 0, &tokens[i]) >= 0);
		assert_int_equal(vq_split_add(&f->vq, three, 1, 0, &tokens[0]), VQ_EMPTY);
		vq_split_publish(&f->vq);
		for (u32 i = 0; i < VIRTIO_QUEUE_SIZE_MAX; i++)
			dev_return(f, dev_take(f), 0);
		for (u32 i = 0; i < VIRTIO_QUEUE_SIZE_MAX; i++) {
			assert_true(vq_split_reap(&f->vq, &id, &len, &token) >= 0);
			assert_ptr_equal(token, &tokens[i]);
		}
		assert_int_equal(f->vq.free_count, VIRTIO_QUEUE_SIZE_MAX);
	}
	drop(f);
}

/* --- a device that lies --------------------------------------------------------------------------------- */

static void bad_ids(void **state)
{
	static const u32 ids[] = { 8, 0x10000, 0xffffffff };
	struct fixture *f = make(8, 0, false);
	void *token = NULL;
	int mine, head;
	u32 id, len;

	head = vq_split_add(&f->vq, three, 1, 2, &mine);
	vq_split_publish(&f->vq);
	dev_take(f);
	for (unsigned i = 0; i < ARRAY_SIZE(ids); i++) {
		dev_return(f, ids[i], 7);
		assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), VQ_BADID);
		assert_int_equal(id, ids[i]);
		assert_int_equal(len, 7);
		assert_null(token);
	}
	/* The upper half of an id counts: this is not the head. */
	dev_return(f, (u32)head | 0x10000, 0);
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), VQ_BADID);
	/* A descriptor of the chain that is not its head. */
	dev_return(f, f->vq.desc[head].next, 0);
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), VQ_BADID);
	assert_int_equal(f->vq.free_count, 5);
	/* Once, and no second time. */
	dev_return(f, (u32)head, 0);
	dev_return(f, (u32)head, 0);
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), head);
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), VQ_BADID);
	assert_int_equal(f->vq.free_count, 8);
	drop(f);
}

/* As many as there are, as many as there is room for, and none beyond one that is wrong. */
static void some_at_once(void **state)
{
	struct fixture *f = make(8, 0, false);
	struct vq_done done[8];
	int mine[5];

	for (unsigned i = 0; i < ARRAY_SIZE(mine); i++)
		assert_true(vq_split_add(&f->vq, three, 0, 1, &mine[i]) >= 0);
	vq_split_publish(&f->vq);
	assert_int_equal(vq_split_reap_some(&f->vq, done, 8), VQ_EMPTY);
	for (unsigned i = 0; i < 4; i++)
		dev_return(f, dev_take(f), 10 + i);
	assert_int_equal(vq_split_reap_some(&f->vq, done, 3), 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_ptr_equal(done[i].token, &mine[i]);
		assert_int_equal(done[i].len, 10 + i);
	}
	dev_return(f, 77, 0);
	dev_return(f, dev_take(f), 20);
	assert_int_equal(vq_split_reap_some(&f->vq, done, 8), 1);
	assert_ptr_equal(done[0].token, &mine[3]);
	assert_int_equal(vq_split_reap_some(&f->vq, done, 8), VQ_BADID);
	assert_int_equal(done[0].id, 77);
	assert_int_equal(vq_split_reap_some(&f->vq, done, 8), 1);
	assert_ptr_equal(done[0].token, &mine[4]);
	assert_int_equal(f->vq.free_count, 8);
	drop(f);
}

/* What the device does to the table is not followed. */
static void table_rewritten(void **state)
{
	struct fixture *f = make(8, 0, false);
	void *token;
	int mine, head;
	u32 id, len;

	head = vq_split_add(&f->vq, three, 1, 2, &mine);
	vq_split_publish(&f->vq);
	dev_take(f);
	for (unsigned i = 0; i < 8; i++)
		f->vq.desc[i] = (struct vring_desc){ 0, 0, 0xffff, 0xffff };
	dev_return(f, (u32)head, 0);
	assert_int_equal(vq_split_reap(&f->vq, &id, &len, &token), head);
	assert_int_equal(f->vq.free_count, 8);
	for (unsigned i = 0; i < 8; i++)
		assert_in_range(vq_split_add(&f->vq, three, 1, 0, &mine), 0, 7);
	drop(f);
}

/* --- kicks ---------------------------------------------------------------------------------------------- */

static bool publish_one(struct fixture *f)
{
	static int token;

	assert_true(vq_split_add(&f->vq, three, 1, 0, &token) >= 0);
	vq_split_publish(&f->vq);
	return vq_split_kick_due(&f->vq);
}

static void kick_by_flags(void **state)
{
	struct fixture *f = make(16, 0, false);

	assert_true(publish_one(f));
	f->vq.used->flags = le16(VRING_USED_F_NO_NOTIFY);
	assert_false(publish_one(f));
	/* Other bits mean nothing. */
	f->vq.used->flags = le16((u16)~VRING_USED_F_NO_NOTIFY);
	assert_true(publish_one(f));
	/* Without the event index its field means nothing either. */
	*vq_split_avail_event(&f->vq) = le16(0x4000);
	assert_true(publish_one(f));
	drop(f);
}

static void kick_by_event(void **state)
{
	struct fixture *f = make(16, 0xfffe, true);

	/* A ring taken over at an index: its device waits for the next entry. */
	assert_int_equal(le16(*vq_split_avail_event(&f->vq)), 0xfffe);
	assert_true(publish_one(f));  /* 0xfffe */
	assert_false(publish_one(f)); /* 0xffff: the event lies behind */
	*vq_split_avail_event(&f->vq) = 0;
	assert_true(publish_one(f)); /* 0, across the wrap */
	*vq_split_avail_event(&f->vq) = le16(3);
	assert_false(publish_one(f)); /* 1 */
	assert_false(publish_one(f)); /* 2 */
	assert_true(publish_one(f));  /* 3 */
	/* The flags mean nothing now. */
	f->vq.used->flags = le16(VRING_USED_F_NO_NOTIFY);
	*vq_split_avail_event(&f->vq) = le16(4);
	assert_true(publish_one(f));
	drop(f);
}

static void kick_for_a_batch(void **state)
{
	struct fixture *f = make(16, 0, true);
	int token;

	/* The event lies within what was published since the last look. */
	*vq_split_avail_event(&f->vq) = le16(2);
	for (unsigned i = 0; i < 5; i++)
		assert_true(vq_split_add(&f->vq, three, 1, 0, &token) >= 0);
	vq_split_publish(&f->vq);
	assert_true(vq_split_kick_due(&f->vq));
	/* Nothing was published since. */
	assert_false(vq_split_kick_due(&f->vq));
	drop(f);
}

/* --- calls ---------------------------------------------------------------------------------------------- */

static void calls_by_flags(void **state)
{
	struct fixture *f = make(8, 0, false);

	assert_int_equal(f->vq.avail->flags, 0);
	vq_split_disable_calls(&f->vq);
	assert_int_equal(le16(f->vq.avail->flags), VRING_AVAIL_F_NO_INTERRUPT);
	assert_false(vq_split_enable_calls(&f->vq));
	assert_int_equal(f->vq.avail->flags, 0);
	/* Used while calls were off: the caller is told to look. */
	vq_split_disable_calls(&f->vq);
	publish_one(f);
	dev_return(f, dev_take(f), 0);
	assert_true(vq_split_enable_calls(&f->vq));
	drop(f);
}

static void calls_by_event(void **state)
{
	struct fixture *f = make(8, 0xffff, true);
	void *token;
	u32 id, len;

	assert_int_equal(le16(*vq_split_used_event(&f->vq)), 0xffff);
	publish_one(f);
	dev_return(f, dev_take(f), 0);
	assert_true(vq_split_reap(&f->vq, &id, &len, &token) >= 0);
	assert_false(vq_split_enable_calls(&f->vq));
	assert_int_equal(le16(*vq_split_used_event(&f->vq)), 0);
	/* As far away as an index can be: no batch that a ring can hold reaches it. */
	vq_split_disable_calls(&f->vq);
	assert_false(vring_need_event(le16(*vq_split_used_event(&f->vq)), 8, 0));
	assert_int_equal(f->vq.avail->flags, 0);
	drop(f);
}

/* --- raw access -------------------------------------------------------------------------------------------- */

static void raw_access(void **state)
{
	struct fixture *f = make(8, 0, false);

	vq_split_raw_desc(&f->vq, 7, 0xfffffffffffff000, 0xffffffff, 0xffff, 0xffff);
	assert_int_equal(f->vq.desc[7].addr, 0xfffffffffffff000);
	assert_int_equal(f->vq.desc[7].next, 0xffff);
	vq_split_raw_avail(&f->vq, 0xffff, 0x1234);
	assert_int_equal(le16(f->vq.avail->ring[7]), 0x1234);
	vq_split_raw_publish(&f->vq, 0x8000);
	assert_int_equal(le16(f->vq.avail->idx), 0x8000);
	/* The correct driver knows nothing of it. */
	assert_int_equal(f->vq.avail_idx, 0);
	assert_int_equal(f->vq.free_count, 8);
	drop(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_is_written),	  cmocka_unit_test(chain_comes_back),
		cmocka_unit_test(table_is_written),	  cmocka_unit_test(full_is_full),
		cmocka_unit_test(slots_survive_disorder), cmocka_unit_test(indices_wrap),
		cmocka_unit_test(largest_queue),	  cmocka_unit_test(bad_ids),
		cmocka_unit_test(some_at_once),		  cmocka_unit_test(table_rewritten),
		cmocka_unit_test(kick_by_flags),	  cmocka_unit_test(kick_by_event),
		cmocka_unit_test(kick_for_a_batch),	  cmocka_unit_test(calls_by_flags),
		cmocka_unit_test(calls_by_event),	  cmocka_unit_test(raw_access),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
