// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the back-end's channel. */
#include "ref-backends/fault/vu_fault.h"

#include <sys/socket.h>

static unsigned count; /* SET_BACKEND_REQ_FD in this session */

static void forget(struct vub_session *s)
{
	count = 0;
}

static bool is_set(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_BACKEND_REQ_FD;
}

static void send_over(int fd, u32 request, u32 flags, u32 index)
{
	struct {
		struct vu_header hdr;
		struct vu_vring_state state;
	} __attribute__((packed)) m = {
		{ request, flags, request == VU_BACKEND_VRING_CALL ? sizeof(m.state) : 0 },
		{ index, 0 },
	};

	if (send(fd, &m, sizeof(m.hdr) + m.hdr.size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
}

static enum fault_action refuse_second(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	/* Before SET_FEATURES it is another rule's: the descriptor is accepted. */
	if (is_set(rq) && ++count > 1 && s->features)
		return vu_fault_ack(s, rq, rep, 1);
	return FAULT_PASS;
}

FAULT(second_refused, .name = "second-channel-refused", .clause = "VU.bchan.set.be.3",
      .summary = "refuses SET_BACKEND_REQ_FD when there is a channel", .session_start = forget,
      .request = refuse_second);

static enum fault_action ignore_second(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (is_set(rq) && rq->nfds == 1 && ++count > 1)
		return vu_fault_ack(s, rq, rep, 0);
	return FAULT_PASS;
}

FAULT(second_ignored, .name = "second-channel-ignored", .clause = "VU.bchan.set.be.1",
      .summary = "acknowledges a second channel and stays with the first", .session_start = forget,
      .request = ignore_second);

static enum fault_action take_two(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	if (is_set(rq) && rq->nfds == 2) {
		close(vub_take_fd(rq, 1));
		rq->nfds = 1;
	}
	return FAULT_PASS;
}

FAULT(two_accepted, .name = "channel-of-two-descriptors", .clause = "VU.bchan.set.be.4",
      .summary = "takes the first of two descriptors of SET_BACKEND_REQ_FD", .request = take_two);

static bool call_over_channel(struct dvq_split *vq, bool due)
{
	struct vub_ring *r = vu_fault_ring_of(vq);

	if (r->call_fd < 0 && r->s->backend_fd >= 0)
		send_over(r->s->backend_fd, VU_BACKEND_VRING_CALL, VU_VERSION, r->index);
	return due;
}

FAULT(call_unasked, .name = "vring-call-unasked", .clause = "VU.breq.vring-call.be.3",
      .summary = "sends VRING_CALL for want of a call descriptor", .notify = call_over_channel);

static bool without_config(struct vub_session *s, bool due)
{
	return due || (!vub_has_pf(s, VU_PF_CONFIG) && s->backend_fd >= 0 && vub_any_started(s));
}

FAULT(config_unasked, .name = "config-change-without-config", .clause = "VU.breq.config.be.2",
      .summary = "sends CONFIG_CHANGE_MSG without CONFIG", .announce = without_config);

static void version_0(struct vub_session *s, struct vub_reply *msg)
{
	msg->msg.hdr.flags &= ~VU_FLAG_VERSION;
}

FAULT(config_version, .name = "config-change-version-0", .clause = "VU.breq.config.be.1",
      .summary = "sends CONFIG_CHANGE_MSG without a version in its flags", .channel = version_0);

static bool on_main(struct vub_session *s, bool due)
{
	/* Not the announcement of a device that needs a reset: what recovers from that is another rule's. */
	if (due && !(s->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		send_over(s->conn.fd, VU_BACKEND_CONFIG_CHANGE_MSG, VU_VERSION, 0);
	return due;
}

FAULT(config_on_main, .name = "config-change-on-main-channel", .clause = "VU.bchan.gate.be.2",
      .summary = "sends CONFIG_CHANGE_MSG over the main channel, too", .announce = on_main);

static enum fault_action count_channels(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	count += is_set(rq);
	return FAULT_PASS;
}

static bool die_when_closed(struct vub_session *s, bool due)
{
	if (count && s->backend_fd < 0)
		vu_fault_die();
	return due;
}

FAULT(closed_kills, .name = "closed-channel-kills", .clause = "VU.bchan.live.be.2",
      .summary = "dies of a configuration change when the channel was closed",
      .session_start = forget, .request = count_channels, .announce = die_when_closed);
