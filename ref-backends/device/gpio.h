/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The GPIO device (VIRTIO 1.4, 5.18): lines that a driver sets and reads, and, with VIRTIO_GPIO_F_IRQ, an
 * event queue with a buffer for each line whose interrupt it waits for.
 *
 * What the lines are is behind struct gpio_port: simulated ones, or a chip of the host's. The core has
 * what a driver may know of them: direction, the value for when it is an output, and the interrupt.
 *
 * Decisions where the text leaves a choice:
 *  - a buffer for a line whose interrupt is not enabled comes back at once, INVALID: when it was queued before
 *    the message that disabled it, but is seen behind that, it must not be left;
 *  - so does a second one for the same line, and one that names no line;
 *  - a trigger that changes without NONE between is taken, and what was latched is gone;
 *  - no interrupt of an output: SET_IRQ_TYPE fails, and a line that becomes one loses its interrupt;
 *  - a queue that stops returns its buffers INVALID: drivers queue them again;
 *  - a message that cannot be read, or has no room for both bytes of the answer, fails.
 *
 * Freestanding; all of it belongs to one thread.
 */
#ifndef REF_BACKENDS_DEVICE_GPIO_H
#define REF_BACKENDS_DEVICE_GPIO_H

#include <linux/virtio_gpio.h>

#include "ref-backends/device/device.h"

#define GPIO_LINES_MAX 256
#define GPIO_NAME_MAX  32 /* with its zero */

#define GPIO_REQUESTQ 0
#define GPIO_EVENTQ   1

#define GPIO_EDGES  ((u32)VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH)
#define GPIO_LEVELS ((u32)(VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH | VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW))

struct gpio_port;

struct gpio_port_ops {
	/* The device's first queue is opened, its last closed. May be NULL. */
	int (*open)(struct gpio_port *p, struct reactor *reactor);
	void (*close)(struct gpio_port *p);
	/* VIRTIO_GPIO_DIRECTION_*, and the value of an output. False: it cannot. */
	bool (*direction)(struct gpio_port *p, u16 line, u8 direction, u8 value);
	/* The value of a line that is an output. */
	bool (*set)(struct gpio_port *p, u16 line, u8 value);
	/* 0, 1, or -1. */
	int (*get)(struct gpio_port *p, u16 line);
	/* Edges of the line are to be told with rgpio_edge(), with type NONE no more. May be NULL. */
	bool (*watch)(struct gpio_port *p, u16 line, u8 type);
	void (*free)(struct gpio_port *p); /* may be NULL */
};

struct rgpio;

struct gpio_port {
	const struct gpio_port_ops *ops;
	struct rgpio *gpio;
	u16 lines;
	/* One zero-terminated name each, which may be empty; none at all: names_size is 0. */
	char names[GPIO_LINES_MAX * GPIO_NAME_MAX];
	u32 names_size;
};

struct gpio_line {
	u8 direction, value;
	u8 irq; /* VIRTIO_GPIO_IRQ_TYPE_* */
	bool latched;
	struct rdev_req *waits; /* the buffer on the event queue: the interrupt is unmasked */
};

/* For faults: what can be otherwise with an interrupt. */
enum gpio_what {
	GPIO_WAITS,	/* a buffer, for an interrupt */
	GPIO_OCCURS,	/* an interrupt, as the line changes */
	GPIO_DELIVERED, /* one that occurs, now */
	GPIO_LATCHED,	/* one that occurs while it is masked */
	GPIO_DROPPED,	/* what was latched, when it is disabled */
	GPIO_RETURNED,	/* the buffer, when it is disabled */
	GPIO_FORGOTTEN, /* the line's value and interrupt, when its direction becomes NONE */
};

struct rgpio {
	struct rdev dev;
	struct gpio_port *port;
	u64 offered, features;
	u16 open; /* queues */
	struct gpio_line lines[GPIO_LINES_MAX];
};

/* `irq`: offer VIRTIO_GPIO_F_IRQ, and have an event queue. */
void rgpio_init(struct rgpio *g, struct gpio_port *port, bool irq);

/* An edge of a line was seen, on the device's thread. */
void rgpio_edge(struct rgpio *g, u16 line, bool rising);

/* Append a name; false when there is no room or it is too long. */
bool gpio_port_name(struct gpio_port *p, const char *name);

#endif
