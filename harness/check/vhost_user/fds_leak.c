// SPDX-License-Identifier: BSD-3-Clause
/* The back-end's table of open descriptors, after much has passed through it. */
#include "harness/check/vhost_user/msg_kit.h"

#define LEAK	"ROB.leak.fds"
#define THREADS "ROB.leak.threads"

/* The same state each time: a new session, nothing said in it. */
static bool count(struct ck *c, struct tp_process *p)
{
	return ckm_session(c, CKM_PF_NO_STATUS) &&
	       ck_must(c, c->tp->ops->process(c->tp, p), "looking at the process");
}

static bool repeat(struct ck *c, u32 request, unsigned times)
{
	for (unsigned i = 0; i < times; i++) {
		struct ckm_msg m;
		bool ok;

		if (!ckm_make(c, request, &m))
			return true;
		ok = ckm_cmd(c, &m);
		ckm_done(&m);
		if (!ok)
			return false;
	}
	return true;
}

/* Descriptors may be closed a little after the message: wait, within bounds, for the number. */
static bool settles(struct ck *c, u32 fds, struct tp_process *now)
{
	u64 end = tp_deadline(c->tp, c->tp->timeout_ms);

	for (;;) {
		if (!ck_must(c, c->tp->ops->process(c->tp, now), "looking at the process"))
			return false;
		if (now->fds <= fds || tp_late(c->tp, end))
			return true;
		c->tp->ops->relax(c->tp);
	}
}

static void leak_messages(struct ck *c)
{
	static const u32 requests[] = { VU_SET_MEM_TABLE, VU_SET_LOG_BASE,   VU_SET_BACKEND_REQ_FD,
					VU_SET_VRING_ERR, VU_SET_VRING_CALL, VU_SET_VRING_KICK };
	struct tp_process before, after;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) ||
	    !ck_must(c, c->tp->ops->process(c->tp, &before), "looking at the process"))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++) {
		if (!repeat(c, requests[i], 40))
			return;
		if (!settles(c, before.fds, &after))
			return;
		if (after.fds > before.fds) {
			ck_fail(c, LEAK, "as many open descriptors as before",
				"%u descriptors, and %u after %s 40 times", before.fds, after.fds,
				vu_msg_name(VU_CHAN_MAIN, requests[i]));
			return;
		}
	}
}

CHECK(fds_leak_messages, .id = "vu.fds.leak.messages", .clauses = { LEAK },
      .stimulus = "each message with descriptors 40 times in a set-up session",
      .oracle = "the process has no more descriptors open than before",
      .caps = TP_CAP_VHOST_USER | TP_CAP_PROCESS, .run = leak_messages, .own_session = true);

static void leak_sessions(struct ck *c)
{
	struct tp_process before, after;

	/* The first session may make what stays. */
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_order_count) ||
	    !count(c, &before))
		return;
	for (unsigned i = 0; i < 20; i++)
		if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_order_count))
			return;
	if (!count(c, &after) || !settles(c, before.fds, &after))
		return;
	if (after.fds > before.fds)
		ck_fail(c, LEAK, "as many open descriptors as before",
			"%u descriptors, and %u after 20 sessions", before.fds, after.fds);
	else if (after.threads > before.threads)
		ck_fail(c, THREADS, "as many threads as before",
			"%u threads, and %u after 20 sessions", before.threads, after.threads);
}

CHECK(fds_leak_sessions, .id = "vu.fds.leak.sessions", .clauses = { LEAK, THREADS },
      .stimulus = "20 sessions with every message of a set-up",
      .oracle = "the process has no more descriptors and threads than before",
      .caps = TP_CAP_VHOST_USER | TP_CAP_PROCESS, .run = leak_sessions, .own_session = true);
