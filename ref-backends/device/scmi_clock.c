// SPDX-License-Identifier: BSD-3-Clause
/* SCMI's clock protocol, version 3.0. */
#include "ref-backends/device/scmi_call.h"

#define KNOWN_FLAGS (SCMI_RATE_ASYNC | SCMI_RATE_SILENT | SCMI_RATE_UP | SCMI_RATE_CLOSEST)
#define RATES_HAVE  4 /* bytes in front of the rates */
#define NO_CHANGE   3 /* of CLOCK_CONFIG_SET */

static const struct scmi_clock *clock_of(struct rscmi *s, u32 id)
{
	return id < s->p->num_clocks ? &s->p->clocks[id] : NULL;
}

static bool allowed(struct rscmi *s, u32 id)
{
	return scmi_allowed(s, SCMI_CLOCK, offsetof(struct scmi_device, clocks), id);
}

static int usable(struct scmi_call *c, u32 id)
{
	if (!clock_of(c->s, id))
		return SCMI_NOT_FOUND;
	return allowed(c->s, id) ? SCMI_SUCCESS : SCMI_DENIED;
}

void scmi_clock_init(struct rscmi *s)
{
	for (u32 i = 0; i < s->p->num_clocks; i++)
		s->clocks[i] = (struct scmi_of_clock){ .rate = s->p->clocks[i].rate,
						       .enabled = s->p->clocks[i].enabled };
}

/* --- what there is ----------------------------------------------------------------------------------------- */

static void attributes(struct scmi_call *c)
{
	const u32 async = scmi_says_events(c->s) ? SCMI_PENDING_OF : 0;

	scmi_word(c, async << 16 | c->s->p->num_clocks);
}

static int clock_attributes(struct scmi_call *c)
{
	const struct scmi_clock *clock = clock_of(c->s, scmi_param(c, 0));
	u32 bits;

	if (!clock)
		return SCMI_NOT_FOUND;
	bits = c->s->clocks[scmi_param(c, 0)].enabled ? SCMI_CLOCK_ENABLED : 0;
	if (scmi_is_long(clock->name))
		bits |= SCMI_CLOCK_HAS_NAME;
	if (scmi_says_events(c->s))
		bits |= SCMI_CLOCK_NOTIFIES | SCMI_CLOCK_NOTIFIES_ASKED;
	scmi_word(c, bits);
	scmi_text(c, clock->name, SCMI_NAME);
	scmi_word(c, 0);
	return SCMI_SUCCESS;
}

/* Some of them, as many as there is room for; of a range all three, or none. */
static int rates(struct scmi_call *c)
{
	const struct scmi_clock *clock = clock_of(c->s, scmi_param(c, 0));
	const u32 from = scmi_param(c, 1);
	u32 n, left;

	if (!clock)
		return SCMI_NOT_FOUND;
	if (from > clock->num_rates || (clock->range && from))
		return SCMI_OUT_OF_RANGE;
	left = clock->num_rates - from;
	n = MIN(left, (MIN(c->room, (u32)SCMI_ANSWER_MAX) - RATES_HAVE) / 8);
	if (clock->range ? n < 3 : left && !n)
		return SCMI_PROTOCOL_ERROR;
	scmi_word(c, (left - n) << 16 | (clock->range ? SCMI_RATES_TRIPLET : 0) | n);
	for (u32 i = 0; i < n; i++)
		scmi_word64(c, clock->rates[from + i]);
	return SCMI_SUCCESS;
}

static int name(struct scmi_call *c)
{
	const struct scmi_clock *clock = clock_of(c->s, scmi_param(c, 0));

	return clock ? scmi_whole_name(c, clock->name) : SCMI_NOT_FOUND;
}

/* --- rates ------------------------------------------------------------------------------------------------- */

/* The next one that it has, in the direction that is asked for; 0: there is none. */
static u64 round_rate(const struct scmi_clock *clock, u64 rate, u32 flags)
{
	u64 below = 0, above = 0;

	if (clock->range) {
		const u64 low = clock->rates[0], high = clock->rates[1], step = clock->rates[2];

		below = rate < low ? 0 : low + (MIN(rate, high) - low) / step * step;
		above = rate > high ? 0 : low + ((MAX(rate, low) - low) + step - 1) / step * step;
		above = above > high ? 0 : above;
	} else {
		for (u32 i = 0; i < clock->num_rates; i++) {
			if (clock->rates[i] <= rate)
				below = clock->rates[i];
			else if (!above)
				above = clock->rates[i];
		}
		above = below == rate ? below : above;
	}
	if (flags & SCMI_RATE_CLOSEST)
		return !below || (above && above - rate < rate - below) ? above : below;
	return flags & SCMI_RATE_UP ? above : below;
}

static int change(struct rscmi *s, u32 id, u64 rate)
{
	struct scmi_of_clock *of = &s->clocks[id];
	const int status = s->hw->ops->clock_rate(s->hw, id, rate);

	if (status)
		return status;
	if (of->notify && of->rate != rate && scmi_is(s, SCMI_TOLD, true))
		of->changed = true;
	of->rate = rate;
	return SCMI_SUCCESS;
}

void scmi_clock_done(struct rscmi *s, struct scmi_pending *p)
{
	p->status = change(s, p->id, p->rate);
}

static int rate_set(struct scmi_call *c)
{
	const u32 flags = scmi_param(c, 0), id = scmi_param(c, 1);
	const u64 asked = scmi_param(c, 2) | (u64)scmi_param(c, 3) << 32;
	const int status = usable(c, id);
	struct scmi_pending *p;
	u64 rate;

	if (status)
		return status;
	rate = round_rate(clock_of(c->s, id), asked, flags);
	if (flags & ~KNOWN_FLAGS || !rate)
		return SCMI_INVALID_PARAMETERS;
	c->s->clocks[id].asked |= c->s->clocks[id].notify_asked;
	if (!(flags & SCMI_RATE_ASYNC))
		return change(c->s, id, rate);
	p = scmi_delay(c, id, clock_of(c->s, id)->latency_us);
	if (!p)
		return SCMI_BUSY;
	p->rate = rate;
	p->silent = flags & SCMI_RATE_SILENT;
	return SCMI_SUCCESS;
}

static int rate_get(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0);
	const int status = usable(c, id);

	if (status)
		return status;
	scmi_word64(c, c->s->clocks[id].rate);
	return SCMI_SUCCESS;
}

/* --- on and off -------------------------------------------------------------------------------------------- */

/* Version 2 of the protocol has two parameters, and no configuration of the manufacturer's. */
static int config_set(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), how = scmi_param(c, 1);
	int status = usable(c, id);

	if (status || how == NO_CHANGE)
		return status;
	if (how > 1)
		return SCMI_INVALID_PARAMETERS;
	status = c->s->hw->ops->clock_enable(c->s->hw, id, how);
	if (!status)
		c->s->clocks[id].enabled = how;
	return status;
}

static int config_get(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0);
	const int status = usable(c, id);

	if (status)
		return status;
	if (scmi_param(c, 1))
		return SCMI_NOT_SUPPORTED;
	scmi_word(c, 0);
	scmi_word(c, c->s->clocks[id].enabled);
	scmi_word(c, 0);
	return SCMI_SUCCESS;
}

/* --- notifications ------------------------------------------------------------------------------------------ */

static int notify(struct scmi_call *c, bool asked)
{
	const u32 id = scmi_param(c, 0), control = scmi_param(c, 1);
	const int status = usable(c, id);
	struct scmi_of_clock *of = &c->s->clocks[id % SCMI_MAX];

	if (status)
		return status;
	if (control & ~SCMI_NOTIFY_ENABLE)
		return SCMI_INVALID_PARAMETERS;
	*(asked ? &of->notify_asked : &of->notify) = control;
	*(asked ? &of->asked : &of->changed) &= control;
	return SCMI_SUCCESS;
}

static int rate_notify(struct scmi_call *c)
{
	return notify(c, false);
}

static int request_notify(struct scmi_call *c)
{
	return notify(c, true);
}

static u32 event(struct rscmi *s, u8 *payload, u8 *message)
{
	for (u32 i = 0; i < s->p->num_clocks; i++) {
		struct scmi_of_clock *of = &s->clocks[i];

		if (!of->asked && !of->changed)
			continue;
		if (!payload)
			return 16;
		*message = of->asked ? SCMI_CLOCK_CHANGE_ASKED : SCMI_CLOCK_CHANGED;
		*(of->asked ? &of->asked : &of->changed) = false;
		scmi_put(payload, s->agent);
		scmi_put(payload + 4, i);
		scmi_put64(payload + 8, of->rate);
		return 16;
	}
	return 0;
}

static const struct scmi_command commands[] = {
	[SCMI_CLOCK_ATTRIBUTES] = { clock_attributes, .params = 4, .answer = 8 + SCMI_NAME },
	[SCMI_CLOCK_RATES] = { rates, .params = 8, .answer = RATES_HAVE },
	[SCMI_CLOCK_RATE_SET] = { rate_set, .params = 16, .async = 1,
				  .async_bit = SCMI_RATE_ASYNC },
	[SCMI_CLOCK_RATE_GET] = { rate_get, .params = 4, .answer = 8 },
	[SCMI_CLOCK_CONFIG_SET] = { config_set, .params = 8 },
	[SCMI_CLOCK_NAME] = { name, .params = 4, .answer = 4 + SCMI_NAME_LONG },
	[SCMI_CLOCK_RATE_NOTIFY] = { rate_notify, .params = 8, .notify = 2 },
	[SCMI_CLOCK_REQUEST_NOTIFY] = { request_notify, .params = 8, .notify = 2 },
	[SCMI_CLOCK_CONFIG_GET] = { config_get, .params = 8, .answer = 12 },
};

const struct scmi_protocol scmi_clock_protocol = {
	.id = SCMI_CLOCK,
	.num = ARRAY_SIZE(commands),
	.version = 0x30000,
	.commands = commands,
	.answer = 4,
	.attributes = attributes,
	.event = event,
};
