// SPDX-License-Identifier: BSD-3-Clause
/* Features and device status: what a driver does, as far as its front-end passes it on. */
#include "ref-backends/judge/rules.h"

#define TRANSPORT_BITS (BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL))

static u8 status_of(const struct jd_message *m)
{
	return __atomic_load_n(&m->s->status, __ATOMIC_RELAXED);
}

static bool bit_dropped(const struct jd_message *m)
{
	return m->rq->msg.u64 && status_of(m) & ~m->rq->msg.u64 & 0xff;
}

static bool no_reset_after_failed(const struct jd_message *m)
{
	u8 old = status_of(m);

	return old & VIRTIO_CONFIG_S_FAILED && m->rq->msg.u64 && m->rq->msg.u64 != old;
}

static bool driver_before_acknowledge(const struct jd_message *m)
{
	return m->rq->msg.u64 & VIRTIO_CONFIG_S_DRIVER &&
	       !(m->rq->msg.u64 & VIRTIO_CONFIG_S_ACKNOWLEDGE);
}

static bool features_after_features_ok(const struct jd_message *m)
{
	return vub_has_pf(m->s, VU_PF_STATUS) && status_of(m) & VIRTIO_CONFIG_S_FEATURES_OK &&
	       (m->rq->msg.u64 ^ m->s->features) & ~TRANSPORT_BITS;
}

static bool without_version_1(const struct jd_message *m)
{
	return !(m->rq->msg.u64 & BIT_ULL(VIRTIO_F_VERSION_1));
}

static bool read_only_refused(const struct jd_message *m)
{
	return vub_features(m->s) & BIT_ULL(VIRTIO_BLK_F_RO) &&
	       !(m->rq->msg.u64 & BIT_ULL(VIRTIO_BLK_F_RO));
}

static bool not_offered(const struct jd_message *m)
{
	return m->rq->msg.u64 & ~vub_features(m->s) & ~TRANSPORT_BITS;
}

static const struct vub_ring *ring_of(const struct jd_message *m, u64 index)
{
	return index < m->s->num_rings ? &m->s->rings[index] : NULL;
}

/* A ring starts, and the device was never told that the features are settled. */
static bool queue_before_features_ok(const struct jd_message *m)
{
	return vub_has_pf(m->s, VU_PF_STATUS) && m->s->features & BIT_ULL(VIRTIO_F_VERSION_1) &&
	       !(status_of(m) & VIRTIO_CONFIG_S_FEATURES_OK);
}

/* One that a front-end stopped and sets up again is not the driver's doing. */
static bool queue_after_driver_ok(const struct jd_message *m)
{
	const struct vub_ring *r = ring_of(m, m->rq->msg.addr.index);

	return r && vub_has_pf(m->s, VU_PF_STATUS) && status_of(m) & VIRTIO_CONFIG_S_DRIVER_OK &&
	       !r->started && !m->st->stopped[r->index];
}

const struct jd_message_rule jd_status_rules[] = {
	{ "v14.basic.device-status.drv.2", { VU_SET_STATUS }, bit_dropped },
	{ "v14.basic.device-status.drv.3", { VU_SET_STATUS }, no_reset_after_failed },
	{ "v14.init.device-init.drv.2", { VU_SET_STATUS }, driver_before_acknowledge },
	{ "v14.init.device-init.drv.5", { VU_SET_VRING_KICK }, queue_before_features_ok },
	{ "v14.init.device-init.drv.8", { VU_SET_VRING_ADDR }, queue_after_driver_ok },
	{ "v14.init.device-init.drv.11", { VU_SET_FEATURES }, features_after_features_ok },
	{ "v14.basic.feature-bits.drv.1", { VU_SET_FEATURES }, not_offered },
	{ "v14.reserved-features.bits.drv.1", { VU_SET_FEATURES }, without_version_1 },
	{ "v14.blk.operation.drv.3", { VU_SET_FEATURES }, read_only_refused },
	{ NULL, { 0 }, NULL },
};
