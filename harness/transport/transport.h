/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a device is reached: the operations through which checks and benches see any device, whatever
 * carries it. A transport says in `caps` what it can do; the runner skips a check that needs more.
 *
 * Every operation returns TP_OK or one of the errors below, within the transport's deadline
 * whatever the target does. After TP_EGONE only close() makes sense.
 *
 * Freestanding.
 */
#ifndef HARNESS_TRANSPORT_TRANSPORT_H
#define HARNESS_TRANSPORT_TRANSPORT_H

#include "harness/spec/types.h"
#include "harness/virtqueue/vq.h"

enum tp_result {
	TP_OK = 0,
	TP_ETIMEOUT = -1,     /* no answer within the deadline */
	TP_EGONE = -2,	      /* the connection or the device is gone */
	TP_EREFUSED = -3,     /* the device said no */
	TP_EPROTO = -4,	      /* it answered, but not as the protocol says; `error` tells */
	TP_EUNSUPPORTED = -5, /* this transport or this device cannot do that */
	TP_ELOCAL = -6,	      /* our own side failed (memory, descriptors) */
};

enum tp_cap {
	TP_CAP_CONFIG = 1 << 0,	      /* read_config */
	TP_CAP_CONFIG_WRITE = 1 << 1, /* write_config */
	TP_CAP_STATUS = 1 << 2,	      /* a device status register that the device honours */
	TP_CAP_RESET = 1 << 3,	      /* reset without a new session */
	TP_CAP_QUEUE_BASE = 1 << 4,   /* queue_start at an index, queue_stop tells the index */
	TP_CAP_CONFIG_EVENT = 1 << 5, /* config change notifications are seen */
	TP_CAP_VHOST_USER = 1 << 6,   /* the socket itself is at hand (harness/check/vhost_user) */
	TP_CAP_PROCESS = 1 << 7,      /* the target's process can be looked at */
	TP_CAP_CONFIG_TRIGGER = 1 << 8, /* the target can be made to change its configuration */
	TP_CAP_CALL_COUNT = 1 << 9,	/* take_calls counts; else it tells none from some */
	TP_CAP_MMIO = 1 << 10,		/* the registers of virtio-mmio (harness/check/mmio) */
	TP_CAP_PCI = 1 << 11,		/* a PCI function (harness/check/pci) */
	TP_CAP_OWN_CALL = 1 << 12,	/* a notification tells which queue it is for */
	TP_CAP_PEER = 1 << 13,		/* of a socket device: its other side is at hand (peer.h) */
};

struct tp_queue {
	u16 size;
	/*
	 * Where the device begins: of a split ring the index of the first available entry to process, of a
	 * packed one both places (vq_packed_base()).
	 */
	u32 base;
	/* The three parts (struct vq_layout). */
	struct gpa desc, driver, device;
	/*
	 * The driver's side of it, which has to live as long as the queue: what notifications tell with
	 * VIRTIO_F_NOTIFICATION_DATA. NULL: only the queue's index is known.
	 */
	const struct vq *vq;
	bool no_call; /* the driver polls: no used buffer notifications are wanted */
};

/* Memory that the device can reach. `hva` is how we reach it ourselves. */
struct tp_buf {
	u8 *hva;
	struct gpa gpa;
	u32 len;
};

/* What can be seen of the target's process. */
struct tp_process {
	u32 fds;
	u32 threads;
	u64 rss_kib;
	u64 wanted_ns; /* all its threads so far: that they ran, or waited for a processor */
};

struct tp;
struct peer;

struct tp_ops {
	const char *name; /* "vhost-user", "pci", … */

	/* A fresh session with a device in its initial state. */
	int (*open)(struct tp *t);
	/* Ends it. Safe at any time, also twice. */
	void (*close)(struct tp *t);

	int (*get_features)(struct tp *t, u64 *features);
	/* The features the driver accepts; with a status register also FEATURES_OK and its check. */
	int (*set_features)(struct tp *t, u64 features);
	/* All queues are set up: DRIVER_OK where there is a status register. */
	int (*driver_ok)(struct tp *t);
	int (*get_status)(struct tp *t, u8 *status);
	int (*set_status)(struct tp *t, u8 status);
	int (*read_config)(struct tp *t, u32 offset, void *buf, u32 len);
	int (*write_config)(struct tp *t, u32 offset, const void *buf, u32 len);
	int (*num_queues)(struct tp *t, unsigned *n);

	/* Largest size of a queue, 0: it does not exist. NULL: the transport does not tell. */
	int (*queue_max)(struct tp *t, unsigned q, u16 *size);
	int (*queue_start)(struct tp *t, unsigned q, const struct tp_queue *cfg);
	/* Afterwards the device leaves the queue alone. *base as in struct tp_queue. */
	int (*queue_stop)(struct tp *t, unsigned q, u32 *base);

	/* Available buffer notification. */
	int (*notify)(struct tp *t, unsigned q);
	/* Wait for a used buffer notification: 1 it came (pending ones are taken), 0 it did not. */
	int (*wait_call)(struct tp *t, unsigned q, unsigned ms);
	/* How many notifications were signalled since last asked (or waited); does not wait. */
	unsigned (*take_calls)(struct tp *t, unsigned q);
	/* Has the device said since queue_start() that this queue is in error? Does not wait. */
	bool (*queue_error)(struct tp *t, unsigned q);
	/* Configuration change notification: 1 it came, 0 it did not. */
	int (*wait_config_event)(struct tp *t, unsigned ms);
	/* Make the target change its configuration (a capacity that grows). */
	int (*trigger_config)(struct tp *t);

	int (*process)(struct tp *t, struct tp_process *p);
	/*
	 * Whoever would have to answer has been gone for a while, for good: its process has ended, its
	 * connection is closed. What it still did before has shown by now. NULL: it cannot be told.
	 */
	bool (*gone)(struct tp *t);
	/*
	 * It has been running within the last moments, or has waited for a processor: on a machine that has
	 * other things to do it may yet act. NULL: it cannot be told.
	 */
	bool (*busy)(struct tp *t);

	u64 (*now_ns)(struct tp *t);
	/* Give up the processor for a moment, in a loop that waits for memory to change. */
	void (*relax)(struct tp *t);
};

#define TP_MEM_MAX 8

struct tp {
	const struct tp_ops *ops;
	u32 caps;	     /* enum tp_cap; valid once open */
	unsigned timeout_ms; /* deadline for what must happen; who is busy gets more: tp_late() */
	unsigned quiet_ms;   /* how long to watch for what must not */
	u64 late_for;	     /* tp_late(): the deadline that was seen to have passed */
	char error[256];     /* what was wrong, when an operation did not return TP_OK */
	struct peer *peer;   /* NULL: none; set before open() by who has one */
	/*
	 * What the device has as queue `first_queue` is 0 to whoever calls an operation of a queue, and so on.
	 * num_queues() counts all. Those before it are to be there, too, with nothing in them: ck_queue_start();
	 * of vhost-user alone each is set up by itself.
	 */
	unsigned first_queue;
	u64 demanded; /* features without which memory is not where `mem` says */

	/*
	 * Guest memory as the device sees it: regions at chosen guest addresses with unmapped gaps
	 * between them. Known once open.
	 */
	struct tp_buf mem[TP_MEM_MAX];
	unsigned mem_count;

	/* Bytes of configuration space, where the transport tells; 0: it does not. Known once open. */
	u32 config_len;
};

/* What the device calls queue `q` of an operation. */
static inline unsigned tp_number(const struct tp *t, unsigned q)
{
	return t->first_queue + q;
}

static inline u64 tp_deadline(struct tp *t, unsigned ms)
{
	return t->ops->now_ns(t) + (u64)ms * 1000000;
}

/* Who is still at it gets so many times the usual time. */
#define TP_PATIENCE 8

/* Is a wait for what must happen, whose deadline has passed, to go on? */
static inline bool tp_may_act(struct tp *t, u64 deadline)
{
	return t->ops->busy &&
	       t->ops->now_ns(t) < deadline + (u64)(TP_PATIENCE - 1) * t->timeout_ms * 1000000 &&
	       t->ops->busy(t);
}

/*
 * The deadline has passed, and the target does not act. Whoever waits looks once more after it, whatever kept
 * it from looking before.
 */
static inline bool tp_over(struct tp *t, u64 deadline)
{
	if (t->ops->now_ns(t) <= deadline)
		return false;
	if (t->late_for != deadline) {
		t->late_for = deadline;
		return false;
	}
	return !tp_may_act(t, deadline);
}

/* Is a wait for what must happen over? That, or nobody is left to do it. */
static inline bool tp_late(struct tp *t, u64 deadline)
{
	return tp_over(t, deadline) || (t->ops->gone && t->ops->gone(t));
}

/* The same of a wait of `ms` that may be for what must happen, or shorter and for what must not. */
static inline bool tp_waited(struct tp *t, u64 deadline, unsigned ms)
{
	return ms < t->timeout_ms ? t->ops->now_ns(t) > deadline : tp_late(t, deadline);
}

static inline const char *tp_result_text(int result)
{
	static const char *const names[] = {
		"ok",
		"no answer in time",
		"connection ended",
		"refused",
		"protocol error",
		"not supported by this target",
		"local failure",
	};

	return result <= 0 && result > -(int)ARRAY_SIZE(names) ? names[-result] : "unknown";
}

#endif
