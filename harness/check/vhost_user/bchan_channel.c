// SPDX-License-Identifier: BSD-3-Clause
/* The back-end's own channel: how it is set, what may come over it, and what may not. */
#include "harness/check/vhost_user/ring_io.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BECOMES	     "VU.bchan.set.be.1"
#define ACKNOWLEDGED "VU.bchan.set.be.2"
#define GATE	     "VU.bchan.set.be.3"
#define BAD_FDS	     "VU.bchan.set.be.4"
#define REPLACED     "VU.bchan.set.be.5"
#define MAIN_QUIET   "VU.bchan.gate.be.2"
#define NO_FDS	     "VU.bchan.fds.be.1"
#define KNOWN_IDS    "VU.bchan.ids.be.1"
#define ACK_FLAG     "VU.bchan.ack.be.1"
#define LIVE	     "VU.bchan.live.be.1"
#define CLOSED	     "VU.bchan.live.be.2"
#define CONFIG	     "VU.breq.config.be.1"
#define NO_CONFIG    "VU.breq.config.be.2"
#define NO_IOTLB     "VU.breq.iotlb.be.1"
#define NO_NOTIFIER  "VU.breq.notifier.be.4"
#define NO_CALL	     "VU.breq.vring-call.be.3"
#define NO_ERR	     "VU.breq.vring-err.be.3"
#define NO_OBJECT    "VU.breq.object-add.be.1"
#define NO_SHMEM     "VU.breq.shmem-map.be.1"
#define NEW_SESSION  "ROB.live.new-session"
#define FDS	     "ROB.leak.fds"

#define CKB_NEEDS .pf = BIT_ULL(VU_PF_BACKEND_REQ), .device = VIRTIO_ID_BLOCK, .own_session = true

static void set(struct ck *c)
{
	enum ckv_reaction reaction;
	int pair[2];

	/* Without BACKEND_SEND_FD: it does not belong to it. */
	if (!ckr_session_with(c, 0, ~BIT_ULL(VU_PF_BACKEND_SEND_FD)))
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		ck_error(c, "socketpair: %s", strerror(errno));
		return;
	}
	reaction = ckv_provoke(c, VU_SET_BACKEND_REQ_FD, NULL, 0, &pair[1], 1);
	close(pair[1]);
	if (reaction == CKV_NACK || reaction == CKV_CLOSED)
		ck_fail(c, GATE, "the message is accepted",
			"SET_BACKEND_REQ_FD with BACKEND_REQ and without BACKEND_SEND_FD: %s",
			ckv_reaction_name(reaction));
	else if (reaction == CKV_SILENT && vu_has_pf(ckv(c), VU_PF_REPLY_ACK))
		ck_fail(c, ACKNOWLEDGED, "acknowledged",
			"SET_BACKEND_REQ_FD with need_reply: no answer");
	close(pair[0]);
}

CHECK(set, .id = "vu.bchan.set", .clauses = { ACKNOWLEDGED, GATE },
      .stimulus = "BACKEND_REQ negotiated, BACKEND_SEND_FD not; SET_BACKEND_REQ_FD",
      .oracle = "accepted, and acknowledged where REPLY_ACK is negotiated", CKB_NEEDS, .run = set);

static void bad_fds(struct ck *c)
{
	int pair[2];

	for (unsigned nfds = 0; nfds <= 2; nfds += 2) {
		enum ckv_reaction reaction;
		const char *what = nfds ? "two descriptors" : "no descriptor";
		bool ok;

		if (!ckr_session(c))
			return;
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
			ck_error(c, "socketpair: %s", strerror(errno));
			return;
		}
		reaction = ckv_provoke(c, VU_SET_BACKEND_REQ_FD, NULL, 0,
				       (int[]){ pair[1], pair[1] }, nfds);
		close(pair[1]);
		ck_log(c, "  %s: %s", what, ckv_reaction_name(reaction));
		ok = ckv_refused(c, reaction, what, BAD_FDS);
		vu_disconnect(ckv(c));
		if (ok && nfds && !ckv_is_closed(c, pair[0]))
			ok = ck_fail(c, FDS, "closed with the session at the latest",
				     "%s: one of them is still open after the session", what);
		close(pair[0]);
		if (!ok)
			return;
	}
	ckv_reachable(c, NEW_SESSION);
}

CHECK(bad_fds, .id = "vu.bchan.bad-fds", .clauses = { BAD_FDS, FDS, NEW_SESSION },
      .stimulus = "SET_BACKEND_REQ_FD without a descriptor and with two",
      .oracle = "refused or closed, none of the descriptors left open; a new session is served",
      CKB_NEEDS, .run = bad_fds);

/* Everything that can be had from the target without a change of its configuration. */
static bool exercise(struct ck *c)
{
	struct blk_req r;
	u32 base;

	if (!ckr_run(c, 0, 16, 0) || !ckr_read_req(c, &r, VIRTIO_BLK_SECTOR))
		return false;
	for (unsigned i = 0; i < 16; i++)
		if (!ckb_ok(c, 0, &r))
			return false;
	/* Without a call descriptor it could be tempted to use the channel. */
	if (!ck_must(c, vu_set_vring_fd(ckv(c), VU_SET_VRING_CALL, 0, -1), "SET_VRING_CALL"))
		return false;
	vq_disable_calls(&c->q[0].vq);
	if (!ckb_ok(c, 0, &r) || !ckb_ok(c, 0, &r))
		return false;
	return ckr_stop(c, 0, &base);
}

/* Judge all that came over the channel in a session without any of those features. */
static bool judge(struct ck *c, const struct vu_backend_event *ev)
{
	static const struct {
		u32 id;
		const char *clause, *what;
	} rows[] = {
		{ VU_BACKEND_IOTLB_MSG, NO_IOTLB, "IOTLB_MSG without ACCESS_PLATFORM" },
		{ VU_BACKEND_VRING_HOST_NOTIFIER_MSG, NO_NOTIFIER,
		  "VRING_HOST_NOTIFIER_MSG without HOST_NOTIFIER" },
		{ VU_BACKEND_VRING_CALL, NO_CALL, "VRING_CALL without INBAND_NOTIFICATIONS" },
		{ VU_BACKEND_VRING_ERR, NO_ERR, "VRING_ERR without INBAND_NOTIFICATIONS" },
		{ 6, NO_OBJECT, "SHARED_OBJECT_ADD without SHARED_OBJECT" },
		{ 7, NO_OBJECT, "SHARED_OBJECT_REMOVE without SHARED_OBJECT" },
		{ 8, NO_OBJECT, "SHARED_OBJECT_LOOKUP without SHARED_OBJECT" },
		{ 9, NO_SHMEM, "SHMEM_MAP without SHMEM" },
		{ 10, NO_SHMEM, "SHMEM_UNMAP without SHMEM" },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
		if (ev->hdr.request == rows[i].id)
			return ck_fail(c, rows[i].clause, "nothing", "%s", rows[i].what);
	if (ev->hdr.request != VU_BACKEND_CONFIG_CHANGE_MSG)
		return ck_fail(c, KNOWN_IDS, "an id that the text defines", "request %u",
			       ev->hdr.request);
	if (ev->nfds)
		return ck_fail(c, NO_FDS, "no descriptor without BACKEND_SEND_FD",
			       "%u came with request %u", ev->nfds, ev->hdr.request);
	return true;
}

static bool judge_all(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);

	for (unsigned i = 0; i < CK_FLOOD && vu_channel_wait(fe, fe->tp.quiet_ms) == TP_OK; i++)
		;
	for (unsigned i = 0; i < MIN(fe->event_count, VU_FE_EVENTS); i++)
		if (!judge(c, &fe->events[i]))
			return false;
	return true;
}

#define OTHERS_OFF                                                                                 \
	~(BIT_ULL(VU_PF_BACKEND_SEND_FD) | BIT_ULL(VU_PF_HOST_NOTIFIER) |                          \
	  BIT_ULL(VU_PF_INBAND_NOTIFICATIONS) | BIT_ULL(VU_PF_SHARED_OBJECT) |                     \
	  BIT_ULL(VU_PF_SHMEM))

static void unasked(struct ck *c)
{
	if (ckr_session_with(c, 0, OTHERS_OFF) && exercise(c))
		judge_all(c);
}

CHECK(unasked, .id = "vu.bchan.unasked",
      .clauses = { NO_IOTLB, NO_NOTIFIER, NO_CALL, NO_ERR, NO_OBJECT, NO_SHMEM, KNOWN_IDS, NO_FDS },
      .stimulus = "a channel, and none of the features whose messages use it; requests with and "
		  "without a call descriptor",
      .oracle = "no IOTLB, host notifier, in-band notification, shared object or shared memory "
		"message, no unknown id, no descriptor",
      CKB_NEEDS, .run = unasked);

static bool same_config(struct ck *c, const struct virtio_blk_config *before, bool *same)
{
	struct virtio_blk_config now;

	if (!ck_must(c, vu_get_config(ckv(c), 0, VIRTIO_BLK_CONFIG_SIZE, &now), "GET_CONFIG"))
		return false;
	*same = memcmp(before, &now, VIRTIO_BLK_CONFIG_SIZE) == 0;
	return true;
}

static bool trigger(struct ck *c)
{
	return ck_must(c, c->tp->ops->trigger_config(c->tp), "changing the configuration");
}

static const char trigger_idle[] = "the trigger does not change the target's configuration";

static void no_config(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct virtio_blk_config before;
	unsigned events;
	bool same;

	if (!ckr_session(c) ||
	    !ck_must(c, vu_get_config(fe, 0, VIRTIO_BLK_CONFIG_SIZE, &before), "GET_CONFIG"))
		return;
	if (!ckr_session_with(c, 0, ~BIT_ULL(VU_PF_CONFIG)) || !ckr_run(c, 0, 16, 0) || !trigger(c))
		return;
	for (unsigned i = 0; i < CK_FLOOD && vu_channel_wait(fe, fe->tp.quiet_ms) == TP_OK; i++)
		;
	events = fe->config_events;
	if (events)
		ck_fail(c, NO_CONFIG, "nothing without CONFIG",
			"CONFIG_CHANGE_MSG though CONFIG was not negotiated");
	else if (ckr_session(c) && same_config(c, &before, &same) && same)
		ck_skip(c, trigger_idle);
}

CHECK(no_config, .id = "vu.bchan.no-config", .clauses = { NO_CONFIG },
      .stimulus = "BACKEND_REQ without CONFIG, a ring in service, the configuration changes",
      .oracle = "no CONFIG_CHANGE_MSG", .caps = TP_CAP_CONFIG_TRIGGER, CKB_NEEDS, .run = no_config);

/* One CONFIG_CHANGE_MSG, in *ev. */
static bool change(struct ck *c, struct vu_backend_event *ev, const char *clause)
{
	struct vu_frontend *fe = ckv(c);
	struct virtio_blk_config before;
	u64 end;
	bool same = true;

	if (!ck_must(c, vu_get_config(fe, 0, VIRTIO_BLK_CONFIG_SIZE, &before), "GET_CONFIG"))
		return false;
	fe->event_count = 0;
	fe->config_events = 0;
	if (!trigger(c))
		return false;
	/* As soon as the change is to be seen, the message is due. */
	end = tp_deadline(c->tp, c->tp->timeout_ms / 4);
	while (same && !c->tp->ops->wait_config_event(c->tp, 2)) {
		if (!same_config(c, &before, &same))
			return false;
		if (same && tp_late(c->tp, end))
			return ck_skip(c, trigger_idle);
	}
	if (!same && !c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms))
		return ck_fail(c, clause, "CONFIG_CHANGE_MSG over the channel",
			       "the configuration changed, and nothing came");
	*ev = fe->events[(fe->event_count - 1) % VU_FE_EVENTS];
	if (strcmp(clause, CONFIG) == 0 &&
	    (ev->hdr.size != 0 || (ev->hdr.flags & ~VU_FLAG_NEED_REPLY) != VU_VERSION))
		return ck_fail(c, CONFIG, "no payload, flags 0x1 or 0x9",
			       "CONFIG_CHANGE_MSG of %u bytes, flags 0x%x", ev->hdr.size,
			       ev->hdr.flags);
	return true;
}

static bool service(struct ck *c, u64 pf_mask)
{
	/* With DRIVER_OK: before that there is nobody to be told. */
	return ckv_handshake(c, pf_mask) && ck_negotiate(c, 0) && ckr_run(c, 0, 16, 0) &&
	       ck_must(c, c->tp->ops->driver_ok(c->tp), "DRIVER_OK");
}

static void config(struct ck *c)
{
	struct vu_backend_event ev;

	if (!service(c, ~0ull) || !change(c, &ev, CONFIG))
		return;
	if (!service(c, ~BIT_ULL(VU_PF_REPLY_ACK)) || !change(c, &ev, CONFIG))
		return;
	if (ev.hdr.flags & VU_FLAG_NEED_REPLY)
		ck_fail(c, ACK_FLAG, "no need_reply without REPLY_ACK",
			"CONFIG_CHANGE_MSG with flags 0x%x", ev.hdr.flags);
}

#define CONFIG_NEEDS                                                                               \
	.caps = TP_CAP_CONFIG_TRIGGER, .pf = BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_CONFIG),   \
	.device = VIRTIO_ID_BLOCK, .own_session = true

CHECK(config, .id = "vu.bchan.config", .clauses = { CONFIG, ACK_FLAG },
      .stimulus = "a device in service whose configuration changes, with REPLY_ACK and without",
      .oracle =
	      "CONFIG_CHANGE_MSG without payload over the channel; need_reply only with REPLY_ACK "
	      "(info otherwise)",
      CONFIG_NEEDS, .run = config);

static void replaced(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_backend_event ev;
	int old;

	if (!service(c, ~0ull))
		return;
	old = fe->channel;
	fe->channel = -1;
	if (!ck_must(c, vu_set_channel(fe), "a second SET_BACKEND_REQ_FD") ||
	    !change(c, &ev, BECOMES))
		goto out;
	if (!ckv_is_closed(c, old))
		ck_fail(c, REPLACED, "the first channel is closed",
			"a second channel was set; the first is still open");
out:
	close(old);
}

CHECK(replaced, .id = "vu.bchan.replaced", .clauses = { BECOMES, REPLACED },
      .stimulus = "SET_BACKEND_REQ_FD twice, then the configuration changes",
      .oracle = "the message comes over the second channel; the first is closed (info otherwise)",
      CONFIG_NEEDS, .run = replaced);

static void main_quiet(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_backend_event ev;
	struct vu_reply r;

	if (!service(c, ~0ull) || !change(c, &ev, CONFIG))
		return;
	/* Nothing was asked: nothing may come. */
	if (vu_recv(fe, &r, fe->tp.quiet_ms) == TP_OK) {
		ck_fail(c, MAIN_QUIET, "nothing on the main channel",
			"message %u with flags 0x%x, which nobody asked for", r.msg.hdr.request,
			r.msg.hdr.flags);
		vu_reply_release(&r);
		return;
	}
	/* And without a channel to use. */
	fe->no_channel = true;
	if (service(c, ~0ull) && trigger(c) && vu_recv(fe, &r, fe->tp.quiet_ms) == TP_OK) {
		ck_fail(c, MAIN_QUIET, "nothing on the main channel",
			"no channel was set, and message %u came over the main one",
			r.msg.hdr.request);
		vu_reply_release(&r);
	}
	fe->no_channel = false;
}

CHECK(main_quiet, .id = "vu.bchan.main-quiet", .clauses = { MAIN_QUIET, CONFIG },
      .stimulus = "the configuration changes, with a channel set and without one",
      .oracle = "nothing comes over the main channel", CONFIG_NEEDS, .run = main_quiet);

static void closed(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_backend_event ev;
	struct blk_req r;
	int rc;

	if (!service(c, ~0ull) || !change(c, &ev, CONFIG))
		return;
	close(fe->channel);
	fe->channel = -1;
	for (unsigned i = 0; i < 3; i++)
		if (!trigger(c))
			return;
	rc = vu_barrier(fe);
	if (rc != TP_OK && rc != TP_EGONE && rc != TP_ETIMEOUT) {
		ck_must(c, rc, "GET_FEATURES");
		return;
	}
	if (rc != TP_OK) {
		ck_fail(c, CLOSED, "the session goes on",
			"the channel was closed, then the configuration changed: %s", fe->tp.error);
		return;
	}
	if (ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0 &&
	    ckr_publish(c, 0))
		ckr_served(c, 0, &r, "channel closed, configuration changed", CLOSED);
}

CHECK(closed, .id = "vu.bchan.closed", .clauses = { CLOSED, CONFIG },
      .stimulus = "our end of the channel is closed, then the configuration changes three times",
      .oracle = "GET_FEATURES is answered, and a request is served", CONFIG_NEEDS, .run = closed);

static void live(struct ck *c)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_backend_event ev;
	struct blk_req r;
	int rc;

	if (!service(c, ~0ull))
		return;
	fe->hold_channel_acks = true;
	if (!change(c, &ev, CONFIG))
		return;
	rc = vu_barrier(fe);
	if (rc != TP_OK && rc != TP_EGONE && rc != TP_ETIMEOUT) {
		ck_must(c, rc, "GET_FEATURES");
		return;
	}
	if (rc != TP_OK) {
		ck_fail(c, LIVE, "the main channel is served meanwhile",
			"an answer on the channel is outstanding: %s", fe->tp.error);
		return;
	}
	if (ckr_read_req(c, &r, VIRTIO_BLK_SECTOR) && ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) >= 0 &&
	    ckr_publish(c, 0))
		ckr_served(c, 0, &r, "an answer on the channel is outstanding", LIVE);
}

CHECK(live, .id = "vu.bchan.live", .clauses = { LIVE, CONFIG },
      .stimulus = "CONFIG_CHANGE_MSG with need_reply is left unanswered",
      .oracle = "GET_FEATURES is answered and a request served meanwhile (info otherwise)",
      CONFIG_NEEDS, .run = live);
