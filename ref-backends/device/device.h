/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a binding asks of a device type, and what a device gets from its binding. A device type is
 * a struct rdev with its operations; it knows neither sockets nor rings, only walked chains.
 *
 * Threads: queue operations of one queue run on that queue's thread; everything else runs while no
 * request is in flight on any queue, save resized() and config(), which may run at any time.
 *
 * Most devices answer what is asked of them: a chain is theirs as soon as it is there. A device whose
 * buffers wait for something outside (a packet that arrives, a key, an event) has a ready(): chains
 * then stay in the ring until there is something to put into them, and no stop, reset or change of
 * memory waits for them.
 * Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_DEVICE_H
#define REF_BACKENDS_DEVICE_DEVICE_H

#include "ref-backends/virtqueue/split.h"

/* Bytes of configuration space a binding may ask for; what a device does not have reads as 0. */
#define RDEV_CONFIG_MAX 256

struct reactor;

/*
 * One request. The binding fills in the chain and calls serve(); the device writes what it has to
 * write, sets `used_len`, leaves the device-writable segments as it found them (they are what the
 * dirty log is told of) and calls done() exactly once, from serve() or later on the same thread.
 * A device's own request begins with this.
 */
struct rdev_req {
	struct dvq_chain chain;
	void (*done)(struct rdev_req *req);
	u64 seq; /* counts the chains of the queue */
	u32 used_len;
	u16 queue;
	/*
	 * Set before done(): the chain goes back to the available ring, as if it had not been taken. Only
	 * the one taken last of those not returned yet, then the one before it, and so on.
	 */
	bool put_back;
	/* Set before done(): what is done next on this queue belongs with it and is shown no later. */
	bool more;
};

struct rdev;

struct rdev_ops {
	const char *name; /* as on the command line */
	u32 id;		  /* VIRTIO_ID_* */
	u32 config_size;  /* of its configuration space; 0: it has none */
	size_t req_size;  /* of the device's own request structure */
	bool one_thread;  /* its queues meet each other in it: one thread is to serve them all */
	bool unordered;	  /* what it returns first another event decides: no VIRTIO_F_IN_ORDER */
	u16 burst; /* requests that drivers make at once, and look for at once; 0: none is typical */

	/* Feature bits of the device type (the binding adds those of rings and transport). */
	u64 (*features)(struct rdev *dev);
	/* Whether a driver's choice is one that the device works with; NULL: each is. */
	bool (*acceptable)(struct rdev *dev, u64 features);
	/* The driver's choice. */
	void (*negotiated)(struct rdev *dev, u64 features);
	/* Back to the initial state. */
	void (*reset)(struct rdev *dev);

	/* The whole configuration space: RDEV_CONFIG_MAX bytes, zeroed before. */
	void (*config)(struct rdev *dev, u8 *image);
	/*
	 * Write to configuration space; `migration` says that it is the state of a device that ran
	 * elsewhere. False: not writable or not a legal value, and nothing was changed.
	 */
	bool (*config_write)(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration);
	/* The outside changed (size of the image …). True: the configuration space did, too. */
	bool (*resized)(struct rdev *dev);

	/* A queue's thread begins and ends. 0, or -1. */
	int (*queue_open)(struct rdev *dev, u16 queue, struct reactor *reactor);
	void (*queue_close)(struct rdev *dev, u16 queue);
	void (*serve)(struct rdev *dev, struct rdev_req *req);
	/*
	 * Is there something for the next chain of this queue? Asked on the queue's thread each time
	 * before a chain is taken; serve() with that chain comes next, unless the chain is malformed.
	 * While it says no, the queue is left alone: it is asked again when the driver notifies, when
	 * the queue's reactor had something for the device, and after rdev_wake(). NULL: always ready.
	 */
	bool (*ready)(struct rdev *dev, u16 queue);
	/* A turn of the queue is over: what was done in it becomes visible together, now. May be NULL. */
	void (*served)(struct rdev *dev, u16 queue);
	/*
	 * Complete or put back what waits for further chains of the queue: it is about to be stopped, or
	 * memory to change. NULL for a device in which nothing does.
	 */
	void (*let_go)(struct rdev *dev, u16 queue);

	/* Of a network device over vhost-user, else NULL: NET_SET_MTU (false: no MTU) and SEND_RARP. */
	bool (*set_mtu)(struct rdev *dev, u64 mtu);
	void (*send_rarp)(struct rdev *dev, const u8 mac[6]);
};

struct rdev {
	const struct rdev_ops *ops;
	u16 num_queues;
	/* Filled in by the binding; see rdev_wake(). */
	void (*wake)(struct rdev *dev, u16 queue);
	void *binding;
};

/*
 * The queue may have become ready: its chains are looked at again. From any thread the binding has;
 * with a binding of one thread, from serve() too, also of another queue. What ready() reads must have
 * been written before. Needless from the queue's own reactor, but harmless.
 */
static inline void rdev_wake(struct rdev *dev, u16 queue)
{
	if (dev->wake)
		dev->wake(dev, queue);
}

static inline bool rdev_acceptable(struct rdev *dev, u64 features)
{
	return !dev->ops->acceptable || dev->ops->acceptable(dev, features);
}

static inline bool rdev_ready(struct rdev *dev, u16 queue)
{
	return !dev->ops->ready || dev->ops->ready(dev, queue);
}

#endif
