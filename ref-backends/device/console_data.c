// SPDX-License-Identifier: BSD-3-Clause
/* Bytes between the driver and the ends of the ports. */
#include "ref-backends/device/console_data.h"

#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

/* --- between the rings and the fifos ---------------------------------------------------------------------------- */

static u32 fifo_space(const struct con_port *p)
{
	return CON_FIFO - p->in_count;
}

static u32 fifo_put(struct con_port *p, const u8 *bytes, u32 len)
{
	const u32 n = MIN(len, fifo_space(p));

	for (u32 i = 0; i < n; i++)
		p->in[(p->in_at + p->in_count + i) % CON_FIFO] = bytes[i];
	p->in_count += n;
	return n;
}

void con_serve_rx(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	u32 len = 0;

	if (!p || !p->in_count) {
		con_leave(req);
		return;
	}
	while (p->in_count) {
		const u32 piece = MIN(p->in_count, CON_FIFO - p->in_at);
		const u32 n = dvq_chain_scatter(&req->chain, len, p->in + p->in_at, piece);

		p->in_at = (p->in_at + n) % CON_FIFO;
		p->in_count -= n;
		len += n;
		if (n < piece)
			break;
	}
	if (fault_active && fault_active->console_input)
		fault_active->console_input(c, req, len);
	con_finish(c, req, len);
	if (p->end->ops->wanted)
		p->end->ops->wanted(p->end);
}

/* Which chain it is, as far as that can be told of one that is taken again. */
static u64 chain_mark(const struct dvq_chain *chain)
{
	return chain->readable << 16 | chain->head;
}

/* All of it, or as much as the end takes; how far that is. */
static u32 send(struct con_port *p, const struct dvq_chain *chain, u32 from)
{
	u32 begin = 0;

	for (u32 i = 0; i < chain->n_readable; i++) {
		const struct dvq_seg *s = &chain->segs[i];
		const u32 len = (u32)s->len, at = from > begin ? from - begin : 0;
		u32 n;

		if (at < len) {
			n = p->end->ops->write(p->end, (const u8 *)s->base + at, len - at);
			from += n;
			if (n < len - at)
				break;
		}
		begin += len;
	}
	return from;
}

void con_serve_tx(struct rcon *c, struct rdev_req *req, struct con_port *p)
{
	const struct dvq_chain *chain = &req->chain;
	u32 from;

	if (judge_active)
		judge_active->console_data(c, chain, req->queue);
	if (fault_active && fault_active->console_output)
		p = fault_active->console_output(c, req, p);
	if (!p || !p->end->there ||
	    !con_is(c, p->end->port, CON_GOES_OUT, chain->readable <= 0xffffffffu)) {
		if (p)
			p->sent = 0;
		con_finish(c, req, 0);
		return;
	}
	from = p->sent_of == chain_mark(chain) ? p->sent : 0;
	p->sent = send(p, chain, from);
	p->sent_of = chain_mark(chain);
	if (p->sent < chain->readable && p->end->there) {
		p->end->full = true;
		con_leave(req);
		return;
	}
	p->sent = 0;
	con_finish(c, req, 0);
}

/* --- ends -------------------------------------------------------------------------------------------------------- */

static struct con_port *port_of_end(const struct con_end *e)
{
	return &e->con->port[e->port];
}

u32 con_end_input(struct con_end *e, const u8 *bytes, u32 len)
{
	const u32 n = fifo_put(port_of_end(e), bytes, len);

	if (n)
		rdev_wake(&e->con->dev, con_rx_of(e->port));
	return n;
}

u32 con_end_space(const struct con_end *e)
{
	return fifo_space(port_of_end(e));
}

void con_end_room(struct con_end *e)
{
	if (!e->full)
		return;
	e->full = false;
	rdev_wake(&e->con->dev, con_rx_of(e->port) + 1);
}

void con_end_there(struct con_end *e, bool there)
{
	e->there = there;
	e->full = false;
	rdev_wake(&e->con->dev, con_rx_of(e->port) + 1);
	if (e->con->offered & BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT))
		rdev_wake(&e->con->dev, CON_CONTROL_RX);
}

static u32 loop_write(struct con_end *e, const u8 *bytes, u32 len)
{
	u32 at = 0, n;

	/* Who is told of it may take it at once: then there is room again. */
	while (at < len && (n = con_end_input(e, bytes + at, len - at)))
		at += n;
	return at;
}

static void loop_emergency(struct con_end *e, u8 character)
{
	con_end_input(e, &character, 1);
}

void con_loop_init(struct con_end *e)
{
	static const struct con_end_ops ops = {
		.write = loop_write,
		.emergency = loop_emergency,
		.wanted = con_end_room,
	};

	*e = (struct con_end){ .ops = &ops, .there = true };
}
