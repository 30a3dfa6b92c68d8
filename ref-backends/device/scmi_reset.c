// SPDX-License-Identifier: BSD-3-Clause
/* SCMI's reset domain protocol, version 3.0. */
#include "ref-backends/device/scmi_call.h"

#define KNOWN_FLAGS (SCMI_RESET_AUTONOMOUS | SCMI_RESET_ASSERT | SCMI_RESET_ASYNC)
#define COLD	    0u /* the architecture's, and the only one there is */

static const struct scmi_reset *domain_of(struct rscmi *s, u32 id)
{
	return id < s->p->num_resets ? &s->p->resets[id] : NULL;
}

static int usable(struct scmi_call *c, u32 id)
{
	if (!domain_of(c->s, id))
		return SCMI_NOT_FOUND;
	return scmi_allowed(c->s, SCMI_RESET, offsetof(struct scmi_device, resets), id)
		       ? SCMI_SUCCESS
		       : SCMI_DENIED;
}

void scmi_reset_init(struct rscmi *s)
{
	memset(s->resets, 0, sizeof(s->resets));
}

static void attributes(struct scmi_call *c)
{
	scmi_word(c, c->s->p->num_resets);
}

static int domain_attributes(struct scmi_call *c)
{
	const struct scmi_reset *d = domain_of(c->s, scmi_param(c, 0));
	u32 bits;

	if (!d)
		return SCMI_NOT_FOUND;
	bits = scmi_is_long(d->name) ? SCMI_RESET_HAS_NAME : 0;
	if (scmi_says_events(c->s))
		bits |= SCMI_RESET_HAS_ASYNC | SCMI_RESET_NOTIFIES;
	scmi_word(c, bits);
	scmi_word(c, d->latency_us);
	scmi_text(c, d->name, SCMI_NAME);
	return SCMI_SUCCESS;
}

static int name(struct scmi_call *c)
{
	const struct scmi_reset *d = domain_of(c->s, scmi_param(c, 0));

	return d ? scmi_whole_name(c, d->name) : SCMI_NOT_FOUND;
}

static int reset_now(struct rscmi *s, u32 id, u32 flags, u32 state)
{
	struct scmi_of_reset *of = &s->resets[id];
	const int status = s->hw->ops->reset_domain(s->hw, id, flags & SCMI_RESET_ASSERT,
						    flags & SCMI_RESET_AUTONOMOUS);

	if (status)
		return status;
	/* Out of reset again: that is no reset. */
	of->issued |= of->notify && flags & (SCMI_RESET_AUTONOMOUS | SCMI_RESET_ASSERT);
	of->state = state;
	return SCMI_SUCCESS;
}

void scmi_reset_done(struct rscmi *s, struct scmi_pending *p)
{
	p->status = reset_now(s, p->id, p->flags, p->state);
}

static int reset(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), flags = scmi_param(c, 1), state = scmi_param(c, 2);
	const int status = usable(c, id);
	struct scmi_pending *p;

	if (status)
		return status;
	/* A type of the architecture's is one that there is; others are the manufacturer's, who has none. */
	if (flags & ~KNOWN_FLAGS || (flags & SCMI_RESET_ASSERT && flags & SCMI_RESET_AUTONOMOUS) ||
	    (state & ~SCMI_RESET_ARCH) != COLD)
		return SCMI_INVALID_PARAMETERS;
	if (!(flags & SCMI_RESET_ASYNC))
		return reset_now(c->s, id, flags, state);
	p = scmi_delay(c, id, domain_of(c->s, id)->latency_us);
	if (!p)
		return SCMI_BUSY;
	p->flags = flags;
	p->state = state;
	return SCMI_SUCCESS;
}

static int notify(struct scmi_call *c)
{
	const u32 id = scmi_param(c, 0), control = scmi_param(c, 1);
	const int status = usable(c, id);

	if (status)
		return status;
	if (control & ~SCMI_NOTIFY_ENABLE)
		return SCMI_INVALID_PARAMETERS;
	c->s->resets[id].notify = control;
	c->s->resets[id].issued &= control;
	return SCMI_SUCCESS;
}

static u32 event(struct rscmi *s, u8 *payload, u8 *message)
{
	for (u32 i = 0; i < s->p->num_resets; i++) {
		struct scmi_of_reset *of = &s->resets[i];

		if (!of->issued)
			continue;
		if (!payload)
			return 12;
		of->issued = false;
		*message = SCMI_RESET_ISSUED;
		scmi_put(payload, s->agent);
		scmi_put(payload + 4, i);
		scmi_put(payload + 8, of->state);
		return 12;
	}
	return 0;
}

static const struct scmi_command commands[] = {
	[SCMI_RESET_ATTRIBUTES] = { domain_attributes, .params = 4, .answer = 8 + SCMI_NAME },
	[SCMI_RESET_RESET] = { reset, .params = 12, .async = 2, .async_bit = SCMI_RESET_ASYNC },
	[SCMI_RESET_NOTIFY] = { notify, .params = 8, .notify = 2 },
	[SCMI_RESET_NAME] = { name, .params = 4, .answer = 4 + SCMI_NAME_LONG },
};

const struct scmi_protocol scmi_reset_protocol = {
	.id = SCMI_RESET,
	.num = ARRAY_SIZE(commands),
	.version = 0x30000,
	.commands = commands,
	.answer = 4,
	.attributes = attributes,
	.event = event,
};
