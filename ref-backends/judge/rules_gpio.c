// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may ask of a GPIO device (VIRTIO 1.4, 5.18.6.8 and 5.18.7.2). */
#include "ref-backends/judge/rules.h"

#define REQUEST sizeof(struct virtio_gpio_request)
#define EVENT	sizeof(struct virtio_gpio_irq_request)

static u16 type(const struct jd_gpio *t)
{
	return le16(t->message->type);
}

/* The line that it is about, or NULL. */
static const struct gpio_line *line(const struct jd_gpio *t)
{
	u16 n = le16(t->message->gpio);

	return t->chain->readable == REQUEST && n < t->gpio->port->lines ? &t->gpio->lines[n]
									 : NULL;
}

/* Two buffers, and neither is missing: that is what others are about. */
static bool no_pair(const struct jd_gpio *t)
{
	return t->chain->readable && t->chain->writable &&
	       (t->chain->readable != REQUEST || t->chain->writable < 2);
}

static bool not_filled_in(const struct jd_gpio *t)
{
	static const u32 most[] = {
		[VIRTIO_GPIO_MSG_GET_NAMES] = 0,
		[VIRTIO_GPIO_MSG_GET_DIRECTION] = 0,
		[VIRTIO_GPIO_MSG_SET_DIRECTION] = VIRTIO_GPIO_DIRECTION_IN,
		[VIRTIO_GPIO_MSG_GET_VALUE] = 0,
		[VIRTIO_GPIO_MSG_SET_VALUE] = 1,
		[VIRTIO_GPIO_MSG_IRQ_TYPE] = VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW,
	};

	if (t->chain->readable != REQUEST)
		return false;
	return !type(t) || type(t) >= ARRAY_SIZE(most) || le32(t->message->value) > most[type(t)] ||
	       le16(t->message->gpio) >= t->gpio->port->lines;
}

static bool nothing_readable(const struct jd_gpio *t)
{
	return !t->chain->readable;
}

static bool nothing_writable(const struct jd_gpio *t)
{
	return !t->chain->writable;
}

static bool is_irq_type(const struct jd_gpio *t)
{
	return t->chain->readable == REQUEST && type(t) == VIRTIO_GPIO_MSG_IRQ_TYPE;
}

static bool irq_not_negotiated(const struct jd_gpio *t)
{
	return is_irq_type(t) && !(t->gpio->features & BIT_ULL(VIRTIO_GPIO_F_IRQ));
}

static bool irq_of_output(const struct jd_gpio *t)
{
	return is_irq_type(t) && line(t) && line(t)->direction == VIRTIO_GPIO_DIRECTION_OUT &&
	       t->message->value;
}

static bool irq_changed(const struct jd_gpio *t)
{
	return is_irq_type(t) && line(t) && line(t)->irq && t->message->value &&
	       line(t)->irq != le32(t->message->value);
}

const struct jd_gpio_rule jd_gpio_rules[] = {
	{ "v14.gpio.requestq.drv.2", no_pair },
	{ "v14.gpio.requestq.drv.3", not_filled_in },
	{ "v14.gpio.requestq.drv.4", nothing_readable },
	{ "v14.gpio.requestq.drv.6", nothing_writable },
	{ "v14.gpio.requestq.drv.8", irq_not_negotiated },
	{ "v14.gpio.requestq.drv.9", irq_of_output },
	{ "v14.gpio.requestq.drv.11", irq_changed },
	{ NULL, NULL },
};

/* --- the event queue ------------------------------------------------------------------------------------- */

static const struct gpio_line *line_of(const struct jd_gpio_event *e)
{
	return e->chain->readable == EVENT && e->line < e->gpio->port->lines
		       ? &e->gpio->lines[e->line]
		       : NULL;
}

static bool is_message(const struct jd_gpio_event *e)
{
	return e->chain->readable == REQUEST;
}

static bool not_enabled(const struct jd_gpio_event *e)
{
	return line_of(e) && line_of(e)->irq == VIRTIO_GPIO_IRQ_TYPE_NONE;
}

static bool not_of_one_line(const struct jd_gpio_event *e)
{
	return !is_message(e) && (!line_of(e) || e->chain->writable != 1);
}

static bool second(const struct jd_gpio_event *e)
{
	return line_of(e) && line_of(e)->waits;
}

const struct jd_gpio_event_rule jd_gpio_event_rules[] = {
	{ "v14.gpio.requestq.drv.1", is_message },
	{ "v14.gpio.eventq.drv.2", not_enabled },
	{ "v14.gpio.eventq.drv.3", not_of_one_line },
	{ "v14.gpio.eventq.drv.4", second },
	{ NULL, NULL },
};
