// SPDX-License-Identifier: BSD-3-Clause
/* SET_STATUS and GET_STATUS. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/ring_io.h"

#define FOLLOWS	     "VU.status.set.be.1"
#define BAD_FEATURES "VU.status.set.be.2"
#define ZERO	     "VU.status.set.be.3"
#define RANGE	     "VU.status.set.be.4"
#define DRIVER_OK    "VU.status.set.be.5"
#define A_STATUS     "VU.status.get.be.1"
#define NEEDS_RESET  "VU.status.get.be.2"

#define S_DRIVER      (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define S_FEATURES_OK (S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define S_DRIVER_OK   (S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

#define CKS_NEEDS .pf = BIT_ULL(VU_PF_STATUS), .device = VIRTIO_ID_BLOCK, .own_session = true

static bool get(struct ck *c, u64 *v)
{
	struct vu_reply r;
	bool ok = true;

	if (!ckv_call(c, VU_GET_STATUS, VU_VERSION, NULL, 0, &r, A_STATUS))
		return false;
	*v = r.msg.u64;
	if (r.msg.hdr.size != 8)
		ok = ck_fail(c, A_STATUS, "a u64", "the reply has %u bytes", r.msg.hdr.size);
	else if (*v > 0xff)
		ok = ck_fail(c, A_STATUS, "a status of 8 bits", "0x%llx", (unsigned long long)*v);
	vu_reply_release(&r);
	return ok;
}

static bool set(struct ck *c, u8 status)
{
	return ck_must(c, vu_set_u64(ckv(c), VU_SET_STATUS, status), "SET_STATUS");
}

/* DEVICE_NEEDS_RESET is the device's own. */
static bool set_and_get(struct ck *c, u8 status)
{
	u64 v;

	if (!set(c, status) || !get(c, &v))
		return false;
	if ((v & ~(u64)VIRTIO_CONFIG_S_NEEDS_RESET) != status)
		return ck_fail(c, FOLLOWS, "the value that was set",
			       "SET_STATUS 0x%x, GET_STATUS 0x%llx", status, (unsigned long long)v);
	return true;
}

static void follows(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct blk_req r;
	u32 base;

	if (!ckv_handshake(c, ~0ull) || !set_and_get(c, VIRTIO_CONFIG_S_ACKNOWLEDGE) ||
	    !set_and_get(c, S_DRIVER))
		return;
	fe->features =
		fe->offered & (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES));
	c->features = fe->features & BIT_ULL(VIRTIO_F_VERSION_1);
	if (!ck_must(c, vu_set_u64(fe, VU_SET_FEATURES, fe->features), "SET_FEATURES") ||
	    !set_and_get(c, S_FEATURES_OK) || !ck_must(c, vu_set_mem_table(fe), "SET_MEM_TABLE") ||
	    !ckr_run(c, 0, 16, 0))
		return;
	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 ||
	    !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	if (ckr_touched(&r))
		ck_fail(c, DRIVER_OK, "nothing is processed before DRIVER_OK",
			"a request was served when the status was 0xb");
	if (!set_and_get(c, S_DRIVER_OK) || !ckr_kick(c, 0) ||
	    !ckr_served(c, 0, &r, "after DRIVER_OK", NULL))
		return;
	if (!set_and_get(c, 0))
		return;
	/* A reset, to VIRTIO; QEMU stops the rings itself before. */
	if (vu_get_vring_base(fe, 0, &base) == TP_OK && base != 0)
		ck_fail(c, ZERO, "a reset: positions are 0",
			"after SET_STATUS 0, GET_VRING_BASE says %u", base);
}

CHECK(follows, .id = "vu.status.follows",
      .clauses = { FOLLOWS, A_STATUS, DRIVER_OK, ZERO, "v14.basic.device-status.dev.1",
		   "v14.basic.device-reset.dev.1" },
      .stimulus = "SET_STATUS 1, 3, 0xb, 0xf, 0, with features, a ring and a request in between",
      .oracle =
	      "GET_STATUS says the same each time, as a u64; the request is served after DRIVER_OK "
	      "and not before, and 0 resets positions (info otherwise)",
      CKS_NEEDS, .run = follows);

static void bad_features(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	u64 mask, v;
	unsigned bit = 0;

	if (!ckv_handshake(c, ~0ull))
		return;
	/* A device feature, neither the protocol's bits nor a reserved one. */
	while (bit < 24 && fe->offered & BIT_ULL(bit))
		bit++;
	mask = (fe->offered & (BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES))) |
	       BIT_ULL(bit);
	ck_log(c, "  bit %u is not offered", bit);
	if (!set(c, VIRTIO_CONFIG_S_ACKNOWLEDGE) || !set(c, S_DRIVER) ||
	    !ck_must(c, vu_send(fe, VU_SET_FEATURES, VU_VERSION, &mask, sizeof(mask), NULL, 0),
		     "SET_FEATURES"))
		return;
	/* A closed connection is a refusal, too. */
	if (vu_barrier(fe) == TP_EGONE || vu_set_u64(fe, VU_SET_STATUS, S_FEATURES_OK) == TP_EGONE)
		return;
	if (get(c, &v) && v & VIRTIO_CONFIG_S_FEATURES_OK)
		ck_fail(c, BAD_FEATURES, "FEATURES_OK reads back as 0",
			"features with bit %u, which is not offered: status 0x%llx", bit,
			(unsigned long long)v);
}

CHECK(bad_features, .id = "vu.status.bad-features",
      .clauses = { BAD_FEATURES, A_STATUS, "v14.basic.feature-bits.dev.3" },
      .stimulus = "SET_FEATURES with a bit that is not offered, without need_reply; SET_STATUS 0xb",
      .oracle = "GET_STATUS has FEATURES_OK clear, or the connection is closed", CKS_NEEDS,
      .run = bad_features);

static void range(struct ck *c)
{
	static const u64 values[] = { 0x100, 0x10f, 1ull << 63 };
	u64 v;

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		enum ckv_reaction reaction;

		if (!ckv_handshake(c, ~0ull) || !set(c, S_DRIVER))
			return;
		reaction = ckv_provoke(c, VU_SET_STATUS, &values[i], 8, NULL, 0);
		if (reaction == CKV_CLOSED)
			continue;
		if (!ckv_refused(c, reaction, "a status of more than 8 bits", RANGE) || !get(c, &v))
			return;
		if (v != S_DRIVER) {
			ck_fail(c, RANGE, "the status stays as it was",
				"SET_STATUS 0x%llx: %s, and the status went from 3 to 0x%llx",
				(unsigned long long)values[i], ckv_reaction_name(reaction),
				(unsigned long long)v);
			return;
		}
	}
}

CHECK(range, .id = "vu.status.range", .clauses = { RANGE, A_STATUS },
      .stimulus = "SET_STATUS 0x100, 0x10f and 2^63 when the status is 3",
      .oracle = "refused or closed; the status stays 3", CKS_NEEDS, .run = range);

static void needs_reset(struct ck *c)
{
	struct vq_split *vq = &c->q[0].vq.split;
	struct vu_frontend *fe = ckv(c);
	struct blk_req r;
	u64 v = 0, end;

	if (!ck_open(c) || !ck_start(c, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
	    !ckb_ok(c, 0, &r))
		return;
	/* A head that is no index of the table; and a good request behind it. */
	vq_split_raw_avail(vq, vq->avail_idx, 0xffff);
	vq->avail_idx++;
	ck_log(c, "  an available entry is head 65535");
	if (!ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 ||
	    !ckr_publish(c, 0))
		return;
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	do {
		if (vu_get_u64(fe, VU_GET_STATUS, &v) == TP_EGONE)
			return;
		/* It saw nothing wrong that would stop it. */
		if (ckr_touched(&r))
			return;
	} while (!(v & VIRTIO_CONFIG_S_NEEDS_RESET) && !tp_late(c->tp, end));
	if (!(v & VIRTIO_CONFIG_S_NEEDS_RESET))
		ck_fail(c, NEEDS_RESET, "DEVICE_NEEDS_RESET in the status",
			"head 65535 stopped the ring, and the status is 0x%llx",
			(unsigned long long)v);
}

CHECK(needs_reset, .id = "vu.status.needs-reset",
      .clauses = { NEEDS_RESET, "v14.basic.device-status.dev.3" },
      .stimulus = "an available entry that names head 65535, and a good request behind it",
      .oracle = "the good request is served, the connection closed, or DEVICE_NEEDS_RESET set",
      CKS_NEEDS, .run = needs_reset);
