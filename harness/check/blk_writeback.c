// SPDX-License-Identifier: BSD-3-Clause
/* Block device: flush, and the cache mode in the configuration space (5.2.5.2, 5.2.6). */
#include "harness/check/blk_util.h"

#define INITIAL	      "v14.blk.init.dev.3"
#define WRITABLE      "VU.config.set.be.4"
#define DATA	      "ROB.blk.data"
#define UNTOUCHED     "ROB.blk.neighbours"
#define FEATURE(name) BIT_ULL(VIRTIO_BLK_F_##name)
#define WRITEBACK     offsetof(struct virtio_blk_config, wce)

static bool read_mode(struct ck *c, u8 *mode)
{
	return ck_must(c, c->tp->ops->read_config(c->tp, WRITEBACK, mode, 1), "reading writeback");
}

static void initial(struct ck *c)
{
	struct virtio_blk_config cfg;

	/* The whole configuration, for those that know no other offset than 0. */
	if (!ck_start(c, FEATURE(CONFIG_WCE)) || !ckb_config(c, &cfg))
		return;
	if (cfg.wce != 0)
		ck_fail(c, INITIAL, "0: writethrough",
			"CONFIG_WCE accepted, FLUSH not: writeback is %u", cfg.wce);
}

CHECK(initial, .id = "blk.writeback.initial", .clauses = { INITIAL },
      .stimulus = "accept CONFIG_WCE and not FLUSH, read writeback (byte 32)", .oracle = "it is 0",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .features = FEATURE(CONFIG_WCE),
      /* What a driver wrote before may hide it. */
      .fresh = true, .run = initial);

static bool set_mode(struct ck *c, u8 mode)
{
	struct virtio_blk_config cfg;
	int rc = c->tp->ops->write_config(c->tp, WRITEBACK, &mode, 1);

	if (rc == TP_EGONE || rc == TP_ELOCAL)
		return ck_must(c, rc, "writing writeback");
	if (rc != TP_OK)
		return ck_fail(c, WRITABLE, "writeback can be written", "%s", c->tp->error);
	if (!ckb_config(c, &cfg))
		return false;
	if (cfg.wce != mode)
		return ck_fail(c, WRITABLE, "the value that was written",
			       "writeback reads %u after %u was written", cfg.wce, mode);
	return true;
}

static void toggle(struct ck *c)
{
	static const u8 modes[] = { 0, 1, 0, 0, 1, 1 };

	if (!ck_start(c, ck_ring_features() | FEATURE(CONFIG_WCE) | FEATURE(FLUSH)))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++)
		if (!set_mode(c, modes[i]))
			return;
}

CHECK(toggle, .id = "blk.writeback.toggle", .clauses = { WRITABLE },
      .stimulus =
	      "accept CONFIG_WCE and FLUSH; write 0, 1, 0, 0, 1, 1 to writeback (byte 32), read "
	      "the configuration after each",
      .oracle = "accepted, and writeback reads what was written", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE, .features = FEATURE(CONFIG_WCE), .run = toggle);

static void data_in_both_modes(struct ck *c)
{
	u8 mode;

	if (!ckb_room(c, 64) ||
	    !ck_start(c, ck_ring_features() | FEATURE(CONFIG_WCE) | FEATURE(FLUSH)) ||
	    !read_mode(c, &mode))
		return;
	for (u32 gen = 1; gen <= 4; gen++) {
		mode = gen & 1;
		if (!ck_must(c, c->tp->ops->write_config(c->tp, WRITEBACK, &mode, 1),
			     "writing writeback") ||
		    !ckb_put(c, 0, 8, 8, gen) ||
		    !ckb_holds(c, 0, 8, 8, gen, DATA,
			       mode ? "written back later" : "written through"))
			return;
	}
}

CHECK(data_in_both_modes, .id = "blk.writeback.data", .clauses = { DATA },
      .stimulus = "accept CONFIG_WCE and FLUSH; switch the cache mode four times, write and read 8 "
		  "sectors in each",
      .oracle = "reads return what was last written, in both modes", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE, .features = FEATURE(CONFIG_WCE),
      .lacks = FEATURE(RO), .run = data_in_both_modes);

static bool flush(struct ck *c, u64 sector, u32 data_len)
{
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_FLUSH, sector, data_len))
		return false;
	ckb_pattern(r.data.hva, sector, data_len / VIRTIO_BLK_SECTOR, 99);
	return ckb_try(c, &r, &res) && ckb_defined(c, &r, &res);
}

static void odd_flush(struct ck *c)
{
	if (!ckb_room(c, 16) || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)) ||
	    !ckb_lay(c, 0, 0, 16, 1))
		return;
	/* The driver may do none of these; what status comes back is not said. */
	if (!flush(c, 7, 0) || !ckb_alive(c, 0, CKB_ALIVE) || !flush(c, ~0ull, 0) ||
	    !ckb_alive(c, 0, CKB_ALIVE) || !flush(c, 3, VIRTIO_BLK_SECTOR) ||
	    !ckb_alive(c, 0, CKB_ALIVE))
		return;
	ckb_holds(c, 0, 0, 16, 1, UNTOUCHED, "after FLUSH with a sector and data");
}

CHECK(odd_flush, .id = "blk.flush.odd", .clauses = { CKB_ALIVE, UNTOUCHED, "ROB.blk.status" },
      .stimulus =
	      "FLUSH with sector 7, with sector 2^64-1, and with 512 bytes of data, all of which "
	      "the driver must or should not send",
      .oracle = "each answered with a status that exists, a good read served after each, no sector "
		"changed",
      .device = VIRTIO_ID_BLOCK, .features = FEATURE(FLUSH), .lacks = FEATURE(RO),
      .run = odd_flush);

static void flush_persists(struct ck *c)
{
	struct ckb_result res;
	struct blk_req r;

	if (!ckb_room(c, 64) || !ck_start(c, ck_ring_features() | FEATURE(FLUSH)) ||
	    !ckb_put(c, 0, 8, 16, 41) || !ckb_make(c, &r, VIRTIO_BLK_T_FLUSH, 0, 0) ||
	    !ckb_do(c, 0, &r, BLK_LAYOUT_USUAL, &res))
		return;
	if (res.status != VIRTIO_BLK_S_OK) {
		ck_error(c, "FLUSH: status %u (%s)", res.status, blk_status_name(res.status));
		return;
	}
	ck_log(c, "  a new session:");
	if (ck_open(c) && ck_start(c, ck_ring_features()))
		ckb_holds(c, 0, 8, 16, 41, DATA, "written, flushed, in a new session");
}

CHECK(flush_persists, .id = "blk.flush.reconnect", .clauses = { DATA },
      .stimulus = "write 16 sectors, FLUSH, end the session, begin a new one, read",
      .oracle = "the sectors hold what was written", .device = VIRTIO_ID_BLOCK,
      .features = FEATURE(FLUSH), .lacks = FEATURE(RO), .run = flush_persists);
