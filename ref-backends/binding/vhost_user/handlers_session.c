// SPDX-License-Identifier: BSD-3-Clause
/* Owner, features, protocol features, the back-end's channel. */
#include <string.h>

#include "ref-backends/binding/vhost_user/channel.h"
#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

/* What may change while rings run: the dirty log is switched so, and it is no device feature. */
#define ON_THE_FLY (BIT_ULL(VU_F_LOG_ALL) | BIT_ULL(VU_F_PROTOCOL_FEATURES))

u64 vub_hidden_features, vub_hidden_protocol_features;

u64 vub_features(struct vub_session *s)
{
	u64 f = s->dev->ops->features(s->dev) | BIT_ULL(VIRTIO_F_VERSION_1) |
		BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |
		BIT_ULL(VIRTIO_F_RING_PACKED) | BIT_ULL(VIRTIO_F_IN_ORDER) |
		BIT_ULL(VIRTIO_F_ORDER_PLATFORM) | BIT_ULL(VIRTIO_F_RING_RESET) |
		BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) | BIT_ULL(VU_F_LOG_ALL) |
		BIT_ULL(VU_F_PROTOCOL_FEATURES);

	if (s->dev->ops->unordered)
		f &= ~BIT_ULL(VIRTIO_F_IN_ORDER);
	f = (f & ~vub_hidden_features) | judge_offer;
	return fault_active && fault_active->features ? fault_active->features(f) : f;
}

u64 vub_protocol_features(struct vub_session *s)
{
	u64 f = VUB_PROTOCOL_FEATURES & ~vub_hidden_protocol_features;

	if (s->dev->ops->set_mtu)
		f |= BIT_ULL(VU_PF_MTU) | BIT_ULL(VU_PF_RARP);
	return fault_active && fault_active->protocol_features ? fault_active->protocol_features(f)
							       : f;
}

static const char *get_features(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	vub_reply_u64(rep, vub_features(s));
	return NULL;
}

static const char *set_features(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	u64 new = rq->msg.u64, changed = new ^ s->features;

	s->features_refused = new & ~vub_features(s);
	if (s->features_refused)
		return "a feature that was not offered";
	if (changed & ~ON_THE_FLY && vub_any_started(s))
		return "a ring is running";
	if (changed) {
		vub_hold_all(s);
		s->features = new;
		if (!vub_has_iommu(s))
			s->iotlb.n = 0;
		if (changed & ~ON_THE_FLY)
			s->dev->ops->negotiated(s->dev, new & ~ON_THE_FLY);
		vub_release_all(s);
	}
	/* Without bit 30 there is no SET_VRING_ENABLE: all rings are enabled. */
	if (!(new &BIT_ULL(VU_F_PROTOCOL_FEATURES)))
		for (u16 i = 0; i < s->num_rings; i++)
			vub_ring_enable(&s->rings[i], true);
	return NULL;
}

static const char *get_protocol_features(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	vub_reply_u64(rep, vub_protocol_features(s));
	return NULL;
}

static const char *set_protocol_features(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	if (rq->msg.u64 & ~vub_protocol_features(s))
		return "a protocol feature that was not offered";
	/* STATUS decides whether rings may run, so they must see this change like others. */
	vub_hold_all(s);
	s->protocol_features = rq->msg.u64;
	vub_release_all(s);
	return NULL;
}

static const char *set_owner(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	return NULL;
}

/* The text: deprecated; ignoring it is one of the two things a back-end should do. */
static const char *reset_owner(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	return NULL;
}

static const char *get_queue_num(struct vub_session *s, struct vub_request *rq,
				 struct vub_reply *rep)
{
	vub_reply_u64(rep, s->num_rings);
	return NULL;
}

static const char *set_backend_req_fd(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	const char *why = vub_channel_set(s, rq->fds[0]);

	if (!why)
		vub_take_fd(rq, 0);
	return why;
}

const struct vub_handler vub_session_handlers[] = {
	{ VU_GET_FEATURES, get_features },
	{ VU_SET_FEATURES, set_features },
	{ VU_GET_PROTOCOL_FEATURES, get_protocol_features },
	{ VU_SET_PROTOCOL_FEATURES, set_protocol_features },
	{ VU_SET_OWNER, set_owner },
	{ VU_RESET_OWNER, reset_owner },
	{ VU_GET_QUEUE_NUM, get_queue_num },
	{ VU_SET_BACKEND_REQ_FD, set_backend_req_fd },
	{ 0, NULL },
};
