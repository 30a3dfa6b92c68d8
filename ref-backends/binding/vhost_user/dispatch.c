// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/vhost_user/dispatch.h"

#include <unistd.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

static const struct vub_handler *const tables[] = {
	vub_session_handlers,
	vub_device_handlers,
	vub_memory_handlers,
	vub_ring_handlers,
};

static vub_handler_fn *handler_of(u32 id)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (const struct vub_handler *h = tables[i]; h->fn; h++)
			if (h->id == id)
				return h->fn;
	return NULL;
}

void vub_reply_u64(struct vub_reply *rep, u64 value)
{
	rep->msg.u64 = value;
	rep->msg.hdr.size = sizeof(u64);
	rep->send = true;
}

/* Are the features that a message belongs to in use? */
static bool gate_open(struct vub_session *s, const struct vu_msg_spec *spec)
{
	/* Stated for GET_QUEUE_NUM: its gate is that MQ is offered. */
	if (spec->id == VU_GET_QUEUE_NUM)
		return true;
	/* Without LOG_SHMFD it is another message; its handler tells the two apart. */
	if (spec->id == VU_SET_LOG_BASE)
		return true;
	return (spec->gate_pf & ~s->protocol_features) == 0;
}

static const char *validate(struct vub_session *s, const struct vub_request *rq,
			    const struct vu_msg_spec *spec)
{
	const struct vu_header *hdr = &rq->msg.hdr;

	if ((hdr->flags & VU_FLAG_VERSION) != VU_VERSION)
		return "unknown version";
	if (hdr->flags & VU_FLAG_REPLY)
		return "a request with the reply bit";
	if (!spec || !handler_of(hdr->request))
		return "unknown request";
	if (!gate_open(s, spec))
		return "its feature was not negotiated";
	if (spec->id == VU_SET_LOG_BASE && !vub_has_pf(s, VU_PF_LOG_SHMFD))
		return hdr->size == sizeof(u64) && rq->nfds == 0 ? NULL : "not without LOG_SHMFD";
	/* Regions are longer then than the table of messages knows; their handlers know. */
	if (vub_has_pf(s, VU_PF_XEN_MMAP) && spec->id == VU_SET_MEM_TABLE)
		return NULL;
	if (hdr->size < spec->req_size_min ||
	    (spec->req_size_max != VU_SIZE_OPEN && hdr->size > spec->req_size_max))
		return "size does not fit";
	if (rq->nfds < spec->req_fds_min || rq->nfds > spec->req_fds_max)
		return "number of descriptors does not fit";
	return NULL;
}

/* A refusal that can be told; else the connection is closed. */
static bool can_nack(const struct vub_session *s, const struct vub_request *rq,
		     const struct vu_msg_spec *spec)
{
	return vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY &&
	       (!spec || spec->reply_when == VU_REPLY_NEVER || spec->id == VU_SET_MEM_TABLE ||
		spec->id == VU_SET_LOG_BASE || spec->id == VU_ADD_MEM_REG ||
		spec->id == VU_IOTLB_MSG);
}

static bool send_reply(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	bool ok = true;

	rep->msg.hdr.request = rq->msg.hdr.request;
	rep->msg.hdr.flags = VU_VERSION | VU_FLAG_REPLY;
	if (fault_active && fault_active->reply)
		fault_active->reply(s, rq, rep);
	if (rep->send)
		ok = vub_session_send(s, rep) == 0;
	if (rep->fd >= 0)
		close(rep->fd);
	return ok;
}

static bool refuse(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep,
		   const struct vu_msg_spec *spec, const char *why)
{
	const char *name = vu_msg_name(VU_CHAN_MAIN, rq->msg.hdr.request);

	if (can_nack(s, rq, spec)) {
		vub_complain(s, "%s refused: %s", name, why);
		vub_reply_u64(rep, 1);
		return send_reply(s, rq, rep);
	}
	/* Said by FEATURES_OK, which cannot be set now. */
	if (rq->msg.hdr.request == VU_SET_FEATURES && s->features_refused &&
	    vub_has_pf(s, VU_PF_STATUS)) {
		vub_complain(s, "%s refused: %s", name, why);
		return send_reply(s, rq, rep);
	}
	vub_complain(s, "connection closed: %s: %s", name, why);
	return false;
}

bool vub_dispatch(struct vub_session *s, struct vub_request *rq)
{
	const struct vu_msg_spec *spec = vu_msg_find(VU_CHAN_MAIN, rq->msg.hdr.request);
	struct vub_reply rep;
	const char *why;

	rep.fd = -1;
	rep.send = false;
	rep.msg.hdr.size = 0;
	if (judge_active)
		judge_active->message(s, rq);
	if (fault_active && fault_active->request) {
		switch (fault_active->request(s, rq, &rep)) {
		case FAULT_PASS:
			break;
		case FAULT_DONE:
			return send_reply(s, rq, &rep);
		case FAULT_CLOSE:
			return false;
		}
	}
	why = validate(s, rq, spec);
	if (!why)
		why = handler_of(spec->id)(s, rq, &rep);
	if (why)
		return refuse(s, rq, &rep, spec, why);
	/* A message that has its own reply needs no other. */
	if (!rep.send && vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY)
		vub_reply_u64(&rep, 0);
	return send_reply(s, rq, &rep);
}
