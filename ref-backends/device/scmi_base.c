// SPDX-License-Identifier: BSD-3-Clause
/* SCMI's base protocol, version 2.1: what there is, agents, what they may have, errors that nobody is told of. */
#include "ref-backends/device/scmi_call.h"

#define PLATFORM_NAME "platform"

static void attributes(struct scmi_call *c)
{
	scmi_word(c, (u32)c->s->p->num_agents << 8 | (SCMI_PROTOCOLS - 1));
}

static int vendor(struct scmi_call *c)
{
	scmi_text(c, c->s->p->vendor, SCMI_NAME);
	return SCMI_SUCCESS;
}

static int sub_vendor(struct scmi_call *c)
{
	scmi_text(c, c->s->p->sub_vendor, SCMI_NAME);
	return SCMI_SUCCESS;
}

static int implementation(struct scmi_call *c)
{
	scmi_word(c, c->s->p->version);
	return SCMI_SUCCESS;
}

/* As many as there is room for, four to a word. */
static int protocols(struct scmi_call *c)
{
	const u32 skip = scmi_param(c, 0), all = SCMI_PROTOCOLS - 1;
	u32 n = skip < all ? all - skip : 0;
	u8 *list;

	if (skip > all)
		return SCMI_INVALID_PARAMETERS;
	if (n && c->room < 8)
		return SCMI_PROTOCOL_ERROR;
	n = MIN(n, (c->room - 4) / 4 * 4);
	scmi_word(c, n);
	list = c->out + c->out_len;
	memset(list, 0, ALIGN_UP(n, 4));
	for (u32 i = 0; i < n; i++)
		list[i] = scmi_protocols[1 + skip + i]->id;
	c->out_len += (u32)ALIGN_UP(n, 4);
	return SCMI_SUCCESS;
}

static int agent(struct scmi_call *c)
{
	const u32 asked = scmi_param(c, 0), id = asked == SCMI_AGENT_SELF ? c->s->agent : asked;

	if (id > c->s->p->num_agents)
		return SCMI_NOT_FOUND;
	scmi_word(c, id);
	scmi_text(c, id == SCMI_AGENT_PLATFORM ? PLATFORM_NAME : c->s->p->agents[id - 1].name,
		  SCMI_NAME);
	return SCMI_SUCCESS;
}

static int notify_errors(struct scmi_call *c)
{
	if (scmi_param(c, 0) & ~SCMI_NOTIFY_ENABLE)
		return SCMI_INVALID_PARAMETERS;
	c->s->tell_errors = scmi_param(c, 0);
	if (!c->s->tell_errors)
		c->s->num_errors = 0;
	return SCMI_SUCCESS;
}

/* --- permissions ------------------------------------------------------------------------------------------- */

/* Only who is trusted may say what others may have, and of whom and what. */
static int may_set(const struct scmi_call *c, u32 of_agent, u32 flags)
{
	const struct scmi_platform *p = c->s->p;

	if (!of_agent || of_agent > p->num_agents)
		return SCMI_NOT_FOUND;
	if (flags & ~SCMI_ALLOW)
		return SCMI_INVALID_PARAMETERS;
	return p->agents[c->s->agent - 1].trusted ? SCMI_SUCCESS : SCMI_DENIED;
}

static int set(struct scmi_call *c, u32 of_agent, u32 device, u8 protocols_, bool allow)
{
	u8 *denied;

	if (device >= c->s->p->num_devices)
		return SCMI_NOT_FOUND;
	denied = &c->s->denied[of_agent - 1][device];
	*denied = allow ? *denied & (u8)~protocols_ : *denied | protocols_;
	return SCMI_SUCCESS;
}

static int device_permissions(struct scmi_call *c)
{
	const u32 of_agent = scmi_param(c, 0), flags = scmi_param(c, 2);
	const int status = may_set(c, of_agent, flags);

	return status ? status
		      : set(c, of_agent, scmi_param(c, 1), SCMI_DENY_ALL, flags & SCMI_ALLOW);
}

static int protocol_permissions(struct scmi_call *c)
{
	const u32 of_agent = scmi_param(c, 0), protocol = scmi_param(c, 2),
		  flags = scmi_param(c, 3);
	const int status = may_set(c, of_agent, flags);

	if (status)
		return status;
	/* The base protocol is everybody's. */
	if (protocol == SCMI_BASE)
		return SCMI_INVALID_PARAMETERS;
	for (u32 i = 1; i < SCMI_PROTOCOLS; i++)
		if (scmi_protocols[i]->id == protocol)
			return set(c, of_agent, scmi_param(c, 1), SCMI_DENY(protocol),
				   flags & SCMI_ALLOW);
	return SCMI_NOT_FOUND;
}

/* What other agents have set up is in their devices; of these no more than permissions are here. */
static int reset_agent(struct scmi_call *c)
{
	const u32 of_agent = scmi_param(c, 0), flags = scmi_param(c, 1);
	struct rscmi *s = c->s;
	int status = may_set(c, of_agent, flags);

	/* Of itself everybody may. */
	if (status == SCMI_DENIED && of_agent == s->agent && !flags)
		status = SCMI_SUCCESS;
	if (status)
		return status;
	if (flags & SCMI_RESET_ALLOWED)
		memcpy(s->denied[of_agent - 1], s->p->agents[of_agent - 1].denied,
		       sizeof(s->denied[0]));
	if (of_agent != s->agent)
		return SCMI_SUCCESS;
	s->tell_errors = false;
	s->num_errors = 0;
	s->hw->ops->reset(s->hw);
	scmi_clock_init(s);
	scmi_reset_init(s);
	scmi_sensor_init(s);
	return SCMI_SUCCESS;
}

/* --- base errors --------------------------------------------------------------------------------------------- */

/* None is fatal: the agent's next command is obeyed. */
static u32 event(struct rscmi *s, u8 *payload, u8 *message)
{
	const u32 len = 8 + 8 * s->num_errors;

	if (!s->num_errors || !payload)
		return s->num_errors ? len : 0;
	*message = SCMI_BASE_ERROR;
	scmi_put(payload, s->agent);
	scmi_put(payload + 4, s->num_errors);
	for (u32 i = 0; i < s->num_errors; i++)
		scmi_put64(payload + 8 + 8 * i, s->errors[i]);
	s->num_errors = 0;
	return len;
}

static const struct scmi_command commands[] = {
	[SCMI_BASE_VENDOR] = { vendor, .answer = SCMI_NAME },
	[SCMI_BASE_SUB_VENDOR] = { sub_vendor, .answer = SCMI_NAME },
	[SCMI_BASE_IMPLEMENTATION] = { implementation, .answer = 4 },
	[SCMI_BASE_PROTOCOLS] = { protocols, .params = 4, .answer = 4 },
	[SCMI_BASE_AGENT] = { agent, .params = 4, .answer = 4 + SCMI_NAME },
	[SCMI_BASE_NOTIFY_ERRORS] = { notify_errors, .params = 4, .notify = 1 },
	[SCMI_BASE_DEVICE_PERMISSIONS] = { device_permissions, .params = 12 },
	[SCMI_BASE_PROTOCOL_PERMISSIONS] = { protocol_permissions, .params = 16 },
	[SCMI_BASE_RESET_AGENT] = { reset_agent, .params = 8 },
};

const struct scmi_protocol scmi_base_protocol = {
	.id = SCMI_BASE,
	.num = ARRAY_SIZE(commands),
	.version = 0x20001,
	.commands = commands,
	.answer = 4,
	.attributes = attributes,
	.event = event,
};
