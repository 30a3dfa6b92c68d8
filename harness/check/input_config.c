// SPDX-License-Identifier: BSD-3-Clause
/* Input device: what is selected in the configuration space, and what is not there (5.8.5). */
#include <linux/input-event-codes.h>
#include <linux/virtio_input.h>

#include "harness/check/check.h"

#define UNSUPPORTED "v14.input.init.dev.1"

static bool select_pair(struct ck *c, u8 select, u8 subsel)
{
	const u8 pair[] = { select, subsel };

	/* Fields of a register's space are written one by one (4.2.2.2); a message has both. */
	if (!(c->tp->caps & TP_CAP_VHOST_USER))
		return ck_must(c, c->tp->ops->write_config(c->tp, 0, &select, 1),
			       "writing select") &&
		       ck_must(c, c->tp->ops->write_config(c->tp, 1, &subsel, 1), "writing subsel");
	return ck_must(c, c->tp->ops->write_config(c->tp, 0, pair, sizeof(pair)),
		       "selecting in the configuration");
}

/* The whole of it, for those that know no other offset than 0. */
static bool read_size(struct ck *c, u8 select, u8 subsel, u8 *size)
{
	struct virtio_input_config cfg;

	if (!select_pair(c, select, subsel) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, &cfg, sizeof(cfg)),
		     "reading the configuration"))
		return false;
	*size = cfg.size;
	return true;
}

/* Has the device this pair, in the meaning that select has? */
static bool is_defined(u8 select, u8 subsel)
{
	switch (select) {
	case VIRTIO_INPUT_CFG_ID_NAME:
	case VIRTIO_INPUT_CFG_ID_SERIAL:
	case VIRTIO_INPUT_CFG_ID_DEVIDS:
	case VIRTIO_INPUT_CFG_PROP_BITS:
		return subsel == 0;
	case VIRTIO_INPUT_CFG_EV_BITS:
		return subsel < EV_CNT;
	case VIRTIO_INPUT_CFG_ABS_INFO:
		return subsel < ABS_CNT;
	default:
		return false;
	}
}

static void unsupported(struct ck *c)
{
	/* Each of the first has another meaning with each of the second, or none. */
	static const u8 selects[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x0f, 0x10,
				      0x11, 0x12, 0x13, 0x20, 0x7f, 0x80, 0xff };
	static const u8 subsels[] = { 0, 1, 2, 3, 0x11, 0x1f, 0x3f, 0x40, 0x80, 0xff };
	unsigned told = 0;
	u8 size;

	if (!ck_negotiate(c, ck_ring_features()))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(selects) * ARRAY_SIZE(subsels); i++) {
		const u8 select = selects[i / ARRAY_SIZE(subsels)];
		const u8 subsel = subsels[i % ARRAY_SIZE(subsels)];

		if (!read_size(c, select, subsel, &size))
			return;
		told += size != 0;
		if (!size || is_defined(select, subsel))
			continue;
		ck_fail(c, UNSUPPORTED, "size 0", "select 0x%02x, subsel 0x%02x: size %u", select,
			subsel, size);
		return;
	}
	if (!told)
		ck_skip(c, "the device tells nothing of itself, whatever is selected");
}

CHECK(unsupported, .id = "input.config.unsupported", .clauses = { UNSUPPORTED },
      .stimulus = "140 pairs written to select and subsel, some of which have no meaning",
      .oracle = "size is 0 for these, and not for all others", .device = VIRTIO_ID_INPUT,
      .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE, .run = unsupported);

/* An axis is told of by the two of them, or by neither. */
static void axes(struct ck *c)
{
	struct virtio_input_config cfg;
	u8 size;

	if (!ck_negotiate(c, ck_ring_features()) ||
	    !select_pair(c, VIRTIO_INPUT_CFG_EV_BITS, EV_ABS) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, &cfg, sizeof(cfg)),
		     "reading the configuration"))
		return;
	for (u8 axis = 0; axis < ABS_CNT; axis++) {
		if (axis / 8 < cfg.size && cfg.u.bitmap[axis / 8] >> axis % 8 & 1)
			continue;
		if (!read_size(c, VIRTIO_INPUT_CFG_ABS_INFO, axis, &size))
			return;
		if (!size)
			continue;
		ck_fail(c, UNSUPPORTED, "size 0",
			"ABS_INFO of axis 0x%02x, which EV_BITS lacks: %u", axis, size);
		return;
	}
}

CHECK(axes, .id = "input.config.axes", .clauses = { UNSUPPORTED },
      .stimulus = "ABS_INFO of each axis that EV_BITS does not have", .oracle = "size is 0",
      .device = VIRTIO_ID_INPUT, .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_WRITE, .run = axes);
