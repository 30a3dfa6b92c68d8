// SPDX-License-Identifier: BSD-3-Clause
/* The front-end as a transport: what device checks and benches see. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/host/process.h"
#include "harness/transport/vhost_user/frontend.h"

/* Everything this front-end can speak. Bits 20 and up mean different things to different editions. */
#define PF_KNOWN                                                                                   \
	(BIT_ULL(VU_PF_MQ) | BIT_ULL(VU_PF_LOG_SHMFD) | BIT_ULL(VU_PF_REPLY_ACK) |                 \
	 BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_CONFIG) | BIT_ULL(VU_PF_INFLIGHT_SHMFD) |      \
	 BIT_ULL(VU_PF_RESET_DEVICE) | BIT_ULL(VU_PF_CONFIGURE_MEM_SLOTS) | BIT_ULL(VU_PF_STATUS))

static int op_open(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);
	int rc = vu_begin(fe);

	if (rc != TP_OK)
		return rc;
	t->caps = TP_CAP_VHOST_USER | TP_CAP_QUEUE_BASE | TP_CAP_CALL_COUNT | TP_CAP_OWN_CALL;
	if (vu_has_pf(fe, VU_PF_CONFIG))
		t->caps |= TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE;
	if (vu_has_pf(fe, VU_PF_STATUS))
		t->caps |= TP_CAP_STATUS | TP_CAP_RESET;
	if (fe->channel >= 0 && vu_has_pf(fe, VU_PF_CONFIG))
		t->caps |= TP_CAP_CONFIG_EVENT;
	if (fe->config_trigger)
		t->caps |= TP_CAP_CONFIG_TRIGGER;
	if (t->peer)
		t->caps |= TP_CAP_PEER;
	/* One that ends with the session is nothing to compare with the next. */
	if (fe->peer > 0 && !fe->renewed) {
		struct tp_process p;

		if (t->ops->process(t, &p) == TP_OK)
			t->caps |= TP_CAP_PROCESS;
	}
	return TP_OK;
}

static void op_close(struct tp *t)
{
	vu_disconnect(vu_from_tp(t));
}

static int op_get_features(struct tp *t, u64 *features)
{
	struct vu_frontend *fe = vu_from_tp(t);
	int rc = vu_get_u64(fe, VU_GET_FEATURES, &fe->offered);

	/* Bits 26 and 30 belong to the protocol, not to the device. */
	*features = fe->offered & ~(BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL));
	return rc;
}

static int op_get_status(struct tp *t, u8 *status)
{
	struct vu_frontend *fe = vu_from_tp(t);
	u64 v;
	int rc;

	if (!vu_has_pf(fe, VU_PF_STATUS))
		return vu_error(fe, TP_EUNSUPPORTED, "no status messages");
	rc = vu_get_u64(fe, VU_GET_STATUS, &v);
	if (rc == TP_OK && v > 0xff)
		return vu_error(fe, TP_EPROTO, "GET_STATUS: 0x%llx", (unsigned long long)v);
	*status = (u8)v;
	return rc;
}

static int op_set_status(struct tp *t, u8 status)
{
	struct vu_frontend *fe = vu_from_tp(t);

	if (!vu_has_pf(fe, VU_PF_STATUS))
		return vu_error(fe, TP_EUNSUPPORTED, "no status messages");
	return vu_set_u64(fe, VU_SET_STATUS, status);
}

#define STATUS_DRIVER	   (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES_OK (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

/* Whoever was here before: a driver begins with a reset, and goes on when that is done. */
static int begin(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);
	u64 deadline = tp_deadline(t, t->timeout_ms);
	u8 status = 0;
	int rc = fe->no_reset ? TP_OK : op_set_status(t, 0);

	if (rc == TP_OK && !fe->no_reset)
		rc = op_get_status(t, &status);
	while (rc == TP_OK && status && vu_ms_left(deadline)) {
		host_relax(&fe->pace);
		rc = op_get_status(t, &status);
	}
	if (rc == TP_OK && status)
		return vu_error(fe, TP_ETIMEOUT, "the status stays 0x%x after a reset", status);
	if (rc == TP_OK)
		rc = op_set_status(t, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	return rc == TP_OK ? op_set_status(t, STATUS_DRIVER) : rc;
}

static int op_set_features(struct tp *t, u64 features)
{
	struct vu_frontend *fe = vu_from_tp(t);
	bool has_status = vu_has_pf(fe, VU_PF_STATUS);
	u64 mask = features | (fe->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES));
	int rc = TP_OK;
	u8 status;

	if (has_status)
		rc = begin(t);
	if (rc == TP_OK)
		rc = vu_set_u64(fe, VU_SET_FEATURES, mask);
	if (rc == TP_OK && has_status) {
		rc = op_set_status(t, STATUS_FEATURES_OK);
		if (rc == TP_OK)
			rc = op_get_status(t, &status);
		if (rc == TP_OK && !(status & VIRTIO_CONFIG_S_FEATURES_OK))
			rc = vu_error(fe, TP_EREFUSED, "FEATURES_OK does not stay set for 0x%llx",
				      (unsigned long long)features);
	}
	if (rc != TP_OK)
		return rc;
	fe->features = mask;
	if (!fe->table_sent) {
		rc = vu_set_mem_table(fe);
		fe->table_sent = rc == TP_OK;
	}
	return rc;
}

static int op_driver_ok(struct tp *t)
{
	if (!vu_has_pf(vu_from_tp(t), VU_PF_STATUS))
		return TP_OK;
	return op_set_status(t, STATUS_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

static int op_read_config(struct tp *t, u32 offset, void *buf, u32 len)
{
	return vu_get_config(vu_from_tp(t), offset, len, buf);
}

static int op_write_config(struct tp *t, u32 offset, const void *buf, u32 len)
{
	return vu_set_config(vu_from_tp(t), offset, len, 0, buf);
}

static int op_num_queues(struct tp *t, unsigned *n)
{
	*n = vu_from_tp(t)->queues;
	return TP_OK;
}

static int op_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	struct vu_frontend *fe = vu_from_tp(t);
	int rc;

	if (q >= VU_FE_RINGS)
		return vu_error(fe, TP_EUNSUPPORTED, "queue %u", q);
	rc = vu_ring_fds_make(fe, q);
	if (rc == TP_OK)
		rc = vu_set_state(fe, VU_SET_VRING_NUM, q, cfg->size);
	if (rc == TP_OK)
		rc = vu_set_state(fe, VU_SET_VRING_BASE, q, cfg->base);
	if (rc == TP_OK)
		rc = vu_set_vring_addr(fe, q, cfg, 0, 0);
	if (rc == TP_OK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_ERR, q, fe->rings[q].err);
	if (rc == TP_OK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_CALL, q,
				     cfg->no_call ? -1 : fe->rings[q].call);
	if (rc == TP_OK)
		rc = vu_set_vring_fd(fe, VU_SET_VRING_KICK, q, fe->rings[q].kick);
	if (rc == TP_OK && fe->features & BIT_ULL(VU_F_PROTOCOL_FEATURES))
		rc = vu_set_state(fe, VU_SET_VRING_ENABLE, q, 1);
	if (rc != TP_OK)
		return rc;
	fe->rings[q].started = true;
	/*
	 * Editions A to C start a ring at its first kick, D at SET_VRING_KICK: kick once, and take the
	 * one call that a back-end may make when it is given the descriptor.
	 */
	rc = t->ops->notify(t, q);
	t->ops->take_calls(t, q);
	return rc;
}

static int op_queue_stop(struct tp *t, unsigned q, u32 *base)
{
	return vu_get_vring_base(vu_from_tp(t), q, base);
}

static int op_notify(struct tp *t, unsigned q)
{
	struct vu_frontend *fe = vu_from_tp(t);

	if (eventfd_write(fe->rings[q].kick, 1) < 0)
		return vu_error(fe, TP_ELOCAL, "kick: %s", strerror(errno));
	return TP_OK;
}

static unsigned op_take_calls(struct tp *t, unsigned q)
{
	eventfd_t n;

	return eventfd_read(vu_from_tp(t)->rings[q].call, &n) == 0 ? (unsigned)n : 0;
}

static int op_wait_call(struct tp *t, unsigned q, unsigned ms)
{
	struct vu_frontend *fe = vu_from_tp(t);
	/* Misses are looked for only where there are any. */
	struct pollfd pfd[3] = { { .fd = fe->rings[q].call, .events = POLLIN },
				 { .fd = fe->sock },
				 { .fd = vu_has_iommu(fe) ? fe->channel : -1, .events = POLLIN } };
	const u64 asked = tp_deadline(t, ms);
	u64 deadline = asked;
	nfds_t n = 3;

	for (;;) {
		int rc = poll(pfd, n, vu_ms_left(deadline));

		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0 || pfd[0].revents)
			break;
		/* A channel that never falls silent does not put the deadline off. */
		if (rc == 0 || vu_ms_left(deadline) == 0) {
			if (n == 1 || !vu_may_act(fe, asked, ms))
				break;
			deadline = tp_deadline(t, VU_SLICE_MS);
		}
		if (n == 3 && pfd[2].revents) {
			if (vu_channel_wait(fe, 0) != TP_OK)
				pfd[2].fd = -1;
		} else if (n == 3 && pfd[1].revents) {
			/* The connection is closed: what was done before shows soon, or never. */
			deadline = MIN(deadline, tp_deadline(t, HOST_GONE_MS));
			n = 1;
		}
	}
	return op_take_calls(t, q) > 0;
}

static bool op_queue_error(struct tp *t, unsigned q)
{
	struct pollfd pfd = { .fd = vu_from_tp(t)->rings[q].err, .events = POLLIN };

	/* Left signalled: an error does not go away by being seen. */
	return pfd.fd >= 0 && poll(&pfd, 1, 0) > 0;
}

static int op_wait_config_event(struct tp *t, unsigned ms)
{
	struct vu_frontend *fe = vu_from_tp(t);
	const u64 deadline = tp_deadline(t, ms);

	/* What is pending at the deadline is still taken, but not for ever. */
	for (unsigned late = 0; !fe->config_events; late += vu_ms_left(deadline) == 0)
		if (late > VU_FE_EVENTS || vu_channel_until(fe, deadline, ms) != TP_OK)
			return 0;
	fe->config_events = 0;
	return 1;
}

static int op_trigger_config(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);

	return fe->config_trigger ? fe->config_trigger(fe) : TP_EUNSUPPORTED;
}

static int op_process(struct tp *t, struct tp_process *p)
{
	struct vu_frontend *fe = vu_from_tp(t);

	if (process_look(fe->peer, p) != TP_OK)
		return vu_error(fe, TP_EUNSUPPORTED, "cannot look at process %d", (int)fe->peer);
	return TP_OK;
}

static bool is_gone(void *arg)
{
	struct vu_frontend *fe = arg;
	struct pollfd pfd = { .fd = fe->sock };

	return fe->sock >= 0 && poll(&pfd, 1, 0) > 0;
}

static bool op_gone(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);
	bool before = fe->gone.over;

	if (host_gone(&fe->gone, is_gone, fe) && !before)
		vu_log(fe, "  the back-end has closed the connection: nobody is waited for");
	return fe->gone.over;
}

static bool op_busy(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);

	return process_is_busy(&fe->busy, fe->peer);
}

static u64 op_now_ns(struct tp *t)
{
	return host_now_ns();
}

static void op_relax(struct tp *t)
{
	struct vu_frontend *fe = vu_from_tp(t);

	if (vu_has_iommu(fe) && fe->channel >= 0)
		vu_channel_wait(fe, 0);
	/* The back-end may need this very processor. */
	host_relax(&vu_from_tp(t)->pace);
}

static const struct tp_ops vhost_user_ops = {
	.name = "vhost-user",
	.open = op_open,
	.close = op_close,
	.get_features = op_get_features,
	.set_features = op_set_features,
	.driver_ok = op_driver_ok,
	.get_status = op_get_status,
	.set_status = op_set_status,
	.read_config = op_read_config,
	.write_config = op_write_config,
	.num_queues = op_num_queues,
	.queue_start = op_queue_start,
	.queue_stop = op_queue_stop,
	.notify = op_notify,
	.wait_call = op_wait_call,
	.take_calls = op_take_calls,
	.queue_error = op_queue_error,
	.wait_config_event = op_wait_config_event,
	.trigger_config = op_trigger_config,
	.process = op_process,
	.gone = op_gone,
	.busy = op_busy,
	.now_ns = op_now_ns,
	.relax = op_relax,
};

void vu_transport_init(struct vu_frontend *fe, const char *path)
{
	*fe = (struct vu_frontend){
		.tp = { .ops = &vhost_user_ops, .timeout_ms = 1000, .quiet_ms = 40 },
		.pf_mask = PF_KNOWN,
		.sock = -1,
		.channel = -1,
	};
	snprintf(fe->path, sizeof(fe->path), "%s", path);
	for (unsigned q = 0; q < VU_FE_RINGS; q++)
		fe->rings[q] = (struct vu_ring_fds){ -1, -1, -1, false };
}
