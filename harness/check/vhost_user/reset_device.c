// SPDX-License-Identifier: BSD-3-Clause
/* RESET_DEVICE. */
#include "harness/check/vhost_user/ring_io.h"

#define DISABLES "VU.reset.device.be.1"
#define INITIAL	 "VU.reset.device.be.2"
#define OWNED	 "VU.reset.device.be.3"
#define HANDLED	 "VU.reset.device.be.4"

#define SECTOR 12

#define CKX_NEEDS .pf = BIT_ULL(VU_PF_RESET_DEVICE), .device = VIRTIO_ID_BLOCK, .own_session = true

static bool reset(struct ck *c)
{
	enum ckv_reaction reaction = ckv_provoke(c, VU_RESET_DEVICE, NULL, 0, NULL, 0);

	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		return ck_fail(c, HANDLED, "the message is handled", "RESET_DEVICE: %s",
			       ckv_reaction_name(reaction));
	return reaction != CKV_BROKEN;
}

/* As after a new session, but for owner, protocol features and, maybe, memory. */
static bool renegotiate(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	u32 base;

	/* Whether rings were stopped is not said. */
	return ckr_stop(c, 0, &base) &&
	       ck_must(c, vu_set_u64(fe, VU_SET_FEATURES, fe->features), "SET_FEATURES") &&
	       ck_must(c, vu_set_mem_table(fe), "SET_MEM_TABLE");
}

static void disables(struct ck *c)
{
	struct tp_buf data;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckb_write_fill(c, 0, SECTOR, 1, 21) ||
	    !reset(c))
		return;
	if (!ckr_add_write(c, 0, &r, SECTOR, 22) || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	if (!renegotiate(c) || !ckr_run(c, 0, 16, 0) || !ckb_read(c, 0, SECTOR, 1, &data))
		return;
	if (ck_differs(data.hva, VIRTIO_BLK_SECTOR, 21) < VIRTIO_BLK_SECTOR)
		ck_fail(c, DISABLES, "a write after RESET_DEVICE is not carried out",
			"sector %u holds what was written after RESET_DEVICE, without "
			"SET_VRING_ENABLE",
			SECTOR);
}

CHECK(disables, .id = "vu.reset.disables", .clauses = { DISABLES, HANDLED },
      .stimulus =
	      "a ring in service, RESET_DEVICE, a write and a kick; then everything set up anew",
      .oracle = "the message is accepted, the write is not carried out, and the device works again",
      CKX_NEEDS, .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = disables);

/* SET_CONFIG of the cache mode, for devices that let the driver choose. */
static bool cache_mode(struct ck *c, u8 *mode)
{
	return ck_must(c, vu_get_config(ckv(c), offsetof(struct virtio_blk_config, wce), 1, mode),
		       "GET_CONFIG");
}

static void initial(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	u64 want = BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) | BIT_ULL(VIRTIO_BLK_F_FLUSH);
	u8 before = 0, other, after;
	struct blk_req r;
	bool wce;
	u64 v;

	if (!ckv_handshake(c, ~0ull) || !ck_negotiate(c, want) || !ckr_run(c, 0, 16, 0) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "DRIVER_OK"))
		return;
	wce = ck_has(c, VIRTIO_BLK_F_CONFIG_WCE) && vu_has_pf(fe, VU_PF_CONFIG);
	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || !ckb_ok(c, 0, &r))
		return;
	if (wce) {
		if (!cache_mode(c, &before))
			return;
		other = !before;
		if (!ck_must(c,
			     vu_set_config(fe, offsetof(struct virtio_blk_config, wce), 1, 0,
					   &other),
			     "SET_CONFIG of the cache mode"))
			return;
	}
	if (!reset(c))
		return;
	if (vu_has_pf(fe, VU_PF_STATUS)) {
		if (!ck_must(c, vu_get_u64(fe, VU_GET_STATUS, &v), "GET_STATUS"))
			return;
		if (v != 0) {
			ck_fail(c, INITIAL, "a device status of 0",
				"the device status is 0x%llx after RESET_DEVICE",
				(unsigned long long)v);
			return;
		}
	}
	if (!renegotiate(c) ||
	    !ck_must(c, c->tp->ops->set_features(c->tp, c->features), "negotiating features"))
		return;
	if (wce && cache_mode(c, &after) && after != before) {
		ck_fail(c, INITIAL, "the cache mode that the device had at first",
			"writeback was %u, was set to %u, and is %u after RESET_DEVICE", before,
			!before, after);
		return;
	}
	/* From the beginning again, in the same place. */
	if (ckr_run(c, 0, 16, 0) && ck_must(c, c->tp->ops->driver_ok(c->tp), "DRIVER_OK") &&
	    ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0 &&
	    ckr_publish(c, 0))
		ckr_served(c, 0, &r, "RESET_DEVICE, then everything set up from 0", INITIAL);
}

CHECK(initial, .id = "vu.reset.initial", .clauses = { INITIAL, HANDLED },
      .stimulus =
	      "a device in service whose cache mode was changed (where it can be), RESET_DEVICE, "
	      "then everything set up anew",
      .oracle = "the status is 0, the cache mode is what it was at first, and requests are served "
		"from index 0",
      CKX_NEEDS, .run = initial);

static void owned(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_vring_state s = { 0, 16 };
	struct vu_reply r;
	struct blk_req req;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !reset(c))
		return;
	/* Still a session with REPLY_ACK, and no new SET_OWNER. */
	if (vu_has_pf(fe, VU_PF_REPLY_ACK)) {
		if (!ckv_call(c, VU_GET_VRING_BASE, VU_VERSION, &(struct vu_vring_state){ 0, 0 }, 8,
			      &r, OWNED))
			return;
		vu_reply_release(&r);
		if (!ckv_call(c, VU_SET_VRING_NUM, VU_VERSION | VU_FLAG_NEED_REPLY, &s, sizeof(s),
			      &r, OWNED))
			return;
		if (r.msg.hdr.size != 8 || r.msg.u64 != 0)
			ck_fail(c, OWNED, "acknowledged with 0",
				"SET_VRING_NUM after RESET_DEVICE: %u bytes, %llu", r.msg.hdr.size,
				(unsigned long long)r.msg.u64);
		vu_reply_release(&r);
	}
	if (renegotiate(c) && ckr_run(c, 0, 16, 0) && ckr_read_req(c, &req, VIRTIO_BLK_SECTOR) &&
	    ckb_add(c, 0, &req, BLK_LAYOUT_USUAL) >= 0 && ckr_publish(c, 0))
		ckr_served(c, 0, &req, "RESET_DEVICE, no new SET_OWNER", OWNED);
}

CHECK(owned, .id = "vu.reset.owned", .clauses = { OWNED, HANDLED },
      .stimulus =
	      "RESET_DEVICE, then a message with need_reply and a whole set-up without SET_OWNER",
      .oracle = "the message is acknowledged (REPLY_ACK is still in use), and a request is served",
      CKX_NEEDS, .run = owned);
