// SPDX-License-Identifier: BSD-3-Clause
/* Descriptors too many, too few, of the wrong kind. */
#include "harness/check/vhost_user/msg_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NONE_TAKEN "VU.fds.surplus.be.1"
#define TOO_MANY   "VU.fds.surplus.be.2"
#define MISSING	   "VU.fds.missing.be.1"
#define OVER_EIGHT "VU.fds.truncated.be.1"
#define LEAK	   "ROB.leak.fds"
#define MSG_FDS	   "ROB.msg.fds"

#define PF CKM_PF_NO_STATUS

static u32 ask(struct ck *c)
{
	return vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0;
}

/*
 * Send `m` with other descriptors than its own, and go on in this session or a new one. `clause` is
 * what a back-end breaks that does not live through it.
 */
static bool send_with(struct ck *c, const struct ckm_msg *m, const int *fds, unsigned n,
		      const char *clause, enum ckv_reaction *reaction)
{
	*reaction = ckv_provoke_or_hang(c, m->request, VU_VERSION | ask(c), m->bytes, m->size, fds,
					n, clause);
	ck_log(c, "  %s with %u descriptors instead of %u: %s", m->spec->name, n, m->nfds,
	       ckm_reaction_name(m, *reaction));
	return ckm_session_again(c, *reaction, PF, clause);
}

/*
 * The back-end has answered what came behind the message, so that it is done with it: a descriptor
 * that it still has now is one that it keeps. Some time all the same, for one that closes elsewhere.
 */
static bool is_kept(struct ck *c, int read_end)
{
	struct pollfd pfd = { .fd = read_end, .events = POLLIN };
	u64 deadline = tp_deadline(c->tp, 5 * c->tp->quiet_ms);
	int rc;

	do
		rc = poll(&pfd, 1, vu_ms_left(deadline));
	while (rc < 0 && errno == EINTR);
	return rc == 0;
}

/* --- on messages that take none -------------------------------------------------------------------- */

static bool closes_it(struct ck *c, u32 request)
{
	enum ckv_reaction r;
	struct ckm_msg m;
	int ends[2];
	bool ok;

	if (!ckm_make(c, request, &m))
		return true;
	/* REM_MEM_REG has a clause of its own: vu.mem.rem.descriptor-closed. */
	if (m.spec->req_fds_max || request == VU_REM_MEM_REG) {
		ckm_done(&m);
		return true;
	}
	if (!ckv_pipe(c, ends))
		return false;
	ok = send_with(c, &m, &ends[1], 1, MSG_FDS, &r);
	close(ends[1]);
	if (ok && is_kept(c, ends[0]))
		ok = ck_fail(c, NONE_TAKEN, "the descriptor is closed",
			     "%s takes no descriptor, and the back-end keeps one that came with it",
			     m.spec->name);
	close(ends[0]);
	return ok;
}

static void surplus_none(struct ck *c)
{
	if (!ckm_session(c, PF))
		return;
	for (unsigned i = 0; i < ckm_query_count; i++)
		if (!closes_it(c, ckm_queries[i]))
			return;
	for (unsigned i = 0; i < ckm_order_count; i++)
		if (!closes_it(c, ckm_order[i]))
			return;
	ckv_reachable(c, MSG_FDS);
}

CHECK(fds_none_taken, .id = "vu.fds.surplus.none-taken", .clauses = { NONE_TAKEN, MSG_FDS },
      .stimulus = "each message that takes no descriptor, with the write end of a pipe",
      .oracle = "the read end reaches its end of file; the message itself may be carried out or "
		"refused; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = surplus_none, .own_session = true);

/* --- more than the message takes ------------------------------------------------------------------- */

/* `n` descriptors, the message's own first; the rest are the write end of a pipe. */
static bool with_surplus(struct ck *c, u32 request, unsigned n, const char *kept,
			 const char *survive)
{
	enum ckv_reaction r;
	struct ckm_msg m;
	int fds[253], ends[2];
	bool ok;

	if (!ckm_make(c, request, &m))
		return true;
	if (!ckv_pipe(c, ends)) {
		ckm_done(&m);
		return false;
	}
	for (unsigned i = 0; i < n; i++)
		fds[i] = i < m.nfds ? m.fds[i] : ends[1];
	ok = send_with(c, &m, fds, n, survive, &r);
	ckm_done(&m);
	close(ends[1]);
	if (ok && is_kept(c, ends[0]))
		ok = ck_fail(c, kept, "descriptors beyond the message's own are closed",
			     "%s with %u descriptors: the back-end keeps some of them",
			     m.spec->name, n);
	close(ends[0]);
	return ok;
}

static void surplus_more(struct ck *c)
{
	static const u32 requests[] = { VU_SET_MEM_TABLE,      VU_SET_VRING_KICK,
					VU_SET_VRING_CALL,     VU_SET_VRING_ERR,
					VU_SET_BACKEND_REQ_FD, VU_SET_LOG_BASE,
					VU_SET_INFLIGHT_FD,    VU_ADD_MEM_REG };

	if (!ckm_session(c, PF))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		if (!with_surplus(c, requests[i], VU_MAX_FDS, TOO_MANY, MSG_FDS))
			return;
	ckv_reachable(c, MSG_FDS);
}

CHECK(fds_too_many, .id = "vu.fds.surplus.too-many", .clauses = { TOO_MANY, MSG_FDS },
      .stimulus =
	      "each message that takes descriptors, with eight: its own and write ends of a pipe",
      .oracle = "the read end reaches its end of file; the message itself may be carried out or "
		"refused; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = surplus_more, .own_session = true);

static void over_eight(struct ck *c)
{
	static const unsigned counts[] = { 9, 32, 253 };

	if (!ckm_session(c, PF))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(counts); i++)
		if (!with_surplus(c, VU_SET_MEM_TABLE, counts[i], LEAK, OVER_EIGHT) ||
		    !with_surplus(c, VU_SET_VRING_CALL, counts[i], LEAK, OVER_EIGHT))
			return;
	ckv_reachable(c, OVER_EIGHT);
}

CHECK(fds_over_eight, .id = "vu.fds.surplus.over-eight", .clauses = { OVER_EIGHT, LEAK },
      .stimulus = "SET_MEM_TABLE and SET_VRING_CALL with 9, 32 and 253 descriptors",
      .oracle = "a new session is served; none of the descriptors is kept",
      .caps = TP_CAP_VHOST_USER, .run = over_eight, .own_session = true);

/* --- too few ------------------------------------------------------------------------------------------ */

static bool without(struct ck *c, u32 request)
{
	enum ckv_reaction r;
	struct ckm_msg m;
	bool ok;

	if (!ckm_make(c, request, &m))
		return true;
	ok = send_with(c, &m, NULL, 0, MSG_FDS, &r);
	ckm_done(&m);
	if (r == CKV_ACK && m.spec->reply_ack != VU_ACK_BODY)
		return ck_fail(c, MISSING, "a non-zero answer or a closed connection",
			       "%s without its descriptor: %s", m.spec->name, ckv_reaction_name(r));
	return ok;
}

static void missing(struct ck *c)
{
	static const u32 requests[] = { VU_SET_MEM_TABLE,   VU_ADD_MEM_REG,
					VU_SET_INFLIGHT_FD, VU_SET_BACKEND_REQ_FD,
					VU_SET_VRING_KICK,  VU_SET_VRING_CALL,
					VU_SET_VRING_ERR,   VU_SET_LOG_BASE };

	if (!ckm_session(c, PF))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(requests); i++)
		if (!without(c, requests[i]))
			return;
	ckv_reachable(c, MSG_FDS);
}

CHECK(fds_missing, .id = "vu.fds.missing", .clauses = { MISSING, MSG_FDS },
      .stimulus = "each message that needs a descriptor, without one",
      .oracle = "a non-zero answer or a closed connection; a new session is served",
      .caps = TP_CAP_VHOST_USER, .run = missing, .own_session = true);

/* --- of the wrong kind --------------------------------------------------------------------------------- */

static bool with_kinds(struct ck *c, u32 request, const int *kinds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		enum ckv_reaction r;
		struct ckm_msg m;
		int fds[VU_MAX_FDS];
		bool ok;

		if (!ckm_make(c, request, &m))
			return true;
		for (unsigned k = 0; k < m.nfds; k++)
			fds[k] = kinds[i];
		ok = send_with(c, &m, fds, m.nfds, MSG_FDS, &r);
		ckm_done(&m);
		if (!ok)
			return false;
	}
	return true;
}

static void unsuitable(struct ck *c)
{
	static const u32 requests[] = { VU_SET_MEM_TABLE,   VU_ADD_MEM_REG,	   VU_SET_LOG_BASE,
					VU_SET_INFLIGHT_FD, VU_SET_BACKEND_REQ_FD, VU_SET_VRING_ERR,
					VU_SET_VRING_CALL,  VU_SET_VRING_KICK };
	int kinds[5], pair[2];
	unsigned n = 0;
	bool ok;

	kinds[n++] = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	kinds[n++] = open("/dev/null", O_RDWR | O_CLOEXEC);
	kinds[n++] = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0) {
		kinds[n++] = pair[0];
		kinds[n++] = pair[1];
	}
	ok = ckm_session(c, PF);
	for (unsigned i = 0; ok && i < ARRAY_SIZE(requests); i++)
		ok = with_kinds(c, requests[i], kinds, n);
	for (unsigned i = 0; i < n; i++)
		if (kinds[i] >= 0)
			close(kinds[i]);
	if (ok)
		ckv_reachable(c, MSG_FDS);
}

CHECK(fds_unsuitable, .id = "vu.fds.unsuitable", .clauses = { MSG_FDS },
      .stimulus =
	      "each message that takes descriptors, with a folder, /dev/null, a file opened for "
	      "reading and sockets in their place",
      .oracle = "the back-end answers or closes each time, and serves a new session",
      .caps = TP_CAP_VHOST_USER, .run = unsuitable, .own_session = true);
