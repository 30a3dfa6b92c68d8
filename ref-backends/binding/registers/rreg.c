// SPDX-License-Identifier: BSD-3-Clause
/* Status, features, queue fields, configuration space: everything but the serving of queues. */
#include "ref-backends/binding/registers/rreg.h"

#include <string.h>

#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "traces/trace.h"

/* Bits that a driver writes. SUSPEND has rules of its own: suspend.c. */
#define DRIVER_BITS                                                                                \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK |      \
	 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FAILED)

#define OFFERED                                                                                    \
	(BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC) | BIT_ULL(VIRTIO_RING_F_EVENT_IDX) |                 \
	 BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_F_IN_ORDER) |                                \
	 BIT_ULL(VIRTIO_F_RING_PACKED) | BIT_ULL(VIRTIO_F_ACCESS_PLATFORM) |                       \
	 BIT_ULL(VIRTIO_F_ORDER_PLATFORM) | BIT_ULL(VIRTIO_F_NOTIFICATION_DATA) |                  \
	 BIT_ULL(VIRTIO_F_RING_RESET) | BIT_ULL(VIRTIO_F_SUSPEND))

/* --- interrupts --------------------------------------------------------------------------------------- */

void rreg_set_line(struct rreg *r, bool level)
{
	if (level == r->line)
		return;
	r->line = level;
	r->ops->line(r->ctx, level);
}

void rreg_needs_reset(struct rreg *r)
{
	if (r->status & VIRTIO_CONFIG_S_NEEDS_RESET || r->resetting)
		return;
	r->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (r->status & VIRTIO_CONFIG_S_DRIVER_OK)
		r->face->interrupt(r, -1);
}

/* --- configuration space -------------------------------------------------------------------------------- */

void rreg_look_at_config(struct rreg *r)
{
	u8 now[RDEV_CONFIG_MAX] = { 0 };

	if (rreg_asleep(r, RREG_ASLEEP_FIELDS))
		return;
	r->dev->ops->config(r->dev, now);
	if (fault_active && fault_active->reg_config)
		fault_active->reg_config(r, now, sizeof(now));
	if (memcmp(now, r->config, sizeof(now)) == 0)
		return;
	memcpy(r->config, now, sizeof(now));
	r->generation++;
}

u64 rreg_config_read(struct rreg *r, u32 offset, unsigned size)
{
	u64 value = 0;

	rreg_look_at_config(r);
	for (unsigned i = 0; i < size; i++)
		if ((u64)offset + i < r->dev->ops->config_size)
			value |= (u64)r->config[offset + i] << (8 * i);
	return value;
}

void rreg_config_write(struct rreg *r, u32 offset, unsigned size, u64 value)
{
	u8 data[8];

	if ((u64)offset + size > r->dev->ops->config_size || rreg_asleep(r, RREG_ASLEEP_WRITES))
		return;
	for (unsigned i = 0; i < size; i++)
		data[i] = (u8)(value >> (8 * i));
	r->dev->ops->config_write(r->dev, offset, data, size, false);
}

void rreg_resized(struct rreg *r)
{
	if (!r->dev->ops->resized(r->dev))
		return;
	if (rreg_asleep(r, RREG_ASLEEP_EVENTS)) {
		r->config_due = true;
		return;
	}
	/* 2.4.1: a driver that has not begun again after a reset is told nothing. */
	if (r->status & (VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_SUSPEND) && !r->resetting)
		r->face->interrupt(r, -1);
}

/* --- reset --------------------------------------------------------------------------------------------- */

static void queue_defaults(struct rreg_queue *q)
{
	q->size = q->r->queue_max;
	q->vector = RREG_NO_VECTOR;
	q->enabled = q->faulty = q->pending = false;
	q->stop = RREG_RUNS;
	q->desc = q->avail = q->used = 0;
	memset(&q->ring, 0, sizeof(q->ring));
}

static void stop_elsewhere(struct rreg_queue *q)
{
	if (q->elsewhere)
		q->r->ops->queue_stop(q->r->ctx, q);
	q->elsewhere = false;
}

static void reset_done(struct rreg *r)
{
	for (unsigned i = 0; i < r->num_queues; i++)
		stop_elsewhere(&r->queues[i]);
	r->resetting = false;
	r->suspend = RREG_AWAKE;
	r->config_due = false;
	r->status = 0;
	r->features = 0;
	r->device_features_sel = r->driver_features_sel = 0;
	memset(r->driver_features, 0, sizeof(r->driver_features));
	r->driver_features_beyond = false;
	r->queue_sel = 0;
	r->config_vector = RREG_NO_VECTOR;
	r->isr = 0;
	r->shm_sel = 0;
	for (unsigned i = 0; i < r->num_queues; i++)
		queue_defaults(&r->queues[i]);
	r->dev->ops->reset(r->dev);
	r->face->reset(r);
	if (fault_active && fault_active->reg_reset)
		fault_active->reg_reset(r);
}

static void reset(struct rreg *r)
{
	r->resetting = true;
	rreg_let_go(r);
	if (r->in_flight == 0)
		reset_done(r);
}

static void queue_stopped(struct rreg_queue *q)
{
	enum rreg_stop stop = q->stop;
	const struct rreg_queue was = *q;

	stop_elsewhere(q);
	q->stop = RREG_RUNS;
	q->enabled = false;
	q->pending = false;
	if (stop != RREG_RESETS)
		return;
	queue_defaults(q);
	if (fault_active && fault_active->reg_queue_reset)
		fault_active->reg_queue_reset(q, &was);
}

void rreg_drained(struct rreg_queue *q)
{
	struct rreg *r = q->r;

	if (r->resetting && r->in_flight == 0) {
		reset_done(r);
		return;
	}
	if (q->stop != RREG_RUNS && q->in_flight == 0)
		queue_stopped(q);
	rreg_suspend_drained(r);
}

static void stop_queue(struct rreg_queue *q, enum rreg_stop how)
{
	/* A reset that comes while it stops is one; the other way round there is nothing to add. */
	if (q->stop == RREG_RESETS)
		return;
	q->stop = how;
	rreg_let_go(q->r);
	rreg_drained(q);
}

/* --- status and features -------------------------------------------------------------------------------- */

static u64 accepted(const struct rreg *r)
{
	return (u64)r->driver_features[1] << 32 | r->driver_features[0];
}

static bool acceptable(struct rreg *r)
{
	bool good = !(accepted(r) & ~r->offered) && !r->driver_features_beyond &&
		    accepted(r) & BIT_ULL(VIRTIO_F_VERSION_1) &&
		    rdev_acceptable(r->dev, accepted(r));

	for (unsigned i = 2; i < RREG_FEATURE_WORDS; i++)
		good &= r->driver_features[i] == 0;
	if (fault_active && fault_active->reg_acceptable)
		good = fault_active->reg_acceptable(r, accepted(r), good);
	return good;
}

void rreg_go_live(struct rreg *r)
{
	if (r->status & VIRTIO_CONFIG_S_NEEDS_RESET || r->config_due)
		r->face->interrupt(r, -1);
	r->config_due = false;
	for (unsigned i = 0; i < r->num_queues; i++)
		r->queues[i].pending = true;
	rreg_run(r);
}

static void write_status(struct rreg *r, u32 value)
{
	u8 old = r->status, new = (u8)(value & DRIVER_BITS);

	if (value == 0) {
		reset(r);
		return;
	}
	if (rreg_suspend_write(r, value))
		return;
	if (new & ~old & VIRTIO_CONFIG_S_FEATURES_OK) {
		if (acceptable(r)) {
			r->features = accepted(r);
			r->dev->ops->negotiated(r->dev, r->features);
		} else {
			new &= (u8)~VIRTIO_CONFIG_S_FEATURES_OK;
		}
	}
	/* DEVICE_NEEDS_RESET is ours, and only a reset clears it. */
	r->status = (u8)(new | (old & VIRTIO_CONFIG_S_NEEDS_RESET));
	if (new & ~old & VIRTIO_CONFIG_S_DRIVER_OK)
		rreg_go_live(r);
}

static void write_driver_features(struct rreg *r, u32 value)
{
	if (r->status & VIRTIO_CONFIG_S_FEATURES_OK)
		return;
	if (r->driver_features_sel < RREG_FEATURE_WORDS)
		r->driver_features[r->driver_features_sel] = value;
	else if (value)
		r->driver_features_beyond = true;
}

/* --- queues ---------------------------------------------------------------------------------------------- */

static void enable(struct rreg_queue *q)
{
	if (q->enabled)
		return;
	q->enabled = true;
	q->faulty = false;
	q->pending = true;
	rreg_queue_begin(q);
	rreg_queue_serve(q);
}

static u16 valid_vector(const struct rreg *r, u32 value)
{
	/* 4.1.5.1.2.1: a vector that is not there reads back as none. */
	return value < r->vectors ? (u16)value : RREG_NO_VECTOR;
}

static void set_low(u64 *field, u32 value)
{
	*field = (*field & ~0xffffffffull) | value;
}

static void set_high(u64 *field, u32 value)
{
	*field = (*field & 0xffffffffull) | (u64)value << 32;
}

static void set_size(struct rreg_queue *q, u32 value)
{
	const bool packed = rreg_negotiated(q->r, VIRTIO_F_RING_PACKED);

	if (value <= q->r->queue_max && dvq_size_valid(packed, value))
		q->size = (u16)value;
}

/* Fields that stand still while the queue is enabled. */
static void write_queue_setup(struct rreg_queue *q, enum rreg_id reg, u32 value)
{
	if (q->enabled)
		return;
	switch (reg) {
	case RREG_QUEUE_SIZE:
		set_size(q, value);
		break;
	case RREG_DESC_LO:
		set_low(&q->desc, value);
		break;
	case RREG_DESC_HI:
		set_high(&q->desc, value);
		break;
	case RREG_AVAIL_LO:
		set_low(&q->avail, value);
		break;
	case RREG_AVAIL_HI:
		set_high(&q->avail, value);
		break;
	case RREG_USED_LO:
		set_low(&q->used, value);
		break;
	case RREG_USED_HI:
		set_high(&q->used, value);
		break;
	default:
		break;
	}
}

static void write_queue(struct rreg_queue *q, enum rreg_id reg, u32 value)
{
	switch (reg) {
	case RREG_QUEUE_VECTOR:
		q->vector = valid_vector(q->r, value);
		break;
	case RREG_QUEUE_ENABLE:
		if (value == 1)
			enable(q);
		/* 4.1.4.3.2: over PCI a queue is not disabled this way. */
		else if (value == 0 && q->enabled && !q->r->face->pci)
			stop_queue(q, RREG_STOPS);
		break;
	case RREG_QUEUE_RESET:
		if (value == 1 && rreg_negotiated(q->r, VIRTIO_F_RING_RESET))
			stop_queue(q, RREG_RESETS);
		break;
	default:
		write_queue_setup(q, reg, value);
		break;
	}
}

static u32 read_queue(const struct rreg_queue *q, enum rreg_id reg)
{
	switch (reg) {
	case RREG_QUEUE_SIZE_MAX:
		return q->r->queue_max;
	case RREG_QUEUE_SIZE:
		return q->size;
	case RREG_QUEUE_VECTOR:
		return q->vector;
	case RREG_QUEUE_ENABLE:
		return q->enabled;
	case RREG_QUEUE_RESET:
		return q->stop == RREG_RESETS;
	case RREG_QUEUE_NOTIFY_OFF:
		return q->index;
	case RREG_QUEUE_NOTIFY_DATA:
		return rreg_negotiated(q->r, VIRTIO_F_NOTIF_CONFIG_DATA)
			       ? RREG_NOTIFY_DATA + q->index
			       : 0;
	case RREG_DESC_LO:
		return (u32)q->desc;
	case RREG_DESC_HI:
		return (u32)(q->desc >> 32);
	case RREG_AVAIL_LO:
		return (u32)q->avail;
	case RREG_AVAIL_HI:
		return (u32)(q->avail >> 32);
	case RREG_USED_LO:
		return (u32)q->used;
	case RREG_USED_HI:
		return (u32)(q->used >> 32);
	default:
		return 0;
	}
}

static bool is_queue_register(enum rreg_id reg)
{
	return reg >= RREG_QUEUE_SIZE_MAX && reg <= RREG_USED_HI;
}

/* --- shared memory ------------------------------------------------------------------------------------------ */

static u32 read_shm(const struct rreg *r, enum rreg_id reg)
{
	const struct rreg_shm *shm = r->shm_sel < RREG_SHM_MAX ? &r->shm[r->shm_sel] : NULL;
	/* 4.2.2.1: of a region that does not exist all bits are set. */
	u64 len = shm && shm->len ? shm->len : ~0ull;
	u64 base = shm && shm->len ? shm->base : ~0ull;

	switch (reg) {
	case RREG_SHM_LEN_LO:
		return (u32)len;
	case RREG_SHM_LEN_HI:
		return (u32)(len >> 32);
	case RREG_SHM_BASE_LO:
		return (u32)base;
	default:
		return (u32)(base >> 32);
	}
}

/* --- all registers -------------------------------------------------------------------------------------------- */

static u32 feature_word(u64 features, u32 word)
{
	return word < 2 ? (u32)(features >> (32 * word)) : 0;
}

static u32 read_register(struct rreg *r, enum rreg_id reg)
{
	const struct rreg_queue *q = rreg_selected(r);

	if (is_queue_register(reg))
		return q ? read_queue(q, reg) : reg == RREG_QUEUE_VECTOR ? RREG_NO_VECTOR : 0;
	switch (reg) {
	case RREG_DEVICE_FEATURES_SEL:
		return r->device_features_sel;
	case RREG_DEVICE_FEATURES:
		return feature_word(r->offered, r->device_features_sel);
	case RREG_DRIVER_FEATURES_SEL:
		return r->driver_features_sel;
	case RREG_DRIVER_FEATURES:
		return r->driver_features_sel < RREG_FEATURE_WORDS
			       ? r->driver_features[r->driver_features_sel]
			       : 0;
	case RREG_STATUS:
		return r->status;
	case RREG_GENERATION:
		rreg_look_at_config(r);
		return r->generation;
	case RREG_ISR:
		return r->isr;
	case RREG_NUM_QUEUES:
		return r->num_queues;
	case RREG_CONFIG_VECTOR:
		return r->config_vector;
	case RREG_QUEUE_SEL:
		return r->queue_sel;
	case RREG_DEVICE_ID:
		return r->dev->ops->id;
	case RREG_SHM_LEN_LO:
	case RREG_SHM_LEN_HI:
	case RREG_SHM_BASE_LO:
	case RREG_SHM_BASE_HI:
		return read_shm(r, reg);
	default:
		return 0;
	}
}

u32 rreg_read(struct rreg *r, enum rreg_id reg)
{
	u32 value = read_register(r, reg);

	if (fault_active && fault_active->reg_read)
		value = fault_active->reg_read(r, reg, value);
	if (judge_active)
		judge_active->reg_read(r, reg, value);
	return value;
}

static void write_register(struct rreg *r, enum rreg_id reg, u32 value)
{
	struct rreg_queue *q = rreg_selected(r);

	if (is_queue_register(reg)) {
		if (q)
			write_queue(q, reg, value);
		return;
	}
	switch (reg) {
	case RREG_DEVICE_FEATURES_SEL:
		r->device_features_sel = value;
		break;
	case RREG_DRIVER_FEATURES_SEL:
		r->driver_features_sel = value;
		break;
	case RREG_DRIVER_FEATURES:
		write_driver_features(r, value);
		break;
	case RREG_STATUS:
		write_status(r, value);
		break;
	case RREG_CONFIG_VECTOR:
		r->config_vector = valid_vector(r, value);
		break;
	case RREG_QUEUE_SEL:
		/* What does not fit is no queue's number either. */
		r->queue_sel = (u16)MIN(value, 0xffffu);
		break;
	case RREG_SHM_SEL:
		r->shm_sel = value;
		break;
	case RREG_ISR_ACK:
		r->isr &= (u8)~value;
		rreg_set_line(r, r->isr != 0);
		break;
	case RREG_NOTIFY:
		/* Of whose notifications are events nobody comes here. */
		trace_exit((u16)rreg_notified(r, value), 0, 0, 0);
		rreg_notify(r, value);
		break;
	default:
		break;
	}
}

void rreg_write(struct rreg *r, enum rreg_id reg, u32 value)
{
	if (judge_active)
		judge_active->reg_write(r, reg, value);
	/* While a reset goes on there is nothing to be set. */
	if (r->resetting)
		return;
	if (fault_active && fault_active->reg_write &&
	    fault_active->reg_write(r, reg, &value) == FAULT_DONE)
		return;
	write_register(r, reg, value);
}

size_t rreg_memory(const struct rreg_opts *o)
{
	return rreg_slots_memory(o);
}

void rreg_init(struct rreg *r, const struct rreg_opts *o, const struct rreg_face *face,
	       void *memory)
{
	memset(r, 0, sizeof(*r));
	r->dev = o->dev;
	r->dev->wake = rreg_wake;
	r->dev->binding = r;
	r->ops = o->ops;
	r->ctx = o->ctx;
	r->face = face;
	r->queue_max = o->queue_size;
	r->num_queues = o->dev->num_queues;
	memcpy(r->shm, o->shm, sizeof(r->shm));
	if (face->pci)
		r->offered = BIT_ULL(VIRTIO_F_NOTIF_CONFIG_DATA);
	r->offered = (r->offered | OFFERED | o->dev->ops->features(o->dev)) & ~o->hidden;
	if (o->dev->ops->unordered)
		r->offered &= ~BIT_ULL(VIRTIO_F_IN_ORDER);
	if (fault_active && fault_active->reg_features)
		r->offered = fault_active->reg_features(r, r->offered);
	for (u16 i = 0; i < r->num_queues; i++) {
		r->queues[i].r = r;
		r->queues[i].index = i;
	}
	rreg_slots_init(r, memory);
	o->dev->ops->config(o->dev, r->config);
	reset_done(r);
	if (judge_active)
		judge_active->reg_start(r);
}
