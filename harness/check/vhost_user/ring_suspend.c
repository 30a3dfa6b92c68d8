// SPDX-License-Identifier: BSD-3-Clause
/* All rings stopped: the device is suspended ("Suspended device state"). */
#include "harness/check/vhost_user/ring_io.h"

#include <string.h>

#define NO_WRITES   "VU.suspend.mem.be.1"
#define NO_CALLS    "VU.suspend.notify.be.1"
#define NO_MESSAGES "VU.suspend.msg.be.1"
#define ANSWERS	    "VU.suspend.serve.be.1"
#define DRAINED	    "VU.base.get.be.4"
#define NEXT_INDEX  "VU.base.get.be.1"
#define STOPS	    "VU.ring.stop.be.1"

#define READS 24

static u64 sum_memory(struct ck *c)
{
	u64 sum = 0;

	for (unsigned i = 0; i < c->tp->mem_count; i++) {
		const u8 *p = c->tp->mem[i].hva;
		u64 len = MIN(ALIGN_UP((u64)c->mem_used[i] + 4096, 8), c->tp->mem[i].len);

		for (u64 at = 0; at < len; at += 8) {
			u64 word;

			memcpy(&word, p + at, 8);
			sum = (sum << 7 | sum >> 57) ^ word;
		}
	}
	return sum;
}

/* Reads that take a while, so that some are in flight when the ring is stopped. */
static bool make_flood(struct ck *c, struct blk_req *reqs)
{
	for (unsigned i = 0; i < READS; i++)
		if (!ckr_read_req(c, &reqs[i], 262144))
			return false;
	return true;
}

static bool flood(struct ck *c, unsigned q, struct blk_req *reqs)
{
	for (unsigned i = 0; i < READS; i++)
		if (ckb_add(c, q, &reqs[i], BLK_LAYOUT_USUAL) < 0)
			return false;
	return ckr_publish(c, q);
}

static bool take_all(struct ck *c, unsigned q)
{
	struct ck_used u;

	for (unsigned i = 0; i < READS; i++)
		if (!ck_reap(c, q, &u) || u.head == VQ_BADID)
			return ck_error(c, "%u of %u reads came back", i, READS);
	return true;
}

/* Until the first is back. */
static bool under_way(struct ck *c, unsigned q)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	while (!vq_used_pending(&c->q[q].vq)) {
		if (tp_late(c->tp, end))
			return ck_error(c, "none of %u reads came back", READS);
		c->tp->ops->relax(c->tp);
	}
	return true;
}

/* Stop ring 0 with reads in flight; *used is where its used ring stood when the reply arrived. */
static bool stop_in_flight(struct ck *c, struct blk_req *reqs, u16 *used)
{
	u32 base;

	if (!flood(c, 0, reqs) || !under_way(c, 0) || !ckr_stop(c, 0, &base))
		return false;
	*used = ck_used(c, 0);
	/* Of a packed ring both places: nothing lies between them when all is used. */
	if (ck_has(c, VIRTIO_F_RING_PACKED) ? base >> 16 != (u16)base : *used != (u16)base)
		return ck_fail(c, DRAINED, "every request that was taken has been returned",
			       "GET_VRING_BASE says 0x%x when %u are used", base, *used);
	return true;
}

static bool still_at(struct ck *c, u16 used)
{
	u16 now = ck_used(c, 0);

	return now == used ||
	       ck_fail(c, NO_WRITES, "guest memory stays as it is",
		       "the used index went from %u to %u after the reply to the last "
		       "GET_VRING_BASE",
		       used, now);
}

#define ROUNDS 10

static void no_writes(struct ck *c)
{
	struct blk_req reqs[READS], late;
	u64 before, end;
	u16 used = 0;
	u32 base;

	for (unsigned round = 0;; round++) {
		if (!ckr_session(c) || !ckr_run(c, 0, 128, 0) || !make_flood(c, reqs) ||
		    (c->queues > 1 && (!ckr_run(c, 1, 16, 0) || !ckr_stop(c, 1, &base))) ||
		    !stop_in_flight(c, reqs, &used))
			return;
		if (round == ROUNDS)
			break;
		for (end = tp_deadline(c->tp, 2); c->tp->ops->now_ns(c->tp) < end;)
			c->tp->ops->relax(c->tp);
		if (!still_at(c, used))
			return;
	}
	/* The driver goes on; the device must not. */
	if (!ckr_read_req(c, &late, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &late, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
		return;
	before = sum_memory(c);
	ck_quiet(c);
	if (still_at(c, used) && sum_memory(c) != before)
		ck_fail(c, NO_WRITES, "guest memory stays as it is",
			"guest memory changed after the reply to the last GET_VRING_BASE");
}

CHECK(no_writes, .id = "vu.ring.suspend-memory",
      .clauses = { NO_WRITES, DRAINED, STOPS, NEXT_INDEX },
      .stimulus =
	      "all rings stopped with reads of 256 KiB in flight, eleven times; then another request "
	      "and a kick",
      .oracle = "used index and a checksum over guest memory are the same directly after the "
		"last reply and after the quiet time",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = no_writes);

static void no_calls(struct ck *c)
{
	struct vu_ring_fds *fds = &ckv(c)->rings[0];
	struct blk_req reqs[READS], late;
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 128, 0) || !make_flood(c, reqs) ||
	    !flood(c, 0, reqs) || !take_all(c, 0) || !flood(c, 0, reqs) || !under_way(c, 0) ||
	    !ckr_stop(c, 0, &base))
		return;
	/* A call may cross the reply. */
	for (unsigned i = 0; i < CK_FLOOD && ckv_signalled(fds->call, 2); i++)
		;
	if (!ckr_read_req(c, &late, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &late, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
		return;
	ck_quiet(c);
	if (ckv_signalled(fds->call, 0))
		ck_fail(c, NO_CALLS, "no used buffer notification",
			"the call descriptor was signalled while all rings were stopped");
	else if (ckv_signalled(fds->err, 0))
		ck_fail(c, NO_CALLS, "no notification at all",
			"the err descriptor was signalled while all rings were stopped");
}

CHECK(no_calls, .id = "vu.ring.suspend-calls", .clauses = { NO_CALLS, DRAINED, STOPS },
      .stimulus = "the only ring stopped with requests in flight; then another request and a kick",
      .oracle = "call and err descriptors stay silent (signals that cross the reply are let pass)",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = no_calls);

static void no_messages(struct ck *c)
{
	struct virtio_blk_config before, after;
	struct vu_frontend *fe = ckv(c);
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_stop(c, 0, &base) ||
	    !ckb_config(c, &before))
		return;
	fe->event_count = 0;
	if (!ck_must(c, c->tp->ops->trigger_config(c->tp), "changing the configuration"))
		return;
	if (vu_channel_wait(fe, fe->tp.quiet_ms) == TP_OK)
		ck_fail(c, NO_MESSAGES, "nothing until a ring runs again",
			"message %u came over the back-end channel while all rings were stopped",
			fe->events[0].hdr.request);
	else if (ckb_config(c, &after) && memcmp(&before, &after, sizeof(before)) == 0)
		ck_skip(c, "the trigger does not change the target's configuration");
}

CHECK(no_messages, .id = "vu.ring.suspend-messages", .clauses = { NO_MESSAGES },
      .stimulus = "a ring started and stopped; then the configuration changes",
      .oracle = "nothing comes over the back-end channel", .caps = TP_CAP_CONFIG_TRIGGER,
      .pf = BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_CONFIG), .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = no_messages);

static bool answered(struct ck *c, u32 request, const void *payload, u32 size)
{
	struct vu_reply r;

	if (!ckv_call(c, request, VU_VERSION, payload, size, &r, ANSWERS))
		return false;
	vu_reply_release(&r);
	return true;
}

static void answers(struct ck *c)
{
	static const struct vu_config read_capacity = { .size = 8 };
	struct vu_frontend *fe = ckv(c);
	struct blk_req r;
	u32 base;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
	    !ckb_ok(c, 0, &r) || !ckr_stop(c, 0, &base))
		return;
	if (!answered(c, VU_GET_FEATURES, NULL, 0) ||
	    !answered(c, VU_GET_VRING_BASE, &(struct vu_vring_state){ 0, 0 }, 8))
		return;
	if (fe->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES) &&
	    !answered(c, VU_GET_PROTOCOL_FEATURES, NULL, 0))
		return;
	if (vu_has_pf(fe, VU_PF_MQ) && !answered(c, VU_GET_QUEUE_NUM, NULL, 0))
		return;
	if (vu_has_pf(fe, VU_PF_CONFIG))
		answered(c, VU_GET_CONFIG, &read_capacity, VU_CONFIG_HEADER + 8);
}

CHECK(answers, .id = "vu.ring.suspend-answers", .clauses = { ANSWERS },
      .stimulus = "the only ring stopped after a request; then GET_FEATURES, GET_VRING_BASE, "
		  "GET_PROTOCOL_FEATURES, GET_QUEUE_NUM and GET_CONFIG",
      .oracle = "each is answered", .device = VIRTIO_ID_BLOCK, .own_session = true, .run = answers);
