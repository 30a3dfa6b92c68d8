// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sending, receiving and logging messages. Whatever waits for the main channel also serves the
 * back-end's channel: a back-end may stand still until its request there is answered.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"

int vu_error(struct vu_frontend *fe, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(fe->tp.error, sizeof(fe->tp.error), fmt, ap);
	va_end(ap);
	return rc;
}

void vu_log(struct vu_frontend *fe, const char *fmt, ...)
{
	va_list ap;

	if (!fe->vlog)
		return;
	va_start(ap, fmt);
	fe->vlog(fe->log_arg, fmt, ap);
	va_end(ap);
}

/* "name=value …" of a payload, after the message table's layout. */
static void describe(char *out, size_t room, const char *layout, const u8 *bytes, u32 size)
{
	size_t used = 0;
	u32 at = 0;

	out[0] = '\0';
	while (layout && *layout && *layout != '-' && used + 1 < room) {
		int name_len = (int)strcspn(layout, ":");
		const char *type = layout + name_len + 1;
		u64 v = 0;
		u32 width;

		if (layout[0] == '[') /* a list: the rest as a count of bytes is enough */
			break;
		if (layout[name_len] != ':')
			break;
		width = !strncmp(type, "u64", 3) || !strncmp(type, "i64", 3)   ? 8
			: !strncmp(type, "u32", 3) || !strncmp(type, "i32", 3) ? 4
			: !strncmp(type, "u16", 3)			       ? 2
									       : 0;
		if (!width || at + width > size)
			break;
		memcpy(&v, bytes + at, width);
		at += width;
		if (strncmp(layout, "pad", 3) != 0)
			used += (size_t)snprintf(out + used, room - used,
						 v < 10000 ? " %.*s=%llu" : " %.*s=0x%llx",
						 name_len, layout, (unsigned long long)v);
		layout = type + strcspn(type, " ");
		layout += *layout == ' ';
	}
	if (used < room && at == 0 && size >= 8) {
		u64 v;

		memcpy(&v, bytes, 8);
		snprintf(out + used, room - used, " 0x%llx", (unsigned long long)v);
	} else if (used < room && at < size) {
		snprintf(out + used, room - used, " … %u bytes", size - at);
	}
}

static void log_message(struct vu_frontend *fe, const char *dir, enum vu_chan chan,
			const struct vu_header *h, const void *payload, u32 size, unsigned nfds,
			bool reply)
{
	const struct vu_msg_spec *spec = vu_msg_find(chan, h->request);
	char text[120], fds[16] = "", name[32];

	if (!fe->vlog)
		return;
	if (spec)
		snprintf(name, sizeof(name), "%s", spec->name);
	else
		snprintf(name, sizeof(name), "request %u", h->request);
	describe(text, sizeof(text), spec ? (reply ? spec->reply_layout : spec->req_layout) : NULL,
		 payload, size);
	if (nfds)
		snprintf(fds, sizeof(fds), " +%u fd", nfds);
	vu_log(fe, "%s %s flags=0x%x size=%u%s%s", dir, name, h->flags, h->size, text, fds);
}

int vu_send(struct vu_frontend *fe, u32 request, u32 flags, const void *payload, u32 size,
	    const int *fds, unsigned nfds)
{
	struct {
		struct vu_header hdr;
		u8 payload[VU_MAX_PAYLOAD];
	} m = { .hdr = { request, flags, size } };
	int rc;

	if (fe->sock < 0)
		return vu_error(fe, TP_EGONE, "no connection");
	if (size > sizeof(m.payload))
		return vu_error(fe, TP_ELOCAL, "message of %u bytes is longer than any", size);
	if (size)
		memcpy(m.payload, payload, size);
	log_message(fe, ">", VU_CHAN_MAIN, &m.hdr, payload, size, nfds, false);
	rc = vu_wire_send(fe->sock, &m, sizeof(m.hdr) + size, fds, nfds,
			  tp_deadline(&fe->tp, fe->tp.timeout_ms));
	if (rc != TP_OK)
		return vu_error(fe, rc, "sending %s: %s", vu_msg_name(VU_CHAN_MAIN, request),
				tp_result_text(rc));
	return TP_OK;
}

static void channel_ack(struct vu_frontend *fe, u32 request, u64 v)
{
	struct {
		struct vu_header hdr;
		u64 v;
	} __attribute__((packed)) ack = {
		{ request, VU_VERSION | VU_FLAG_REPLY, 8 },
		v,
	};

	if (fe->channel < 0)
		return;
	vu_wire_send(fe->channel, &ack, sizeof(ack), NULL, 0,
		     tp_deadline(&fe->tp, fe->tp.timeout_ms));
	vu_log(fe, "> channel: ack %llu", (unsigned long long)v);
}

/* A miss is answered when nothing else is under way: see vu_iotlb_serve(). */
static bool take_miss(struct vu_frontend *fe, const struct vu_reply *r)
{
	const struct vu_iotlb *m = &r->msg.iotlb;

	if (!vu_has_iommu(fe) || r->msg.hdr.request != VU_BACKEND_IOTLB_MSG ||
	    r->msg.hdr.size != sizeof(*m) || m->type != VU_IOTLB_MISS ||
	    fe->miss_count == ARRAY_SIZE(fe->misses))
		return false;
	fe->miss_acked[fe->miss_count] = r->msg.hdr.flags & VU_FLAG_NEED_REPLY;
	fe->misses[fe->miss_count++] = *m;
	return true;
}

/* One request of the back-end. False when the channel ended. */
static bool channel_serve(struct vu_frontend *fe)
{
	struct vu_backend_event *ev = &fe->events[fe->event_count % VU_FE_EVENTS];
	struct vu_reply r;

	if (vu_wire_recv(fe->channel, &r, tp_deadline(&fe->tp, fe->tp.timeout_ms)) != TP_OK) {
		vu_log(fe, "< back-end channel ended");
		close(fe->channel);
		fe->channel = -1;
		return false;
	}
	log_message(fe, "< channel:", VU_CHAN_BACKEND, &r.msg.hdr, r.msg.bytes, r.msg.hdr.size,
		    r.nfds, false);
	ev->hdr = r.msg.hdr;
	ev->nfds = r.nfds + r.surplus_fds;
	memcpy(ev->payload, r.msg.bytes, MIN(sizeof(ev->payload), r.msg.hdr.size));
	fe->event_count++;
	if (r.msg.hdr.request == VU_BACKEND_CONFIG_CHANGE_MSG)
		fe->config_events++;
	if (!take_miss(fe, &r) && r.msg.hdr.flags & VU_FLAG_NEED_REPLY && !fe->hold_channel_acks)
		channel_ack(fe, r.msg.hdr.request,
			    r.msg.hdr.request != VU_BACKEND_CONFIG_CHANGE_MSG);
	vu_reply_release(&r);
	return true;
}

/* What an address of the device is, or perm 0. */
static struct vu_iova lookup(const struct vu_frontend *fe, u64 iova)
{
	for (unsigned i = 0; i < fe->iova_count; i++)
		if (iova - fe->iovas[i].iova < fe->iovas[i].size)
			return fe->iovas[i];
	for (unsigned i = 0; i < fe->region_count; i++) {
		const struct vu_region *r = &fe->regions[i];

		if (iova - r->gpa.v < r->size)
			return (struct vu_iova){ r->gpa.v, r->size, r->gpa,
						 VU_IOTLB_READ | VU_IOTLB_WRITE };
	}
	return (struct vu_iova){ 0 };
}

/* One that wants more than there is gets what there is. */
static bool translate(struct vu_frontend *fe, const struct vu_iotlb *miss)
{
	const struct vu_iova at = lookup(fe, miss->iova);
	const struct vu_iotlb update = {
		.iova = at.iova,
		.size = at.size,
		.uva = vu_uva(fe, at.gpa),
		.perm = at.perm,
		.type = VU_IOTLB_UPDATE,
	};
	u64 answer = 1;

	return at.perm && vu_iotlb_send(fe, &update, &answer) == TP_OK && answer == 0;
}

/* More misses than that without an end are those of a device that does nothing else. */
#define MISSES_MAX 256

void vu_iotlb_serve(struct vu_frontend *fe)
{
	if (fe->serving)
		return;
	fe->serving = true;
	for (unsigned n = 0; fe->miss_count && n < MISSES_MAX; n++) {
		const struct vu_iotlb miss = fe->misses[0];
		const bool acked = fe->miss_acked[0];
		bool ok;

		fe->miss_count--;
		memmove(fe->misses, fe->misses + 1, fe->miss_count * sizeof(fe->misses[0]));
		memmove(fe->miss_acked, fe->miss_acked + 1,
			fe->miss_count * sizeof(fe->miss_acked[0]));
		ok = translate(fe, &miss);
		if (acked && !fe->hold_channel_acks)
			channel_ack(fe, VU_BACKEND_IOTLB_MSG, !ok);
	}
	fe->serving = false;
}

int vu_recv(struct vu_frontend *fe, struct vu_reply *r, unsigned timeout_ms)
{
	const u64 deadline = tp_deadline(&fe->tp, timeout_ms);
	u64 until = deadline;
	int rc;

	if (fe->sock < 0)
		return vu_error(fe, TP_EGONE, "no connection");
	for (;;) {
		int socks[2] = { fe->sock, fe->channel };
		int which = vu_wire_poll(socks, fe->channel >= 0 ? 2 : 1, until);

		if (which == 0)
			break;
		/* A channel that never falls silent does not put the deadline off. */
		if (which < 0 || vu_ms_left(until) == 0) {
			if (!vu_may_act(fe, deadline, timeout_ms))
				return vu_error(fe, TP_ETIMEOUT, "no answer within %u ms",
						timeout_ms);
			until = tp_deadline(&fe->tp, VU_SLICE_MS);
		}
		if (which == 1)
			channel_serve(fe);
	}
	/* A message that has begun gets the whole time to end. */
	rc = vu_wire_recv(fe->sock, r, tp_deadline(&fe->tp, fe->tp.timeout_ms));
	if (rc == TP_OK)
		log_message(fe, "<", VU_CHAN_MAIN, &r->msg.hdr, r->msg.bytes, r->msg.hdr.size,
			    r->nfds, true);
	else if (rc == TP_EGONE)
		vu_log(fe, "< connection closed");
	else
		vu_log(fe, "< %s", tp_result_text(rc));
	if (rc != TP_OK)
		return vu_error(fe, rc, "%s",
				rc == TP_EGONE	    ? "the back-end closed the connection"
				: rc == TP_ETIMEOUT ? "a message began and did not end"
						    : "a message of an absurd size");
	return TP_OK;
}

static int expect_reply(struct vu_frontend *fe, u32 request, struct vu_reply *r)
{
	const char *name = vu_msg_name(VU_CHAN_MAIN, request);
	int rc = vu_recv(fe, r, fe->tp.timeout_ms);

	if (rc != TP_OK) {
		char why[sizeof(fe->tp.error)];

		memcpy(why, fe->tp.error, sizeof(why));
		return vu_error(fe, rc, "%s: %.100s", name, why);
	}
	if (r->msg.hdr.request != request)
		rc = vu_error(fe, TP_EPROTO, "%s: the reply has request id %u", name,
			      r->msg.hdr.request);
	else if (!(r->msg.hdr.flags & VU_FLAG_REPLY) ||
		 (r->msg.hdr.flags & VU_FLAG_VERSION) != VU_VERSION)
		rc = vu_error(fe, TP_EPROTO, "%s: the reply has flags 0x%x", name,
			      r->msg.hdr.flags);
	if (rc != TP_OK)
		vu_reply_release(r);
	vu_iotlb_serve(fe);
	return rc;
}

int vu_iotlb_send(struct vu_frontend *fe, const struct vu_iotlb *msg, u64 *answer)
{
	struct vu_reply r;
	int rc = vu_send(fe, VU_IOTLB_MSG,
			 VU_VERSION | (vu_has_pf(fe, VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0),
			 msg, sizeof(*msg), NULL, 0);

	if (rc == TP_OK)
		rc = expect_reply(fe, VU_IOTLB_MSG, &r);
	if (rc != TP_OK)
		return rc;
	if (r.msg.hdr.size != 8)
		rc = vu_error(fe, TP_EPROTO, "IOTLB_MSG: answered with %u bytes", r.msg.hdr.size);
	*answer = r.msg.u64;
	vu_reply_release(&r);
	return rc;
}

int vu_call(struct vu_frontend *fe, u32 request, const void *payload, u32 size, struct vu_reply *r)
{
	int rc = vu_send(fe, request, VU_VERSION, payload, size, NULL, 0);

	return rc == TP_OK ? expect_reply(fe, request, r) : rc;
}

int vu_cmd(struct vu_frontend *fe, u32 request, const void *payload, u32 size, const int *fds,
	   unsigned nfds)
{
	bool ack = vu_has_pf(fe, VU_PF_REPLY_ACK);
	struct vu_reply r;
	int rc = vu_send(fe, request, VU_VERSION | (ack ? VU_FLAG_NEED_REPLY : 0), payload, size,
			 fds, nfds);

	if (rc != TP_OK)
		return rc;
	if (!ack)
		return vu_barrier(fe);
	rc = expect_reply(fe, request, &r);
	if (rc != TP_OK)
		return rc;
	if (r.msg.hdr.size != 8)
		rc = vu_error(fe, TP_EPROTO, "%s: acknowledged with %u bytes",
			      vu_msg_name(VU_CHAN_MAIN, request), r.msg.hdr.size);
	else if (r.msg.u64 != 0)
		rc = vu_error(fe, TP_EREFUSED, "%s: refused with %llu",
			      vu_msg_name(VU_CHAN_MAIN, request), (unsigned long long)r.msg.u64);
	vu_reply_release(&r);
	return rc;
}

int vu_get_u64(struct vu_frontend *fe, u32 request, u64 *v)
{
	struct vu_reply r;
	int rc = vu_call(fe, request, NULL, 0, &r);

	if (rc != TP_OK)
		return rc;
	if (r.msg.hdr.size != 8)
		rc = vu_error(fe, TP_EPROTO, "%s: the reply has %u bytes, not 8",
			      vu_msg_name(VU_CHAN_MAIN, request), r.msg.hdr.size);
	*v = r.msg.u64;
	vu_reply_release(&r);
	return rc;
}

int vu_barrier(struct vu_frontend *fe)
{
	u64 ignored;

	return vu_get_u64(fe, VU_GET_FEATURES, &ignored);
}

int vu_channel_until(struct vu_frontend *fe, u64 deadline, unsigned timeout_ms)
{
	u64 until = deadline;

	if (fe->channel < 0)
		return TP_EUNSUPPORTED;
	while (vu_wire_poll(&fe->channel, 1, until) < 0) {
		if (!vu_may_act(fe, deadline, timeout_ms))
			return TP_ETIMEOUT;
		until = tp_deadline(&fe->tp, VU_SLICE_MS);
	}
	if (!channel_serve(fe))
		return TP_EGONE;
	vu_iotlb_serve(fe);
	return TP_OK;
}

int vu_channel_wait(struct vu_frontend *fe, unsigned timeout_ms)
{
	return vu_channel_until(fe, tp_deadline(&fe->tp, timeout_ms), timeout_ms);
}
