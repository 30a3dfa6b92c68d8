// SPDX-License-Identifier: BSD-3-Clause
/* Device status, reset and configuration space (2.1, 2.4, 2.5). */
#include "harness/check/split_kit.h"

#define BEFORE_OK	 "v14.basic.device-status.dev.1"
#define CALL_BEFORE_OK	 "v14.basic.device-status.dev.2"
#define NEEDS_RESET	 "v14.basic.device-status.dev.3"
#define NEEDS_RESET_CALL "v14.basic.device-status.dev.4"
#define RESET_STATUS	 "v14.basic.device-reset.dev.1"
#define RESET_CALL	 "v14.basic.device-reset.dev.2"
#define RESET_TOUCH	 "v14.basic.device-reset.dev.3"
#define CONFIG_EARLY	 "v14.basic.config-space.dev.1"

/* --- before DRIVER_OK ---------------------------------------------------------------------------- */

/*
 * With vhost-user the texts differ: VIRTIO forbids it, and some front-ends start rings first and say
 * DRIVER_OK later. So there this is information, and what is made available early is not to be lost.
 * A device with registers may take an early notification for none: it gets another.
 */
static void early(struct ck *c, const char *clause, const char *what)
{
	if (c->tp->caps & TP_CAP_VHOST_USER)
		ck_info(c, clause, "%s before DRIVER_OK", what);
	else
		ck_fail(c, clause, "nothing before DRIVER_OK", "%s before DRIVER_OK", what);
}

static void before_driver_ok(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	struct vq *vq = &c->q[0].vq;
	struct ck_used u;
	struct sk_herd h;
	bool used, called;

	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, NULL) ||
	    !sk_herd_make(c, &h, 1, false) || !sk_herd_add(c, 0, &h, 0) || !ck_publish(c, 0) ||
	    !ck_must(c, ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	used = vq_used_pending(vq);
	called = ops->take_calls(c->tp, 0);
	if (!ck_must(c, ops->driver_ok(c->tp), "setting DRIVER_OK"))
		return;
	if (!(c->tp->caps & TP_CAP_VHOST_USER) && !ck_must(c, ops->notify(c->tp, 0), "notifying"))
		return;
	if (!ck_reap(c, 0, &u)) {
		ck_fail(c, C_CHAIN_ONCE, "every chain comes back",
			"a chain available before DRIVER_OK is not used within %u ms after it",
			c->tp->timeout_ms);
		return;
	}
	if (used)
		early(c, BEFORE_OK,
		      called ? "a buffer was used, and the driver notified," : "a buffer was used");
	else if (called)
		early(c, CALL_BEFORE_OK, "the driver was notified");
}

CHECK(before_driver_ok, .id = "basic.status.before-driver-ok",
      .clauses = { BEFORE_OK, CALL_BEFORE_OK, "VU.status.set.be.5", C_CHAIN_ONCE },
      .stimulus = "a chain made available and notified before DRIVER_OK, then DRIVER_OK",
      .oracle = "it is used once, and after DRIVER_OK; earlier use is noted with vhost-user, and "
		"wrong with registers",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_STATUS, .fresh = true, .run = before_driver_ok);

/* --- errors ---------------------------------------------------------------------------------------- */

/* Until the device shows the bit, or serves all the same, or the time is over. */
static bool wait_needs_reset(struct ck *c, u8 *status)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!ck_must(c, c->tp->ops->get_status(c->tp, status), "reading the status"))
			return false;
		if (*status & VIRTIO_CONFIG_S_NEEDS_RESET)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, deadline));
	return true;
}

/* A ring that cannot be made sense of any more. */
static bool break_ring(struct ck *c, u8 *status)
{
	struct blk_req r;

	if (!ck_start(c, ck_ring_features()) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) || !ckb_ok(c, 0, &r))
		return false;
	ck_break_ring(c, 0);
	return ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") && wait_needs_reset(c, status);
}

static void needs_reset(struct ck *c)
{
	u8 status;

	if (!break_ring(c, &status))
		return;
	if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET))
		ck_fail(c, NEEDS_RESET, "DEVICE_NEEDS_RESET once only a reset helps",
			"the ring makes no sense any more, the status is 0x%02x", status);
}

CHECK(needs_reset, .id = "basic.status.needs-reset",
      .clauses = { NEEDS_RESET, "VU.status.get.be.2" },
      .stimulus = "an available index queue size + 1 ahead", .oracle = "DEVICE_NEEDS_RESET is set",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_STATUS, .run = needs_reset);

static void needs_reset_call(struct ck *c)
{
	u8 status;

	if (!break_ring(c, &status))
		return;
	if (!(status & VIRTIO_CONFIG_S_NEEDS_RESET)) {
		ck_skip(c, "the device does not set DEVICE_NEEDS_RESET");
		return;
	}
	if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms))
		ck_fail(c, NEEDS_RESET_CALL, "a configuration change notification",
			"DEVICE_NEEDS_RESET is set, no notification within %u ms",
			c->tp->timeout_ms);
}

CHECK(needs_reset_call, .id = "basic.status.needs-reset-notified", .clauses = { NEEDS_RESET_CALL },
      .stimulus = "an available index queue size + 1 ahead",
      .oracle = "a configuration change notification follows DEVICE_NEEDS_RESET",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_STATUS | TP_CAP_CONFIG_EVENT,
      .run = needs_reset_call);

/* --- reset ------------------------------------------------------------------------------------------- */

static bool reset(struct ck *c, u8 *status)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	if (!ck_must(c, c->tp->ops->set_status(c->tp, 0), "resetting"))
		return false;
	do {
		if (!ck_must(c, c->tp->ops->get_status(c->tp, status), "reading the status"))
			return false;
	} while (*status && !tp_late(c->tp, deadline));
	return true;
}

static void reset_status(struct ck *c)
{
	struct blk_req r;
	u8 status;

	if (!ck_start(c, ck_ring_features()) ||
	    !ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) || !ckb_ok(c, 0, &r) ||
	    !reset(c, &status))
		return;
	if (status)
		ck_fail(c, RESET_STATUS, "0", "the status is 0x%02x %u ms after a reset", status,
			c->tp->timeout_ms);
}

CHECK(reset_status, .id = "basic.reset.status", .clauses = { RESET_STATUS },
      .stimulus = "a reset after DRIVER_OK and one request", .oracle = "the status reads 0",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_RESET, .run = reset_status);

/* A memory image small enough to be looked at twice: FNV-1a. */
static u64 digest(const u8 *p, u64 len)
{
	u64 h = 0xcbf29ce484222325ull;

	for (u64 i = 0; i + 8 <= len; i += 8) {
		u64 v;

		__builtin_memcpy(&v, p + i, sizeof(v));
		h = (h ^ v) * 0x100000001b3ull;
	}
	return h;
}

#define LOAD_DEPTH   32
#define LOAD_SECTORS 16

/* A queue full of reads; nothing is waited for. */
static bool load(struct ck *c)
{
	static struct blk_req reqs[LOAD_DEPTH];

	for (unsigned i = 0; i < LOAD_DEPTH; i++)
		if (!ckb_make(c, &reqs[i], VIRTIO_BLK_T_IN, i * LOAD_SECTORS,
			      LOAD_SECTORS * VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, 0, &reqs[i], BLK_LAYOUT_USUAL) < 0)
			return false;
	return ck_publish(c, 0);
}

/*
 * Some take a status of 0 for a number to be stored and leave it to the front-end to stop the rings.
 * Who still serves what is offered after it has not been reset, and its late answers are none.
 */
static bool is_reset(struct ck *c)
{
	struct vq *vq = &c->q[0].vq;
	struct blk_req r;
	u16 used;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_GET_ID, 0, VIRTIO_BLK_ID_LEN) ||
	    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
		return false;
	used = vq_used(vq);
	vq_publish(vq);
	if (!ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return false;
	ck_quiet(c);
	if (blk_status(&r) == BLK_STATUS_UNSET && vq_used(vq) == used)
		return true;
	return ck_info(c, RESET_TOUCH, "requests are served after a status of 0") && false;
}

static bool reset_under_load(struct ck *c)
{
	u8 status;

	if (!ck_start(c, ck_ring_features()) || !load(c) || !reset(c, &status))
		return false;
	return status == 0 || ck_error(c, "the status is 0x%02x after a reset", status);
}

static void reset_quiet(struct ck *c)
{
	unsigned n;

	if (!reset_under_load(c))
		return;
	/* What was signalled before the status read 0 has been. */
	c->tp->ops->take_calls(c->tp, 0);
	ck_quiet(c);
	n = c->tp->ops->take_calls(c->tp, 0);
	if (n && is_reset(c))
		ck_fail(c, RESET_CALL, "no notification", "%u after the status read 0", n);
}

CHECK(reset_quiet, .id = "basic.reset.quiet", .clauses = { RESET_CALL, RESET_TOUCH },
      .stimulus = "a reset with 32 reads in flight",
      .oracle = "no notification once the status reads 0", .device = VIRTIO_ID_BLOCK,
      .caps = TP_CAP_RESET, .disturbs = true, .run = reset_quiet);

static void reset_untouched(struct ck *c)
{
	u64 then;
	u16 used;

	if (!reset_under_load(c))
		return;
	used = ck_used(c, 0);
	then = digest(c->tp->mem[0].hva, c->mem_used[0]);
	ck_quiet(c);
	if (digest(c->tp->mem[0].hva, c->mem_used[0]) == then)
		is_reset(c);
	else if (is_reset(c))
		ck_fail(c, RESET_TOUCH, "rings and buffers are left alone",
			"they changed after the status read 0; used.idx was %u, is %u", used,
			ck_used(c, 0));
}

CHECK(reset_untouched, .id = "basic.reset.untouched", .clauses = { RESET_TOUCH },
      .stimulus = "a reset with 32 reads in flight, then one more request",
      .oracle = "rings and buffers do not change once the status reads 0; a device that serves on "
		"is noted",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_RESET, .disturbs = true, .run = reset_untouched);

/* --- configuration space -------------------------------------------------------------------------------- */

/* Where a field lies, and the feature it comes with. */
static const struct {
	const char *name;
	u8 offset, len, feature;
} fields[] = {
	{ "capacity", 0, 8, VIRTIO_F_VERSION_1 },
	{ "size_max", 8, 4, VIRTIO_BLK_F_SIZE_MAX },
	{ "seg_max", 12, 4, VIRTIO_BLK_F_SEG_MAX },
	{ "geometry", 16, 4, VIRTIO_BLK_F_GEOMETRY },
	{ "blk_size", 20, 4, VIRTIO_BLK_F_BLK_SIZE },
	{ "topology", 24, 8, VIRTIO_BLK_F_TOPOLOGY },
	{ "num_queues", 34, 2, VIRTIO_BLK_F_MQ },
	{ "discard limits", 36, 12, VIRTIO_BLK_F_DISCARD },
	{ "write zeroes limits", 48, 9, VIRTIO_BLK_F_WRITE_ZEROES },
};

/* writeback is left out: what it reads depends on what is negotiated. */
static void config_early(struct ck *c)
{
	const struct tp_ops *ops = c->tp->ops;
	u8 early[VIRTIO_BLK_CONFIG_SIZE], late[VIRTIO_BLK_CONFIG_SIZE];
	u64 all = (c->offered & (BIT_ULL(24) - 1)) | ck_ring_features();
	u32 len = c->tp->config_len ? MIN(c->tp->config_len, VIRTIO_BLK_CONFIG_SIZE)
				    : VIRTIO_BLK_CONFIG_SIZE;
	int rc = ops->read_config(c->tp, 0, early, len);

	if (rc == TP_EUNSUPPORTED) {
		ck_must(c, rc, "reading the configuration");
		return;
	}
	if (rc != TP_OK) {
		ck_fail(c, CONFIG_EARLY, "readable before FEATURES_OK", "%s", c->tp->error);
		return;
	}
	/* Any order, and never the ring's format. */
	all &= ~(BIT_ULL(0) | BIT_ULL(7) | BIT_ULL(VIRTIO_BLK_F_ZONED));
	if (!ck_start(c, all) ||
	    !ck_must(c, ops->read_config(c->tp, 0, late, len), "reading the configuration"))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		u8 at = fields[i].offset;

		if (!(c->offered & BIT_ULL(fields[i].feature)) || at + fields[i].len > len)
			continue;
		if (__builtin_memcmp(early + at, late + at, fields[i].len) != 0) {
			ck_fail(c, CONFIG_EARLY, "the value it has after DRIVER_OK",
				"%s (offset %u) reads otherwise before FEATURES_OK", fields[i].name,
				at);
			return;
		}
	}
}

CHECK(config_early, .id = "basic.config.early", .clauses = { CONFIG_EARLY },
      .stimulus =
	      "the configuration space read before any feature is accepted, and after DRIVER_OK",
      .oracle = "readable, with the same values in every field that an offered feature brings",
      .device = VIRTIO_ID_BLOCK, .caps = TP_CAP_CONFIG, .run = config_early);
