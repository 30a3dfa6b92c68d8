// SPDX-License-Identifier: BSD-3-Clause
/* vhost in the kernel: the data path of a network device, of a socket device, or of a SCSI host. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_scsi.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "harness/transport/vhost/kernel.h"

/* Not the device's own: dirty pages, who adds the header, and addresses behind an IOTLB of ours. */
#define NOT_TOLD                                                                                   \
	(BIT_ULL(VHOST_F_LOG_ALL) | BIT_ULL(VHOST_NET_F_VIRTIO_NET_HDR) |                          \
	 BIT_ULL(VIRTIO_F_ACCESS_PLATFORM))

/* Queue 2 of a socket device tells of what happens to the virtual machine: its monitor's, and empty. */
#define VSOCK_RINGS 2

/* Of a SCSI host: the control queue, the event queue, and those for requests. */
#define SCSI_RINGS    4
#define SCSI_REQUESTS 2

static bool is_vsock(const struct kdev *k)
{
	return k->device_id == VIRTIO_ID_VSOCK;
}

static bool is_scsi(const struct kdev *k)
{
	return k->device_id == VIRTIO_ID_SCSI;
}

/* What the driver is told is the monitor's to say, and that is us. The kernel knows of no other sizes than these. */
static u32 configuration(const struct kdev *k, void *buf)
{
	const u64 cid = le64(k->where.cid);
	const struct virtio_scsi_config scsi = {
		.num_queues = le32(SCSI_RINGS - SCSI_REQUESTS),
		.seg_max = le32(126),
		.max_sectors = le32(0xffff),
		.cmd_per_lun = le32(128),
		.event_info_size = le32(sizeof(struct virtio_scsi_event)),
		.sense_size = le32(VIRTIO_SCSI_SENSE_DEFAULT_SIZE),
		.cdb_size = le32(VIRTIO_SCSI_CDB_DEFAULT_SIZE),
		.max_target = le16(255),
		.max_lun = le32(16383),
	};

	if (is_vsock(k)) {
		memcpy(buf, &cid, sizeof(cid));
		return sizeof(cid);
	}
	memcpy(buf, &scsi, sizeof(scsi));
	return is_scsi(k) ? sizeof(scsi) : 0;
}

static int open_tap(struct kdev *k)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int hdr = 12; /* 5.1.6: with num_buffers, as VIRTIO_F_VERSION_1 has it */

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", k->where.tap);
	k->tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (k->tap < 0 || ioctl(k->tap, TUNSETIFF, &ifr) < 0 ||
	    ioctl(k->tap, TUNSETVNETHDRSZ, &hdr) < 0)
		return kdev_error(k, TP_ELOCAL, "TAP device '%s': %s", k->where.tap,
				  strerror(errno));
	return TP_OK;
}

static int tell_memory(struct kdev *k)
{
	union {
		struct vhost_memory table;
		u8 room[sizeof(struct vhost_memory) +
			TP_MEM_MAX * sizeof(struct vhost_memory_region)];
	} m = { 0 };
	struct vhost_memory_region *region =
		(void *)(m.room + offsetof(struct vhost_memory, regions));

	m.table.nregions = k->region_count;
	for (unsigned i = 0; i < k->region_count; i++)
		region[i] = (struct vhost_memory_region){
			.guest_phys_addr = k->regions[i].gpa.v,
			.memory_size = k->regions[i].size,
			.userspace_addr = (u64)(uintptr_t)k->regions[i].hva,
		};
	return kdev_ioctl(k, "VHOST_SET_MEM_TABLE", VHOST_SET_MEM_TABLE, &m);
}

static int op_open(struct tp *t)
{
	struct kdev *k = kdev_from_tp(t);
	int rc = kdev_begin(k);

	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_GET_FEATURES", VHOST_GET_FEATURES, &k->offered);
	if (rc == TP_OK)
		rc = tell_memory(k);
	if (rc == TP_OK && is_vsock(k))
		rc = kdev_ioctl(k, "VHOST_VSOCK_SET_GUEST_CID", VHOST_VSOCK_SET_GUEST_CID,
				&k->where.cid);
	else if (rc == TP_OK && !is_scsi(k))
		rc = open_tap(k);
	k->queues = is_vsock(k) ? VSOCK_RINGS + 1 : is_scsi(k) ? SCSI_RINGS : 2;
	t->caps = TP_CAP_QUEUE_BASE | TP_CAP_CALL_COUNT | TP_CAP_OWN_CALL;
	if (is_vsock(k) || is_scsi(k))
		t->caps |= TP_CAP_CONFIG;
	if (is_vsock(k) && t->peer)
		t->caps |= TP_CAP_PEER;
	return rc;
}

static int op_get_features(struct tp *t, u64 *features)
{
	struct kdev *k = kdev_from_tp(t);
	int rc = kdev_ioctl(k, "VHOST_GET_FEATURES", VHOST_GET_FEATURES, &k->offered);

	*features = k->offered & ~NOT_TOLD;
	return rc;
}

static int op_set_features(struct tp *t, u64 features)
{
	struct kdev *k = kdev_from_tp(t);
	int rc = kdev_ioctl(k, "VHOST_SET_FEATURES", VHOST_SET_FEATURES, &features);

	if (rc == TP_OK)
		k->features = features;
	return rc;
}

/* The unit that the kernel's configuration has under the name is what the rings lead to from now on, or no longer. */
static int endpoint(struct kdev *k, bool on)
{
	struct vhost_scsi_target to = { 0 };

	snprintf(to.vhost_wwpn, sizeof(to.vhost_wwpn), "%s", k->where.wwpn);
	return on ? kdev_ioctl(k, "VHOST_SCSI_SET_ENDPOINT", VHOST_SCSI_SET_ENDPOINT, &to)
		  : kdev_ioctl(k, "VHOST_SCSI_CLEAR_ENDPOINT", VHOST_SCSI_CLEAR_ENDPOINT, &to);
}

static int running(struct kdev *k, bool on)
{
	int yes = on, rc;

	if (k->running == on)
		return TP_OK;
	rc = is_scsi(k) ? endpoint(k, on)
			: kdev_ioctl(k, "VHOST_VSOCK_SET_RUNNING", VHOST_VSOCK_SET_RUNNING, &yes);
	if (rc == TP_OK)
		k->running = on;
	return rc;
}

/* Those without which it does not begin: of a SCSI host one for requests is enough. */
static bool has_rings(const struct kdev *k)
{
	for (unsigned q = 0; q < (is_scsi(k) ? SCSI_REQUESTS + 1 : VSOCK_RINGS); q++)
		if (!k->rings[q].started)
			return false;
	return true;
}

static int op_driver_ok(struct tp *t)
{
	struct kdev *k = kdev_from_tp(t);

	return (is_vsock(k) || is_scsi(k)) && has_rings(k) ? running(k, true) : TP_OK;
}

static int no_status(struct tp *t, u8 *status)
{
	return kdev_error(kdev_from_tp(t), TP_EUNSUPPORTED, "vhost has no status");
}

static int no_set_status(struct tp *t, u8 status)
{
	return no_status(t, NULL);
}

static int op_read_config(struct tp *t, u32 offset, void *buf, u32 len)
{
	struct kdev *k = kdev_from_tp(t);
	u8 all[sizeof(struct virtio_scsi_config)];
	const u32 size = configuration(k, all);

	if (!size || offset > size || len > size - offset)
		return kdev_error(k, TP_EUNSUPPORTED, "vhost has no configuration");
	memcpy(buf, all + offset, len);
	return TP_OK;
}

static int no_write_config(struct tp *t, u32 offset, const void *buf, u32 len)
{
	return kdev_error(kdev_from_tp(t), TP_EUNSUPPORTED, "vhost has no configuration");
}

static int no_config_event(struct tp *t, unsigned ms)
{
	return 0;
}

static int attach(struct kdev *k, unsigned number, int fd)
{
	struct vhost_vring_file file = { number, fd };

	return kdev_ioctl(k, "VHOST_NET_SET_BACKEND", VHOST_NET_SET_BACKEND, &file);
}

static int op_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	struct kdev *k = kdev_from_tp(t);
	const unsigned number = tp_number(t, q);
	int rc;

	if (number >= k->queues)
		return kdev_error(k, TP_EUNSUPPORTED, "queue %u", number);
	if (is_vsock(k) && number >= VSOCK_RINGS)
		return TP_OK;
	rc = kdev_ring_start(k, number, cfg, true);
	return rc == TP_OK && k->tap >= 0 ? attach(k, number, k->tap) : rc;
}

static int op_queue_stop(struct tp *t, unsigned q, u32 *base)
{
	struct kdev *k = kdev_from_tp(t);
	const unsigned number = tp_number(t, q);
	struct vhost_vring_state state = { .index = number };
	int rc;

	if (number >= k->queues || !k->rings[number].started)
		return kdev_error(k, TP_EUNSUPPORTED, "queue %u does not run", number);
	rc = k->tap < 0 ? running(k, false) : attach(k, number, VHOST_FILE_UNBIND);
	if (rc == TP_OK)
		rc = kdev_ioctl(k, "VHOST_GET_VRING_BASE", VHOST_GET_VRING_BASE, &state);
	*base = state.num;
	return rc;
}

static const struct tp_ops vhost_ops = {
	.name = "vhost",
	.open = op_open,
	.close = kdev_end,
	.get_features = op_get_features,
	.set_features = op_set_features,
	.driver_ok = op_driver_ok,
	.get_status = no_status,
	.set_status = no_set_status,
	.read_config = op_read_config,
	.write_config = no_write_config,
	.num_queues = kdev_num_queues,
	.queue_start = op_queue_start,
	.queue_stop = op_queue_stop,
	.notify = kdev_notify,
	.wait_call = kdev_wait_call,
	.take_calls = kdev_take_calls,
	.queue_error = kdev_queue_error,
	.wait_config_event = no_config_event,
	.trigger_config = kdev_no_trigger,
	.process = kdev_no_process,
	.now_ns = kdev_now_ns,
	.relax = kdev_relax,
};

void vhost_transport_init(struct kdev *k, const struct kdev_where *where)
{
	*k = (struct kdev){
		.tp = { .ops = &vhost_ops, .timeout_ms = 1000, .quiet_ms = 40 },
		.where = *where,
		.device_id = where->tap[0]    ? VIRTIO_ID_NET
			     : where->wwpn[0] ? VIRTIO_ID_SCSI
					      : VIRTIO_ID_VSOCK,
	};
	kdev_clear(k);
}
