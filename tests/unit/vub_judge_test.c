// SPDX-License-Identifier: BSD-3-Clause
/* The judge: every rule on messages accuses what breaks its clause, and none accuses a good session. */
#include "tests/unit/vub_judge.h"

#include <linux/virtio_ids.h>

#define PF(name) BIT_ULL(VU_PF_##name)

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

static void update(void)
{
	struct vub_request rq = { .msg.hdr = { VU_IOTLB_MSG, 1, sizeof(rq.msg.iotlb) } };

	rq.msg.iotlb = (struct vu_iotlb){ .iova = 0x1000,
					  .size = 0x1000,
					  .uva = 0x70000,
					  .perm = VU_IOTLB_READ,
					  .type = VU_IOTLB_UPDATE };
	jd_watch_ops.message(&s, &rq);
}

/* Two rings miss the same, and nobody knows that the other's update will do: each is given one. */
static void an_update_for_each_miss(void **state)
{
	static const char clause[] = "VU.iotlb.miss.fe.2";

	fresh();
	s.features |= BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	s.protocol_features &= ~PF(REPLY_ACK);
	for (unsigned i = 0; i < 2; i++) {
		rings[i].miss = (struct vub_miss){ 0x1000, VU_IOTLB_READ, VU_IOTLB_MISS, false, 0 };
		jd_watch_ops.miss(&s, &rings[i]);
	}
	update();
	update();
	assert_int_equal(count_of(clause), 0);
	update();
	assert_int_equal(count_of(clause), 1);
}

static void every_rule_names_a_clause_of_the_other_side(void **state)
{
	static const u32 types[] = { VIRTIO_ID_BLOCK, VIRTIO_ID_NET, VIRTIO_ID_I2C_ADAPTER,
				     VIRTIO_ID_GPIO, VIRTIO_ID_SCMI };

	claims = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		const struct rdev_ops ops = { .id = types[i], .features = no_features };

		dev.ops = &ops;
		fresh();
		jd_claims(claim_of_the_other_side);
	}
	dev.ops = &dev_ops;
	assert_true(claims >= 60 * ARRAY_SIZE(types));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_on_messages),
		cmocka_unit_test(owner_comes_first),
		cmocka_unit_test(an_update_for_each_miss),
		cmocka_unit_test(every_rule_names_a_clause_of_the_other_side),
	};

	return cmocka_run_group_tests(tests, book_open, book_close);
}
