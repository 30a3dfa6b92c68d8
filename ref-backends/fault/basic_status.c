// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the device status, of reset, and of the configuration space. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ref-backends/binding/vhost_user/serve.h"
#include "ref-backends/binding/vhost_user/session.h"
#include "ref-backends/fault/fault.h"

/* --- before DRIVER_OK --------------------------------------------------------------------------------------- */

static bool run_early(struct vub_ring *ring, bool allowed)
{
	return ring->started && ring->enabled && ring->vq.desc && !dvq_is_broken(&ring->vq);
}

FAULT(served_before_driver_ok, .name = "served-before-driver-ok",
      .clause = "v14.basic.device-status.dev.1", .summary = "serves rings before DRIVER_OK",
      .may_run = run_early);

static bool call_early(struct vub_ring *ring, bool allowed)
{
	if (ring->started && ring->enabled && !allowed && !vub_driver_ok(ring->s))
		vub_signal(ring->call_fd, true);
	return allowed;
}

FAULT(call_before_driver_ok, .name = "call-before-driver-ok",
      .clause = "v14.basic.device-status.dev.2", .summary = "notifies before DRIVER_OK",
      .may_run = call_early);

static bool sets_status(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_STATUS && rq->msg.hdr.size == sizeof(u64);
}

/* No ring is served before the message, so its thread does not look. */
static enum fault_action forget_early(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (!sets_status(rq) || !(rq->msg.u64 & VIRTIO_CONFIG_S_DRIVER_OK) || vub_driver_ok(s))
		return FAULT_PASS;
	for (u16 i = 0; i < s->num_rings; i++) {
		struct dvq_split *vq = &s->rings[i].vq;

		if (s->rings[i].started && vq->desc)
			vq->last_avail = vq->avail_seen = le16(vq->avail->idx);
	}
	return FAULT_PASS;
}

FAULT(early_chain_lost, .name = "early-chain-lost", .clause = "ROB.chain.once",
      .summary = "loses chains that are made available before DRIVER_OK", .request = forget_early);

/* --- errors ----------------------------------------------------------------------------------------------------- */

static void needs_reset_hidden(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_STATUS && rep->send)
		rep->msg.u64 &= ~(u64)VIRTIO_CONFIG_S_NEEDS_RESET;
}

FAULT(needs_reset_missing, .name = "needs-reset-missing", .clause = "v14.basic.device-status.dev.3",
      .summary = "does not set DEVICE_NEEDS_RESET when a ring is broken",
      .reply = needs_reset_hidden);

static bool not_for_errors(struct vub_session *s, bool due)
{
	return due && !(s->status & VIRTIO_CONFIG_S_NEEDS_RESET);
}

FAULT(needs_reset_unannounced, .name = "needs-reset-unannounced",
      .clause = "v14.basic.device-status.dev.4",
      .summary = "sends no configuration change notification with DEVICE_NEEDS_RESET",
      .announce = not_for_errors);

/* --- reset -------------------------------------------------------------------------------------------------------- */

/* Of a device that was running. */
static bool ran;

static enum fault_action note_reset(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (sets_status(rq))
		ran = rq->msg.u64 == 0 && s->status & VIRTIO_CONFIG_S_DRIVER_OK &&
		      s->rings[0].vq.used_idx;
	return FAULT_PASS;
}

static void not_zero(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_GET_STATUS && rep->send && rep->msg.u64 == 0 && ran)
		rep->msg.u64 = VIRTIO_CONFIG_S_ACKNOWLEDGE;
}

FAULT(reset_status_not_zero, .name = "reset-status-not-zero",
      .clause = "v14.basic.device-reset.dev.1",
      .summary = "keeps ACKNOWLEDGE in the status after the reset of a device that ran",
      .request = note_reset, .reply = not_zero);

/* What a request that was in flight does when nobody waited for it. */
struct straggler {
	int call;
	u16 *used_idx;
};

static void *straggle(void *arg)
{
	struct straggler *st = arg;

	usleep(10000);
	if (st->call >= 0) {
		vub_signal(st->call, true);
		close(st->call);
	} else {
		u16 idx = 0x5555;
		struct iovec from = { &idx, sizeof(idx) }, to = { st->used_idx, sizeof(idx) };

		/* The memory may be gone by now: this way that is an error, not the end. */
		if (process_vm_writev(getpid(), &from, 1, &to, 1, 0) < 0)
			st->used_idx = NULL;
	}
	free(st);
	return NULL;
}

static void send_straggler(int call, u16 *used_idx)
{
	struct straggler *st = malloc(sizeof(*st));
	pthread_t t;

	if (!st)
		return;
	*st = (struct straggler){ call, used_idx };
	if (pthread_create(&t, NULL, straggle, st) == 0)
		pthread_detach(t);
	else
		free(st);
}

static bool resets_running(const struct vub_session *s, const struct vub_request *rq)
{
	return sets_status(rq) && rq->msg.u64 == 0 && s->rings[0].started && s->rings[0].vq.used;
}

static enum fault_action late_call(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	if (resets_running(s, rq) && s->rings[0].call_fd >= 0)
		send_straggler(dup(s->rings[0].call_fd), NULL);
	return FAULT_PASS;
}

FAULT(reset_late_call, .name = "reset-late-call", .clause = "v14.basic.device-reset.dev.2",
      .summary = "notifies once more after a reset", .request = late_call);

static enum fault_action late_write(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (resets_running(s, rq))
		send_straggler(-1, &s->rings[0].vq.used->idx);
	return FAULT_PASS;
}

FAULT(reset_late_write, .name = "reset-late-write", .clause = "v14.basic.device-reset.dev.3",
      .summary = "moves the used index once more after a reset", .request = late_write);

/* --- configuration space ---------------------------------------------------------------------------------------------- */

static void topology_late(struct vub_session *s, u8 *config, size_t len)
{
	if (!s->features)
		config[24] = 0;
}

FAULT(config_topology_late, .name = "config-topology-late",
      .clause = "v14.basic.config-space.dev.1",
      .summary = "shows physical_block_exp only once features are accepted",
      .config = topology_late);
