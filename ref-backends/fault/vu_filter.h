/* SPDX-License-Identifier: BSD-3-Clause */
/* Tools for faults in messages: recognise one, answer it otherwise, end the process. */
#ifndef REF_BACKENDS_FAULT_VU_FILTER_H
#define REF_BACKENDS_FAULT_VU_FILTER_H

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"

static inline bool vf_is(const struct vub_request *rq, u32 id)
{
	return rq->msg.hdr.request == id;
}

/* Does the front-end wait for an acknowledgement? */
static inline bool vf_asked(const struct vub_session *s, const struct vub_request *rq)
{
	return vub_has_pf(s, VU_PF_REPLY_ACK) && rq->msg.hdr.flags & VU_FLAG_NEED_REPLY;
}

static inline void vf_reply_u64(struct vub_reply *rep, u64 value)
{
	rep->msg.u64 = value;
	rep->msg.hdr.size = sizeof(value);
	rep->send = true;
}

/* Instead of the correct handling: this acknowledgement, where one is waited for. */
static inline enum fault_action vf_ack(const struct vub_session *s, const struct vub_request *rq,
				       struct vub_reply *rep, u64 value)
{
	if (vf_asked(s, rq))
		vf_reply_u64(rep, value);
	return FAULT_DONE;
}

/* Bytes of the back-end's own, at once. */
static inline void vf_send(struct vub_session *s, const void *bytes, size_t len)
{
	if (send(s->conn.fd, bytes, len, MSG_NOSIGNAL) < 0) {
		/* The front-end has left: it sees nothing of the fault, and nothing else. */
	}
}

static inline void vf_send_u64(struct vub_session *s, u32 id, u64 value)
{
	struct {
		struct vu_header hdr;
		u64 value;
	} __attribute__((packed)) m = { { id, VU_VERSION | VU_FLAG_REPLY, 8 }, value };

	vf_send(s, &m, sizeof(m));
}

/* Longer than a check waits, and then an end, so that the next check finds a back-end. */
static inline enum fault_action vf_hang(void)
{
	sleep(3);
	return FAULT_CLOSE;
}

static inline enum fault_action vf_die(void)
{
	_exit(1);
}

/* A descriptor that nobody will close. */
static inline void vf_keep(int fd)
{
	if (dup(fd) < 0) {
		/* EMFILE: enough of them are kept. */
	}
}

static inline bool vf_any_started(const struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		if (s->rings[i].started)
			return true;
	return false;
}

/*
 * Which time in a row is this `id`, with nothing but one `question` between each two? 0 for other
 * messages. To be called for every message.
 */
static inline unsigned vf_row(const struct vub_request *rq, u32 id, u32 question)
{
	static u32 last;
	static unsigned n;

	if (vf_is(rq, id))
		n = last == question ? n + 1 : 1;
	else if (!vf_is(rq, question))
		n = 0;
	last = rq->msg.hdr.request;
	return vf_is(rq, id) ? n : 0;
}

#endif
