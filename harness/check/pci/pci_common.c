// SPDX-License-Identifier: BSD-3-Clause
/* The common configuration structure, field by field (4.1.4.3). */
#include "harness/check/pci/pci_kit.h"

#define HALVES	    "v14.pci.layout.dev.1"
#define WORDS	    "v14.pci.common-cfg.dev.3"
#define ACCEPTED    "v14.pci.common-cfg.dev.4"
#define GENERATION  "v14.pci.common-cfg.dev.6"
#define RESETS	    "v14.pci.common-cfg.dev.7"
#define RESET_READS "v14.pci.common-cfg.dev.8"
#define NOT_ENABLED "v14.pci.common-cfg-text.dev.1"
#define NO_QUEUE    "v14.pci.common-cfg.dev.15"
#define POWER_OF_2  "v14.pci.common-cfg.dev.16"

/* --- features ------------------------------------------------------------------------------------- */

static bool offered_word(struct ck *c, u32 select, u32 *bits)
{
	return pk_write(c, PK(device_feature_select), 4, select) &&
	       pk_read(c, PK(device_feature), 4, bits);
}

static void feature_words(struct ck *c)
{
	/* Bits are defined up to 127 (2.2). */
	static const u32 beyond[] = { 4, 5, 32, 0x80000000, 0xffffffff };
	u32 first[4], bits, back;

	for (u32 w = 0; w < 4; w++)
		if (!offered_word(c, w, &first[w]))
			return;
	for (u32 round = 0; round < 8; round++) {
		u32 w = 3 - round % 4;

		if (!offered_word(c, w, &bits))
			return;
		if (bits != first[w]) {
			ck_fail(c, WORDS, "the word that the selector names",
				"word %u was 0x%08x, then 0x%08x", w, first[w], bits);
			return;
		}
		if (!pk_read(c, PK(device_feature_select), 4, &back))
			return;
		if (back != w)
			ck_log(c, "  device_feature_select reads %u, %u was written", back, w);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
		if (!offered_word(c, beyond[i], &bits))
			return;
		if (bits) {
			ck_fail(c, WORDS, "0 where no feature bits are defined",
				"with selector 0x%x device_feature is 0x%08x", beyond[i], bits);
			return;
		}
	}
}

CHECK(feature_words, .id = "pci.common.feature-words", .clauses = { WORDS },
      .stimulus = "device_feature with the selectors 0 to 3 in both orders, and with 4, 5, 32, "
		  "2^31 and 2^32 - 1",
      .oracle = "the same words each time, and 0 beyond 3", .run = feature_words);

static bool accept_word(struct ck *c, u32 select, u32 bits)
{
	return pk_write(c, PK(guest_feature_select), 4, select) &&
	       pk_write(c, PK(guest_feature), 4, bits);
}

static bool accepted_is(struct ck *c, u32 select, u32 want)
{
	u32 bits;

	if (!pk_write(c, PK(guest_feature_select), 4, select) ||
	    !pk_read(c, PK(guest_feature), 4, &bits))
		return false;
	return bits == want || ck_fail(c, ACCEPTED, "the offered bits that the driver wrote",
				       "word %u of driver_feature reads 0x%08x, 0x%08x was written",
				       select, bits, want);
}

static void accepted_words(struct ck *c)
{
	const u32 low = (u32)c->offered, high = (u32)(c->offered >> 32);

	/* Written apart and in both orders: neither half takes the other with it. */
	if (!accept_word(c, 0, low) || !accept_word(c, 1, high) || !accepted_is(c, 0, low) ||
	    !accepted_is(c, 1, high) || !accept_word(c, 1, high & 1) || !accepted_is(c, 0, low) ||
	    !accepted_is(c, 1, high & 1) || !accept_word(c, 0, 0) || !accepted_is(c, 1, high & 1))
		return;
	accepted_is(c, 0, 0);
}

CHECK(accepted_words, .id = "pci.common.driver-features", .clauses = { ACCEPTED },
      .stimulus = "the offered bits written to driver_feature word by word, then fewer of them",
      .oracle = "each word reads back what was written to it last", .run = accepted_words);

/* --- queues ----------------------------------------------------------------------------------------- */

static void queue_sizes(struct ck *c)
{
	u32 count, size;
	const u32 none[] = { c->queues, 0x7fff, 0xffff };

	if (!pk_read(c, PK(num_queues), 2, &count))
		return;
	for (u32 q = 0; q < count; q++) {
		if (!pk_queue_read(c, q, PK(queue_size), 2, &size))
			return;
		if (size & (size - 1)) {
			ck_fail(c, POWER_OF_2, "0 or a power of two", "queue %u has size %u", q,
				size);
			return;
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(none); i++) {
		if (none[i] < count)
			continue;
		if (!pk_queue_read(c, none[i], PK(queue_size), 2, &size))
			return;
		if (size) {
			ck_fail(c, NO_QUEUE, "0", "queue %u has size %u, and num_queues is %u",
				none[i], size, count);
			return;
		}
	}
}

CHECK(queue_sizes, .id = "pci.common.queue-size", .clauses = { POWER_OF_2, NO_QUEUE },
      .stimulus = "queue_size of all queues, and of the queues num_queues, 0x7fff and 0xffff",
      .oracle = "0 or a power of two; 0 from num_queues on", .run = queue_sizes);

static bool write_addr(struct ck *c, u32 low, struct gpa addr)
{
	return pk_write(c, low, 4, (u32)addr.v) && pk_write(c, low + 4, 4, (u32)(addr.v >> 32));
}

static void not_enabled(struct ck *c)
{
	const struct ck_queue_opts lay_out = { .not_start = true };
	const struct ck_queue *q = &c->q[0];

	if (!rk_can_work(c) || !ck_negotiate(c, ck_ring_features()) ||
	    !ck_queue_start(c, 0, &lay_out) ||
	    !pk_queue_write(c, 0, PK(queue_size), 2, q->layout.size) ||
	    !write_addr(c, PK(queue_desc_lo), q->layout.desc) ||
	    !write_addr(c, PK(queue_avail_lo), q->layout.driver) ||
	    !write_addr(c, PK(queue_used_lo), q->layout.device) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") || !rk_offer(c) ||
	    !ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying"))
		return;
	ck_quiet(c);
	if (vq_used(&q->vq)) {
		ck_fail(c, NOT_ENABLED, "a queue with queue_enable 0 is left alone",
			"a request in it was used");
		return;
	}
	/* It is enabled late, and works then. */
	if (pk_queue_write(c, 0, PK(queue_enable), 2, 1) &&
	    ck_must(c, c->tp->ops->notify(c->tp, 0), "notifying") && !rk_served(c))
		ck_info(c, NOT_ENABLED, "a queue that is enabled after DRIVER_OK is not served");
}

CHECK(not_enabled, .id = "pci.queue.not-enabled", .clauses = { NOT_ENABLED },
      .stimulus =
	      "a request in a queue that has its size and addresses, and whose queue_enable was not "
	      "written; then it is",
      .oracle = "it is not used before; whether it is afterwards is noted", .run = not_enabled);

static bool half_is(struct ck *c, u32 at, u32 want)
{
	u32 v;

	if (!pk_read(c, at, 4, &v))
		return false;
	return v == want || ck_fail(c, HALVES, "each half reads back what was written to it",
				    "offset %u reads 0x%08x, 0x%08x was written", at, v, want);
}

static void halves(struct ck *c)
{
	static const u32 fields[] = { PK(queue_desc_lo), PK(queue_avail_lo), PK(queue_used_lo) };

	if (!ck_negotiate(c, 0) || !pk_write(c, PK(queue_select), 2, 0))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
		const u32 low = 0x12345000u + i * 0x1000, high = 0x21u + i;

		if (!pk_write(c, fields[i] + 4, 4, high) || !pk_write(c, fields[i], 4, low) ||
		    !half_is(c, fields[i], low) || !half_is(c, fields[i] + 4, high) ||
		    !pk_write(c, fields[i], 4, low + 0x10000) || !half_is(c, fields[i] + 4, high) ||
		    !half_is(c, fields[i], low + 0x10000))
			return;
	}
}

CHECK(halves, .id = "pci.common.halves", .clauses = { HALVES },
      .stimulus = "the halves of queue_desc, queue_driver and queue_device written apart, the high "
		  "one first, then the low one alone",
      .oracle = "each half reads back what was written to it", .run = halves);

/* --- reset ------------------------------------------------------------------------------------------- */

static void reset_defaults(struct ck *c)
{
	struct ck_queue_opts half = { 0 };
	u32 before, after, features;
	u8 status;

	if (!pk_queue_read(c, 0, PK(queue_size), 2, &before))
		return;
	half.size = (u16)MAX(before / 2, 1);
	if (!ck_negotiate(c, ck_ring_features()) || !ck_queue_start(c, 0, &half) ||
	    !ck_must(c, c->tp->ops->driver_ok(c->tp), "setting DRIVER_OK") ||
	    !rk_set_status(c, 0) || !rk_wait_reset(c, &status))
		return;
	if (status) {
		ck_fail(c, RESET_READS, "0", "device_status is 0x%02x %u ms after 0 was written",
			status, c->tp->timeout_ms);
		return;
	}
	if (!pk_queue_read(c, 0, PK(queue_size), 2, &after))
		return;
	if (after != before) {
		ck_fail(c, RESETS, "queue_size is the largest size again",
			"it was %u, %u was written, after the reset it is %u", before, half.size,
			after);
		return;
	}
	for (u32 w = 0; w < 2; w++) {
		if (!pk_write(c, PK(guest_feature_select), 4, w) ||
		    !pk_read(c, PK(guest_feature), 4, &features))
			return;
		/* Nobody says what driver_feature is then; the features are negotiated anew anyhow. */
		if (features)
			ck_info(c, RESETS, "word %u of driver_feature is 0x%08x after a reset", w,
				features);
	}
}

CHECK(reset_defaults, .id = "pci.common.reset", .clauses = { RESETS, RESET_READS },
      .stimulus = "0 written to device_status after DRIVER_OK",
      .oracle = "it reads 0, and queue_size is what it was at first; features that driver_feature "
		"still shows are noted",
      .run = reset_defaults);

/* --- generation -------------------------------------------------------------------------------------- */

static void generation(struct ck *c)
{
	u32 before, after;
	u8 byte;

	if (!ck_start(c, ck_ring_features()) ||
	    !ck_must(c, c->tp->ops->read_config(c->tp, 0, &byte, 1), "reading the configuration") ||
	    !pk_read(c, PK(config_generation), 1, &before) ||
	    !ck_must(c, c->tp->ops->trigger_config(c->tp), "triggering a change"))
		return;
	if (!c->tp->ops->wait_config_event(c->tp, c->tp->timeout_ms)) {
		ck_skip(c, "the trigger changes nothing that is announced");
		return;
	}
	if (!ck_must(c, c->tp->ops->read_config(c->tp, 0, &byte, 1), "reading the configuration") ||
	    !pk_read(c, PK(config_generation), 1, &after))
		return;
	if (before == after)
		ck_fail(c, GENERATION, "another value than before the change",
			"config_generation is %u before and after it", before);
}

CHECK(generation, .id = "pci.common.generation", .clauses = { GENERATION },
      .stimulus = "config_generation before and after a change of the configuration",
      .oracle = "it differs", .caps = TP_CAP_CONFIG | TP_CAP_CONFIG_TRIGGER, .run = generation);
