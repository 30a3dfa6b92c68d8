// SPDX-License-Identifier: BSD-3-Clause
/* A vDPA device, by vhost-vdpa: a whole device, whose registers are ioctls. */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/transport/vhost/kernel.h"

#define STATUS_DRIVER	   (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES_OK (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

/* Of vhost-vdpa itself, for what the C library's headers may be too old. */
#define MSG_V2	BIT_ULL(VHOST_BACKEND_F_IOTLB_MSG_V2)
#define PERSIST BIT_ULL(8) /* a reset leaves memory mapped (Linux 6.8) */

#define CONFIG_MAX 4096

static int get_status(struct tp *t, u8 *status)
{
	return kdev_ioctl(kdev_from_tp(t), "VHOST_VDPA_GET_STATUS", VHOST_VDPA_GET_STATUS, status);
}

static int set_status(struct tp *t, u8 status)
{
	struct kdev *k = kdev_from_tp(t);

	if (!status && !(k->backend_features & PERSIST))
		k->mapped = false;
	return kdev_ioctl(k, "VHOST_VDPA_SET_STATUS", VHOST_VDPA_SET_STATUS, &status);
}

/* What may be left out of the device: without it, a device of its own says less about itself. */
static int optional(int rc)
{
	return rc == TP_EUNSUPPORTED || rc == TP_EREFUSED ? TP_OK : rc;
}

static int negotiate_backend(struct kdev *k)
{
	u64 features = 0;
	int rc = kdev_ioctl(k, "VHOST_GET_BACKEND_FEATURES", VHOST_GET_BACKEND_FEATURES, &features);

	features &= MSG_V2 | PERSIST;
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_BACKEND_FEATURES", VHOST_SET_BACKEND_FEATURES,
				&features);
	if (rc == TP_OK)
		k->backend_features = features;
	return rc;
}

static int look(struct kdev *k)
{
	u32 queues = 1, length = 0;
	int rc = kdev_ioctl(k, "VHOST_VDPA_GET_DEVICE_ID", VHOST_VDPA_GET_DEVICE_ID, &k->device_id);

	if (rc == TP_OK)
		rc = optional(kdev_ioctl(k, "VHOST_VDPA_GET_VQS_COUNT", VHOST_VDPA_GET_VQS_COUNT,
					 &queues));
	if (rc == TP_OK)
		rc = optional(kdev_ioctl(k, "VHOST_VDPA_GET_CONFIG_SIZE",
					 VHOST_VDPA_GET_CONFIG_SIZE, &length));
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_GET_FEATURES", VHOST_GET_FEATURES, &k->offered);
	k->queues = MIN(queues, KDEV_RINGS);
	k->tp.config_len = MIN(length, CONFIG_MAX);
	/* Memory is where we mapped it, and not at the host's own addresses. */
	k->tp.demanded = k->offered & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
	return rc;
}

static int op_open(struct tp *t)
{
	struct kdev *k = kdev_from_tp(t);
	int rc = kdev_begin(k);

	if (rc == TP_OK)
		rc = negotiate_backend(k);
	if (rc == TP_OK)
		rc = look(k);
	if (rc != TP_OK)
		return rc;
	t->caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE | TP_CAP_STATUS | TP_CAP_RESET |
		  TP_CAP_CALL_COUNT | TP_CAP_OWN_CALL;
	k->config_call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (k->config_call < 0)
		return kdev_error(k, TP_ELOCAL, "eventfd: %s", strerror(errno));
	if (kdev_ioctl(k, "VHOST_VDPA_SET_CONFIG_CALL", VHOST_VDPA_SET_CONFIG_CALL,
		       &k->config_call) == TP_OK)
		t->caps |= TP_CAP_CONFIG_EVENT;
	return TP_OK;
}

static int op_get_features(struct tp *t, u64 *features)
{
	struct kdev *k = kdev_from_tp(t);
	int rc = kdev_ioctl(k, "VHOST_GET_FEATURES", VHOST_GET_FEATURES, &k->offered);

	*features = k->offered;
	return rc;
}

/* --- memory ---------------------------------------------------------------------------------------- */

static int tell(struct kdev *k, const struct vhost_iotlb_msg *iotlb, const char *what)
{
	const struct vhost_msg_v2 v2 = { .type = VHOST_IOTLB_MSG_V2, .iotlb = *iotlb };
	const struct vhost_msg v1 = { .type = VHOST_IOTLB_MSG, .iotlb = *iotlb };
	const bool second = k->backend_features & MSG_V2;
	const void *msg = second ? (const void *)&v2 : &v1;
	const size_t size = second ? sizeof(v2) : sizeof(v1);

	if (write(k->fd, msg, size) == (ssize_t)size)
		return TP_OK;
	return kdev_error(k, TP_EREFUSED, "%s 0x%llx: %s%s", what, (unsigned long long)iotlb->iova,
			  strerror(errno),
			  errno == ENOMEM ? " (it is pinned: RLIMIT_MEMLOCK)" : "");
}

/* All guest memory, at the device's addresses that are the guest's. */
static int map(struct kdev *k)
{
	int rc = TP_OK;

	for (unsigned i = 0; rc == TP_OK && i < k->region_count; i++) {
		const struct vu_region *r = &k->regions[i];
		struct vhost_iotlb_msg msg = { .iova = r->gpa.v,
					       .size = r->size,
					       .uaddr = (u64)(uintptr_t)r->hva,
					       .perm = VHOST_ACCESS_RW,
					       .type = VHOST_IOTLB_INVALIDATE };

		/* vhost-vdpa keeps its own list of what a reset took away from the device. */
		if (k->told)
			rc = tell(k, &msg, "unmapping");
		msg.type = VHOST_IOTLB_UPDATE;
		if (rc == TP_OK)
			rc = tell(k, &msg, "mapping");
	}
	k->told = true;
	k->mapped = rc == TP_OK;
	return rc;
}

/* --- negotiation ----------------------------------------------------------------------------------- */

/* Whoever was here before: a driver begins with a reset, and goes on when that is done. */
static int begin(struct tp *t)
{
	u64 deadline = tp_deadline(t, t->timeout_ms);
	u8 status = 0xff;
	int rc = set_status(t, 0);

	if (rc == TP_OK)
		rc = get_status(t, &status);
	while (rc == TP_OK && status && !tp_late(t, deadline)) {
		t->ops->relax(t);
		rc = get_status(t, &status);
	}
	if (rc == TP_OK && status)
		return kdev_error(kdev_from_tp(t), TP_ETIMEOUT,
				  "the status stays 0x%x after a reset", status);
	if (rc == TP_OK)
		rc = set_status(t, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	return rc == TP_OK ? set_status(t, STATUS_DRIVER) : rc;
}

static int op_set_features(struct tp *t, u64 features)
{
	struct kdev *k = kdev_from_tp(t);
	u8 status = 0;
	int rc = begin(t);

	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_SET_FEATURES", VHOST_SET_FEATURES, &features);
	if (rc == TP_OK)
		rc = set_status(t, STATUS_FEATURES_OK);
	if (rc == TP_OK)
		rc = get_status(t, &status);
	if (rc == TP_OK && !(status & VIRTIO_CONFIG_S_FEATURES_OK))
		rc = kdev_error(k, TP_EREFUSED, "FEATURES_OK does not stay set for 0x%llx",
				(unsigned long long)features);
	if (rc != TP_OK)
		return rc;
	k->features = features;
	return k->mapped ? TP_OK : map(k);
}

static int op_driver_ok(struct tp *t)
{
	return set_status(t, STATUS_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* --- configuration --------------------------------------------------------------------------------- */

static int config(struct kdev *k, const char *what, unsigned long request, u32 offset, void *buf,
		  u32 len)
{
	union {
		struct vhost_vdpa_config cfg;
		u8 room[sizeof(struct vhost_vdpa_config) + CONFIG_MAX];
	} m;
	u8 *const bytes = m.room + offsetof(struct vhost_vdpa_config, buf);
	int rc;

	if (len > CONFIG_MAX)
		return kdev_error(k, TP_EUNSUPPORTED, "%u bytes of configuration", len);
	m.cfg.off = offset;
	m.cfg.len = len;
	memcpy(bytes, buf, len);
	rc = kdev_ioctl(k, what, request, &m);
	if (rc == TP_OK)
		memcpy(buf, bytes, len);
	return rc;
}

static int op_read_config(struct tp *t, u32 offset, void *buf, u32 len)
{
	memset(buf, 0, len);
	return config(kdev_from_tp(t), "VHOST_VDPA_GET_CONFIG", VHOST_VDPA_GET_CONFIG, offset, buf,
		      len);
}

static int op_write_config(struct tp *t, u32 offset, const void *buf, u32 len)
{
	u8 copy[CONFIG_MAX];

	memcpy(copy, buf, MIN(len, CONFIG_MAX));
	return config(kdev_from_tp(t), "VHOST_VDPA_SET_CONFIG", VHOST_VDPA_SET_CONFIG, offset, copy,
		      len);
}

static int op_wait_config_event(struct tp *t, unsigned ms)
{
	return kdev_wait_event(kdev_from_tp(t)->config_call, tp_deadline(t, ms));
}

/* --- queues ---------------------------------------------------------------------------------------- */

static int op_queue_max(struct tp *t, unsigned q, u16 *size)
{
	struct kdev *k = kdev_from_tp(t);

	*size = 0;
	return tp_number(t, q) < k->queues
		       ? kdev_ioctl(k, "VHOST_VDPA_GET_VRING_NUM", VHOST_VDPA_GET_VRING_NUM, size)
		       : TP_OK;
}

static int op_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	struct kdev *k = kdev_from_tp(t);
	const unsigned number = tp_number(t, q);
	struct vhost_vring_state enable = { number, 1 };
	u16 max;
	int rc = op_queue_max(t, q, &max);

	if (rc != TP_OK)
		return rc;
	if (cfg->size > max)
		return kdev_error(k, TP_EUNSUPPORTED, "the queue cannot be that large");
	if (cfg->base !=
	    vq_start(k->features & BIT_ULL(VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED : VQ_RING_SPLIT))
		return kdev_error(k, TP_EUNSUPPORTED,
				  "a queue with registers starts at its beginning");
	rc = kdev_ring_start(k, number, cfg, false);
	return rc == TP_OK ? kdev_ioctl(k, "VHOST_VDPA_SET_VRING_ENABLE",
					VHOST_VDPA_SET_VRING_ENABLE, &enable)
			   : rc;
}

/* There is no reset of one queue here, and suspending takes all of them. */
static int op_queue_stop(struct tp *t, unsigned q, u32 *base)
{
	return kdev_error(kdev_from_tp(t), TP_EUNSUPPORTED, "the device cannot reset one queue");
}

static const struct tp_ops vdpa_ops = {
	.name = "vdpa",
	.open = op_open,
	.close = kdev_end,
	.get_features = op_get_features,
	.set_features = op_set_features,
	.driver_ok = op_driver_ok,
	.get_status = get_status,
	.set_status = set_status,
	.read_config = op_read_config,
	.write_config = op_write_config,
	.num_queues = kdev_num_queues,
	.queue_max = op_queue_max,
	.queue_start = op_queue_start,
	.queue_stop = op_queue_stop,
	.notify = kdev_notify,
	.wait_call = kdev_wait_call,
	.take_calls = kdev_take_calls,
	.queue_error = kdev_queue_error,
	.wait_config_event = op_wait_config_event,
	.trigger_config = kdev_no_trigger,
	.process = kdev_no_process,
	.now_ns = kdev_now_ns,
	.relax = kdev_relax,
};

void vdpa_transport_init(struct kdev *k, const struct kdev_where *where)
{
	*k = (struct kdev){
		.tp = { .ops = &vdpa_ops, .timeout_ms = 1000, .quiet_ms = 40 },
		.where = *where,
	};
	kdev_clear(k);
}
