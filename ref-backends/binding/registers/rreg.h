/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device with registers: what virtio-mmio and virtio-pci have in common (VIRTIO 1.4, 2.1, 2.2, 2.4,
 * 2.5, 2.6, 3.1). The status state machine, features, queues and their reset, configuration space with
 * its generation, and serving the queues. Where the registers are is said by a face: mmio.h, pci.h.
 *
 * Whoever brings the driver (a hypervisor, a test) calls the face's read and write with what the driver
 * does, and gets interrupts and address translation asked of it through struct rreg_ops.
 *
 * One thread: all calls come from it, and devices complete requests on it. A notification is served
 * where it is written. A driver that goes on adding while it is served does not keep the thread for
 * ever: rreg_pending() then says that rreg_run() is to be called.
 *
 * Decisions where the text leaves a choice:
 *  - FEATURES_OK stays clear for bits that were not offered and without VIRTIO_F_VERSION_1;
 *  - driver features cannot be written while FEATURES_OK is set, nor queue fields while the queue is
 *    enabled: such writes are ignored, as are sizes that cannot be;
 *  - a reset, of the device or of a queue, is finished when no request is in flight any more: until then
 *    the status does not read 0, queue_reset reads 1;
 *  - buffers that were available at DRIVER_OK, or when the queue was enabled, need no notification;
 *  - a queue that was broken or whose rings are not in memory leads to DEVICE_NEEDS_RESET;
 *  - with VIRTIO_F_RING_PACKED a queue may have any size up to the largest;
 *  - with VIRTIO_F_IN_ORDER a request that is done waits for those before it: no batches;
 *  - while it suspends a device listens to nothing but a reset; suspended, to that and DRIVER_OK.
 *
 * Freestanding.
 */
#ifndef REF_BACKENDS_BINDING_REGISTERS_RREG_H
#define REF_BACKENDS_BINDING_REGISTERS_RREG_H

#include "ref-backends/device/device.h"
#include "ref-backends/virtqueue/ring.h"

#define RREG_NO_VECTOR	   0xffffu
#define RREG_QUEUES_MAX	   256
#define RREG_FEATURE_WORDS 4 /* kept as the driver wrote them; further ones can only be 0 */
#define RREG_SHM_MAX	   2
/* VIRTIO_F_NOTIF_CONFIG_DATA: what a notification calls queue 0. No queue's index looks like that. */
#define RREG_NOTIFY_DATA 0x1000u

#define RREG_ISR_QUEUE	1u
#define RREG_ISR_CONFIG 2u

/* Registers by their meaning; a face maps its offsets to them. */
enum rreg_id {
	RREG_NONE,
	RREG_DEVICE_FEATURES_SEL,
	RREG_DEVICE_FEATURES,
	RREG_DRIVER_FEATURES_SEL,
	RREG_DRIVER_FEATURES,
	RREG_STATUS,
	RREG_GENERATION,
	RREG_ISR,
	RREG_NUM_QUEUES,
	RREG_CONFIG_VECTOR,
	RREG_QUEUE_SEL,
	RREG_QUEUE_SIZE_MAX,
	RREG_QUEUE_SIZE,
	RREG_QUEUE_ENABLE,
	RREG_QUEUE_RESET,
	RREG_QUEUE_VECTOR,
	RREG_QUEUE_NOTIFY_OFF,
	RREG_QUEUE_NOTIFY_DATA,
	RREG_DESC_LO,
	RREG_DESC_HI,
	RREG_AVAIL_LO,
	RREG_AVAIL_HI,
	RREG_USED_LO,
	RREG_USED_HI,
	RREG_NOTIFY,
	/* Of virtio-mmio alone. */
	RREG_MAGIC,
	RREG_VERSION,
	RREG_DEVICE_ID,
	RREG_VENDOR_ID,
	RREG_ISR_ACK,
	RREG_SHM_SEL,
	RREG_SHM_LEN_LO,
	RREG_SHM_LEN_HI,
	RREG_SHM_BASE_LO,
	RREG_SHM_BASE_HI,
};

struct rreg;
struct rreg_queue;
struct rreg_slot;

struct rreg_ops {
	/* The device's address of guest bytes, as in struct dvq_ops. */
	void *(*translate)(void *ctx, u64 gpa, u64 *len);
	/* The interrupt line changes its level. */
	void (*line)(void *ctx, bool level);
	/* A message-signalled interrupt: a write of `data` to `addr`. Not for virtio-mmio. */
	void (*msi)(void *ctx, u64 addr, u32 data);
	/*
	 * Queues that another program serves, a vhost-user back-end (all three or none): one may run,
	 * its rings are in q->vq (false: it cannot, and the device needs a reset); it was notified; it
	 * is to stop, and all that is in flight is done when this returns.
	 */
	bool (*queue_start)(void *ctx, struct rreg_queue *q);
	void (*queue_kick)(void *ctx, struct rreg_queue *q);
	void (*queue_stop)(void *ctx, struct rreg_queue *q);
	/* When line() or msi() returns, the interrupt is pending for the guest; else an event is on its way. */
	bool injects;
};

/* A request that was written as used, for the tracer, until the driver can see it. */
struct rreg_noted {
	u64 seq;
	u32 len;
	u16 queue, head;
};

#define RREG_NOTED 64

/* A shared memory region (2.10); `mem` is the device's address of it. */
struct rreg_shm {
	u8 *mem;
	u64 len;  /* a power of two, at least 4096; 0: there is none of that id */
	u64 base; /* virtio-mmio: where the guest has it */
};

struct rreg_opts {
	struct rdev *dev;
	u16 queue_size; /* largest, and default; a power of two (a packed ring may have any up to it) */
	u64 hidden;	/* features that are not offered */
	const struct rreg_ops *ops;
	void *ctx;
	struct rreg_shm shm[RREG_SHM_MAX];
};

enum rreg_stop {
	RREG_RUNS,
	RREG_STOPS,  /* QueueReady was set to 0 */
	RREG_RESETS, /* the queue is being reset */
};

enum rreg_suspend {
	RREG_AWAKE,
	RREG_SUSPENDING, /* requests are in flight: not shown in the status yet */
	RREG_SUSPENDED,
};

/* What a suspended device does not do, and what it waits for before it is one (3.4.2). */
enum rreg_asleep {
	RREG_ASLEEP_QUEUES,  /* takes no buffers: already while it suspends */
	RREG_ASLEEP_FIELDS,  /* its configuration fields stand still */
	RREG_ASLEEP_WRITES,  /* writes to them are ignored */
	RREG_ASLEEP_EVENTS,  /* no configuration change notifications */
	RREG_ASLEEP_DRAINED, /* all that was in flight is done */
};

struct rreg_queue {
	struct rreg *r;
	union {
		struct dvq ring;     /* of either layout */
		struct dvq_split vq; /* the same, where it is known to be split: see ring.h */
	};
	u16 index;
	u16 size;
	u16 vector;
	bool enabled;
	bool faulty;	/* its rings were found wrong: DEVICE_NEEDS_RESET was said for it */
	bool pending;	/* there may be something to do */
	bool elsewhere; /* it was started by queue_start() */
	bool batch;	/* being served: the notification comes at the end */
	enum rreg_stop stop;
	u64 desc, avail, used;
	u32 in_flight;
	u64 seq;
	u32 unsignalled; /* for the tracer: published since notification was last decided on */
	u64 last_seq;	 /* of the last one published */
	u16 last_head;
	struct rreg_slot *oldest, *newest; /* in flight, with VIRTIO_F_IN_ORDER */
};

/* What a face adds. */
struct rreg_face {
	bool pci;
	/* Raise an interrupt: for queue `q`, or for the configuration (q < 0). */
	void (*interrupt)(struct rreg *r, int q);
	/* The device was reset. */
	void (*reset)(struct rreg *r);
	/* May the device access memory? NULL: always. */
	bool (*dma)(const struct rreg *r);
};

struct rreg {
	struct rdev *dev;
	const struct rreg_ops *ops;
	void *ctx;
	const struct rreg_face *face;
	u16 queue_max;
	u16 num_queues;
	u16 vectors; /* MSI-X; 0: none */

	u8 status;
	bool resetting;
	enum rreg_suspend suspend;
	bool config_due;       /* a change while suspended, of which the driver was not told */
	u64 offered, features; /* the latter: agreed upon */
	u32 device_features_sel, driver_features_sel;
	u32 driver_features[RREG_FEATURE_WORDS];
	bool driver_features_beyond; /* bits were set in words that do not exist */
	u16 queue_sel;
	u16 config_vector;
	u8 isr;
	bool line;
	u32 shm_sel;
	struct rreg_shm shm[RREG_SHM_MAX];

	u32 generation;
	u8 config[RDEV_CONFIG_MAX]; /* as last looked at */

	u32 in_flight;
	struct rreg_slot *free;
	/* For chains with more segments than a slot has: one at a time. */
	struct dvq_seg *big;
	u32 big_cap;
	bool big_busy;
	/* For the tracer. */
	struct rreg_noted noted[RREG_NOTED];
	u32 n_noted;
	struct rreg_queue queues[RREG_QUEUES_MAX];
};

/* Memory that rreg_init() wants, aligned to 64 bytes and zeroed. */
size_t rreg_memory(const struct rreg_opts *o);
void rreg_init(struct rreg *r, const struct rreg_opts *o, const struct rreg_face *face,
	       void *memory);

/* Registers other than the device's configuration space and the ISR. */
u32 rreg_read(struct rreg *r, enum rreg_id reg);
void rreg_write(struct rreg *r, enum rreg_id reg, u32 value);

/* Configuration space; what is beyond it reads as 0. `size` is 1, 2, 4 or 8. */
u64 rreg_config_read(struct rreg *r, u32 offset, unsigned size);
void rreg_config_write(struct rreg *r, u32 offset, unsigned size, u64 value);

/* The driver notified; `value` is what it wrote. */
void rreg_notify(struct rreg *r, u32 value);
/* The same where an event says which queue is meant, and nothing of what was written. */
void rreg_kick(struct rreg *r, u32 queue);

/* The outside of the device changed (rdev_ops.resized): tells the driver if that is to be told. */
void rreg_resized(struct rreg *r);

/* There is more to do, and rreg_run() does some of it. */
bool rreg_pending(const struct rreg *r);
void rreg_run(struct rreg *r);

/* An error that only a reset cures. */
void rreg_needs_reset(struct rreg *r);
/* The line's level follows `level`. */
void rreg_set_line(struct rreg *r, bool level);

static inline bool rreg_negotiated(const struct rreg *r, unsigned bit)
{
	return r->features & BIT_ULL(bit);
}

/* The queue that a notification means, by its index; it may be none. */
static inline u32 rreg_notified(const struct rreg *r, u32 value)
{
	/* With VIRTIO_F_NOTIFICATION_DATA the upper half says how far the driver is. */
	const u32 name = rreg_negotiated(r, VIRTIO_F_NOTIFICATION_DATA) ? value & 0xffff : value;

	/* 4.1.5.2.1: the name that we gave the queue takes the place of its index. */
	return rreg_negotiated(r, VIRTIO_F_NOTIF_CONFIG_DATA) ? name - RREG_NOTIFY_DATA : name;
}

/* The selected queue, or NULL. */
static inline struct rreg_queue *rreg_selected(struct rreg *r)
{
	return r->queue_sel < r->num_queues ? &r->queues[r->queue_sel] : NULL;
}

/* --- between rreg.c, suspend.c and serve.c ------------------------------------------------------------ */

/* DRIVER_OK was set: queues begin, and what the driver does not know yet it is told. */
void rreg_go_live(struct rreg *r);
/*
 * The configuration space image follows the device. Looked at whenever the driver looks: a change that
 * falls between two of its reads has another generation, whatever made it.
 */
void rreg_look_at_config(struct rreg *r);

/* A status that is not 0 was written. True: it is a matter of suspending or resuming, and done. */
bool rreg_suspend_write(struct rreg *r, u32 value);
/* A request is done: perhaps it was the last one that kept the device from being suspended. */
void rreg_suspend_drained(struct rreg *r);
bool rreg_asleep(const struct rreg *r, enum rreg_asleep what);

/* --- serve.c, for rreg.c ---------------------------------------------------------------------------- */

/* Slots in `memory`; returns what is behind them. */
size_t rreg_slots_memory(const struct rreg_opts *o);
void rreg_slots_init(struct rreg *r, void *memory);
/* The queue was enabled: its rings are looked at. */
void rreg_queue_begin(struct rreg_queue *q);
void rreg_queue_serve(struct rreg_queue *q);
/* The device returns or puts back what it keeps for want of further chains. */
void rreg_let_go(struct rreg *r);
/* rdev.wake */
void rreg_wake(struct rdev *dev, u16 queue);
/* A queue's last request is done and it is to stop; the same for the device. rreg.c. */
void rreg_drained(struct rreg_queue *q);

#endif
