// SPDX-License-Identifier: BSD-3-Clause
#include "harness/transport/regs/regs.h"

#include <string.h>

#include "harness/spec/virtio14.h"

#define STATUS_DRIVER	   (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define STATUS_FEATURES_OK (STATUS_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)

int regs_error(struct regs *r, int rc, const char *text)
{
	size_t n = strlen(text);

	n = MIN(n, sizeof(r->tp.error) - 1);
	memcpy(r->tp.error, text, n);
	r->tp.error[n] = '\0';
	return rc;
}

int regs_failed(struct regs *r, int rc)
{
	return regs_error(r, rc, r->access->error[0] ? r->access->error : tp_result_text(rc));
}

int regs_reset(struct regs *r)
{
	u64 deadline = tp_deadline(&r->tp, r->tp.timeout_ms);
	u8 status;
	int rc = r->reg->set_status(r, 0);

	/* 2.4.2: the reset is done when status reads 0. */
	while (rc == TP_OK) {
		rc = r->reg->get_status(r, &status);
		if (rc != TP_OK || status == 0)
			break;
		if (r->tp.ops->now_ns(&r->tp) > deadline)
			return regs_error(r, TP_ETIMEOUT, "status does not become 0 after a reset");
		r->tp.ops->relax(&r->tp);
	}
	return rc;
}

/* What a driver does first: reset, and say that it has seen the device and can drive it (3.1.1). */
static int start_over(struct regs *r)
{
	int rc = regs_reset(r);

	if (rc == TP_OK && r->reg->after_reset)
		rc = r->reg->after_reset(r);
	r->features = 0;
	return rc;
}

static int acknowledge(struct regs *r)
{
	u8 status;
	int rc = r->reg->get_status(r, &status);

	if (rc != TP_OK || status & VIRTIO_CONFIG_S_DRIVER)
		return rc;
	rc = r->reg->set_status(r, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	return rc == TP_OK ? r->reg->set_status(r, STATUS_DRIVER) : rc;
}

static int op_open(struct tp *t)
{
	struct regs *r = regs_from_tp(t);
	struct access *a = r->access;
	u16 size;
	int rc = r->reg->find(r);

	if (rc == TP_OK)
		rc = regs_reset(r);
	if (rc != TP_OK)
		return rc;
	a->ops->clear_ram(a);
	rc = start_over(r);
	for (unsigned i = 0; i < a->ram_count; i++)
		t->mem[i] = a->ram[i];
	t->mem_count = a->ram_count;
	r->config_pending = false;
	memset(r->vq, 0, sizeof(r->vq));
	memset(r->used_pending, 0, sizeof(r->used_pending));
	t->caps |= TP_CAP_STATUS | TP_CAP_RESET | TP_CAP_CONFIG_EVENT;
	/* PCI tells whether there is a configuration space. */
	if (!(t->caps & TP_CAP_PCI) || t->config_len)
		t->caps |= TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE;
	if (a->ops->process)
		t->caps |= TP_CAP_PROCESS;
	if (a->config_trigger)
		t->caps |= TP_CAP_CONFIG_TRIGGER;
	if (t->peer)
		t->caps |= TP_CAP_PEER;
	for (r->queues = 0; rc == TP_OK && r->queues < REGS_QUEUES; r->queues++) {
		rc = r->reg->queue_max(r, r->queues, &size);
		if (rc != TP_OK || size == 0)
			break;
	}
	return rc == TP_OK ? acknowledge(r) : rc;
}

static void op_close(struct tp *t)
{
	struct regs *r = regs_from_tp(t);

	if (t->mem_count)
		regs_reset(r);
	t->mem_count = 0;
	t->caps = 0;
}

static int op_get_features(struct tp *t, u64 *features)
{
	struct regs *r = regs_from_tp(t);
	u32 low, high = 0;
	int rc = r->reg->get_features(r, 0, &low);

	if (rc == TP_OK)
		rc = r->reg->get_features(r, 1, &high);
	*features = (u64)high << 32 | low;
	return rc;
}

static int op_get_status(struct tp *t, u8 *status)
{
	struct regs *r = regs_from_tp(t);

	return r->reg->get_status(r, status);
}

static int op_set_status(struct tp *t, u8 status)
{
	struct regs *r = regs_from_tp(t);

	return status ? r->reg->set_status(r, status) : start_over(r);
}

static int op_set_features(struct tp *t, u64 features)
{
	struct regs *r = regs_from_tp(t);
	u8 status;
	int rc = acknowledge(r);

	if (rc == TP_OK)
		rc = r->reg->set_features(r, 0, (u32)features);
	if (rc == TP_OK)
		rc = r->reg->set_features(r, 1, (u32)(features >> 32));
	if (rc == TP_OK)
		rc = r->reg->set_status(r, STATUS_FEATURES_OK);
	if (rc == TP_OK)
		rc = r->reg->get_status(r, &status);
	if (rc != TP_OK)
		return rc;
	if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
		return regs_error(r, TP_EREFUSED, "FEATURES_OK does not stay set");
	r->features = features;
	return TP_OK;
}

static int op_driver_ok(struct tp *t)
{
	struct regs *r = regs_from_tp(t);

	return r->reg->set_status(r, STATUS_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK);
}

/* The widest aligned access that fits: fields are read as what they are (4.1.3.1, 4.2.2.2). */
static unsigned access_size(u32 offset, u32 len)
{
	if (!(offset & 3) && len >= 4)
		return 4;
	return !(offset & 1) && len >= 2 ? 2 : 1;
}

static int op_read_config(struct tp *t, u32 offset, void *buf, u32 len)
{
	struct regs *r = regs_from_tp(t);
	u64 deadline = tp_deadline(t, t->timeout_ms);
	u32 before = 0, after = 0;
	int rc;

	/* 2.5.1: fields that belong together are read until no change fell in between. */
	for (;;) {
		u8 *p = buf;

		rc = r->reg->generation(r, &before);
		for (u32 at = 0; rc == TP_OK && at < len;) {
			unsigned size = access_size(offset + at, len - at);
			u32 v;

			rc = r->reg->config_read(r, offset + at, size, &v);
			for (unsigned i = 0; i < size; i++)
				p[at + i] = (u8)(v >> (8 * i));
			at += size;
		}
		if (rc == TP_OK)
			rc = r->reg->generation(r, &after);
		if (rc != TP_OK || before == after)
			return rc;
		if (t->ops->now_ns(t) > deadline)
			return regs_error(r, TP_ETIMEOUT,
					  "the generation of the configuration goes on changing");
	}
}

static int op_write_config(struct tp *t, u32 offset, const void *buf, u32 len)
{
	struct regs *r = regs_from_tp(t);
	const u8 *p = buf;
	int rc = TP_OK;

	for (u32 at = 0; rc == TP_OK && at < len;) {
		unsigned size = access_size(offset + at, len - at);
		u32 v = 0;

		for (unsigned i = 0; i < size; i++)
			v |= (u32)p[at + i] << (8 * i);
		rc = r->reg->config_write(r, offset + at, size, v);
		at += size;
	}
	return rc;
}

static int op_num_queues(struct tp *t, unsigned *n)
{
	*n = regs_from_tp(t)->queues;
	return TP_OK;
}

static int op_queue_max(struct tp *t, unsigned q, u16 *size)
{
	struct regs *r = regs_from_tp(t);

	return r->reg->queue_max(r, tp_number(t, q), size);
}

u32 regs_notification(struct regs *r, unsigned q, u32 name, unsigned *size)
{
	const struct vq *vq = q < REGS_QUEUES ? r->vq[q] : NULL;

	*size = 2;
	if (!(r->features & BIT_ULL(VIRTIO_F_NOTIFICATION_DATA)))
		return name;
	*size = 4;
	/* 2.9: next_off and next_wrap; of a split ring that is the available index. */
	return (u32)(vq ? vq_next(vq) : 0) << 16 | (name & 0xffff);
}

static int op_queue_start(struct tp *t, unsigned q, const struct tp_queue *cfg)
{
	struct regs *r = regs_from_tp(t);
	const unsigned number = tp_number(t, q);
	u16 max;
	int rc = r->reg->queue_max(r, number, &max);

	if (rc != TP_OK)
		return rc;
	if (cfg->size > max)
		return regs_error(r, TP_EUNSUPPORTED, "the queue cannot be that large");
	if (cfg->base !=
	    vq_start(r->features & BIT_ULL(VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED : VQ_RING_SPLIT))
		return regs_error(r, TP_EUNSUPPORTED,
				  "a queue with registers starts at its beginning");
	if (number < REGS_QUEUES)
		r->vq[number] = cfg->vq;
	return r->reg->queue_setup(r, number, cfg);
}

static int op_queue_stop(struct tp *t, unsigned q, u32 *base)
{
	u64 deadline = tp_deadline(t, t->timeout_ms);
	const unsigned number = tp_number(t, q);
	struct regs *r = regs_from_tp(t);
	u32 v = 1;
	int rc;

	/* The queue's own reset takes it back to where a new one begins. */
	*base = vq_start(r->features & BIT_ULL(VIRTIO_F_RING_PACKED) ? VQ_RING_PACKED
								     : VQ_RING_SPLIT);
	if (!(r->features & BIT_ULL(VIRTIO_F_RING_RESET)))
		return regs_error(r, TP_EUNSUPPORTED, "the device cannot reset one queue");
	rc = r->reg->queue_reset(r, number);
	while (rc == TP_OK) {
		rc = r->reg->queue_resetting(r, number, &v);
		if (rc != TP_OK || v == 0)
			break;
		if (t->ops->now_ns(t) > deadline)
			return regs_error(r, TP_ETIMEOUT,
					  "the queue's reset does not end: it reads 1");
		t->ops->relax(t);
	}
	return rc;
}

static int op_notify(struct tp *t, unsigned q)
{
	struct regs *r = regs_from_tp(t);

	return r->reg->notify(r, tp_number(t, q));
}

static bool take(struct regs *r, unsigned number)
{
	bool used = false, config = false;

	if (number < REGS_QUEUES && r->used_pending[number]) {
		r->used_pending[number] = false;
		used = true;
	}
	if (r->reg->take_irq(r, number, &used, &config) == TP_OK)
		r->config_pending |= config;
	return used;
}

static unsigned op_take_calls(struct tp *t, unsigned q)
{
	return take(regs_from_tp(t), tp_number(t, q));
}

static int op_wait_call(struct tp *t, unsigned q, unsigned ms)
{
	struct regs *r = regs_from_tp(t);
	u64 deadline = tp_deadline(t, ms);

	while (!take(r, tp_number(t, q))) {
		if (tp_waited(t, deadline, ms))
			return 0;
		t->ops->relax(t);
	}
	return 1;
}

static int op_wait_config_event(struct tp *t, unsigned ms)
{
	struct regs *r = regs_from_tp(t);
	u64 deadline = tp_deadline(t, ms);

	for (;;) {
		if (take(r, 0))
			r->used_pending[0] = true;
		if (r->config_pending) {
			r->config_pending = false;
			return 1;
		}
		if (tp_waited(t, deadline, ms))
			return 0;
		t->ops->relax(t);
	}
}

static int op_trigger_config(struct tp *t)
{
	struct regs *r = regs_from_tp(t);
	struct access *a = r->access;
	int rc = a->config_trigger ? a->config_trigger(a) : TP_EUNSUPPORTED;

	return rc == TP_OK ? rc : regs_failed(r, rc);
}

static int op_process(struct tp *t, struct tp_process *p)
{
	struct access *a = regs_from_tp(t)->access;

	return a->ops->process ? a->ops->process(a, p) : TP_EUNSUPPORTED;
}

static bool op_gone(struct tp *t)
{
	struct access *a = regs_from_tp(t)->access;

	return a->ops->gone && a->ops->gone(a);
}

static bool op_busy(struct tp *t)
{
	struct access *a = regs_from_tp(t)->access;

	return a->ops->busy && a->ops->busy(a);
}

static u64 op_now_ns(struct tp *t)
{
	struct access *a = regs_from_tp(t)->access;

	return a->ops->now_ns(a);
}

static void op_relax(struct tp *t)
{
	struct access *a = regs_from_tp(t)->access;

	a->ops->relax(a);
}

#define REGS_OPS(name_)                                                                            \
	{                                                                                          \
		.name = name_, .open = op_open, .close = op_close,                                 \
		.get_features = op_get_features, .set_features = op_set_features,                  \
		.driver_ok = op_driver_ok, .get_status = op_get_status,                            \
		.set_status = op_set_status, .read_config = op_read_config,                        \
		.write_config = op_write_config, .num_queues = op_num_queues,                      \
		.queue_max = op_queue_max, .queue_start = op_queue_start,                          \
		.queue_stop = op_queue_stop, .notify = op_notify, .wait_call = op_wait_call,       \
		.take_calls = op_take_calls, .wait_config_event = op_wait_config_event,            \
		.trigger_config = op_trigger_config, .process = op_process, .gone = op_gone,       \
		.busy = op_busy, .now_ns = op_now_ns, .relax = op_relax,                           \
	}

static const struct tp_ops mmio_ops = REGS_OPS("mmio");
static const struct tp_ops pci_ops = REGS_OPS("pci");

void regs_init(struct regs *r, struct access *a, enum regs_kind kind, const struct regs_ops *reg)
{
	*r = (struct regs){
		.tp = { .ops = kind == REGS_PCI ? &pci_ops : &mmio_ops,
			.timeout_ms = 1000,
			.quiet_ms = 40 },
		.access = a,
		.reg = reg,
	};
}
