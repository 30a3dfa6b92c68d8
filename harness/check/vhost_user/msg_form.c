// SPDX-License-Identifier: BSD-3-Clause
/* The form of what the back-end sends: header, sizes, byte order, descriptors. */
#include "harness/check/vhost_user/msg_kit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define LAYOUT	   "VU.hdr.layout.be.1"
#define VERSION	   "VU.hdr.version.be.1"
#define REPLY_BIT  "VU.hdr.reply.be.1"
#define REPLY_ONLY "VU.hdr.reply.be.3"
#define REQUEST	   "VU.hdr.request.be.1"
#define SIZE	   "VU.hdr.size.be.1"
#define FIXED	   "VU.hdr.size.be.2"
#define NO_FDS	   "VU.fds.main-replies.be.1"
#define ORDER_OUT  "VU.sock.byteorder.be.1"
#define ORDER_IN   "VU.sock.byteorder.be.2"

/* One whole reply, taken past the front-end's own checks. */
static bool receive(struct ck *c, const struct ckm_msg *m, struct vu_reply *r)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	int sock = ckv(c)->sock;
	int rc;

	if (vu_wire_poll(&sock, 1, deadline) < 0)
		return ck_error(c, "%s: no answer", m->spec->name);
	rc = vu_wire_recv(sock, r, tp_deadline(c->tp, c->tp->timeout_ms));
	if (rc == TP_ETIMEOUT)
		return ck_fail(c, SIZE, "as many bytes as the size field says",
			       "%s: the reply's header says %u bytes, and fewer came",
			       m->spec->name, r->msg.hdr.size);
	if (rc == TP_EPROTO)
		return ck_fail(c, SIZE, "as many bytes as the size field says",
			       "%s: the reply's size field is 0x%x", m->spec->name,
			       r->msg.hdr.size);
	return ck_must(c, rc, m->spec->name);
}

static bool header_is_right(struct ck *c, const struct ckm_msg *m, const struct vu_reply *r)
{
	const struct vu_header *h = &r->msg.hdr;

	if (h->request != m->request)
		return ck_fail(c, REQUEST, "the request's id", "%s: the reply has id %u",
			       m->spec->name, h->request);
	if ((h->flags & VU_FLAG_VERSION) != VU_VERSION)
		return ck_fail(c, VERSION, "version 1", "%s: the reply has flags 0x%x",
			       m->spec->name, h->flags);
	if (!(h->flags & VU_FLAG_REPLY))
		return ck_fail(c, REPLY_BIT, "bit 2 set", "%s: the reply has flags 0x%x",
			       m->spec->name, h->flags);
	if (h->flags != (VU_VERSION | VU_FLAG_REPLY))
		return ck_fail(c, REPLY_ONLY, "flags 0x5", "%s: the reply has flags 0x%x",
			       m->spec->name, h->flags);
	/* An error of GET_CONFIG is shown by a smaller reply: see vu.config.*. */
	if (m->request != VU_GET_CONFIG && h->size != m->spec->reply_size)
		return ck_fail(c, FIXED, "the size of the payload's structure",
			       "%s: the reply has %u bytes, not %u", m->spec->name, h->size,
			       m->spec->reply_size);
	if (r->nfds + r->surplus_fds > m->spec->reply_fds_max)
		return ck_fail(c, NO_FDS, "descriptors only where the reply defines them",
			       "%s: %u descriptors with the reply", m->spec->name,
			       r->nfds + r->surplus_fds);
	return true;
}

/* Nothing lies behind a reply: the next one stands where it should. */
static bool nothing_behind(struct ck *c, const struct ckm_msg *m)
{
	struct vu_frontend *fe = ckv(c);
	struct vu_reply r;
	int rc;

	if (!ck_must(c, vu_send(fe, VU_GET_FEATURES, VU_VERSION, NULL, 0, NULL, 0), "sending"))
		return false;
	rc = vu_recv(fe, &r, c->tp->timeout_ms);
	if (rc == TP_EGONE || rc == TP_ELOCAL)
		return ck_must(c, rc, "GET_FEATURES");
	if (rc == TP_OK) {
		vu_reply_release(&r);
		if (r.msg.hdr.request == VU_GET_FEATURES && r.msg.hdr.size == 8 &&
		    r.msg.u64 == fe->offered)
			return true;
	}
	return ck_fail(c, LAYOUT, "the next reply right behind this one",
		       "behind the reply to %s stands what is no reply to GET_FEATURES",
		       m->spec->name);
}

static void form(struct ck *c)
{
	struct vu_reply stray;

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ckm_query_count; i++) {
		struct ckm_msg m;
		struct vu_reply r;
		bool ok;

		if (!ckm_make(c, ckm_queries[i], &m))
			continue;
		if (!ck_must(c, ckm_send(c, &m, VU_VERSION), m.spec->name) || !receive(c, &m, &r))
			return;
		ok = header_is_right(c, &m, &r) && nothing_behind(c, &m);
		vu_reply_release(&r);
		if (!ok)
			return;
	}
	if (vu_recv(ckv(c), &stray, c->tp->quiet_ms) != TP_OK)
		return;
	vu_reply_release(&stray);
	ck_fail(c, LAYOUT, "nothing after the last reply", "something came that nobody asked for");
}

CHECK(msg_form, .id = "vu.msg.form",
      .clauses = { LAYOUT, VERSION, REPLY_BIT, REPLY_ONLY, REQUEST, SIZE, FIXED, NO_FDS },
      .stimulus = "every request that only asks, with flags 0x1, each followed by GET_FEATURES",
      .oracle = "the reply has the request's id, flags exactly 0x5, the size of its structure, so "
		"many bytes and no more, and no descriptor unless the message defines one",
      .caps = TP_CAP_VHOST_USER, .run = form, .own_session = true);

/* --- byte order ---------------------------------------------------------------------------------- */

static bool looks_swapped(u64 v)
{
	return v >> 32 && !((u32)v) && __builtin_bswap64(v) < 1u << 31;
}

/* The header's words as they come, before anything is made of them. */
static bool receive_bytes(struct ck *c, void *out, size_t len, const char *what)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	u8 *p = out;

	while (len) {
		struct pollfd pfd = { .fd = ckv(c)->sock, .events = POLLIN };
		ssize_t n = recv(pfd.fd, p, len, MSG_DONTWAIT);

		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			return ck_error(c, "%s: the connection ended", what);
		} else if (poll(&pfd, 1, vu_ms_left(deadline)) == 0) {
			return ck_error(c, "%s: no answer", what);
		}
	}
	return true;
}

static bool order_of_reply(struct ck *c, u32 request)
{
	struct ckm_msg m;
	struct vu_header h;
	u64 v;

	if (!ckm_make(c, request, &m))
		return true;
	if (!ck_must(c, ckm_send(c, &m, VU_VERSION), m.spec->name) ||
	    !receive_bytes(c, &h, sizeof(h), m.spec->name))
		return false;
	if (h.request == __builtin_bswap32(request) || h.flags == __builtin_bswap32(0x5) ||
	    h.size == __builtin_bswap32(m.spec->reply_size))
		return ck_fail(c, ORDER_OUT, "host byte order",
			       "%s: the reply's header is 0x%x 0x%x 0x%x", m.spec->name, h.request,
			       h.flags, h.size);
	if (h.request != request || h.size != sizeof(v))
		return ck_error(c, "%s: the reply has id %u and %u bytes", m.spec->name, h.request,
				h.size);
	if (!receive_bytes(c, &v, sizeof(v), m.spec->name))
		return false;
	if (request != VU_GET_FEATURES && request != VU_GET_PROTOCOL_FEATURES && looks_swapped(v))
		return ck_fail(c, ORDER_OUT, "host byte order", "%s: 0x%llx", m.spec->name,
			       (unsigned long long)v);
	return true;
}

static void byte_order(struct ck *c)
{
	static const u32 asked[] = { VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, VU_GET_QUEUE_NUM,
				     VU_GET_MAX_MEM_SLOTS, VU_GET_STATUS };
	const u32 base = 0x0102;
	u32 seen;

	if (!ckm_session(c, CKM_PF_ALL))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(asked); i++)
		if (!order_of_reply(c, asked[i]))
			return;
	/* What it reads: a position that is another one in the wrong order. */
	if (!ck_must(c, vu_set_state(ckv(c), VU_SET_VRING_BASE, 0, base), "SET_VRING_BASE") ||
	    !ck_must(c, vu_get_vring_base(ckv(c), 0, &seen), "GET_VRING_BASE"))
		return;
	if (seen == __builtin_bswap32(base) || seen == __builtin_bswap16((u16)base))
		ck_fail(c, ORDER_IN, "host byte order",
			"SET_VRING_BASE 0x%x, and GET_VRING_BASE says 0x%x", base, seen);
	else if (seen != base)
		ck_error(c, "SET_VRING_BASE %u, and GET_VRING_BASE says %u", base, seen);
}

CHECK(msg_byte_order, .id = "vu.msg.byte-order", .clauses = { ORDER_OUT, ORDER_IN },
      .stimulus = "requests answered with a number; SET_VRING_BASE 0x102, GET_VRING_BASE",
      .oracle = "ids, flags, sizes and counts read in host byte order make sense; the position "
		"comes back as it was set",
      .caps = TP_CAP_VHOST_USER, .run = byte_order, .own_session = true);
