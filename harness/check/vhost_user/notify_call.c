// SPDX-License-Identifier: BSD-3-Clause
/* SET_VRING_CALL and SET_VRING_ERR: who is signalled, and what becomes of the descriptors. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/notify_io.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define CALLED	      "VU.notify.call.be.1"
#define CALL_RING     "VU.notify.call.be.2"
#define CALL_NO_FD    "VU.notify.call.be.3"
#define CALL_SWAP     "VU.notify.call.be.4"
#define CALL_REPLACED "VU.notify.call.be.6"
#define ERR_CALLED    "VU.notify.err.be.1"
#define ERR_RING      "VU.notify.err.be.2"
#define ERR_REPLACED  "VU.notify.err.be.4"
#define ON_THE_FLY    "VU.ring.fly.be.1"

static bool submit_read(struct ck *c, unsigned q, struct blk_req *r)
{
	return ckr_read_req(c, r, VIRTIO_BLK_SECTOR) && ckb_add(c, q, r, BLK_LAYOUT_USUAL) >= 0 &&
	       ckr_publish(c, q);
}

static void called(struct ck *c)
{
	unsigned rings = c->queues > 1 ? 2 : 1;
	struct vu_frontend *fe = ckv(c);
	struct blk_req r;

	if (!ckr_session(c))
		return;
	for (unsigned q = 0; q < rings; q++)
		if (!ckr_run(c, q, 16, 0) || !submit_read(c, q, &r) ||
		    !ckr_served(c, q, &r, "in set-up", NULL))
			return;
	for (unsigned i = 0; i < 4; i++) {
		unsigned q = i % rings;

		/* What was signalled so far is not of this request. */
		for (unsigned k = 0; k < rings; k++)
			for (unsigned n = 0; n < CK_FLOOD; n++)
				if (!ckv_signalled(fe->rings[k].call, k == 0 && i == 0 ? 2 : 0))
					break;
		if (!submit_read(c, q, &r) || !ckr_served(c, q, &r, "a request", NULL))
			return;
		if (!ckv_must_signal(c, fe->rings[q].call)) {
			ck_fail(c, CALLED, "the call descriptor is signalled",
				"a request on ring %u was returned without a signal", q);
			return;
		}
		if (rings > 1 && ckv_signalled(fe->rings[!q].call, 0)) {
			ck_fail(c, CALL_RING, "the ring's own descriptor",
				"a request on ring %u signalled ring %u", q, !q);
			return;
		}
	}
}

CHECK(called, .id = "vu.notify.call", .clauses = { CALLED, CALL_RING },
      .stimulus = "requests one by one on two rings (where there are two) with a call descriptor "
		  "each; notifications wanted",
      .oracle = "each request signals the call descriptor of its ring, and not the other one",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = called);

static void call_no_fd(struct ck *c)
{
	u64 v = VU_VRING_NOFD;
	enum ckv_reaction reaction;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 0) ||
	    !ckr_send(c, 0, CKR_NUM | CKR_BASE | CKR_ADDR | CKR_ERR, 0))
		return;
	reaction = ckv_provoke(c, VU_SET_VRING_CALL, &v, sizeof(v), NULL, 0);
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		ck_fail(c, CALL_NO_FD, "the message is accepted",
			"SET_VRING_CALL 0x100 without a descriptor: %s",
			ckv_reaction_name(reaction));
	if (reaction == CKV_CLOSED || reaction == CKV_BROKEN ||
	    !ckr_send(c, 0, CKR_KICK | CKR_ENABLE, 0))
		return;
	for (unsigned i = 0; i < 8; i++)
		if (!submit_read(c, 0, &r) ||
		    !ckr_served(c, 0, &r, "bit 8 set in SET_VRING_CALL", CALL_NO_FD))
			return;
}

CHECK(call_no_fd, .id = "vu.notify.call-nofd", .clauses = { CALL_NO_FD },
      .stimulus = "SET_VRING_CALL with bit 8 and no descriptor, 8 requests",
      .oracle = "accepted; all are served, the driver polls", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = call_no_fd);

#define SWAPS 48

/* One request with the descriptor changing under it, and one after that. False: it is over. */
static bool swap_once(struct ck *c, unsigned round)
{
	struct vu_ring_fds *fds = &ckv(c)->rings[0];
	int old = fds->call, fresh = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct blk_req r;
	bool seen, ok = false;
	u64 end;

	if (fresh < 0)
		return ck_error(c, "eventfd: %s", strerror(errno));
	if (!submit_read(c, 0, &r))
		goto out;
	fds->call = fresh;
	if (!ckr_send(c, 0, CKR_CALL, 0) || !ckr_served(c, 0, &r, "during a swap", NULL))
		goto out;
	/* On one of the two, whichever was faster. */
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	do
		seen = ckv_signalled(old, 0) || ckv_signalled(fresh, 1);
	while (!seen && !tp_late(c->tp, end));
	if (!seen) {
		ck_fail(c, CALL_SWAP, "on the old descriptor or on the new one",
			"swap %u: the signal of a request was lost", round);
		goto out;
	}
	/* It may have come on both; from here on only the new one counts. */
	for (unsigned i = 0; i < CK_FLOOD && (ckv_signalled(fresh, 0) || ckv_signalled(old, 0));
	     i++)
		;
	if (!submit_read(c, 0, &r) || !ckr_served(c, 0, &r, "after a swap", NULL))
		goto out;
	ok = ckv_must_signal(c, fresh) ||
	     ck_fail(c, CALL_SWAP, "the new descriptor is signalled",
		     "swap %u, acknowledged: a request came back without a signal on the new "
		     "descriptor",
		     round);
	if (ok && ckv_signalled(old, 0))
		ok = ck_fail(c, CALL_SWAP, "the new descriptor only",
			     "swap %u, acknowledged: the old descriptor was signalled", round);
out:
	fds->call = fresh;
	close(old);
	return ok;
}

static void call_swap(struct ck *c)
{
	if (!ckr_session(c) || !ckr_run(c, 0, 64, 0))
		return;
	for (unsigned round = 0; round < SWAPS; round++)
		if (!swap_once(c, round))
			return;
}

CHECK(call_swap, .id = "vu.notify.call-swap", .clauses = { CALL_SWAP, ON_THE_FLY },
      .stimulus = "48 times: a request, SET_VRING_CALL with another descriptor while it is under "
		  "way, and another request after the acknowledgement",
      .oracle = "the first signals the old or the new descriptor, the second the new one alone",
      .pf = BIT_ULL(VU_PF_REPLY_ACK), .device = VIRTIO_ID_BLOCK, .own_session = true,
      .run = call_swap);

#define REPLACEMENTS 32

/* Replace the descriptor by pipes again and again: does everybody let go of the old ones? */
static void replace_many(struct ck *c, u32 request, const char *name, const char *clause)
{
	int readers[REPLACEMENTS];
	struct vu_frontend *fe = ckv(c);
	unsigned n = 0, open = 0;
	struct blk_req r;

	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0))
		return;
	for (; n < REPLACEMENTS; n++) {
		int ends[2], rc;

		if (!ckv_pipe(c, ends))
			goto out;
		rc = vu_set_vring_fd(fe, request, 0, ends[1]);
		close(ends[1]);
		readers[n] = ends[0];
		if (!ck_must(c, rc, name)) {
			n++;
			goto out;
		}
	}
	if (!ckr_send(c, 0, CKR_CALL | CKR_ERR, 0) || !submit_read(c, 0, &r) ||
	    !ckr_served(c, 0, &r, "descriptors replaced", NULL))
		goto out;
	for (unsigned i = 0; i < n; i++)
		open += !ckv_reaches_eof(c, readers[i]);
	if (open)
		ck_fail(c, clause, "the old descriptor is closed",
			"%s: %u of %u replaced descriptors are still open", name, open, n);
out:
	for (unsigned i = 0; i < n; i++)
		close(readers[i]);
}

static void call_replaced(struct ck *c)
{
	replace_many(c, VU_SET_VRING_CALL, "SET_VRING_CALL", CALL_REPLACED);
}

CHECK(call_replaced, .id = "vu.notify.call-replaced", .clauses = { CALL_REPLACED },
      .stimulus = "the call descriptor of a running ring replaced by 32 pipes and then an eventfd",
      .oracle = "the pipes reach end of file, and the ring works on", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = call_replaced);

static void err_replaced(struct ck *c)
{
	replace_many(c, VU_SET_VRING_ERR, "SET_VRING_ERR", ERR_REPLACED);
}

CHECK(err_replaced, .id = "vu.notify.err-replaced", .clauses = { ERR_REPLACED },
      .stimulus = "the err descriptor of a running ring replaced by 32 pipes and then an eventfd",
      .oracle = "the pipes reach end of file, and the ring works on", .device = VIRTIO_ID_BLOCK,
      .own_session = true, .run = err_replaced);

static bool err_accepted(struct ck *c, unsigned q, bool with_fd)
{
	u64 v = q | (with_fd ? 0 : VU_VRING_NOFD);
	enum ckv_reaction reaction =
		ckv_provoke(c, VU_SET_VRING_ERR, &v, sizeof(v), &ckv(c)->rings[q].err, with_fd);

	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		return ck_fail(c, ERR_RING, "the message is accepted", "SET_VRING_ERR 0x%x: %s",
			       (unsigned)v, ckv_reaction_name(reaction));
	return reaction != CKV_BROKEN;
}

static void err(struct ck *c)
{
	unsigned broken = c->queues > 1 ? 1 : 0;
	struct vu_frontend *fe = ckv(c);
	struct vq_split *vq = &c->q[broken].vq.split;

	if (!ckr_session(c))
		return;
	for (unsigned q = 0; q <= broken; q++)
		if (!ckr_run(c, q, 16, 0) || !err_accepted(c, q, false) ||
		    !err_accepted(c, q, true))
			return;
	/* A head that is no index of the descriptor table. */
	vq_split_raw_avail(vq, 0, 0xffff);
	vq_split_raw_publish(vq, 1);
	ck_log(c, "  q%u: available entry 0 is head 65535", broken);
	if (!ckr_kick(c, broken))
		return;
	if (!ckv_signalled(fe->rings[broken].err, c->tp->quiet_ms) &&
	    !vu_wire_closed(fe->sock, tp_deadline(c->tp, 1)))
		ck_fail(c, ERR_CALLED, "the err descriptor is signalled, or the connection closed",
			"head 65535 on ring %u: neither", broken);
	if (broken && ckv_signalled(fe->rings[0].err, 0))
		ck_fail(c, ERR_RING, "the broken ring's descriptor",
			"head 65535 on ring 1: the err descriptor of ring 0 was signalled");
}

CHECK(err, .id = "vu.notify.err", .clauses = { ERR_RING, ERR_CALLED },
      .stimulus = "SET_VRING_ERR with bit 8 and without, then an available entry that names head "
		  "65535 on the last of two rings",
      .oracle = "both forms are accepted; the broken ring's descriptor is signalled or the "
		"connection closed (info when neither), and no other ring's is",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = err);
