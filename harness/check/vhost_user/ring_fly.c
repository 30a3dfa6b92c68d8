// SPDX-License-Identifier: BSD-3-Clause
/* What may change while a ring is processed ("Ring states": "on the fly"). */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/log_io.h"

#include <string.h>

#define ON_THE_FLY    "VU.ring.fly.be.1"
#define ENABLE_STAYS  "VU.feat.set.be.4"
#define LOG_ALL_TAKEN "VU.feat.set.be.5"
#define LOG_FLAG      "VU.vring.addr.be.3"
#define GOES_ON	      "ROB.live.bad-request"
#define MOVED	      "VU.vring.addr.be.4"

/* A message in the middle of a load: accepted, and the load goes on. */
static bool accepted(struct ck *c, u32 request, const void *payload, u32 size, const char *what,
		     const char *clause)
{
	enum ckv_reaction r = ckv_provoke(c, request, payload, size, NULL, 0);

	if (r == CKV_NACK || r == CKV_CLOSED)
		return ck_fail(c, clause, "the message is accepted", "%s on a running ring: %s",
			       what, ckv_reaction_name(r));
	return r != CKV_BROKEN;
}

static void features_with_log(struct ck *c, struct ckl *log)
{
	struct vu_frontend *fe = ckv(c);
	struct ckr_load l;

	if (!ckr_session(c) || !ckl_make(c, log, ckl_bytes(c), 0, 0) || !ckl_send(c, log) ||
	    !ckr_run(c, 0, 128, 0) || !ckr_load_open(c, &l, 0, 8) ||
	    !ckr_load_run(c, &l, 16, "before", NULL))
		return;
	for (unsigned i = 0; i < 8; i++) {
		u64 v = fe->features | (i % 2 ? 0 : BIT_ULL(VU_F_LOG_ALL));
		const char *what =
			i % 2 ? "SET_FEATURES without LOG_ALL" : "SET_FEATURES with LOG_ALL";

		if (!ckr_load_fill(c, &l) ||
		    !accepted(c, VU_SET_FEATURES, &v, sizeof(v), what, LOG_ALL_TAKEN) ||
		    !ckr_load_run(c, &l, 16, what, ENABLE_STAYS))
			return;
	}
	ckr_load_drain(c, &l, "SET_FEATURES under load", ON_THE_FLY);
}

static void fly_features(struct ck *c)
{
	struct ckl log = { .fd = -1 };

	features_with_log(c, &log);
	ckl_free(&log);
}

CHECK(fly_features, .id = "vu.ring.fly-features",
      .clauses = { ON_THE_FLY, ENABLE_STAYS, LOG_ALL_TAKEN },
      .stimulus = "under load, SET_FEATURES eight times, with and without VHOST_F_LOG_ALL",
      .oracle = "accepted, and requests go on without another SET_VRING_ENABLE", CKL_NEEDS,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = fly_features);

static bool send_addr(struct ck *c, u32 flags, const char *what)
{
	struct vu_frontend *fe = ckv(c);
	struct tp_queue cfg = ckr_cfg(c, 0, 0);
	struct vu_vring_addr a = {
		.flags = flags,
		.desc = vu_uva(fe, cfg.desc),
		.used = vu_uva(fe, cfg.device),
		.avail = vu_uva(fe, cfg.driver),
		.log = cfg.device.v,
	};

	return accepted(c, VU_SET_VRING_ADDR, &a, sizeof(a), what, LOG_FLAG);
}

static void log_flag_with_log(struct ck *c, struct ckl *log)
{
	struct ckr_load l;

	if (!ckl_run(c, log) || !ckr_load_open(c, &l, 0, 8) ||
	    !ckr_load_run(c, &l, 16, "before", NULL))
		return;
	for (unsigned i = 0; i < 8; i++) {
		const char *what = i % 2 ? "SET_VRING_ADDR without VHOST_VRING_F_LOG"
					 : "SET_VRING_ADDR with VHOST_VRING_F_LOG";

		if (!ckr_load_fill(c, &l) || !send_addr(c, i % 2 ? 0 : VU_VRING_F_LOG, what) ||
		    !ckr_load_run(c, &l, 16, what, LOG_FLAG))
			return;
	}
	ckr_load_drain(c, &l, "SET_VRING_ADDR under load", LOG_FLAG);
}

static void fly_log_flag(struct ck *c)
{
	struct ckl log = { .fd = -1 };

	log_flag_with_log(c, &log);
	ckl_free(&log);
}

CHECK(fly_log_flag, .id = "vu.ring.fly-log-flag", .clauses = { LOG_FLAG, ON_THE_FLY },
      .stimulus = "under load, SET_VRING_ADDR with the same addresses, eight times, with and "
		  "without VHOST_VRING_F_LOG",
      .oracle = "accepted, and requests go on where they were", CKL_NEEDS,
      .lacks = BIT_ULL(VIRTIO_BLK_F_RO), .run = fly_log_flag);

/*
 * The used ring moves, with its contents. Which settings may change is not said: closing, refusing
 * and following are all fine, half of each is not.
 */
static void fly_move(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct ck_queue *q = &c->q[0];
	struct vring_used *old;
	struct vu_vring_addr a;
	enum ckv_reaction reaction;
	struct tp_buf room;
	struct tp_queue cfg;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0) ||
		    !ckr_served(c, 0, &r, "before", NULL))
			return;
	if (!ck_alloc(c, vq_split_used_bytes(16), 4096, &room))
		return;
	old = q->vq.split.used;
	memcpy(room.hva, old, vq_split_used_bytes(16));
	q->layout.device = room.gpa;
	q->layout.device_hva = room.hva;
	q->vq.split.used = (struct vring_used *)room.hva;
	cfg = ckr_cfg(c, 0, 0);
	a = (struct vu_vring_addr){
		.desc = vu_uva(fe, cfg.desc),
		.used = vu_uva(fe, cfg.device),
		.avail = vu_uva(fe, cfg.driver),
	};
	reaction = ckv_provoke(c, VU_SET_VRING_ADDR, &a, sizeof(a), NULL, 0);
	if (reaction == CKV_BROKEN || reaction == CKV_CLOSED)
		return;
	ck_log(c, "  a moved used ring: %s", ckv_reaction_name(reaction));
	if (reaction == CKV_NACK)
		q->vq.split.used = old;
	/* What was refused was not done. */
	if (ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0) ||
	    !ckr_served(c, 0, &r, "used ring moved", reaction == CKV_NACK ? GOES_ON : MOVED))
		return;
	if (reaction != CKV_NACK && le16(old->idx) != 3)
		ck_fail(c, MOVED, "completions at the new place only",
			"the used index at the old place went on to %u", le16(old->idx));
}

CHECK(fly_move, .id = "vu.ring.fly-move", .clauses = { MOVED, GOES_ON },
      .stimulus = "after 3 requests, SET_VRING_ADDR with a used ring elsewhere on a running ring",
      .oracle =
	      "closed, refused and served at the old place, or accepted and served at the new one "
	      "(info when accepted and neither)",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = fly_move);
