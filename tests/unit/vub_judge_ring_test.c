// SPDX-License-Identifier: BSD-3-Clause
/* The judge: rules on rings of both layouts, their chains over time, and requests of a block device. */
#include "tests/unit/vub_judge.h"

static void rules_on_chains(void **state)
{
	static const struct {
		const char *clause;
		int error;
		u32 descs;
	} chains[] = {
		{ "v14.split-ring.message-framing.drv.1", DVQ_E_ORDER, 2 },
		{ "v14.split-ring.desc-table.drv.1", DVQ_E_LONG, 8 },
		{ "v14.split-ring.desc-table.drv.1", DVQ_E_BYTES, 2 },
		{ "v14.split-ring.indirect.drv.1", DVQ_E_INDIRECT, 0 },
		{ "v14.split-ring.indirect.drv.2", DVQ_E_NESTED, 0 },
		{ "v14.split-ring.indirect.drv.3", DVQ_OK, 9 },
		{ "v14.split-ring.indirect.drv.4", DVQ_E_INDIRECT_NEXT, 0 },
	};
	struct vring_desc table[8] = { { 0 } };

	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		struct dvq_chain c = { .descs = chains[i].descs };
		u64 before, all;

		fresh();
		rings[0].vq.desc = table;
		rings[0].vq.num = 8;
		if (chains[i].error != DVQ_E_INDIRECT)
			s.features |= BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC);
		before = count_of(chains[i].clause);
		all = count_of(NULL);
		jd_watch_ops.chain(&rings[0], &c, chains[i].error);
		assert_int_equal(count_of(chains[i].clause), before + 1);
		assert_int_equal(count_of(NULL), all + 1);
	}
}

static void descriptors_must_not_change_in_flight(void **state)
{
	static const char clause[] = "v14.init.device-cleanup.drv.1";
	struct vring_desc table[8] = { { 0x10000, 16, VRING_DESC_F_NEXT, 1 }, { 0 } };
	struct {
		u16 flags, idx, ring[9];
	} avail = { 0 };
	struct {
		u16 flags, idx;
		struct vring_used_elem ring[8];
		u16 event;
	} used = { 0 };
	struct dvq_chain c = { .descs = 2 };

	fresh();
	rings[0].vq.desc = table;
	rings[0].vq.avail = (struct vring_avail *)&avail;
	rings[0].vq.used = (struct vring_used *)&used;
	rings[0].vq.num = 8;
	jd_watch_ops.ring_start(&rings[0]);
	jd_watch_ops.chain(&rings[0], &c, DVQ_OK);
	table[5].len = 1; /* not of this chain */
	jd_watch_ops.used(&rings[0], 0);
	assert_int_equal(count_of(clause), 0);
	jd_watch_ops.chain(&rings[0], &c, DVQ_OK);
	table[1].len = 1;
	jd_watch_ops.used(&rings[0], 0);
	assert_int_equal(count_of(clause), 1);
	/* Flags of the available ring. */
	avail.flags = 1;
	jd_watch_ops.avail(&rings[0], DVQ_OK);
	assert_int_equal(count_of("v14.split-ring.used-notif-suppress.drv.1"), 0);
	avail.flags = 2;
	jd_watch_ops.avail(&rings[0], DVQ_OK);
	assert_int_equal(count_of("v14.split-ring.used-notif-suppress.drv.1"), 1);
	s.features |= BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	avail.flags = 1;
	jd_watch_ops.avail(&rings[0], DVQ_OK);
	assert_int_equal(count_of("v14.split-ring.used-notif-suppress.drv.3"), 1);
	used.flags = 1;
	jd_watch_ops.ring_start(&rings[0]);
	assert_int_equal(count_of("v14.split-ring.avail-notif-suppress.drv.1"), 1);
	jd_watch_ops.avail(&rings[0], DVQ_E_RUNAWAY);
	assert_int_equal(count_of("v14.split-ring.avail-ring.drv.1"), 1);
}

/* A packed ring of six, and what its device has done: taken and used so many descriptors. */
static struct vring_packed_desc packed_table[6];
static const char packed_changed[] = "v14.packed-ring.desc-table.drv.1";

static void packed_take(u16 first, u16 slots, u16 id)
{
	struct dvq_chain c = { .head = id, .slots = slots, .descs = slots };
	struct dvq_packed *vq = &rings[0].ring.packed;

	vq->avail = dvq_packed_forward(vq, (struct dvq_at){ first, 1 }, slots);
	jd_watch_ops.chain(&rings[0], &c, DVQ_OK);
}

static void packed_return(u16 at, u16 id)
{
	struct dvq_packed *vq = &rings[0].ring.packed;

	vq->used = (struct dvq_at){ at, 1 };
	jd_watch_ops.used(&rings[0], id);
	packed_table[at].id = le16(id);
	packed_table[at].flags = le16(0x8080);
}

static void packed_fresh(void)
{
	fresh();
	memset(packed_table, 0, sizeof(packed_table));
	s.features |= BIT_ULL(VIRTIO_F_RING_PACKED);
	rings[0].num = 6;
	rings[0].ring = (struct dvq){ .is_packed = true };
	rings[0].ring.packed.desc = packed_table;
	rings[0].ring.packed.num = 6;
	jd_watch_ops.ring_start(&rings[0]);
}

static void packed_descriptors_in_flight(void **state)
{
	u64 before;

	packed_fresh();
	before = count_of(packed_changed);
	packed_take(0, 3, 10);
	packed_take(3, 2, 11);
	packed_take(5, 1, 12);
	/* The second is returned first: the places 0 and 1 are the driver's again. */
	packed_return(0, 11);
	packed_table[1].addr = 1;
	/* Then the third, which frees place 2. */
	packed_return(2, 12);
	packed_table[2].addr = 1;
	packed_return(3, 10);
	assert_int_equal(count_of(packed_changed), before);

	/* Two of three are still the device's. */
	packed_fresh();
	packed_take(0, 3, 10);
	packed_take(3, 1, 11);
	packed_return(0, 11);
	packed_table[2].addr = 1;
	packed_return(1, 10);
	assert_int_equal(count_of(packed_changed), before + 1);

	/* An id that is used twice names neither. */
	packed_fresh();
	packed_take(0, 1, 7);
	packed_take(1, 1, 7);
	packed_table[0].addr = 1;
	packed_return(0, 7);
	packed_return(1, 7);
	assert_int_equal(count_of(packed_changed), before + 1);
}

static void packed_lists(void **state)
{
	struct dvq_chain c = { .slots = 1, .descs = 1 };
	u64 room, head, all;

	packed_fresh();
	head = count_of("v14.packed-ring.scatter-gather.drv.6");
	room = count_of("v14.packed-ring.scatter-gather.drv.5");
	packed_table[1].flags = le16(1 << VRING_PACKED_DESC_F_AVAIL | VRING_DESC_F_NEXT);
	rings[0].ring.packed.avail = (struct dvq_at){ 1, 1 };
	/* Four in flight, and a list of one that wants more: there is room. */
	rings[0].ring.packed.used = (struct dvq_at){ 3, 0 };
	jd_watch_ops.avail(&rings[0], DVQ_E_NEXT);
	assert_int_equal(count_of("v14.packed-ring.scatter-gather.drv.6"), head + 1);
	assert_int_equal(count_of("v14.packed-ring.scatter-gather.drv.5"), room);
	/* Five, and there is none. */
	rings[0].ring.packed.used = (struct dvq_at){ 2, 0 };
	jd_watch_ops.avail(&rings[0], DVQ_E_NEXT);
	assert_int_equal(count_of("v14.packed-ring.scatter-gather.drv.6"), head + 2);
	assert_int_equal(count_of("v14.packed-ring.scatter-gather.drv.4"), room + 1);
	assert_int_equal(count_of("v14.packed-ring.scatter-gather.drv.5"), room + 1);
	/* What an earlier process had in flight is not looked for in this ring. */
	packed_fresh();
	all = count_of(NULL);
	rings[0].n_resubmit = 1;
	packed_table[5].flags = le16(VRING_DESC_F_INDIRECT);
	packed_table[5].len = 0x10000;
	jd_watch_ops.chain(&rings[0], &c, DVQ_OK);
	assert_int_equal(count_of(NULL), all);
}

static void rules_on_block_requests(void **state)
{
	static const struct {
		const char *clause; /* NULL: a good request */
		u32 type;
		u64 sector, out, in, range_sector;
		u32 range_flags;
	} reqs[] = {
		{ NULL, VIRTIO_BLK_T_IN, 7, 0, 512, 0, 0 },
		{ NULL, VIRTIO_BLK_T_GET_ID, 0, 0, 20, 0, 0 },
		{ NULL, VIRTIO_BLK_T_FLUSH, 0, 0, 0, 0, 0 },
		{ NULL, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16, 0, 7, 1 },
		{ "v14.blk.operation.drv.2", VIRTIO_BLK_T_IN, 8, 0, 512, 0, 0 },
		{ "v14.blk.operation.drv.2", VIRTIO_BLK_T_OUT, ~0ull, 512, 0, 0, 0 },
		{ "v14.blk.operation.drv.2", VIRTIO_BLK_T_DISCARD, 0, 16, 0, 8, 0 },
		{ "v14.blk.operation.drv.4", VIRTIO_BLK_T_FLUSH, 1, 0, 0, 0, 0 },
		{ "v14.blk.operation.drv.5", VIRTIO_BLK_T_FLUSH, 0, 512, 0, 0, 0 },
		{ "v14.blk.operation.drv.6", VIRTIO_BLK_T_IN, 0, 0, 511, 0, 0 },
		{ "v14.blk.operation.drv.6", VIRTIO_BLK_T_OUT, 0, 1, 0, 0, 0 },
		{ "v14.blk.operation.drv.7", VIRTIO_BLK_T_SECURE_ERASE, 0, 17, 0, 0, 0 },
		{ "v14.blk.operation.drv.8", VIRTIO_BLK_T_GET_ID, 0, 0, 21, 0, 0 },
		{ "v14.blk.operation.drv.9", VIRTIO_BLK_T_DISCARD, 0, 17 * 16, 0, 0, 0 },
		{ "v14.blk.operation.drv.10", VIRTIO_BLK_T_SECURE_ERASE, 0, 17 * 16, 0, 0, 0 },
		{ "v14.blk.operation.drv.11", VIRTIO_BLK_T_WRITE_ZEROES, 0, 17 * 16, 0, 0, 0 },
		{ "v14.blk.operation.drv.14", VIRTIO_BLK_T_DISCARD, 0, 16, 0, 0, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(reqs); i++) {
		static u8 data[1024];
		struct virtio_blk_discard_write_zeroes r = {
			.sector = reqs[i].range_sector,
			.num_sectors = 1,
			.flags = reqs[i].range_flags,
		};
		/* Cut where it hurts. */
		struct dvq_seg segs[2] = { { data, MIN(reqs[i].out, 5) },
					   { data + 5, reqs[i].out - MIN(reqs[i].out, 5) } };
		struct rblk_req req = {
			.type = reqs[i].type,
			.sector = reqs[i].sector,
			.out = segs,
			.n_out = 2,
			.out_len = reqs[i].out,
			.in_len = reqs[i].in,
		};
		struct rblk blk = { .capacity = 8 };
		u64 before = count_of(reqs[i].clause);

		memset(data, 0, sizeof(data));
		memcpy(data, &r, sizeof(r));
		jd_watch_ops.blk(&blk, &req);
		if (count_of(reqs[i].clause) != before + !!reqs[i].clause)
			fail_msg("request %zu: %s", i, reqs[i].clause);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_on_chains),
		cmocka_unit_test(descriptors_must_not_change_in_flight),
		cmocka_unit_test(packed_descriptors_in_flight),
		cmocka_unit_test(packed_lists),
		cmocka_unit_test(rules_on_block_requests),
	};

	return cmocka_run_group_tests(tests, book_open, book_close);
}
