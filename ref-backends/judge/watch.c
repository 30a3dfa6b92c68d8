// SPDX-License-Identifier: BSD-3-Clause
/* Each hook runs the rules of its kind of event and keeps what later rules need. */
#include "ref-backends/judge/watch.h"

#include <stdlib.h>
#include <string.h>

#include "ref-backends/judge/packed.h"
#include "ref-backends/judge/registers.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/steps.h"

static struct jd_state state;
static u32 device; /* its type */

/* Descriptors of the chains in flight, as a sum per head; the ring's thread only. */
static struct in_flight {
	u32 num;
	u64 *sums; /* 0: none */
} in_flight[JD_RINGS];

#define MAX_RULES 64 /* of one table */

/* How often a rule had something to look at, in the order of its table. */
static u64 message_looked[MAX_RULES], status_looked[MAX_RULES], chain_looked[MAX_RULES],
	packed_looked[MAX_RULES], start_looked[MAX_RULES], avail_looked[MAX_RULES],
	blk_looked[MAX_RULES], net_looked[MAX_RULES], command_looked[MAX_RULES],
	buffer_looked[MAX_RULES], net_config_looked, i2c_looked[MAX_RULES], gpio_looked[MAX_RULES],
	gpio_event_looked[MAX_RULES], scmi_looked[MAX_RULES], scmi_event_looked[MAX_RULES];

#define NET_CONFIG_WRITTEN "v14.net.cfg.drv.1"

/* Rules that are code of this file. */
enum {
	OWN_ANSWER_REPLY,
	OWN_ANSWER_VERSION,
	OWN_RUNAWAY,
	OWN_CHANGED,
	OWNS
};
static const char *const own_clauses[OWNS] = {
	[OWN_ANSWER_REPLY] = "VU.hdr.reply.fe.2",
	[OWN_ANSWER_VERSION] = "VU.hdr.version.fe.1",
	[OWN_RUNAWAY] = "v14.split-ring.avail-ring.drv.1",
	[OWN_CHANGED] = "v14.init.device-cleanup.drv.1",
};
static u64 own_looked[OWNS];

/* An SCMI device's event queue: whether there ever was a buffer in it. */
#define EVENTQ_EMPTY "v14.scmi.eventq-setup.drv.1"
static struct {
	const struct vub_ring *ring; /* the device's thread only */
	u32 commands;		     /* atomic; with VIRTIO_SCMI_F_P2A_CHANNELS */
	bool filled;		     /* atomic */
	u64 looked;
} eventq;

static void device_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; jd_blk_rules[i].clause; i++)
		claim(jd_blk_rules[i].clause, blk_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_NET && jd_net_rules[i].clause; i++)
		claim(jd_net_rules[i].clause, net_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_NET && jd_net_command_rules[i].clause; i++)
		claim(jd_net_command_rules[i].clause, command_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_NET && jd_net_buffer_rules[i].clause; i++)
		claim(jd_net_buffer_rules[i].clause, buffer_looked[i]);
	if (device == VIRTIO_ID_NET)
		claim(NET_CONFIG_WRITTEN, net_config_looked);
	for (size_t i = 0; device == VIRTIO_ID_I2C_ADAPTER && jd_i2c_rules[i].clause; i++)
		claim(jd_i2c_rules[i].clause, i2c_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_GPIO && jd_gpio_rules[i].clause; i++)
		claim(jd_gpio_rules[i].clause, gpio_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_GPIO && jd_gpio_event_rules[i].clause; i++)
		claim(jd_gpio_event_rules[i].clause, gpio_event_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_SCMI && jd_scmi_rules[i].clause; i++)
		claim(jd_scmi_rules[i].clause, scmi_looked[i]);
	for (size_t i = 0; device == VIRTIO_ID_SCMI && jd_scmi_event_rules[i].clause; i++)
		claim(jd_scmi_event_rules[i].clause, scmi_event_looked[i]);
	if (device == VIRTIO_ID_SCMI && !jd_reg_seen())
		claim(EVENTQ_EMPTY, eventq.looked);
	if (device == VIRTIO_ID_CONSOLE)
		jd_console_claims(claim);
	if (device == VIRTIO_ID_VSOCK)
		jd_vsock_claims(claim);
}

void jd_claims(jd_claim_fn *claim)
{
	device_claims(claim);
	/* Of messages, rings and kicks only a front-end's are seen. */
	if (jd_reg_seen()) {
		jd_reg_claims(claim);
		return;
	}
	for (size_t i = 0; jd_message_rules[i].clause; i++)
		claim(jd_message_rules[i].clause, message_looked[i]);
	for (size_t i = 0; jd_status_rules[i].clause; i++)
		claim(jd_status_rules[i].clause, status_looked[i]);
	for (size_t i = 0; jd_chain_rules[i].clause; i++)
		claim(jd_chain_rules[i].clause, chain_looked[i]);
	for (size_t i = 0; jd_packed_chain_rules[i].clause; i++)
		claim(jd_packed_chain_rules[i].clause, packed_looked[i]);
	for (size_t i = 0; jd_start_rules[i].clause; i++)
		claim(jd_start_rules[i].clause, start_looked[i]);
	for (size_t i = 0; jd_avail_rules[i].clause; i++)
		claim(jd_avail_rules[i].clause, avail_looked[i]);
	for (size_t i = 0; i < OWNS; i++)
		claim(own_clauses[i], own_looked[i]);
	jd_steps_claims(claim);
	jd_kicks_claims(claim);
	jd_iotlb_claims(claim);
	jd_packed_claims(claim);
}

static void reg_start(struct rreg *r)
{
	device = r->dev->ops->id;
	jd_reg_start(r);
}

static void session_start(struct vub_session *s)
{
	memset(&state, 0, sizeof(state));
	device = s->dev->ops->id;
	__atomic_store_n(&eventq.commands, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&eventq.filled, false, __ATOMIC_RELAXED);
	jd_steps_session_start();
	jd_iotlb_session_start();
}

static void session_end(struct vub_session *s)
{
	const u32 commands = __atomic_load_n(&eventq.commands, __ATOMIC_RELAXED);

	/* One command is not enough to say that it has forgotten to. */
	if (commands > 1 && !__atomic_load_n(&eventq.filled, __ATOMIC_RELAXED))
		jd_broke(EVENTQ_EMPTY,
			 "%u commands with VIRTIO_SCMI_F_P2A_CHANNELS, and never a buffer",
			 commands);
	jd_console_end();
	jd_iotlb_session_end(s);
	jd_kicks_session_end(s);
	jd_steps_session_end();
	jd_write();
}

static bool concerns(const u32 *ids, size_t n, u32 id)
{
	if (!ids[0])
		return true;
	for (size_t i = 0; i < n && ids[i]; i++)
		if (ids[i] == id)
			return true;
	return false;
}

static void remember(struct vub_session *s, const struct vub_request *rq)
{
	const struct vu_vring_state *ring = &rq->msg.state;

	switch (rq->msg.hdr.request) {
	case VU_SET_OWNER:
		state.owner = true;
		break;
	case VU_GET_VRING_BASE:
		if (ring->index < s->num_rings && s->rings[ring->index].started)
			state.stopped[ring->index] = true;
		break;
	case VU_SET_VRING_KICK:
		state.stopped[rq->msg.u64 & VU_VRING_INDEX_MASK] = false;
		break;
	case VU_RESET_DEVICE:
	case VU_SET_STATUS:
		/* A driver that begins anew begins at 0. */
		if (rq->msg.hdr.request == VU_RESET_DEVICE || rq->msg.u64 == 0)
			memset(state.stopped, 0, sizeof(state.stopped));
		break;
	default:
		break;
	}
}

static bool is_packed(const struct vub_session *s)
{
	return s->features & BIT_ULL(VIRTIO_F_RING_PACKED);
}

/* What a feature bit of a block device means, another device's does not; the same of layouts. */
static bool is_about(const char *clause, const struct vub_session *s)
{
	if (strncmp(clause, "v14.split-ring.", 15) == 0)
		return !is_packed(s);
	if (strncmp(clause, "v14.packed-ring.", 16) == 0)
		return is_packed(s);
	return strncmp(clause, "v14.blk.", 8) != 0 || s->dev->ops->id == VIRTIO_ID_BLOCK;
}

static void run_message_rules(const struct jd_message_rule *rules, u64 *looked,
			      const struct jd_message *m)
{
	u32 id = m->rq->msg.hdr.request;

	for (const struct jd_message_rule *rule = rules; rule->clause; rule++) {
		if (!concerns(rule->ids, ARRAY_SIZE(rule->ids), id) ||
		    !is_about(rule->clause, m->s))
			continue;
		jd_look(&looked[rule - rules]);
		if (rule->broken(m))
			jd_broke(rule->clause, "%s flags %#x size %u, %u descriptors",
				 vu_msg_name(VU_CHAN_MAIN, id), m->rq->msg.hdr.flags,
				 m->rq->msg.hdr.size, m->rq->nfds);
	}
}

static void message(struct vub_session *s, const struct vub_request *rq)
{
	struct jd_message m = {
		.s = s,
		.rq = rq,
		.spec = vu_msg_find(VU_CHAN_MAIN, rq->msg.hdr.request),
		.st = &state,
	};

	run_message_rules(jd_message_rules, message_looked, &m);
	run_message_rules(jd_status_rules, status_looked, &m);
	jd_kicks_message(s, rq);
	jd_steps_message(s, rq);
	jd_iotlb_message(s, rq);
	remember(s, rq);
}

static void answer(struct vub_session *s, const struct vu_header *hdr)
{
	jd_iotlb_answer(hdr);
	jd_look(&own_looked[OWN_ANSWER_REPLY]);
	jd_look(&own_looked[OWN_ANSWER_VERSION]);
	if (!(hdr->flags & VU_FLAG_REPLY))
		jd_broke(own_clauses[OWN_ANSWER_REPLY], "answer to %s with flags %#x",
			 vu_msg_name(VU_CHAN_BACKEND, hdr->request), hdr->flags);
	if ((hdr->flags & VU_FLAG_VERSION) != VU_VERSION)
		jd_broke(own_clauses[OWN_ANSWER_VERSION], "answer to %s with flags %#x",
			 vu_msg_name(VU_CHAN_BACKEND, hdr->request), hdr->flags);
}

static bool applies(const struct vub_ring *r, u64 with, u64 without)
{
	return (r->s->features & with) == with && !(r->s->features & without);
}

static void run_ring_rules(const struct jd_ring_rule *rules, u64 *looked, const struct vub_ring *r)
{
	for (const struct jd_ring_rule *rule = rules; rule->clause; rule++) {
		if (!applies(r, rule->with, rule->without))
			continue;
		jd_look(&looked[rule - rules]);
		if (rule->broken(r))
			jd_broke(rule->clause,
				 "ring %u at available index %u: avail flags %#x idx %u, "
				 "used flags %#x idx %u",
				 r->index, r->vq.last_avail, r->vq.avail->flags, r->vq.avail->idx,
				 r->vq.used->flags, r->vq.used->idx);
	}
}

static void ring_start(struct vub_ring *r)
{
	struct in_flight *f = &in_flight[r->index];

	if (device == VIRTIO_ID_SCMI && r->index == SCMI_EVENTQ)
		eventq.ring = r;
	jd_kicks_ring_start(r);
	if (r->ring.is_packed) {
		jd_packed_ring_start(r);
		return;
	}
	if (f->num < r->num) {
		free(f->sums);
		f->sums = calloc(r->num, sizeof(*f->sums));
		f->num = f->sums ? r->num : 0;
	} else {
		memset(f->sums, 0, f->num * sizeof(*f->sums));
	}
	run_ring_rules(jd_start_rules, start_looked, r);
}

static void avail(struct vub_ring *r, int error)
{
	if (r->ring.is_packed) {
		jd_packed_avail(r, error);
		return;
	}
	run_ring_rules(jd_avail_rules, avail_looked, r);
	jd_kicks_avail(r);
	jd_look(&own_looked[OWN_RUNAWAY]);
	if (error == DVQ_E_RUNAWAY)
		jd_broke(own_clauses[OWN_RUNAWAY],
			 "ring %u of %u: available index went from %u to %u", r->index, r->num,
			 r->vq.avail_seen, r->vq.avail->idx);
}

/* FNV-1a over the chain's descriptors as they stand in memory. Never 0. */
static u64 descriptors_sum(const struct vub_ring *r, u16 head)
{
	u64 sum = 0xcbf29ce484222325;
	u32 i = head;

	for (u32 n = 0; n < r->vq.num; n++) {
		struct vring_desc d;

		memcpy(&d, &r->vq.desc[i], sizeof(d));
		for (size_t b = 0; b < sizeof(d); b++)
			sum = (sum ^ ((const u8 *)&d)[b]) * 0x100000001b3;
		if (d.flags & VRING_DESC_F_INDIRECT) {
			/* As much of it as a chain can use. */
			u64 len = MIN(d.len, (u64)DVQ_MIN_LIMIT * sizeof(d));
			const u8 *table = jd_table(r, d.addr, &len);

			for (u64 b = 0; table && b < len; b++)
				sum = (sum ^ table[b]) * 0x100000001b3;
		}
		i = d.next;
		if (!(d.flags & VRING_DESC_F_NEXT) || i >= r->vq.num)
			break;
	}
	return sum | 1;
}

static void run_chain_rules(const struct jd_chain_rule *rules, u64 *looked,
			    const struct jd_chain *jc)
{
	const struct vub_ring *r = jc->r;

	for (const struct jd_chain_rule *rule = rules; rule->clause; rule++) {
		if (!applies(r, rule->with, rule->without))
			continue;
		jd_look(&looked[rule - rules]);
		if (rule->broken(jc))
			jd_broke(rule->clause, "ring %u of %u: chain %u, %u descriptors: %s",
				 r->index, r->num, jc->c->head, jc->c->descs,
				 dvq_error_name(jc->error));
	}
}

static void chain(struct vub_ring *r, const struct dvq_chain *c, int error)
{
	struct jd_chain jc = { .r = r, .c = c, .error = (enum dvq_error)error };

	if (r->ring.is_packed) {
		/* One of an earlier process has no place in this ring any more. */
		if (r->next_resubmit < r->n_resubmit)
			return;
		run_chain_rules(jd_packed_chain_rules, packed_looked, &jc);
		jd_packed_chain(r, c, error);
		return;
	}
	run_chain_rules(jd_chain_rules, chain_looked, &jc);
	if (c->head < in_flight[r->index].num)
		in_flight[r->index].sums[c->head] = error ? 0 : descriptors_sum(r, c->head);
}

static void used(struct vub_ring *r, u16 head)
{
	struct in_flight *f = &in_flight[r->index];

	if (r->ring.is_packed) {
		jd_packed_used(r, head);
		return;
	}
	if (head >= f->num || !f->sums[head])
		return;
	jd_look(&own_looked[OWN_CHANGED]);
	if (r->vq.desc && descriptors_sum(r, head) != f->sums[head])
		jd_broke(own_clauses[OWN_CHANGED],
			 "ring %u: the descriptors of chain %u changed before it was returned",
			 r->index, head);
	f->sums[head] = 0;
}

static void blk(struct rblk *dev, const struct rblk_req *req)
{
	u32 type = req->type == VIRTIO_BLK_T_IN ? JD_IN : req->type;

	for (const struct jd_blk_rule *rule = jd_blk_rules; rule->clause; rule++) {
		if (!concerns(rule->types, ARRAY_SIZE(rule->types), type))
			continue;
		jd_look(&blk_looked[rule - jd_blk_rules]);
		if (rule->broken(dev, req))
			jd_broke(rule->clause,
				 "type %u sector %llu: %llu bytes from the driver, %llu to it",
				 req->type, (unsigned long long)req->sector,
				 (unsigned long long)req->out_len, (unsigned long long)req->in_len);
	}
}

static bool has_features(const struct rnet *n, u64 with, u64 without)
{
	return (n->features & with) == with && !(n->features & without);
}

static void net_tx(struct rnet *n, const struct virtio_net_hdr_v1 *hdr, const struct net_frame *f)
{
	struct jd_net t = { .n = n, .hdr = hdr, .f = f, .have = MIN(f->len, (u32)NET_HEAD) };

	net_frame_copy(f, 0, t.head, t.have);
	net_parse(t.head, t.have, &t.at);
	for (const struct jd_net_rule *rule = jd_net_rules; rule->clause; rule++) {
		if (!has_features(n, rule->with, rule->without))
			continue;
		jd_look(&net_looked[rule - jd_net_rules]);
		if (rule->broken(&t))
			jd_broke(
				rule->clause,
				"pair %u: %u bytes with flags %#x, GSO type %#x of %u, headers %u, "
				"checksum from %u + %u, num_buffers %u",
				f->pair, f->len, hdr->flags, hdr->gso_type, le16(hdr->gso_size),
				le16(hdr->hdr_len), le16(hdr->csum_start), le16(hdr->csum_offset),
				le16(hdr->num_buffers));
	}
}

static void net_ctrl(struct rnet *n, const struct dvq_chain *c,
		     const struct virtio_net_ctrl_hdr *hdr)
{
	const struct jd_net_command command = { n, c, hdr };

	for (const struct jd_net_command_rule *rule = jd_net_command_rules; rule->clause; rule++) {
		if (rule->class != hdr->class || hdr->cmd > 63 ||
		    !(rule->commands >> hdr->cmd & 1) ||
		    (rule->broken != jd_net_always && !has_features(n, rule->with, rule->without)))
			continue;
		jd_look(&command_looked[rule - jd_net_command_rules]);
		/* Whose feature decides it is looked at by whoever has it, and broken by who has not. */
		if (rule->broken == jd_net_always ? !(n->features & rule->without)
						  : rule->broken(&command))
			jd_broke(rule->clause, "class %u command %u, %llu bytes", hdr->class,
				 hdr->cmd, (unsigned long long)c->readable);
	}
}

static void net_buffer(struct rnet *n, const struct dvq_chain *c)
{
	/* Who has come this far might have written to it. */
	jd_look(&net_config_looked);
	for (const struct jd_net_buffer_rule *rule = jd_net_buffer_rules; rule->clause; rule++) {
		if (!rule->concerns(n))
			continue;
		jd_look(&buffer_looked[rule - jd_net_buffer_rules]);
		if (c->writable < rule->least(n))
			jd_broke(rule->clause, "a receive buffer of %llu bytes, and not of %llu",
				 (unsigned long long)c->writable,
				 (unsigned long long)rule->least(n));
	}
}

static void net_config(struct rnet *n, u32 off, u32 len)
{
	(void)n;
	jd_look(&net_config_looked);
	jd_broke(NET_CONFIG_WRITTEN, "%u bytes at %u of the configuration space are written", len,
		 off);
}

static void i2c(struct ri2c *dev, const struct dvq_chain *c, const struct virtio_i2c_out_hdr *hdr)
{
	const struct jd_i2c q = { dev, c, hdr };

	for (const struct jd_i2c_rule *rule = jd_i2c_rules; rule->clause; rule++) {
		jd_look(&i2c_looked[rule - jd_i2c_rules]);
		if (rule->broken(&q))
			jd_broke(
				rule->clause,
				"address field %#x flags %#x: %llu bytes from the driver, %llu to it, "
				"%u descriptors",
				le16(hdr->addr), le32(hdr->flags), (unsigned long long)c->readable,
				(unsigned long long)c->writable, c->descs);
	}
}

static void gpio(struct rgpio *dev, const struct dvq_chain *c, const struct virtio_gpio_request *m)
{
	const struct jd_gpio t = { dev, c, m };

	for (const struct jd_gpio_rule *rule = jd_gpio_rules; rule->clause; rule++) {
		jd_look(&gpio_looked[rule - jd_gpio_rules]);
		if (rule->broken(&t))
			jd_broke(
				rule->clause,
				"type %u line %u value %#x: %llu bytes from the driver, %llu to it",
				le16(m->type), le16(m->gpio), le32(m->value),
				(unsigned long long)c->readable, (unsigned long long)c->writable);
	}
}

static void gpio_event(struct rgpio *dev, const struct dvq_chain *c, u16 line)
{
	const struct jd_gpio_event e = { dev, c, line };

	for (const struct jd_gpio_event_rule *rule = jd_gpio_event_rules; rule->clause; rule++) {
		jd_look(&gpio_event_looked[rule - jd_gpio_event_rules]);
		if (rule->broken(&e))
			jd_broke(rule->clause,
				 "a buffer for line %u: %llu bytes from the driver, %llu to it",
				 line, (unsigned long long)c->readable,
				 (unsigned long long)c->writable);
	}
}

static bool has_buffers(const struct vub_ring *r)
{
	const struct dvq_packed *p = &r->ring.packed;

	if (!r->started || !r->ring.split.desc)
		return false;
	if (!r->ring.is_packed)
		return r->vq.avail->idx != r->vq.used->idx || r->vq.used->idx;
	/* The first is available, or was. */
	return p->desc[p->avail.off].flags != 0;
}

static void scmi(struct rscmi *dev, const struct dvq_chain *c, const u8 *bytes, u32 have)
{
	struct jd_scmi t = { dev, c, .have = have, .params = bytes + SCMI_HEADER };

	t.header = bytes[0] | (u32)bytes[1] << 8 | (u32)bytes[2] << 16 | (u32)bytes[3] << 24;
	if (dev->features & BIT_ULL(VIRTIO_SCMI_F_P2A_CHANNELS)) {
		jd_look(&eventq.looked);
		__atomic_fetch_add(&eventq.commands, 1, __ATOMIC_RELAXED);
		if (eventq.ring && has_buffers(eventq.ring))
			__atomic_store_n(&eventq.filled, true, __ATOMIC_RELAXED);
	}
	for (const struct jd_scmi_rule *rule = jd_scmi_rules; rule->clause; rule++) {
		jd_look(&scmi_looked[rule - jd_scmi_rules]);
		if (rule->broken(&t))
			jd_broke(rule->clause, "header %#x: %llu bytes from the driver, %llu to it",
				 t.header, (unsigned long long)c->readable,
				 (unsigned long long)c->writable);
	}
}

static void scmi_event(struct rscmi *dev, const struct dvq_chain *c, u32 len)
{
	const struct jd_scmi_event e = { c, len };

	for (const struct jd_scmi_event_rule *rule = jd_scmi_event_rules; rule->clause; rule++) {
		jd_look(&scmi_event_looked[rule - jd_scmi_event_rules]);
		if (rule->broken(&e))
			jd_broke(rule->clause,
				 "a buffer of %llu bytes from the driver and %llu to it, for %u",
				 (unsigned long long)c->readable, (unsigned long long)c->writable,
				 len);
	}
}

const struct judge_ops jd_watch_ops = {
	.session_start = session_start,
	.session_end = session_end,
	.message = message,
	.answer = answer,
	.miss = jd_iotlb_miss,
	.miss_answered = jd_iotlb_answered,
	.reg_start = reg_start,
	.reg_write = jd_reg_write,
	.reg_read = jd_reg_read,
	.pci_notify = jd_reg_pci_notify,
	.ring_start = ring_start,
	.avail = avail,
	.chain = chain,
	.used = used,
	.blk = blk,
	.net_tx = net_tx,
	.net_ctrl = net_ctrl,
	.net_buffer = net_buffer,
	.net_config = net_config,
	.i2c = i2c,
	.gpio = gpio,
	.gpio_event = gpio_event,
	.scmi = scmi,
	.scmi_event = scmi_event,
	.console_data = jd_console_data,
	.console_control = jd_console_control,
	.console_told = jd_console_told,
	.console_reset = jd_console_reset,
	.vsock = jd_vsock,
};
