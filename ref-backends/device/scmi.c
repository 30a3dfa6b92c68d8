// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/scmi.h"

#include "ref-backends/device/plain.h"
#include "ref-backends/device/scmi_call.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define P2A BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS)

#define RESERVED 0xf0000000u /* bits of a header */

const struct scmi_protocol *const scmi_protocols[SCMI_PROTOCOLS] = {
	&scmi_base_protocol, &scmi_clock_protocol, &scmi_sensor_protocol, &scmi_reset_protocol
};

static struct rscmi *scmi_of(struct rdev *dev)
{
	return (struct rscmi *)dev;
}

bool scmi_is(struct rscmi *s, enum scmi_what what, bool due)
{
	return fault_active && fault_active->scmi_is ? fault_active->scmi_is(s, what, due) : due;
}

/* --- names ----------------------------------------------------------------------------------------------- */

void scmi_text(struct scmi_call *c, const char *name, u32 size)
{
	u32 n = 0;

	while (n < size - 1 && name[n])
		n++;
	memset(c->out + c->out_len, 0, size);
	memcpy(c->out + c->out_len, name, n);
	c->out_len += size;
}

bool scmi_is_long(const char *name)
{
	for (u32 i = 0; i < SCMI_NAME; i++)
		if (!name[i])
			return false;
	return true;
}

int scmi_whole_name(struct scmi_call *c, const char *name)
{
	scmi_word(c, 0);
	scmi_text(c, name, SCMI_NAME_LONG);
	return SCMI_SUCCESS;
}

/* --- who may what ------------------------------------------------------------------------------------------ */

bool scmi_says_events(struct rscmi *s)
{
	return scmi_is(s, SCMI_SAYS_EVENTS, s->features & P2A);
}

bool scmi_allowed(struct rscmi *s, u8 protocol, size_t bits, u32 id)
{
	bool denied = false;

	for (u32 i = 0; i < s->p->num_devices; i++) {
		u32 its;

		memcpy(&its, (const u8 *)&s->p->devices[i] + bits, sizeof(its));
		denied |= its >> id & 1 && s->denied[s->agent - 1][i] & SCMI_DENY(protocol);
	}
	return scmi_is(s, SCMI_ALLOWED, !denied);
}

/* --- messages that all protocols have ---------------------------------------------------------------------- */

static const struct scmi_protocol *find(u8 id)
{
	for (u32 i = 0; i < SCMI_PROTOCOLS; i++)
		if (scmi_protocols[i]->id == id)
			return scmi_protocols[i];
	return NULL;
}

static int negotiate(struct scmi_call *c);
static int message_attributes(struct scmi_call *c);

static int version(struct scmi_call *c)
{
	scmi_word(c, find(scmi_protocol_of(c->header))->version);
	return SCMI_SUCCESS;
}

static int attributes(struct scmi_call *c)
{
	find(scmi_protocol_of(c->header))->attributes(c);
	return SCMI_SUCCESS;
}

static const struct scmi_command common[] = {
	[SCMI_VERSION] = { .run = version, .answer = 4 },
	[SCMI_ATTRIBUTES] = { .run = attributes },
	[SCMI_MESSAGE_ATTRIBUTES] = { .run = message_attributes, .params = 4, .answer = 4 },
	[SCMI_NEGOTIATE_VERSION] = { .run = negotiate, .params = 4 },
};

/* NULL: there is no such message. */
static const struct scmi_command *command_of(const struct scmi_protocol *p, u8 message)
{
	const struct scmi_command *c = NULL;

	if (message < ARRAY_SIZE(common) && common[message].run)
		c = &common[message];
	else if (p && message < p->num)
		c = &p->commands[message];
	return p && c && c->run ? c : NULL;
}

static int message_attributes(struct scmi_call *c)
{
	const u32 message = scmi_param(c, 0);
	const struct scmi_command *of =
		message < 0x100 ? command_of(find(scmi_protocol_of(c->header)), (u8)message) : NULL;

	if (!of || (of->notify && !scmi_says_events(c->s)))
		return SCMI_NOT_FOUND;
	scmi_word(c, 0);
	return SCMI_SUCCESS;
}

/* Nothing of an earlier version is kept for who does not know this one. */
static int negotiate(struct scmi_call *c)
{
	return scmi_param(c, 0) == find(scmi_protocol_of(c->header))->version ? SCMI_SUCCESS
									      : SCMI_NOT_SUPPORTED;
}

/* --- a command ---------------------------------------------------------------------------------------------- */

static bool wants_event(const struct scmi_command *cmd, const u8 *params, u32 len)
{
	if (cmd->notify && len >= 4u * cmd->notify)
		return scmi_get(params + 4 * (cmd->notify - 1)) & SCMI_NOTIFY_ENABLE;
	if (cmd->async && len >= 4u * cmd->async)
		return scmi_get(params + 4 * (cmd->async - 1)) & cmd->async_bit;
	return false;
}

static u32 answer_size(const struct scmi_protocol *p, const struct scmi_command *cmd, u8 message,
		       const u8 *params, u32 len)
{
	if (message == SCMI_ATTRIBUTES)
		return p->answer;
	return cmd->answer + (wants_event(cmd, params, len) ? 0u : cmd->at_once);
}

u32 rscmi_response_size(u32 header, const u8 *params, u32 len)
{
	const u8 message = scmi_message_of(header);
	const struct scmi_protocol *p = find(scmi_protocol_of(header));
	const struct scmi_command *cmd = command_of(p, message);

	return SCMI_HEADER + SCMI_STATUS +
	       (cmd && scmi_type_of(header) == SCMI_COMMAND
			? answer_size(p, cmd, message, params, len)
			: 0);
}

bool rscmi_wants_event(u32 header, const u8 *params, u32 len)
{
	const struct scmi_command *cmd =
		command_of(find(scmi_protocol_of(header)), scmi_message_of(header));

	return cmd && scmi_type_of(header) == SCMI_COMMAND && wants_event(cmd, params, len);
}

static int obey(struct scmi_call *c)
{
	const u8 message = scmi_message_of(c->header);
	const struct scmi_protocol *p = find(scmi_protocol_of(c->header));
	const struct scmi_command *cmd = command_of(p, message);

	if (scmi_type_of(c->header) != SCMI_COMMAND || c->header & RESERVED)
		return SCMI_PROTOCOL_ERROR;
	if (!cmd)
		return SCMI_NOT_SUPPORTED;
	if (c->len < cmd->params || c->room < answer_size(p, cmd, message, c->params, c->len))
		return SCMI_PROTOCOL_ERROR;
	/* Without an event queue there is no such message, and no such flag. */
	if ((cmd->notify || wants_event(cmd, c->params, c->len)) &&
	    !scmi_is(c->s, SCMI_HAS_EVENTS, c->s->features & P2A))
		return SCMI_NOT_SUPPORTED;
	return cmd->run(c);
}

static void serve_command(struct rscmi *s, struct rdev_req *req)
{
	const struct dvq_chain *chain = &req->chain;
	struct scmi_call c = { .s = s };
	u8 bytes[SCMI_HEADER + SCMI_PARAMS_MAX] = { 0 }, head[SCMI_HEADER + SCMI_STATUS];
	u8 answer[sizeof(head) + SCMI_ANSWER_MAX];
	u32 have = dvq_chain_gather(chain, bytes, sizeof(bytes));
	int status = SCMI_PROTOCOL_ERROR;

	c.header = scmi_get(bytes);
	c.len = have - MIN(have, (u32)SCMI_HEADER);
	memcpy(c.params, bytes + SCMI_HEADER, sizeof(c.params));
	if (judge_active)
		judge_active->scmi(s, chain, bytes, have);
	if (fault_active && fault_active->scmi_command)
		fault_active->scmi_command(s, &c, have);
	/* Nothing is done that cannot be answered. */
	if (have >= SCMI_HEADER && chain->writable >= sizeof(head)) {
		c.room = (u32)MIN(chain->writable - sizeof(head), (u64)SCMI_ANSWER_MAX);
		status = obey(&c);
	}
	if (status)
		c.out_len = 0;
	scmi_put(answer, c.header);
	scmi_put(answer + SCMI_HEADER, (u32)status);
	memcpy(answer + sizeof(head), c.out, c.out_len);
	req->used_len = have >= SCMI_HEADER && chain->writable >= sizeof(head)
				? (u32)sizeof(head) + c.out_len
				: 0;
	if (fault_active && fault_active->scmi_answer)
		fault_active->scmi_answer(s, &c, answer, &req->used_len);
	req->used_len = (u32)MIN((u64)req->used_len, chain->writable);
	dvq_chain_scatter(chain, 0, answer, req->used_len);
	req->done(req);
	scmi_look(s);
}

static void rscmi_serve(struct rdev *dev, struct rdev_req *req)
{
	if (req->queue == SCMI_EVENTQ)
		scmi_serve_event(scmi_of(dev), req);
	else
		serve_command(scmi_of(dev), req);
}

static bool rscmi_ready(struct rdev *dev, u16 queue)
{
	return queue != SCMI_EVENTQ || scmi_event_ready(scmi_of(dev));
}

/* --- the device ---------------------------------------------------------------------------------------------- */

/* A shared memory region there is none. */
static u64 rscmi_features(struct rdev *dev)
{
	return P2A;
}

static void rscmi_negotiated(struct rdev *dev, u64 features)
{
	scmi_of(dev)->features = features;
}

static void guard(struct rscmi *s, bool enter)
{
	if (s->hw->ops->guard)
		s->hw->ops->guard(s->hw, enter);
}

void rscmi_alarm(struct rscmi *s)
{
	guard(s, true);
	scmi_look(s);
	guard(s, false);
}

static void rscmi_reset(struct rdev *dev)
{
	struct rscmi *s = scmi_of(dev);

	guard(s, true);
	s->features = 0;
	s->tell_errors = false;
	s->num_errors = 0;
	memset(s->pending, 0, sizeof(s->pending));
	for (u32 i = 0; i < s->p->num_agents; i++)
		memcpy(s->denied[i], s->p->agents[i].denied, sizeof(s->denied[i]));
	s->hw->ops->reset(s->hw);
	scmi_clock_init(s);
	scmi_reset_init(s);
	scmi_sensor_init(s);
	s->hw->ops->alarm(s->hw, SCMI_NEVER);
	guard(s, false);
}

static int rscmi_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rscmi *s = scmi_of(dev);

	if (!s->open && s->hw->ops->open && s->hw->ops->open(s->hw, reactor) < 0)
		return -1;
	s->open++;
	return 0;
}

static void rscmi_queue_close(struct rdev *dev, u16 queue)
{
	struct rscmi *s = scmi_of(dev);

	if (--s->open == 0 && s->hw->ops->close)
		s->hw->ops->close(s->hw);
}

static const struct rdev_ops scmi_ops = {
	.name = "scmi",
	.id = VIRTIO_ID_SCMI,
	.req_size = sizeof(struct rdev_req),
	.one_thread = true,
	.features = rscmi_features,
	.negotiated = rscmi_negotiated,
	.reset = rscmi_reset,
	.config = plain_config,
	.config_write = plain_config_write,
	.resized = plain_resized,
	.queue_open = rscmi_queue_open,
	.queue_close = rscmi_queue_close,
	.serve = rscmi_serve,
	.ready = rscmi_ready,
};

void rscmi_init(struct rscmi *s, const struct scmi_platform *p, struct scmi_hw *hw, u32 agent)
{
	memset(s, 0, sizeof(*s));
	s->dev.ops = &scmi_ops;
	s->dev.num_queues = 2;
	s->p = p;
	s->hw = hw;
	s->agent = agent;
	hw->scmi = s;
	rscmi_reset(&s->dev);
}
