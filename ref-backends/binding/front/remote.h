/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back-end as a device: a struct rdev whose features and configuration space are the
 * back-end's, and the operations by which a struct rreg has its queues served there. What a shim of any
 * hypervisor needs; it adds where guest memory is, and how events come and go.
 *
 * InterruptStatus. A back-end's call goes to the guest without the shim's knowing, so the bit is made of
 * what the rings show: it is set when a used buffer is there of which the driver wants to hear
 * (remote_look()).
 */
#ifndef REF_BACKENDS_BINDING_FRONT_REMOTE_H
#define REF_BACKENDS_BINDING_FRONT_REMOTE_H

#include "ref-backends/binding/front/front.h"
#include "ref-backends/binding/registers/rreg.h"

struct remote_queue {
	int kick, call; /* eventfds, from remote_init() on */
	bool running;
	u16 seen;	 /* used index that the driver was told of */
	const u16 *used; /* guest memory: flags, idx, … */
	const u16 *avail;
	u16 size;
};

struct remote {
	struct rdev dev; /* what the register file serves */
	struct rdev_ops ops;
	struct front front;
	u64 own;      /* features that the shim has by itself; set behind remote_init() */
	u64 features; /* the driver's, of those that are the back-end's */
	bool told;    /* the back-end knows them */
	struct remote_queue *queues;
	int err; /* an eventfd: a back-end cannot go on with a ring; remote_failed() is then to be called */
	/* Before the first queue starts, whenever features were negotiated anew: memory may be shared only then.
	 * NULL, or 0; -1 when the back-end refused it. */
	int (*share)(void *ctx);
	/* Told when a queue has started or is about to stop, for ioeventfds; may be NULL. */
	void (*changed)(void *ctx, u16 queue, bool running);
	void *ctx;
};

/*
 * `front` is connected and has its memory. `id` is what device the driver is to see, `queues` how many
 * queues at most. 0, or -1 after a line on stderr.
 */
int remote_init(struct remote *m, const struct front *front, u32 id, u16 queues);
void remote_exit(struct remote *m);

/* What a struct rreg's `ops` have for queues, whatever their `ctx`: its device is a remote's. */
bool remote_queue_start(void *ctx, struct rreg_queue *q);
void remote_queue_kick(void *ctx, struct rreg_queue *q);
void remote_queue_stop(void *ctx, struct rreg_queue *q);

/* Before the interrupt status is read: what the back-end has used since. */
void remote_look(struct remote *m, struct rreg *r);

/*
 * The back-end may have said that its configuration changed, on its channel or while something else was asked of it:
 * the driver is told then. To be called when the channel can be read, and behind whatever was done with the registers.
 */
void remote_channel(struct remote *m, struct rreg *r);

/* If the back-end has signalled an error the device needs a reset; the driver is told. */
void remote_failed(struct remote *m, struct rreg *r);

/* The id of a device type's name, or 0. */
u32 remote_device_id(const char *name);
/* How much configuration space every back-end of that type has which offers these features. */
u32 remote_config_size(u32 id, u64 offered);

#endif
