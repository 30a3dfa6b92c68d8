/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the transports with registers have in common: a status byte, feature words behind a selector,
 * queues set up field by field, an interrupt status. MMIO and PCI say where the registers are (struct
 * regs_ops); this makes a `struct tp` of them.
 *
 * Freestanding.
 */
#ifndef HARNESS_TRANSPORT_REGS_REGS_H
#define HARNESS_TRANSPORT_REGS_REGS_H

#include "harness/transport/access.h"

/* Interrupt status bits, the same on both transports (4.1.4.5, 4.2.2). */
#define REGS_ISR_QUEUE	1u
#define REGS_ISR_CONFIG 2u

#define REGS_QUEUES 64

struct regs;

/* Queues are the device's own here, whatever `first_queue` is: tp_number(). */
struct regs_ops {
	/* Find the device and map it. TP_EUNSUPPORTED with r->tp.error when there is none. */
	int (*find)(struct regs *r);
	/* After a reset, before anything else: what the reset took away. NULL: nothing. */
	int (*after_reset)(struct regs *r);
	int (*get_status)(struct regs *r, u8 *status);
	int (*set_status)(struct regs *r, u8 status);
	int (*get_features)(struct regs *r, u32 word, u32 *bits);
	int (*set_features)(struct regs *r, u32 word, u32 bits);
	/* One read or write of the configuration space, `size` 1, 2 or 4. */
	int (*config_read)(struct regs *r, u32 offset, unsigned size, u32 *value);
	int (*config_write)(struct regs *r, u32 offset, unsigned size, u32 value);
	int (*generation)(struct regs *r, u32 *value);
	/* Largest size of a queue, 0 = there is no such queue. */
	int (*queue_max)(struct regs *r, unsigned q, u16 *size);
	/* Size, addresses, interrupt vector, enable. */
	int (*queue_setup)(struct regs *r, unsigned q, const struct tp_queue *cfg);
	/* queue_enable, QueueReady. */
	int (*queue_enabled)(struct regs *r, unsigned q, u32 *value);
	/* queue_reset, QueueReset. */
	int (*queue_resetting)(struct regs *r, unsigned q, u32 *value);
	/* Begin the reset of one queue (VIRTIO_F_RING_RESET). */
	int (*queue_reset)(struct regs *r, unsigned q);
	int (*notify)(struct regs *r, unsigned q);
	/* Take what is pending: `used` for queue q, `config`. Never waits. */
	int (*take_irq)(struct regs *r, unsigned q, bool *used, bool *config);
};

struct regs {
	struct tp tp; /* first */
	struct access *access;
	const struct regs_ops *reg;
	u32 device_id; /* wanted; 0: whatever is there. Then what was found */
	u64 features;  /* accepted */
	unsigned queues;
	bool config_pending; /* a config interrupt seen while looking for another */
	bool used_pending[REGS_QUEUES];
	const struct vq *vq[REGS_QUEUES]; /* of the queues that were started; NULL: not known */
};

static inline struct regs *regs_from_tp(struct tp *t)
{
	return (struct regs *)t;
}

enum regs_kind {
	REGS_MMIO,
	REGS_PCI,
};

/* The transport adds its own members behind `r`. */
void regs_init(struct regs *r, struct access *a, enum regs_kind kind, const struct regs_ops *reg);

/* Status 0, and wait until it reads 0. */
int regs_reset(struct regs *r);
/* The access's error as the transport's. Returns rc. */
int regs_failed(struct regs *r, int rc);
int regs_error(struct regs *r, int rc, const char *text);
/*
 * What a notification of queue `q` says (2.9): `name`, its index or what the device wants it called,
 * and with VIRTIO_F_NOTIFICATION_DATA how far the ring is filled. *size is 2, or 4 with the latter.
 */
u32 regs_notification(struct regs *r, unsigned q, u32 name, unsigned *size);

/* --- accesses ------------------------------------------------------------------------------------ */

static inline int regs_read(struct regs *r, u64 addr, unsigned size, u32 *value)
{
	u64 v = 0;
	int rc = r->access->ops->read(r->access, addr, size, &v);

	*value = (u32)v;
	return rc == TP_OK ? TP_OK : regs_failed(r, rc);
}

static inline int regs_write(struct regs *r, u64 addr, unsigned size, u32 value)
{
	int rc = r->access->ops->write(r->access, addr, size, value);

	return rc == TP_OK ? TP_OK : regs_failed(r, rc);
}

#endif
