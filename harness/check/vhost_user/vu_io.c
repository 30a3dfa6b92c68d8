// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/vu_io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

bool ckv_connect(struct ck *c)
{
	ck_forget(c);
	return ck_must(c, vu_connect(ckv(c)), "connecting");
}

bool ckv_handshake(struct ck *c, u64 pf_mask)
{
	struct vu_frontend *fe = ckv(c);
	u64 saved = fe->pf_mask;
	int rc;

	ck_forget(c);
	fe->pf_mask = saved & pf_mask;
	rc = vu_begin(fe);
	fe->pf_mask = saved;
	if (!ck_must(c, rc, "handshake"))
		return false;
	c->offered = fe->offered & ~(BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL));
	c->queues = fe->queues;
	return true;
}

bool ckv_call(struct ck *c, u32 request, u32 flags, const void *payload, u32 size,
	      struct vu_reply *r, const char *clause)
{
	struct vu_frontend *fe = ckv(c);
	const char *name = vu_msg_name(VU_CHAN_MAIN, request);
	int rc;

	if (!ck_must(c, vu_send(fe, request, flags, payload, size, NULL, 0), "sending"))
		return false;
	rc = vu_recv(fe, r, fe->tp.timeout_ms);
	if (rc != TP_OK)
		return ck_fail(c, clause, "a reply", "%s: %s", name, fe->tp.error);
	if (r->msg.hdr.request == request && r->msg.hdr.flags & VU_FLAG_REPLY)
		return true;
	ck_fail(c, clause, "a reply with the request's id", "%s: message %u with flags 0x%x", name,
		r->msg.hdr.request, r->msg.hdr.flags);
	vu_reply_release(r);
	return false;
}

enum ckv_reaction ckv_provoke_or_hang(struct ck *c, u32 request, u32 flags, const void *payload,
				      u32 size, const int *fds, unsigned nfds, const char *clause)
{
	struct vu_frontend *fe = ckv(c);
	enum ckv_reaction reaction = CKV_SILENT;
	struct vu_reply r;
	int rc = vu_send(fe, request, flags, payload, size, fds, nfds);

	/* A back-end that answers and closes is not there for this one; its answer is. */
	if (rc == TP_OK)
		vu_send(fe, VU_GET_FEATURES, VU_VERSION, NULL, 0, NULL, 0);
	while (rc == TP_OK) {
		bool barrier;

		rc = vu_recv(fe, &r, fe->tp.timeout_ms);
		if (rc != TP_OK)
			break;
		barrier = r.msg.hdr.request == VU_GET_FEATURES &&
			  (request != VU_GET_FEATURES || reaction != CKV_SILENT);
		if (!barrier)
			reaction = r.msg.hdr.request != request		   ? CKV_BROKEN
				   : r.msg.hdr.size >= 8 && r.msg.u64 == 0 ? CKV_ACK
									   : CKV_NACK;
		vu_reply_release(&r);
		if (barrier)
			return reaction;
	}
	if (rc == TP_EGONE)
		return reaction == CKV_SILENT ? CKV_CLOSED : reaction;
	if (rc == TP_ETIMEOUT && clause)
		ck_fail(c, clause, "an answer, or a closed connection", "after %s: %s",
			vu_msg_name(VU_CHAN_MAIN, request), fe->tp.error);
	else
		ck_error(c, "after %s: %s", vu_msg_name(VU_CHAN_MAIN, request), fe->tp.error);
	return CKV_BROKEN;
}

enum ckv_reaction ckv_provoke_raw(struct ck *c, u32 request, u32 flags, const void *payload,
				  u32 size, const int *fds, unsigned nfds)
{
	return ckv_provoke_or_hang(c, request, flags, payload, size, fds, nfds, NULL);
}

enum ckv_reaction ckv_provoke(struct ck *c, u32 request, const void *payload, u32 size,
			      const int *fds, unsigned nfds)
{
	bool ack = vu_has_pf(ckv(c), VU_PF_REPLY_ACK);

	return ckv_provoke_raw(c, request, VU_VERSION | (ack ? VU_FLAG_NEED_REPLY : 0), payload,
			       size, fds, nfds);
}

const char *ckv_reaction_name(enum ckv_reaction r)
{
	static const char *const names[] = {
		[CKV_SILENT] = "ignored",
		[CKV_ACK] = "acknowledged with 0",
		[CKV_NACK] = "refused",
		[CKV_CLOSED] = "connection closed",
		[CKV_BROKEN] = "answered out of step",
	};

	return names[r];
}

bool ckv_refused(struct ck *c, enum ckv_reaction r, const char *what, const char *clause)
{
	if (r == CKV_BROKEN)
		return ck_error(c, "%s: %s", what, ckv_reaction_name(r));
	if (r == CKV_ACK)
		return ck_fail(c, clause, "a non-zero answer or a closed connection", "%s: %s",
			       what, ckv_reaction_name(r));
	return true;
}

bool ckv_reachable(struct ck *c, const char *clause)
{
	int rc;

	if (c->device == VIRTIO_ID_BLOCK)
		return ckb_alive_after_reopen(c, clause);
	ck_log(c, "  a new session:");
	c->tp->ops->close(c->tp);
	rc = c->tp->ops->open(c->tp);
	return rc == TP_OK || ck_fail(c, clause, "a new session can be opened", "%s", c->tp->error);
}

bool ckv_pipe(struct ck *c, int ends[2])
{
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return ck_error(c, "pipe: %s", strerror(errno));
	return true;
}

bool ckv_reaches_eof(struct ck *c, int fd)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char bytes[64];

	for (;;) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n == 0)
			return true;
		if (n < 0 && poll(&pfd, 1, VU_SLICE_MS) == 0 && tp_over(c->tp, deadline))
			return false;
	}
}

bool ckv_is_closed(struct ck *c, int sock)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	while (!vu_wire_closed(sock, tp_deadline(c->tp, VU_SLICE_MS)))
		if (tp_over(c->tp, deadline))
			return false;
	return true;
}

bool ckv_must_signal(struct ck *c, int eventfd)
{
	u64 deadline = tp_deadline(c->tp, c->tp->timeout_ms);

	while (!ckv_signalled(eventfd, VU_SLICE_MS))
		if (tp_over(c->tp, deadline))
			return false;
	return true;
}

void ckv_elsewhere(struct ck *c, u64 by)
{
	struct vu_frontend *fe = ckv(c);

	fe->iova_count = c->tp->mem_count;
	for (unsigned i = 0; i < c->tp->mem_count; i++) {
		const struct tp_buf *m = &c->tp->mem[i];

		fe->iovas[i] = (struct vu_iova){ by + m->gpa.v, m->len, m->gpa,
						 VU_IOTLB_READ | VU_IOTLB_WRITE };
	}
	fe->ring_iova = by;
}

bool ckv_count_fds(struct ck *c, u32 *n)
{
	struct tp_process p;

	if (c->tp->ops->process(c->tp, &p) != TP_OK)
		return false;
	*n = p.fds;
	return true;
}

bool ckv_signalled(int eventfd, unsigned ms)
{
	struct pollfd pfd = { .fd = eventfd, .events = POLLIN };
	u64 count, deadline = host_now_ns() + (u64)ms * 1000000;
	int rc;

	do
		rc = poll(&pfd, 1, vu_ms_left(deadline));
	while (rc < 0 && errno == EINTR);
	return rc > 0 && read(eventfd, &count, sizeof(count)) == sizeof(count);
}
