// SPDX-License-Identifier: BSD-3-Clause
/* GPIO device: interrupts, enabled by a message and unmasked by a buffer (5.18.6.9, 5.18.7.3). */
#include "harness/check/gpio_kit.h"

#define FORGETS	  GK_REQ("9")
#define LATCHED	  GK_REQ("10")
#define NO_LATCH  GK_REQ("11")
#define DROPPED	  GK_REQ("12")
#define ONLY_THEN GK_EV("1")
#define RETURNED  GK_EV("2")

#define RISING	  VIRTIO_GPIO_IRQ_TYPE_EDGE_RISING
#define FALLING	  VIRTIO_GPIO_IRQ_TYPE_EDGE_FALLING
#define BOTH	  VIRTIO_GPIO_IRQ_TYPE_EDGE_BOTH
#define HIGH	  VIRTIO_GPIO_IRQ_TYPE_LEVEL_HIGH
#define LOW	  VIRTIO_GPIO_IRQ_TYPE_LEVEL_LOW
#define NO_IRQ	  VIRTIO_GPIO_IRQ_TYPE_NONE
#define SET_IRQ	  VIRTIO_GPIO_MSG_IRQ_TYPE
#define VALID	  VIRTIO_GPIO_IRQ_STATUS_VALID
#define INVALID	  VIRTIO_GPIO_IRQ_STATUS_INVALID
#define IRQ_NEEDS .device = VIRTIO_ID_GPIO, .features = GK_IRQ, .queues = 2, .caps = TP_CAP_CONFIG

static bool disable(struct ck *c, struct gk *k, u16 line)
{
	return gk_do(c, k, SET_IRQ, line, NO_IRQ, NULL);
}

/* --- enabled and unmasked ------------------------------------------------------------------------------- */

static const struct {
	u8 type;
	bool high; /* that level, or the edge to it, is one */
	const char *when;
} edges[] = {
	{ RISING, true, "at a rising edge" },	       { FALLING, false, "at a falling edge" },
	{ BOTH, true, "at a rising edge of both" },    { BOTH, false, "at a falling edge of both" },
	{ HIGH, true, "when the level becomes high" }, { LOW, false, "when the level becomes low" },
};

/* That it comes at all no sentence says of an interrupt that is not masked; all drivers wait for it. */
static bool comes(struct ck *c, struct gk *k, const char *when)
{
	u8 status = VALID;
	u16 line = 0;
	int rc = gk_event(c, k, &line, &status);

	if (rc > 0 && line == k->to && status == VALID)
		return true;
	if (rc == 0)
		ck_hazard(c, ONLY_THEN, "an interrupt is delivered",
			  "%s no buffer comes back within "
			  "%u ms",
			  when, c->tp->timeout_ms);
	else if (rc > 0)
		ck_hazard(c, ONLY_THEN, "an interrupt is delivered",
			  "%s the buffer of line %u comes back with status %u", when, line, status);
	return false;
}

static void delivered(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		const bool active = edges[i].high;
		int rc;

		/* From the level at which there is none. */
		if (!gk_drive(c, &k, !active))
			return;
		rc = gk_try_irq(c, &k, k.to, edges[i].type);
		/* Of edges there are all, or it says nothing; a level need not be watched for. */
		if (rc == 0 && edges[i].type & (HIGH | LOW)) {
			ck_log(c, "  it refuses interrupts of a level");
			return;
		}
		if (rc == 0)
			ck_error(c, "interrupt type %u is refused", edges[i].type);
		if (rc <= 0 || !gk_unmask(c, &k, k.to) ||
		    !gk_must_not_come(c, &k, ONLY_THEN, "before there is one") ||
		    !gk_drive(c, &k, active) || !comes(c, &k, edges[i].when) ||
		    !disable(c, &k, k.to))
			return;
	}
}

CHECK(delivered, .id = "gpio.irq.delivered", .clauses = { ONLY_THEN },
      .stimulus = "interrupts of six kinds, enabled and unmasked; then the line changes",
      .oracle = "the buffer comes back VALID then, and not before", IRQ_NEEDS, .run = delivered);

static void not_enabled(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_SET_DIRECTION, k.to, VIRTIO_GPIO_DIRECTION_IN, NULL) ||
	    !gk_unmask(c, &k, k.to) ||
	    !gk_must_not_come(c, &k, ONLY_THEN, "before the line changes") || !gk_pulse(c, &k))
		return;
	gk_must_not_come(c, &k, ONLY_THEN, "though the interrupt is not enabled");
}

CHECK(not_enabled, .id = "gpio.irq.not-enabled", .clauses = { ONLY_THEN },
      .stimulus = "a buffer for a line whose interrupt is not enabled; then the line changes",
      .oracle = "it does not come back VALID", IRQ_NEEDS, .run = not_enabled);

static void other_edge(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k) || !gk_drive(c, &k, true) ||
	    !gk_irq(c, &k, k.to, RISING) || !gk_unmask(c, &k, k.to) ||
	    !gk_must_not_come(c, &k, ONLY_THEN, "before the line changes") ||
	    !gk_drive(c, &k, false) ||
	    !gk_must_not_come(c, &k, ONLY_THEN, "at a falling edge, with type RISING,"))
		return;
	/* An interrupt needs a buffer of its own. */
	if (!gk_drive(c, &k, true) || !comes(c, &k, "at a rising edge"))
		return;
	if (gk_drive(c, &k, false) && gk_drive(c, &k, true))
		gk_must_not_come(c, &k, ONLY_THEN, "without another buffer");
}

CHECK(other_edge, .id = "gpio.irq.other-edge", .clauses = { ONLY_THEN },
      .stimulus =
	      "type RISING: a falling edge, a rising one, and both again without another buffer",
      .oracle = "one buffer comes back, at the rising edge", IRQ_NEEDS, .run = other_edge);

/* --- disabled ----------------------------------------------------------------------------------------------- */

static void returned(struct ck *c)
{
	static const u8 types[] = { RISING, FALLING, BOTH };
	struct gk k;

	if (!gk_up(c, &k, true))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!gk_irq(c, &k, 0, types[i]) || !gk_unmask(c, &k, 0) ||
		    /* Once the device has surely seen it; else it may see that it is disabled first. */
		    (i == 0 && !gk_must_not_come(c, &k, ONLY_THEN, "with nothing going on")) ||
		    !disable(c, &k, 0) ||
		    !gk_must_come(c, &k, 0, INVALID, RETURNED, "when the interrupt is disabled"))
			return;
	}
}

CHECK(returned, .id = "gpio.irq.returned", .clauses = { RETURNED, ONLY_THEN },
      .stimulus = "interrupts that are enabled, unmasked, and disabled",
      .oracle = "the buffer comes back INVALID each time", IRQ_NEEDS, .run = returned);

static void forgotten(struct ck *c)
{
	u8 level;
	struct gk k;

	if (!gk_up(c, &k, true) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_IN, NULL) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_GET_VALUE, 0, 0, &level) ||
	    !gk_irq(c, &k, 0, level ? HIGH : LOW) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_NONE, NULL) ||
	    !gk_do(c, &k, VIRTIO_GPIO_MSG_SET_DIRECTION, 0, VIRTIO_GPIO_DIRECTION_IN, NULL) ||
	    !gk_unmask(c, &k, 0))
		return;
	gk_must_not_come(c, &k, FORGETS,
			 "a line got direction NONE after its interrupt was enabled, and");
}

CHECK(forgotten, .id = "gpio.irq.forgotten", .clauses = { FORGETS },
      .stimulus = "a level interrupt that is pending; direction NONE, IN, and a buffer",
      .oracle = "it does not come back VALID", IRQ_NEEDS, .run = forgotten);

/* --- masked --------------------------------------------------------------------------------------------------- */

static void latched(struct ck *c)
{
	static const u8 types[] = { RISING, FALLING, BOTH };
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!gk_irq(c, &k, k.to, types[i]) || !gk_pulse(c, &k) || !gk_unmask(c, &k, k.to) ||
		    !gk_must_come(c, &k, k.to, VALID, LATCHED,
				  "after a pulse while it was masked") ||
		    !disable(c, &k, k.to))
			return;
	}
}

CHECK(latched, .id = "gpio.irq.latched", .clauses = { LATCHED },
      .stimulus = "edge interrupts, enabled and masked; a pulse, then the buffer",
      .oracle = "it comes back VALID", IRQ_NEEDS, .run = latched);

static void not_latched(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k) || !gk_irq(c, &k, k.to, HIGH) ||
	    !gk_pulse(c, &k) || !gk_unmask(c, &k, k.to))
		return;
	gk_must_not_come(c, &k, NO_LATCH,
			 "though the level is low, and was high while masked only,");
}

CHECK(not_latched, .id = "gpio.irq.not-latched", .clauses = { NO_LATCH },
      .stimulus = "a level interrupt, enabled and masked; a pulse, then the buffer",
      .oracle = "it does not come back VALID", IRQ_NEEDS, .run = not_latched);

static void dropped(struct ck *c)
{
	struct gk k;

	if (!gk_up(c, &k, true) || !gk_pair(c, &k) || !gk_irq(c, &k, k.to, RISING) ||
	    !gk_pulse(c, &k) || !disable(c, &k, k.to) || !gk_irq(c, &k, k.to, RISING) ||
	    !gk_unmask(c, &k, k.to))
		return;
	gk_must_not_come(c, &k, DROPPED, "though it was disabled after the edge that was latched,");
}

CHECK(dropped, .id = "gpio.irq.dropped", .clauses = { DROPPED },
      .stimulus =
	      "an edge that is latched; the interrupt is disabled and enabled again, then the buffer",
      .oracle = "it does not come back VALID", IRQ_NEEDS, .run = dropped);
