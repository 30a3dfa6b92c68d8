// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the GPIO device. */
#include <string.h>

#include "ref-backends/device/gpio.h"
#include "ref-backends/fault/fault.h"

#define GPIO(ident, name_, clause_, summary_, ...)                                                 \
	FAULT(gpio_##ident, .name = "gpio-" name_, .clause = "v14.gpio." clause_,                  \
	      .summary = summary_, __VA_ARGS__)

static u16 type(const struct virtio_gpio_request *m)
{
	return le16(m->type);
}

/* --- configuration and names ---------------------------------------------------------------------------- */

static struct virtio_gpio_config *config_of(u8 *config)
{
	return (struct virtio_gpio_config *)config;
}

static void padding(struct vub_session *s, u8 *config, size_t len)
{
	config_of(config)->padding[1] = 1;
}

GPIO(padding, "padding-set", "requestq.dev.2", "padding in the configuration is not 0",
     .config = padding);

static void no_size(struct vub_session *s, u8 *config, size_t len)
{
	config_of(config)->gpio_names_size = 0;
}

GPIO(no_size, "names-unsaid", "requestq.dev.3", "gpio_names_size is 0, and there are names",
     .config = no_size);

static void one_more(struct vub_session *s, u8 *config, size_t len)
{
	config_of(config)->gpio_names_size++;
}

GPIO(one_more, "names-size-plus-1", "requestq.dev.4", "gpio_names_size is one byte too much",
     .config = one_more);

static void no_zero(struct rgpio *g, char *names)
{
	names[strlen(names)] = '_';
}

GPIO(no_zero, "names-joined", "requestq.dev.5a", "the first name is not ended by a zero",
     .gpio_names = no_zero);

static void twice(struct rgpio *g, char *names)
{
	const size_t len = strlen(names) + 1;

	if (strlen(names + len) + 1 == len)
		memcpy(names + len, names, len);
}

GPIO(twice, "name-twice", "requestq.dev.5b", "two lines have the same name", .gpio_names = twice);

/* --- messages ---------------------------------------------------------------------------------------------- */

static void status_only(struct rgpio *g, const struct virtio_gpio_request *m, u8 out[2], u32 *len)
{
	if (out[0] != VIRTIO_GPIO_STATUS_OK)
		*len = MIN(*len, 1u);
}

GPIO(status_only, "error-without-value", "requestq.dev.1",
     "a message that fails is answered with a status only", .gpio_answer = status_only);

static void no_value(struct rgpio *g, const struct virtio_gpio_request *m, u8 out[2], u32 *len)
{
	if (type(m) == VIRTIO_GPIO_MSG_GET_DIRECTION)
		*len = MIN(*len, 1u);
}

GPIO(no_value, "direction-untold", "requestq.drv.5",
     "of the answer to GET_DIRECTION only the status is filled in", .gpio_answer = no_value);

static void input_read(struct rgpio *g, const struct virtio_gpio_request *m, u8 out[2], u32 *len)
{
	const u16 line = le16(m->gpio);

	if (type(m) == VIRTIO_GPIO_MSG_GET_VALUE && line == 0 &&
	    g->lines[line].direction == VIRTIO_GPIO_DIRECTION_OUT)
		out[1] = 0;
}

GPIO(input_read, "output-reads-input", "requestq.dev.1",
     "the value of an output is what comes in there, which is nothing", .gpio_answer = input_read);

static void three(struct rgpio *g, const struct virtio_gpio_request *m, u8 out[2], u32 *len)
{
	*len += type(m) == VIRTIO_GPIO_MSG_GET_DIRECTION && out[0] != VIRTIO_GPIO_STATUS_OK;
}

FAULT(gpio_three, .name = "gpio-used-len-plus-one", .clause = "v14.split-ring.used-ring.dev.2",
      .summary = "a direction that cannot be told comes back with length 3", .gpio_answer = three);

static struct rdev_req *late;

static enum fault_action swap(struct rgpio *g, const struct virtio_gpio_request *m,
			      struct rdev_req *req)
{
	struct rdev_req *first = late;

	if (type(m) == VIRTIO_GPIO_MSG_SET_VALUE && le16(m->gpio) == g->port->lines - 1 && !late) {
		late = req;
		return FAULT_DONE;
	}
	late = NULL;
	req->done(req);
	if (first)
		first->done(first);
	return FAULT_DONE;
}

static void none_late(struct vub_session *s)
{
	late = NULL;
}

GPIO(swap, "out-of-order", "requestq.dev.6",
     "that the last line was set is answered behind the next message", .gpio_done = swap,
     .session_start = none_late);

static bool dead;

static void dies(struct rgpio *g, struct virtio_gpio_request *m)
{
	dead |= type(m) == 255;
	if (dead)
		m->type = le16(0);
}

static void revive(struct vub_session *s)
{
	dead = false;
}

FAULT(gpio_dies, .name = "gpio-unknown-kills", .clause = "ROB.live.bad-request",
      .summary = "after a message of an unknown type all fail", .gpio_message = dies,
      .session_start = revive);

static enum fault_action whole_only(struct rgpio *g, const struct virtio_gpio_request *m,
				    struct rdev_req *req)
{
	u8 *status = req->chain.segs[req->chain.n_readable].base;

	if (req->chain.n_writable && req->chain.n_readable > 1)
		*status = VIRTIO_GPIO_STATUS_ERR;
	return FAULT_PASS;
}

FAULT(gpio_whole_only, .name = "gpio-message-in-pieces",
      .clause = "v14.split-ring.message-framing.dev.1",
      .summary = "a message in more than one descriptor fails", .gpio_done = whole_only);

/* --- interrupts ---------------------------------------------------------------------------------------------- */

static bool value_stays(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_FORGOTTEN && !g->lines[line].irq ? false : due;
}

GPIO(value_stays, "value-kept", "requestq.dev.9", "direction NONE leaves a line its value",
     .gpio_is = value_stays);

static bool irq_stays(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_FORGOTTEN && g->lines[line].irq ? false : due;
}

GPIO(irq_stays, "irq-kept", "requestq.dev.9", "direction NONE leaves a line its interrupt",
     .gpio_is = irq_stays);

static bool not_latched(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_LATCHED ? false : due;
}

GPIO(not_latched, "edge-lost", "requestq.dev.10", "an edge while masked is lost",
     .gpio_is = not_latched);

static bool rising_only(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_DELIVERED && g->lines[line].irq == VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH
		       ? false
		       : due;
}

GPIO(rising_only, "both-is-none", "eventq.dev.1",
     "an edge is not delivered when both are asked for", .gpio_is = rising_only);

static bool all_latched(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_LATCHED ? true : due;
}

GPIO(all_latched, "level-latched", "requestq.dev.11", "a level while masked is latched",
     .gpio_is = all_latched);

static bool not_dropped(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_DROPPED ? false : due;
}

GPIO(not_dropped, "latch-kept", "requestq.dev.12",
     "what was latched is delivered after the interrupt was disabled", .gpio_is = not_dropped);

static bool any_edge(struct rgpio *g, u16 line, unsigned what, bool due)
{
	/* Also where the buffer comes a moment later: it is on another queue than what makes the edge. */
	if (what == GPIO_LATCHED)
		return !(g->lines[line].irq & GPIO_LEVELS);
	return what == GPIO_WAITS || what == GPIO_OCCURS ? true : due;
}

GPIO(any_edge, "not-enabled", "eventq.dev.1", "any edge is an interrupt, enabled or not",
     .gpio_is = any_edge);

static bool not_returned(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return what == GPIO_RETURNED ? false : due;
}

GPIO(not_returned, "not-returned", "eventq.dev.2",
     "a buffer waits on when its interrupt is disabled", .gpio_is = not_returned);

static bool stuck;

static void sticks(struct rgpio *g, const struct dvq_chain *c)
{
	stuck |= c->readable == 1;
}

static bool is_stuck(struct rgpio *g, u16 line, unsigned what, bool due)
{
	return stuck && (what == GPIO_RETURNED || what == GPIO_WAITS) ? what == GPIO_WAITS : due;
}

static void not_stuck(struct vub_session *s)
{
	stuck = false;
}

FAULT(gpio_sticks, .name = "gpio-short-event-kills", .clause = "ROB.live.bad-request",
      .summary = "after a buffer that names no line no other comes back INVALID",
      .gpio_event = sticks, .gpio_is = is_stuck, .session_start = not_stuck);
