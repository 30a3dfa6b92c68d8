// SPDX-License-Identifier: BSD-3-Clause
/* Device status, reset and configuration space. */
#include <string.h>

#include "ref-backends/binding/vhost_user/dispatch.h"
#include "ref-backends/fault/fault.h"

/* Bits that a driver writes. SUSPEND is not among them: its feature is not offered. */
#define DRIVER_BITS                                                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |      \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED)

/* Values of the flags of SET_CONFIG. */
#define CONFIG_WRITE	 0
#define CONFIG_MIGRATION 1

static const char *get_status(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	vub_reply_u64(rep, __atomic_load_n(&s->status, __ATOMIC_ACQUIRE));
	return NULL;
}

static const char *set_status(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u8 old = __atomic_load_n(&s->status, __ATOMIC_ACQUIRE), new;

	if (rq->msg.u64 > 0xff)
		return "not a device status";
	if (rq->msg.u64 == 0) {
		vub_device_reset(s);
		return NULL;
	}
	new = rq->msg.u64 &DRIVER_BITS;
	/* 2.2.2: a driver sees that its features were refused by reading the bit back as 0. */
	if (!(old & VIRTIO_CONFIG_S_FEATURES_OK) &&
	    (s->features_refused || !rdev_acceptable(s->dev, s->features)))
		new &= (u8)~VIRTIO_CONFIG_S_FEATURES_OK;
	vub_hold_all(s);
	/* DEVICE_NEEDS_RESET is ours, and only a reset clears it. */
	__atomic_fetch_and(&s->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_ACQ_REL);
	__atomic_fetch_or(&s->status, new, __ATOMIC_RELEASE);
	vub_release_all(s);
	/* A ring may have broken before the driver was ready to be told. */
	if (~old & new &VIRTIO_CONFIG_S_DRIVER_OK && old &VIRTIO_CONFIG_S_NEEDS_RESET)
		vub_announce_config(s);
	return NULL;
}

static const char *reset_device(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	vub_device_reset(s);
	return NULL;
}

/* The payload's own size field against the message's, and against what there can be. */
static bool config_fits(const struct vub_request *rq)
{
	const struct vu_config *c = &rq->msg.config;

	return c->size == rq->msg.hdr.size - VU_CONFIG_HEADER && c->size <= VU_MAX_CONFIG &&
	       c->offset <= VU_MAX_CONFIG && c->size <= VU_MAX_CONFIG - c->offset;
}

static const char *get_config(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vu_config *c = &rq->msg.config;
	u8 image[RDEV_CONFIG_MAX] = { 0 };

	rep->send = true;
	/* "zero-length payload to indicate an error" */
	if (!config_fits(rq))
		return NULL;
	s->dev->ops->config(s->dev, image);
	if (fault_active && fault_active->config)
		fault_active->config(s, image, sizeof(image));
	rep->msg.config.offset = c->offset;
	rep->msg.config.size = c->size;
	rep->msg.config.flags = c->flags;
	memcpy(rep->msg.config.data, image + c->offset, c->size);
	rep->msg.hdr.size = VU_CONFIG_HEADER + c->size;
	return NULL;
}

static const char *set_config(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const struct vu_config *c = &rq->msg.config;

	if (!config_fits(rq))
		return "range does not fit";
	if (c->flags != CONFIG_WRITE && c->flags != CONFIG_MIGRATION)
		return "unknown flags";
	if (!s->dev->ops->config_write(s->dev, c->offset, c->data, c->size,
				       c->flags == CONFIG_MIGRATION))
		return "not writable, or not a legal value";
	return NULL;
}

static const char *set_mtu(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	const char *why = NULL;

	vub_hold_all(s);
	if (!s->dev->ops->set_mtu(s->dev, rq->msg.u64))
		why = "not an MTU";
	vub_release_all(s);
	return why;
}

static const char *send_rarp(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	u8 mac[6];

	memcpy(mac, &rq->msg.u64, sizeof(mac));
	vub_hold_all(s);
	s->dev->ops->send_rarp(s->dev, mac);
	vub_release_all(s);
	return NULL;
}

_Static_assert(RDEV_CONFIG_MAX == VU_MAX_CONFIG, "GET_CONFIG copies without a further check");

const struct vub_handler vub_device_handlers[] = {
	{ VU_GET_STATUS, get_status },	   { VU_SET_STATUS, set_status },
	{ VU_RESET_DEVICE, reset_device }, { VU_GET_CONFIG, get_config },
	{ VU_SET_CONFIG, set_config },	   { VU_NET_SET_MTU, set_mtu },
	{ VU_SEND_RARP, send_rarp },	   { 0, NULL },
};
