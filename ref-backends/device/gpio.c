// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/gpio.h"

#include <string.h>

#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"
#include "ref-backends/virtqueue/seg.h"

#define IRQ BIT_ULL(VIRTIO_GPIO_F_IRQ)

static struct rgpio *gpio_of(struct rdev *dev)
{
	return (struct rgpio *)dev;
}

static bool is(struct rgpio *g, u16 line, enum gpio_what what, bool due)
{
	return fault_active && fault_active->gpio_is ? fault_active->gpio_is(g, line, what, due)
						     : due;
}

/* --- interrupts ------------------------------------------------------------------------------------------ */

/* The buffer of a line goes back. */
static void event(struct rgpio *g, u16 line, u8 status)
{
	struct rdev_req *req = g->lines[line].waits;

	g->lines[line].waits = NULL;
	dvq_chain_scatter(&req->chain, 0, &status, 1);
	req->used_len = 1;
	req->done(req);
}

static bool level_is_active(struct rgpio *g, u16 line)
{
	const u8 type = g->lines[line].irq;

	return type & GPIO_LEVELS &&
	       g->port->ops->get(g->port, line) == (type == VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH);
}

/* It may be that an interrupt is pending which can be delivered. */
static void deliver_pending(struct rgpio *g, u16 line)
{
	struct gpio_line *l = &g->lines[line];

	if (!l->waits || (!l->latched && !level_is_active(g, line)))
		return;
	l->latched = false;
	event(g, line, VIRTIO_GPIO_IRQ_STATUS_VALID);
}

void rgpio_edge(struct rgpio *g, u16 line, bool rising)
{
	struct gpio_line *l = &g->lines[line];
	const u8 edge =
		rising ? VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING : VIRTIO_GPIO_IRQ_TYPE_EDGE_FALLING;
	const u8 level = rising ? VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH : VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW;
	const bool occurs = is(g, line, GPIO_OCCURS, l->irq & (edge | level));

	if (is(g, line, GPIO_DELIVERED, occurs && l->waits) && l->waits)
		event(g, line, VIRTIO_GPIO_IRQ_STATUS_VALID);
	else if (occurs && is(g, line, GPIO_LATCHED, l->irq & GPIO_EDGES))
		l->latched = true;
}

/* The interrupt is disabled, or is another one from now on. False: the lines cannot have that one. */
static bool set_irq(struct rgpio *g, u16 line, u8 type)
{
	struct gpio_line *l = &g->lines[line];

	if (g->port->ops->watch && !g->port->ops->watch(g->port, line, type) && type)
		return false;
	if (is(g, line, GPIO_DROPPED, true))
		l->latched = false;
	l->irq = type;
	if (type == VIRTIO_GPIO_IRQ_TYPE_NONE && l->waits && is(g, line, GPIO_RETURNED, true))
		event(g, line, VIRTIO_GPIO_IRQ_STATUS_INVALID);
	deliver_pending(g, line);
	return true;
}

static bool irq_type_known(u32 type)
{
	return type <= VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH || type == VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH ||
	       type == VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW;
}

/* --- messages ------------------------------------------------------------------------------------------------ */

static bool get_direction(struct rgpio *g, u16 line, u32 value, u8 *out)
{
	*out = g->lines[line].direction;
	return value == 0;
}

static bool set_direction(struct rgpio *g, u16 line, u32 value, u8 *out)
{
	struct gpio_line *l = &g->lines[line];

	if (value > VIRTIO_GPIO_DIRECTION_IN ||
	    !g->port->ops->direction(g->port, line, (u8)value, l->value))
		return false;
	l->direction = (u8)value;
	if (value == VIRTIO_GPIO_DIRECTION_NONE && is(g, line, GPIO_FORGOTTEN, true)) {
		l->value = 0;
		set_irq(g, line, VIRTIO_GPIO_IRQ_TYPE_NONE);
	} else if (value == VIRTIO_GPIO_DIRECTION_OUT && l->irq) {
		set_irq(g, line, VIRTIO_GPIO_IRQ_TYPE_NONE);
	}
	return true;
}

static bool get_value(struct rgpio *g, u16 line, u32 value, u8 *out)
{
	const struct gpio_line *l = &g->lines[line];
	int level = l->direction == VIRTIO_GPIO_DIRECTION_OUT ? l->value
							      : g->port->ops->get(g->port, line);

	*out = level > 0;
	return value == 0 && level >= 0;
}

/* "The line may already be configured for output, or may get configured later": it is kept. */
static bool set_value(struct rgpio *g, u16 line, u32 value, u8 *out)
{
	struct gpio_line *l = &g->lines[line];

	if (value > 1 || (l->direction == VIRTIO_GPIO_DIRECTION_OUT &&
			  !g->port->ops->set(g->port, line, (u8)value)))
		return false;
	l->value = (u8)value;
	return true;
}

static bool irq_type(struct rgpio *g, u16 line, u32 value, u8 *out)
{
	if (!(g->features & IRQ) || !irq_type_known(value) ||
	    (value && g->lines[line].direction == VIRTIO_GPIO_DIRECTION_OUT))
		return false;
	return set_irq(g, line, (u8)value);
}

static bool (*const messages[])(struct rgpio *g, u16 line, u32 value, u8 *out) = {
	[VIRTIO_GPIO_MSG_GET_DIRECTION] = get_direction,
	[VIRTIO_GPIO_MSG_SET_DIRECTION] = set_direction,
	[VIRTIO_GPIO_MSG_GET_VALUE] = get_value,
	[VIRTIO_GPIO_MSG_SET_VALUE] = set_value,
	[VIRTIO_GPIO_MSG_IRQ_TYPE] = irq_type,
};

/* All names behind a status. False: there are none, or no room. */
static bool get_names(struct rgpio *g, struct rdev_req *req)
{
	const u8 ok = VIRTIO_GPIO_STATUS_OK;
	const u32 size = g->port->names_size;

	if (!size || req->chain.writable < 1ull + size)
		return false;
	if (fault_active && fault_active->gpio_names)
		fault_active->gpio_names(g, g->port->names);
	dvq_chain_scatter(&req->chain, 0, &ok, 1);
	dvq_chain_scatter(&req->chain, 1, g->port->names, size);
	req->used_len = 1 + size;
	return true;
}

static bool obey(struct rgpio *g, const struct virtio_gpio_request *m, u8 *value)
{
	const u16 type = le16(m->type), line = le16(m->gpio);

	return type < ARRAY_SIZE(messages) && messages[type] && line < g->port->lines &&
	       messages[type](g, line, le32(m->value), value);
}

static void serve_message(struct rgpio *g, struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;
	u8 out[2] = { VIRTIO_GPIO_STATUS_ERR, 0 };
	struct virtio_gpio_request m = { 0 };
	bool whole;

	whole = dvq_chain_gather(c, &m, sizeof(m)) == sizeof(m) && c->readable == sizeof(m);
	if (judge_active)
		judge_active->gpio(g, c, &m);
	if (fault_active && fault_active->gpio_message)
		fault_active->gpio_message(g, &m);
	if (!whole || le16(m.type) != VIRTIO_GPIO_MSG_GET_NAMES || !get_names(g, req)) {
		/* Without room for an answer nothing is done. */
		if (whole && c->writable >= 2 && obey(g, &m, &out[1]))
			out[0] = VIRTIO_GPIO_STATUS_OK;
		else
			out[1] = 0;
		req->used_len = (u32)MIN(c->writable, (u64)2);
		if (fault_active && fault_active->gpio_answer)
			fault_active->gpio_answer(g, &m, out, &req->used_len);
		dvq_chain_scatter(c, 0, out, req->used_len);
	}
	if (fault_active && fault_active->gpio_done &&
	    fault_active->gpio_done(g, &m, req) == FAULT_DONE)
		return;
	req->done(req);
}

/* --- the event queue ------------------------------------------------------------------------------------------- */

static void serve_event(struct rgpio *g, struct rdev_req *req)
{
	const u8 invalid = VIRTIO_GPIO_IRQ_STATUS_INVALID;
	struct virtio_gpio_irq_request m = { .gpio = le16(0xffff) };
	const struct dvq_chain *c = &req->chain;
	struct gpio_line *l;
	u16 line;

	dvq_chain_gather(c, &m, sizeof(m));
	line = le16(m.gpio);
	if (judge_active)
		judge_active->gpio_event(g, c, line);
	if (fault_active && fault_active->gpio_event)
		fault_active->gpio_event(g, c);
	l = line < g->port->lines ? &g->lines[line] : NULL;
	if (!(g->features & IRQ) || c->readable != sizeof(m) || !c->writable || !l || l->waits ||
	    !is(g, line, GPIO_WAITS, l->irq)) {
		req->used_len = (u32)MIN(c->writable, (u64)1);
		dvq_chain_scatter(c, 0, &invalid, req->used_len);
		req->done(req);
		return;
	}
	l->waits = req;
	deliver_pending(g, line);
}

static void gpio_serve(struct rdev *dev, struct rdev_req *req)
{
	if (req->queue == GPIO_EVENTQ)
		serve_event(gpio_of(dev), req);
	else
		serve_message(gpio_of(dev), req);
}

static void gpio_let_go(struct rdev *dev, u16 queue)
{
	struct rgpio *g = gpio_of(dev);

	for (u16 i = 0; queue == GPIO_EVENTQ && i < g->port->lines; i++)
		if (g->lines[i].waits)
			event(g, i, VIRTIO_GPIO_IRQ_STATUS_INVALID);
}

/* --- the device ------------------------------------------------------------------------------------------------ */

static u64 gpio_features(struct rdev *dev)
{
	return gpio_of(dev)->offered;
}

static void gpio_negotiated(struct rdev *dev, u64 features)
{
	gpio_of(dev)->features = features;
}

static void gpio_reset(struct rdev *dev)
{
	struct rgpio *g = gpio_of(dev);

	g->features = 0;
	for (u16 i = 0; i < g->port->lines; i++) {
		if (g->lines[i].irq && g->port->ops->watch)
			g->port->ops->watch(g->port, i, VIRTIO_GPIO_IRQ_TYPE_NONE);
		if (g->lines[i].direction)
			g->port->ops->direction(g->port, i, VIRTIO_GPIO_DIRECTION_NONE, 0);
		g->lines[i] = (struct gpio_line){ 0 };
	}
}

static void gpio_config(struct rdev *dev, u8 *image)
{
	const struct gpio_port *p = gpio_of(dev)->port;
	const struct virtio_gpio_config c = { .ngpio = le16(p->lines),
					      .gpio_names_size = le32(p->names_size) };

	memcpy(image, &c, sizeof(c));
}

static int gpio_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rgpio *g = gpio_of(dev);

	if (!g->open && g->port->ops->open && g->port->ops->open(g->port, reactor) < 0)
		return -1;
	g->open++;
	return 0;
}

static void gpio_queue_close(struct rdev *dev, u16 queue)
{
	struct rgpio *g = gpio_of(dev);

	if (--g->open == 0 && g->port->ops->close)
		g->port->ops->close(g->port);
}

static const struct rdev_ops gpio_ops = {
	.name = "gpio",
	.id = VIRTIO_ID_GPIO,
	.config_size = sizeof(struct virtio_gpio_config),
	.req_size = sizeof(struct rdev_req),
	.one_thread = true,
	.unordered = true,
	.features = gpio_features,
	.negotiated = gpio_negotiated,
	.reset = gpio_reset,
	.config = gpio_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = gpio_queue_open,
	.queue_close = gpio_queue_close,
	.serve = gpio_serve,
	.let_go = gpio_let_go,
};

void rgpio_init(struct rgpio *g, struct gpio_port *port, bool irq)
{
	memset(g, 0, sizeof(*g));
	g->dev.ops = &gpio_ops;
	g->dev.num_queues = irq ? 2 : 1;
	g->offered = irq ? IRQ : 0;
	g->port = port;
	port->gpio = g;
}

bool gpio_port_name(struct gpio_port *p, const char *name)
{
	u32 len = 0;

	while (name[len])
		len++;
	if (len >= GPIO_NAME_MAX || p->names_size + len + 1 > sizeof(p->names))
		return false;
	memcpy(p->names + p->names_size, name, len + 1);
	p->names_size += len + 1;
	return true;
}
