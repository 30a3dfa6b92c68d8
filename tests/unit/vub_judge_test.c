// SPDX-License-Identifier: BSD-3-Clause
/* The judge: every rule on messages accuses what breaks its clause, and none accuses a good session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "harness/spec/clause.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/watch.h"

#define PF(name) BIT_ULL(VU_PF_##name)

static u64 no_features(struct rdev *dev)
{
	return 0;
}

static const struct rdev_ops dev_ops = { .features = no_features };
static struct rdev dev = { .ops = &dev_ops, .num_queues = 2 };
static struct vub_ring rings[2];
static struct vub_session s;
static char output[] = "/tmp/judge_test_XXXXXX";

/* A session in which all is negotiated and ring 0 is set up. */
static void fresh(void)
{
	memset(&s, 0, sizeof(s));
	memset(rings, 0, sizeof(rings));
	s.dev = &dev;
	s.rings = rings;
	s.num_rings = 2;
	s.mem = &s.mems[0];
	s.mem->n = 1;
	s.mem->regions[0] = (struct vub_region){ .gpa = 0x10000, .uva = 0x70000, .size = 0x10000 };
	s.protocol_features = VUB_PROTOCOL_FEATURES & ~BIT_ULL(VU_PF_XEN_MMAP);
	s.features = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES);
	s.status = 0xf;
	rings[0].s = rings[1].s = &s;
	rings[0].num = 8;
	rings[0].base = 7;
	rings[0].started = true;
	rings[1].index = 1;
	jd_watch_ops.session_start(&s);
}

/* One message: what it is, and which clause it breaks (NULL: none). */
struct row {
	const char *clause;
	u32 id, flags, size, nfds;
	union {
		u64 u64;
		struct vu_vring_state state;
		struct vu_vring_addr addr;
		struct vu_mem_table table;
		struct vu_mem_single single;
		struct vu_log log;
		struct vu_config config;
	} p;
	void (*prepare)(void);
};

static void without_pf(void)
{
	s.protocol_features = 0;
}

static void without_bit_30(void)
{
	s.features = BIT_ULL(VIRTIO_F_VERSION_1);
}

static void full(void)
{
	s.mem->n = VUB_MEM_SLOTS;
	for (u32 i = 1; i < VUB_MEM_SLOTS; i++)
		s.mem->regions[i].size = 0;
}

static void stopped(void)
{
	struct vub_request rq = { .msg.hdr = { VU_GET_VRING_BASE, 1, 8 } };

	jd_watch_ops.message(&s, &rq);
}

static void with_address(void)
{
	rings[0].has_addr = true;
	rings[0].addr.desc = rings[0].addr.avail = 0x70000;
	rings[0].addr.used = 0x80000;
}

static void with_log(void)
{
	s.log.size = 1;
}

static void failed(void)
{
	s.status = 0x83;
}

#define SIZE_TABLE(n) (8 + 32 * (n))
#define REGION(g, z, u)                                                                            \
	{                                                                                          \
		.gpa = g, .size = z, .uva = u                                                      \
	}

static const struct row rows[] = {
	{ NULL, VU_GET_FEATURES, 1, 0, 0, { 0 }, NULL },
	{ NULL, VU_SET_OWNER, 9, 0, 0, { 0 }, NULL },
	{ NULL,
	  VU_SET_MEM_TABLE,
	  9,
	  SIZE_TABLE(1),
	  1,
	  { .table = { 1, 0, { REGION(0, 1, 0) } } },
	  NULL },
	{ NULL, VU_SET_VRING_KICK, 9, 8, 0, { .u64 = 0x100 }, NULL },
	{ NULL, VU_SET_STATUS, 9, 8, 0, { .u64 = 0 }, NULL },
	{ NULL, VU_SET_STATUS, 9, 8, 0, { .u64 = 0xf }, NULL },
	{ NULL, VU_SET_VRING_BASE, 9, 8, 0, { .state = { 0, 7 } }, stopped },
	{ NULL, VU_SET_VRING_BASE, 9, 8, 0, { .state = { 0, 0 } }, stopped },
	{ NULL, VU_GET_QUEUE_NUM, 1, 0, 0, { 0 }, without_pf },
	{ NULL, VU_SET_PROTOCOL_FEATURES, 9, 8, 0, { .u64 = PF(REPLY_ACK) }, without_pf },
	{ "VU.hdr.version.fe.1", VU_GET_FEATURES, 2, 0, 0, { 0 }, NULL },
	{ "VU.hdr.reply.fe.1", VU_GET_FEATURES, 5, 0, 0, { 0 }, NULL },
	{ "VU.hdr.size.fe.1", VU_GET_FEATURES, 1, 1, 0, { 0 }, NULL },
	{ "VU.hdr.size.fe.1", VU_SET_VRING_NUM, 1, 7, 0, { 0 }, NULL },
	{ "VU.hdr.size.fe.1",
	  VU_SET_MEM_TABLE,
	  1,
	  SIZE_TABLE(2),
	  1,
	  { .table = { 1, 0, { { 0 } } } },
	  NULL },
	{ "VU.hdr.size.fe.1", VU_GET_CONFIG, 1, 20, 0, { .config = { 0, 4, 0, { 0 } } }, NULL },
	{ "VU.fds.list.fe.1", VU_GET_FEATURES, 1, 0, 1, { 0 }, NULL },
	{ "VU.reply.ack.fe.1", VU_SET_OWNER, 9, 0, 0, { 0 }, without_pf },
	{ "VU.feat.gating.fe.1", VU_RESET_DEVICE, 1, 0, 0, { 0 }, without_pf },
	{ "VU.feat.set.fe.1", VU_SET_FEATURES, 1, 8, 0, { .u64 = 1ull << 63 | 1ull << 32 }, NULL },
	{ "v14.basic.feature-bits.drv.1",
	  VU_SET_FEATURES,
	  1,
	  8,
	  0,
	  { .u64 = 1ull << 63 | 1ull << 32 },
	  NULL },
	{ "VU.feat.set-proto.fe.2",
	  VU_SET_PROTOCOL_FEATURES,
	  1,
	  8,
	  0,
	  { .u64 = 1ull << 40 },
	  NULL },
	{ "VU.owner.reset.fe.1", VU_RESET_OWNER, 1, 0, 0, { 0 }, NULL },
	{ "VU.mem.table.fe.1",
	  VU_SET_MEM_TABLE,
	  1,
	  SIZE_TABLE(2),
	  1,
	  { .table = { 2, 0, { { 0 } } } },
	  NULL },
	{ "VU.layout.mem-table.fe.1",
	  VU_SET_MEM_TABLE,
	  1,
	  SIZE_TABLE(9),
	  9,
	  { .table = { 9, 0, { { 0 } } } },
	  NULL },
	{ "VU.mem.overlap.fe.1",
	  VU_SET_MEM_TABLE,
	  1,
	  SIZE_TABLE(2),
	  2,
	  { .table = { 2, 0, { REGION(0, 2, 0), REGION(1, 2, 8) } } },
	  NULL },
	{ "VU.mem.overlap.fe.2",
	  VU_SET_MEM_TABLE,
	  1,
	  SIZE_TABLE(2),
	  2,
	  { .table = { 2, 0, { REGION(0, 2, 0), REGION(8, 2, 1) } } },
	  NULL },
	{ "VU.mem.overlap.fe.1",
	  VU_ADD_MEM_REG,
	  1,
	  40,
	  1,
	  { .single = { 0, REGION(0x1ffff, 1, 0) } },
	  NULL },
	{ "VU.mem.overlap.fe.3",
	  VU_ADD_MEM_REG,
	  1,
	  40,
	  1,
	  { .single = { 0, REGION(0x20000, 1, 0x7ffff) } },
	  NULL },
	{ "VU.mem.slots.fe.1",
	  VU_ADD_MEM_REG,
	  1,
	  40,
	  1,
	  { .single = { 0, REGION(0x20000, 1, 0) } },
	  full },
	{ "VU.mem.add.fe.1", VU_ADD_MEM_REG, 1, 40, 0, { .single = { 0, REGION(0, 1, 0) } }, NULL },
	{ "VU.mem.rem.fe.1", VU_REM_MEM_REG, 1, 40, 1, { .single = { 0, REGION(0, 1, 0) } }, NULL },
	{ "VU.mem.addr.fe.1", VU_REM_MEM_REG, 1, 40, 0, { 0 }, without_pf },
	{ "VU.mq.index.fe.1", VU_SET_VRING_NUM, 1, 8, 0, { .state = { 2, 8 } }, NULL },
	{ "VU.mq.index.fe.1", VU_SET_VRING_ENABLE, 1, 8, 0, { .state = { 2, 1 } }, NULL },
	{ "VU.mq.index.fe.1", VU_SET_VRING_CALL, 1, 8, 0, { .u64 = 0x102 }, NULL },
	{ "VU.layout.split-index.fe.1",
	  VU_SET_VRING_BASE,
	  1,
	  8,
	  0,
	  { .state = { 0, 1 << 16 } },
	  NULL },
	{ "VU.vring.base.fe.1", VU_SET_VRING_BASE, 1, 8, 0, { .state = { 0, 6 } }, stopped },
	{ "VU.base.get.fe.1", VU_GET_VRING_BASE, 1, 8, 0, { .state = { 0, 1 } }, NULL },
	{ "VU.ring.enable.fe.1",
	  VU_SET_VRING_ENABLE,
	  1,
	  8,
	  0,
	  { .state = { 0, 1 } },
	  without_bit_30 },
	{ "VU.ring.enable.fe.2", VU_SET_VRING_ENABLE, 1, 8, 0, { .state = { 0, 2 } }, NULL },
	{ "VU.notify.kick.fe.1", VU_SET_VRING_KICK, 1, 8, 0, { .u64 = 0 }, NULL },
	{ "VU.notify.call.fe.1", VU_SET_VRING_CALL, 1, 8, 1, { .u64 = 0x100 }, NULL },
	{ "VU.notify.err.fe.1", VU_SET_VRING_ERR, 1, 8, 0, { .u64 = 0x1100 }, NULL },
	{ "VU.vring.num.fe.1", VU_SET_VRING_KICK, 1, 8, 0, { .u64 = 0x101 }, NULL },
	{ "VU.vring.addr.fe.1", VU_SET_VRING_KICK, 1, 8, 0, { .u64 = 0x100 }, with_address },
	{ "v14.split-ring.layout.drv.1",
	  VU_SET_VRING_ADDR,
	  1,
	  40,
	  0,
	  { .addr = { .desc = 8 } },
	  NULL },
	{ "v14.split-ring.layout.drv.1",
	  VU_SET_VRING_ADDR,
	  1,
	  40,
	  0,
	  { .addr = { .used = 2 } },
	  NULL },
	{ "VU.log.base.fe.1", VU_SET_LOG_BASE, 1, 16, 0, { .log = { 4096, 0 } }, NULL },
	{ "VU.log.size.fe.1", VU_SET_LOG_BASE, 1, 16, 1, { .log = { 3, 0 } }, NULL },
	{ "VU.log.size.fe.2",
	  VU_SET_VRING_ADDR,
	  1,
	  40,
	  0,
	  { .addr = { .flags = 1, .log = 0x7ffc } },
	  with_log },
	{ "VU.bchan.set.fe.2", VU_SET_BACKEND_REQ_FD, 1, 0, 2, { 0 }, NULL },
	{ "VU.inflight.set.fe.2", VU_SET_INFLIGHT_FD, 1, 24, 0, { 0 }, NULL },
	{ "VU.config.get.fe.1",
	  VU_GET_CONFIG,
	  1,
	  16,
	  0,
	  { .config = { 0, 4, 0, { 0 } } },
	  without_pf },
	{ "VU.config.set.fe.1", VU_SET_CONFIG, 1, 16, 0, { .config = { 0, 4, 2, { 0 } } }, NULL },
	{ "VU.status.set.fe.1", VU_GET_STATUS, 1, 0, 0, { 0 }, without_pf },
	{ "v14.basic.device-status.drv.2", VU_SET_STATUS, 1, 8, 0, { .u64 = 0xb }, NULL },
	{ "v14.basic.device-status.drv.3", VU_SET_STATUS, 1, 8, 0, { .u64 = 0x87 }, failed },
	{ "v14.init.device-init.drv.2", VU_SET_STATUS, 1, 8, 0, { .u64 = 2 }, NULL },
	{ "v14.init.device-init.drv.11",
	  VU_SET_FEATURES,
	  1,
	  8,
	  0,
	  { .u64 = 1ull << 32 | 1ull << 28 },
	  NULL },
	{ "v14.reserved-features.bits.drv.1",
	  VU_SET_FEATURES,
	  1,
	  8,
	  0,
	  { .u64 = 1ull << 30 },
	  NULL },
};

static u64 count_of(const char *clause)
{
	json_error_t err;
	json_t *root, *one;
	u64 count = 0;
	size_t i;

	jd_write();
	root = json_load_file(output, 0, &err);
	assert_non_null(root);
	json_array_foreach(json_object_get(root, "checks"), i, one)
	{
		json_t *names = json_object_get(one, "clauses");

		if (!clause || !strcmp(json_string_value(json_array_get(names, 0)), clause))
			count += (u64)json_integer_value(json_object_get(one, "broken"));
	}
	json_decref(root);
	return count;
}

static void rules_on_messages(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct vub_request rq = { .nfds = row->nfds };
		struct vub_request owner = { .msg.hdr = { VU_SET_OWNER, 1, 0 } };
		u64 before;

		fresh();
		if (row->prepare != without_pf)
			jd_watch_ops.message(&s, &owner);
		if (row->prepare)
			row->prepare();
		rq.msg.hdr = (struct vu_header){ row->id, row->flags, row->size };
		memcpy(rq.msg.bytes, &row->p, sizeof(row->p));
		before = count_of(row->clause);
		jd_watch_ops.message(&s, &rq);
		if (count_of(row->clause) != before + !!row->clause)
			fail_msg("row %zu: %s", i, row->clause ? row->clause : "accused");
	}
}

static void owner_comes_first(void **state)
{
	struct vub_request rq = { .msg.hdr = { VU_SET_VRING_NUM, 1, 8 } };

	fresh();
	rq.msg.state.num = 8;
	jd_watch_ops.message(&s, &rq);
	assert_int_equal(count_of("VU.owner.set.fe.1"), 1);
}

static void every_rule_names_a_clause_of_the_other_side(void **state)
{
	const struct jd_message_rule *tables[] = { jd_message_rules, jd_status_rules };
	unsigned n = 0;

	for (size_t t = 0; t < ARRAY_SIZE(tables); t++)
		for (const struct jd_message_rule *r = tables[t]; r->clause; r++, n++)
			assert_int_equal(clause_find(r->clause)->actor, CLAUSE_DRIVER);
	for (const struct jd_chain_rule *r = jd_chain_rules; r->clause; r++, n++)
		assert_int_equal(clause_find(r->clause)->actor, CLAUSE_DRIVER);
	for (const struct jd_ring_rule *r = jd_start_rules; r->clause; r++, n++)
		assert_int_equal(clause_find(r->clause)->actor, CLAUSE_DRIVER);
	for (const struct jd_ring_rule *r = jd_avail_rules; r->clause; r++, n++)
		assert_int_equal(clause_find(r->clause)->actor, CLAUSE_DRIVER);
	for (const struct jd_blk_rule *r = jd_blk_rules; r->clause; r++, n++)
		assert_int_equal(clause_find(r->clause)->actor, CLAUSE_DRIVER);
	assert_true(n >= 60);
}

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
		cmocka_unit_test(rules_on_messages),
		cmocka_unit_test(owner_comes_first),
		cmocka_unit_test(every_rule_names_a_clause_of_the_other_side),
		cmocka_unit_test(rules_on_chains),
		cmocka_unit_test(descriptors_must_not_change_in_flight),
		cmocka_unit_test(packed_descriptors_in_flight),
		cmocka_unit_test(packed_lists),
		cmocka_unit_test(rules_on_block_requests),
	};
	int failed, fd = mkstemp(output);

	if (fd < 0)
		return 1;
	judge_open(output);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	close(fd);
	unlink(output);
	return failed;
}
