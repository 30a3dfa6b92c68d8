// SPDX-License-Identifier: BSD-3-Clause
/* Sessions that end, in order and not, and the ones that follow. */
#include "harness/check/vhost_user/notify_io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS	    "VU.life.reconnect.be.1"
#define INITIAL	    "VU.life.reconnect.be.2"
#define RELEASED    "VU.life.reconnect.be.3"
#define DISCONNECT  "VU.life.reconnect.be.4"
#define PENDING	    "VU.life.reconnect.be.5"
#define TORN	    "VU.life.abort.be.1"
#define NEW_SESSION "ROB.live.new-session"
#define MAPPINGS    "ROB.leak.mappings"
#define FDS	    "ROB.leak.fds"
#define THREADS	    "ROB.leak.threads"

/* A session that uses what there is to use. */
static bool whole_session(struct ck *c)
{
	struct blk_req r;

	for (unsigned q = 0; q < MIN(c->queues, 2); q++) {
		if (q == 0 && !ckr_session(c))
			return false;
		if (!ckr_run(c, q, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
		    !ckb_ok(c, q, &r))
			return false;
	}
	return true;
}

static bool look(struct ck *c, struct tp_process *p)
{
	return ck_must(c, c->tp->ops->process(c->tp, p), "looking at the target's process");
}

/* Threads and descriptors may go a moment after the session: ask until they are as they were. */
static bool as_before(struct ck *c, const struct tp_process *before, struct tp_process *now)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	do {
		if (!look(c, now))
			return false;
		if (now->fds == before->fds && now->threads == before->threads)
			return true;
		c->tp->ops->relax(c->tp);
	} while (!tp_late(c->tp, end));
	return true;
}

#define SESSIONS 40

static void many(struct ck *c)
{
	struct tp_process before, now;

	/* Twice, so that what is made at first use and kept is there. */
	if (!whole_session(c) || !whole_session(c) || !look(c, &before))
		return;
	for (unsigned i = 0; i < SESSIONS; i++) {
		if (!ckr_next_session(c, "a session", ACCEPTS) || !whole_session(c))
			return;
	}
	if (!as_before(c, &before, &now))
		return;
	ck_log(c, "  descriptors %u -> %u, threads %u -> %u", before.fds, now.fds, before.threads,
	       now.threads);
	if (now.fds != before.fds)
		ck_fail(c, FDS, "as many as before", "%u open descriptors became %u in %u sessions",
			before.fds, now.fds, SESSIONS);
	/* Fewer is fine: pools shrink. */
	if (now.threads > before.threads)
		ck_fail(c, THREADS, "as many as before", "%u threads became %u in %u sessions",
			before.threads, now.threads, SESSIONS);
}

CHECK(many, .id = "vu.life.sessions", .clauses = { FDS, THREADS, ACCEPTS, RELEASED },
      .stimulus = "40 sessions one after the other, each with its rings and a request on them",
      .oracle = "the same number of descriptors, and no more threads, in the last as in the second",
      .caps = TP_CAP_PROCESS, .device = VIRTIO_ID_BLOCK, .own_session = true, .run = many);

/* Does the target answer need_reply, now that REPLY_ACK is not negotiated? Some do (be it so). */
static bool answers_unasked(struct ck *c, bool *answers)
{
	enum ckv_reaction r =
		ckv_provoke_raw(c, VU_SET_OWNER, VU_VERSION | VU_FLAG_NEED_REPLY, NULL, 0, NULL, 0);

	*answers = r == CKV_ACK || r == CKV_NACK;
	return r == CKV_SILENT || *answers ||
	       ck_error(c, "SET_OWNER at the beginning of a session: %s", ckv_reaction_name(r));
}

/* What a session that has negotiated nothing sees. */
struct initial {
	bool answers;
	u32 base;
};

/*
 * A session with these protocol features in which `requests` are served, and what the one after it
 * sees. Compared with another it tells what is inherited, whatever the target's habits are.
 */
static bool see_after(struct ck *c, u64 pf_mask, unsigned requests, struct initial *s)
{
	struct blk_req r;

	if (!ckr_session_with(c, 0, pf_mask) || !ckr_run(c, 0, 16, 0) ||
	    !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	for (unsigned i = 0; i < requests; i++)
		if (!ckb_ok(c, 0, &r))
			return false;
	return ckv_connect(c) && answers_unasked(c, &s->answers) && ckr_stop(c, 0, &s->base);
}

static void initial_state(struct ck *c)
{
	struct initial first, second;
	struct blk_req r;

	if (!see_after(c, ~BIT_ULL(VU_PF_REPLY_ACK), 2, &first) || !see_after(c, ~0ull, 5, &second))
		return;
	if (first.answers != second.answers) {
		ck_fail(c, INITIAL, "no protocol feature is active",
			"need_reply is %s before negotiation, and %s after a session with REPLY_ACK",
			first.answers ? "answered" : "not answered",
			second.answers ? "answered" : "not answered");
		return;
	}
	if (second.base != first.base) {
		ck_fail(c, INITIAL, "the position of a ring that was never used",
			"GET_VRING_BASE says %u after a session with 2 requests, and %u after one "
			"with 5",
			first.base, second.base);
		return;
	}
	/* Not started by the session before. */
	if (!ckr_session(c) || !ckr_run(c, 0, 16, 0) || !ckr_session(c) || !ckr_lay(c, 0, 16, 0) ||
	    !ckr_send(c, 0, CKR_SETUP, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ckr_publish(c, 0))
		return;
	ckr_stays(c, 0, 0, &r, "a second session, ring not started", INITIAL);
}

CHECK(initial_state, .id = "vu.life.initial", .clauses = { INITIAL },
      .stimulus =
	      "two sessions that negotiate nothing, one after a session without REPLY_ACK and 2 "
	      "requests, one after a session with it and 5 requests; then a session in which the "
	      "ring is not started",
      .oracle =
	      "both treat need_reply alike and give the same ring position; the ring that was not "
	      "started stays stopped",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = initial_state);

/* Lines of the target's maps that name our memory. False when they cannot be read. */
static bool count_maps(pid_t pid, unsigned *n)
{
	char path[40], line[400];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	*n = 0;
	while (fgets(line, sizeof(line), f))
		*n += strstr(line, "ringside-guest") != NULL;
	fclose(f);
	return true;
}

static void released(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	int kick[2] = { -1, -1 }, call[2] = { -1, -1 }, err[2] = { -1, -1 }, channel = -1;
	unsigned maps = 0;
	pid_t peer;
	u64 end;

	if (!ckr_session(c) || !ckv_pipe(c, kick) || !ckv_pipe(c, call) || !ckv_pipe(c, err) ||
	    !ckr_lay(c, 0, 16, 0) || !ckr_send(c, 0, CKR_NUM | CKR_BASE | CKR_ADDR, 0) ||
	    !ck_must(c, vu_set_vring_fd(fe, VU_SET_VRING_ERR, 0, err[1]), "SET_VRING_ERR") ||
	    !ck_must(c, vu_set_vring_fd(fe, VU_SET_VRING_CALL, 0, call[1]), "SET_VRING_CALL") ||
	    !ck_must(c, vu_set_vring_fd(fe, VU_SET_VRING_KICK, 0, kick[0]), "SET_VRING_KICK") ||
	    !ckr_send(c, 0, CKR_ENABLE, 0))
		goto out;
	close(kick[0]);
	close(call[1]);
	close(err[1]);
	kick[0] = call[1] = err[1] = -1;
	peer = fe->peer;
	if (fe->channel >= 0)
		channel = dup(fe->channel);
	vu_disconnect(fe);
	if (!ckn_readers_gone(c, kick[1]))
		ck_fail(c, RELEASED, "closed with the session",
			"the kick descriptor is still open");
	else if (!ckv_reaches_eof(c, call[0]))
		ck_fail(c, RELEASED, "closed with the session",
			"the call descriptor is still open");
	else if (!ckv_reaches_eof(c, err[0]))
		ck_fail(c, RELEASED, "closed with the session", "the err descriptor is still open");
	else if (channel >= 0 && !ckv_is_closed(c, channel))
		ck_fail(c, RELEASED, "closed with the session",
			"the back-end channel is still open");
	end = tp_deadline(c->tp, c->tp->timeout_ms);
	while (peer > 0 && count_maps(peer, &maps) && maps && !tp_late(c->tp, end))
		c->tp->ops->relax(c->tp);
	if (maps)
		ck_fail(c, MAPPINGS, "unmapped with the session",
			"%u mappings of guest memory are left after the session", maps);
out:
	for (unsigned i = 0; i < 2; i++) {
		if (kick[i] >= 0)
			close(kick[i]);
		if (call[i] >= 0)
			close(call[i]);
		if (err[i] >= 0)
			close(err[i]);
	}
	if (channel >= 0)
		close(channel);
}

CHECK(released, .id = "vu.life.released", .clauses = { RELEASED, MAPPINGS, FDS },
      .stimulus = "a session with pipes as kick, call and err descriptors, and its end",
      .oracle = "all of them and the back-end channel are closed, and guest memory is unmapped",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = released);

static void disconnect(struct ck *c)
{
	for (unsigned round = 0; round < 6; round++) {
		if (!ckr_session(c) || !ckr_run(c, 0, 64, 0))
			return;
		for (unsigned i = 0; i < 16; i++) {
			struct blk_req r;

			if (!ckr_read_req(c, &r, 65536) || ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0)
				return;
		}
		if (!ckr_publish(c, 0))
			return;
		/* Not always at the same moment. */
		for (u64 end = host_now_ns() + round * 40000; host_now_ns() < end;)
			;
		vu_disconnect(ckv(c));
		if (!ckr_next_session(c, "a disconnect under load", DISCONNECT))
			return;
	}
	ckv_reachable(c, DISCONNECT);
}

CHECK(disconnect, .id = "vu.life.disconnect", .clauses = { DISCONNECT, NEW_SESSION },
      .stimulus = "six sessions that end with 16 reads of 64 KiB in flight",
      .oracle = "a new session is served each time", .device = VIRTIO_ID_BLOCK, .own_session = true,
      .run = disconnect);

static void pending(struct ck *c)
{
	struct blk_req reqs[3];
	struct ck_used u;

	if (!ckr_session(c) || !ckr_lay(c, 0, 16, 9))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (!ckr_read_req(c, &reqs[i], VIRTIO_BLK_SECTOR) ||
		    ckb_add(c, 0, &reqs[i], BLK_LAYOUT_USUAL) < 0)
			return;
	vq_publish(&c->q[0].vq);
	if (!ckr_send(c, 0, CKR_ALL, 9) || !ckr_kick(c, 0))
		return;
	for (unsigned i = 0; i < 3; i++)
		if (!ck_reap(c, 0, &u) || u.head == VQ_BADID) {
			ck_fail(c, PENDING, "served without a notification from the guest",
				"3 requests were left in the ring at 9: %u were returned", i);
			return;
		}
}

CHECK(pending, .id = "vu.life.pending", .clauses = { PENDING },
      .stimulus = "a new session with a ring at index 9 that holds 3 requests; the front-end kicks "
		  "once, as it does on each start",
      .oracle = "all three are served", .device = VIRTIO_ID_BLOCK, .own_session = true,
      .run = pending);

/* Some bytes of a message, with a descriptor, and the end. */
static bool tear(struct ck *c, const void *bytes, size_t len)
{
	struct vu_frontend *fe = ckv(c);
	int ends[2], rc;
	bool ok = true;

	if (!ckr_next_session(c, "a torn message", TORN) || !ckv_connect(c) || !ckv_pipe(c, ends))
		return false;
	rc = vu_wire_send(fe->sock, bytes, len, &ends[1], 1, tp_deadline(c->tp, c->tp->timeout_ms));
	close(ends[1]);
	vu_disconnect(fe);
	if (rc != TP_OK)
		ok = ck_error(c, "sending %zu bytes: %s", len, tp_result_text(rc));
	else if (!ckv_reaches_eof(c, ends[0]))
		ok = ck_fail(
			c, TORN, "the descriptor is closed",
			"the connection ended after %zu bytes of a message; the descriptor that "
			"came with them is still open",
			len);
	close(ends[0]);
	return ok;
}

static void torn(struct ck *c)
{
	struct {
		struct vu_header hdr;
		u64 payload;
	} __attribute__((packed)) m = { { VU_SET_VRING_ERR, VU_VERSION, 8 }, 0 };

	if (!tear(c, &m, 1) || !tear(c, &m, 4) || !tear(c, &m, 11) || !tear(c, &m, 12) ||
	    !tear(c, &m, 15) || !tear(c, &m, 19))
		return;
	ckv_reachable(c, TORN);
}

CHECK(torn, .id = "vu.life.torn", .clauses = { TORN, NEW_SESSION, FDS, "ROB.msg.truncated" },
      .stimulus =
	      "connections that end after 1, 4, 11, 12, 15 and 19 bytes of SET_VRING_ERR, with a "
	      "descriptor",
      .oracle = "the descriptor is closed each time, and a new session is served",
      .device = VIRTIO_ID_BLOCK, .own_session = true, .run = torn);
