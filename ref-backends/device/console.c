// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/console.h"

#include <string.h>

#include "ref-backends/device/console_data.h"
#include "ref-backends/device/plain.h"
#include "ref-backends/fault/fault.h"
#include "ref-backends/judge/judge.h"

#define SIZE	    BIT_ULL(VIRTIO_CONSOLE_F_SIZE)
#define MULTIPORT   BIT_ULL(VIRTIO_CONSOLE_F_MULTIPORT)
#define EMERG_WRITE BIT_ULL(VIRTIO_CONSOLE_F_EMERG_WRITE)

#define EMERG_AT offsetof(struct virtio_console_config, emerg_wr)

static struct rcon *con_of(struct rdev *dev)
{
	return (struct rcon *)dev;
}

bool con_is(struct rcon *c, u16 port, enum con_what what, bool due)
{
	return fault_active && fault_active->console_is
		       ? fault_active->console_is(c, port, what, due)
		       : due;
}

static bool is_control(u16 queue)
{
	return queue == CON_CONTROL_RX || queue == CON_CONTROL_TX;
}

/* The port of a queue that the driver may use, or NULL. */
static struct con_port *port_of(struct rcon *c, u16 queue)
{
	const u16 n = queue < 2 ? 0 : (queue - 2) / 2;
	struct con_port *p = n < c->ports ? &c->port[n] : NULL;

	if (!p || is_control(queue) || !p->present)
		return NULL;
	return con_multiport(c) || n == 0 ? p : NULL;
}

/* --- what the driver is told ------------------------------------------------------------------------------ */

static void message(struct con_message *m, u16 port, u16 event, u16 value)
{
	m->hdr.id = le32(port);
	m->hdr.event = le16(event);
	m->hdr.value = le16(value);
	m->more_len = 0;
}

static u32 name_length(const struct con_port *p)
{
	u32 n = 0;

	while (n < CON_NAME_MAX && p->name[n])
		n++;
	return n;
}

/* The virtio_console_resize of the text: columns come first. */
static void sized(struct con_message *m, u32 size)
{
	m->more[0] = (u8)(size >> 16);
	m->more[1] = (u8)(size >> 24);
	m->more[2] = (u8)size;
	m->more[3] = (u8)(size >> 8);
	m->more_len = 4;
}

static u32 size_now(const struct rcon *c)
{
	return __atomic_load_n(&c->size, __ATOMIC_RELAXED);
}

/* Of a port that the driver knows and has set up. */
static bool next_of_ready(struct rcon *c, u16 i, struct con_message *m)
{
	struct con_port *p = &c->port[i];

	if (p->due & CON_DUE_CONSOLE) {
		message(m, i, VIRTIO_CONSOLE_CONSOLE_PORT, 1);
	} else if (p->due & CON_DUE_NAME) {
		message(m, i, VIRTIO_CONSOLE_PORT_NAME, 1);
		m->more_len = name_length(p);
		memcpy(m->more, p->name, m->more_len);
	} else if (i == 0 && p->console && c->features & SIZE && p->told_size != size_now(c)) {
		message(m, i, VIRTIO_CONSOLE_RESIZE, 1);
		sized(m, size_now(c));
	} else if (p->told_there != p->end->there) {
		message(m, i, VIRTIO_CONSOLE_PORT_OPEN, p->end->there);
	} else {
		return false;
	}
	return true;
}

static bool next_message(struct rcon *c, struct con_message *m)
{
	for (u16 i = 0; i < c->ports; i++) {
		struct con_port *p = &c->port[i];

		if (p->announced && (!p->present || p->replaced)) {
			message(m, i, VIRTIO_CONSOLE_PORT_REMOVE, 1);
			return true;
		}
		if (p->present && !p->announced) {
			message(m, i, VIRTIO_CONSOLE_PORT_ADD, 1);
			return true;
		}
		if (p->announced && p->ready && next_of_ready(c, i, m))
			return true;
	}
	return false;
}

static void forget_driver(struct con_port *p)
{
	p->announced = p->ready = p->opened = p->told_there = p->replaced = false;
	p->told_size = 0;
	p->due = 0;
	p->sent = 0;
}

static void told(struct rcon *c, const struct con_message *m)
{
	struct con_port *p = &c->port[le32(m->hdr.id)];

	switch (le16(m->hdr.event)) {
	case VIRTIO_CONSOLE_PORT_REMOVE:
		forget_driver(p);
		break;
	case VIRTIO_CONSOLE_PORT_ADD:
		p->announced = true;
		p->replaced = false;
		break;
	case VIRTIO_CONSOLE_CONSOLE_PORT:
		p->due &= (u8)~CON_DUE_CONSOLE;
		break;
	case VIRTIO_CONSOLE_PORT_NAME:
		p->due &= (u8)~CON_DUE_NAME;
		break;
	case VIRTIO_CONSOLE_RESIZE:
		p->told_size = (u32)(m->more[1] << 8 | m->more[0]) << 16 |
			       (u32)(m->more[3] << 8 | m->more[2]);
		break;
	default:
		p->told_there = le16(m->hdr.value);
	}
}

/* --- buffers that go back -------------------------------------------------------------------------------------- */

void con_finish(struct rcon *c, struct rdev_req *req, u32 len)
{
	req->used_len = len;
	if (fault_active && fault_active->console_done &&
	    fault_active->console_done(c, req) == FAULT_DONE)
		return;
	req->done(req);
}

void con_leave(struct rdev_req *req)
{
	req->used_len = 0;
	req->put_back = true;
	req->done(req);
}

/* --- control queues ------------------------------------------------------------------------------------------ */

static bool may_tell(struct rcon *c)
{
	return con_multiport(c) && con_is(c, 0, CON_MAY_TELL, c->driver_ready);
}

static void serve_control_rx(struct rcon *c, struct rdev_req *req)
{
	struct con_message m, as_sent;
	u32 len;

	if (!may_tell(c) || !next_message(c, &m)) {
		con_leave(req);
		return;
	}
	len = sizeof(m.hdr) + m.more_len;
	if (req->chain.writable < len) {
		con_finish(c, req, 0);
		return;
	}
	as_sent = m;
	if (fault_active && fault_active->console_message)
		fault_active->console_message(c, &as_sent);
	dvq_chain_scatter(&req->chain, 0, (const u8 *)&as_sent.hdr, sizeof(as_sent.hdr));
	dvq_chain_scatter(&req->chain, sizeof(m.hdr), as_sent.more, m.more_len);
	told(c, &m);
	if (judge_active)
		judge_active->console_told(c, &m.hdr);
	con_finish(c, req, len);
}

static void port_ready(struct rcon *c, struct con_port *p, bool success)
{
	if (success && !p->ready)
		p->due = (p->console ? CON_DUE_CONSOLE : 0) | (p->name[0] ? CON_DUE_NAME : 0);
	p->ready = success;
}

static void obey(struct rcon *c, const struct virtio_console_control *m)
{
	const u32 id = le32(m->id);
	const u16 event = le16(m->event);
	struct con_port *p = id < c->ports && c->port[id].announced ? &c->port[id] : NULL;

	if (event == VIRTIO_CONSOLE_DEVICE_READY)
		c->driver_ready |= le16(m->value) == 1;
	else if (p && event == VIRTIO_CONSOLE_PORT_READY)
		port_ready(c, p, le16(m->value) == 1);
	else if (p && event == VIRTIO_CONSOLE_PORT_OPEN)
		p->opened = le16(m->value) == 1;
	else
		return;
	rdev_wake(&c->dev, CON_CONTROL_RX);
	if (p && p->opened)
		rdev_wake(&c->dev, con_rx_of((u16)id));
}

static void serve_control_tx(struct rcon *c, struct rdev_req *req)
{
	struct virtio_console_control m = { 0 };
	bool whole = dvq_chain_gather(&req->chain, &m, sizeof(m)) == sizeof(m);

	if (judge_active)
		judge_active->console_control(c, &req->chain, whole ? &m : NULL);
	if (fault_active && fault_active->console_control)
		whole = fault_active->console_control(c, &req->chain, &m, whole);
	if (whole && con_multiport(c))
		obey(c, &m);
	con_finish(c, req, 0);
}

static void con_serve(struct rdev *dev, struct rdev_req *req)
{
	struct rcon *c = con_of(dev);

	if (judge_active && !(req->queue & 1))
		judge_active->console_data(c, &req->chain, req->queue);
	if (req->queue == CON_CONTROL_RX)
		serve_control_rx(c, req);
	else if (req->queue == CON_CONTROL_TX)
		serve_control_tx(c, req);
	else if (req->queue & 1)
		con_serve_tx(c, req, port_of(c, req->queue));
	else
		con_serve_rx(c, req, port_of(c, req->queue));
}

static bool con_ready(struct rdev *dev, u16 queue)
{
	struct rcon *c = con_of(dev);
	const struct con_port *p = port_of(c, queue);
	struct con_message m;

	if (queue == CON_CONTROL_RX) {
		for (u16 i = 0; i < c->ports; i++)
			if (__atomic_exchange_n(&c->port[i].turn, false, __ATOMIC_RELAXED))
				rcon_plug(c, i, !c->port[i].present);
		return may_tell(c) && next_message(c, &m);
	}
	if (queue & 1)
		return !p || !p->end->there || !p->end->full;
	return p && p->in_count && (p->opened || !con_multiport(c));
}

/* --- the outside --------------------------------------------------------------------------------------------------- */

void rcon_plug(struct rcon *c, u16 port, bool present)
{
	struct con_port *p = &c->port[port];

	if (port >= c->ports || !p->end || p->present == present)
		return;
	p->present = present;
	if (present && p->announced)
		p->replaced = true;
	p->opened = false;
	p->sent = 0;
	for (u16 q = 0; q < 2; q++)
		rdev_wake(&c->dev, con_rx_of(port) + q);
	if (c->offered & MULTIPORT)
		rdev_wake(&c->dev, CON_CONTROL_RX);
}

bool rcon_set_size(struct rcon *c, u16 cols, u16 rows)
{
	const u32 size = (u32)cols << 16 | rows;

	if (__atomic_exchange_n(&c->size, size, __ATOMIC_RELAXED) == size)
		return false;
	if (c->offered & MULTIPORT)
		rdev_wake(&c->dev, CON_CONTROL_RX);
	return true;
}

void rcon_next_size(struct rcon *c, u16 cols, u16 rows)
{
	__atomic_store_n(&c->next_size, (u32)cols << 16 | rows, __ATOMIC_RELAXED);
}

/* Ports that turn do, when their thread looks next. */
static void turn(struct rcon *c)
{
	for (u16 i = 0; i < c->ports && c->offered & MULTIPORT; i++) {
		if (!c->port[i].turns)
			continue;
		__atomic_store_n(&c->port[i].turn, true, __ATOMIC_RELAXED);
		rdev_wake(&c->dev, CON_CONTROL_RX);
	}
}

/* The size that was asked for, or of the terminal that the first port is attached to; without either it grows. */
static bool con_resized(struct rdev *dev)
{
	struct rcon *c = con_of(dev);
	struct con_end *e = c->port[0].end;
	const u32 now = size_now(c), next = __atomic_exchange_n(&c->next_size, 0, __ATOMIC_RELAXED);
	u16 cols = (u16)((now >> 16) + 1), rows = (u16)(now + 1);

	if (!next)
		turn(c);
	if (!(c->offered & SIZE))
		return false;
	if (next)
		return rcon_set_size(c, (u16)(next >> 16), (u16)next);
	if (e->ops->size)
		e->ops->size(e, &cols, &rows);
	return rcon_set_size(c, cols, rows);
}

/* --- the device ---------------------------------------------------------------------------------------------------- */

static u64 con_features(struct rdev *dev)
{
	return con_of(dev)->offered;
}

static void con_negotiated(struct rdev *dev, u64 features)
{
	con_of(dev)->features = features;
}

static void con_reset(struct rdev *dev)
{
	struct rcon *c = con_of(dev);

	if (judge_active)
		judge_active->console_reset(c);
	c->features = 0;
	c->driver_ready = false;
	for (u16 i = 0; i < c->ports; i++)
		forget_driver(&c->port[i]);
}

static void con_config(struct rdev *dev, u8 *image)
{
	const struct rcon *c = con_of(dev);
	const u32 size = size_now(c);
	struct virtio_console_config cfg = { 0 };

	if (c->offered & SIZE) {
		cfg.cols = le16((u16)(size >> 16));
		cfg.rows = le16((u16)size);
	}
	if (c->offered & MULTIPORT)
		cfg.max_nr_ports = le32(c->ports);
	memcpy(image, &cfg, sizeof(cfg));
}

/* Does the write cover emerg_wr, and leave the rest as it is? */
static bool is_emergency(struct rdev *dev, u32 off, const u8 *data, u32 len)
{
	u8 image[sizeof(struct virtio_console_config)];

	if (off > EMERG_AT || len > sizeof(image) - off || off + len <= EMERG_AT)
		return false;
	con_config(dev, image);
	return memcmp(image + off, data, EMERG_AT - off) == 0;
}

static bool con_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	struct rcon *c = con_of(dev);
	struct con_end *e = c->port[0].end;
	const bool good = c->offered & EMERG_WRITE && is_emergency(dev, off, data, len);

	if (!con_is(c, 0, CON_WRITABLE, good))
		return false;
	/* What another device has emitted already is not emitted again. */
	if (!migration && con_is(c, 0, CON_EMITTED, true))
		e->ops->emergency(e, data[EMERG_AT - off]);
	return true;
}

static int con_queue_open(struct rdev *dev, u16 queue, struct reactor *reactor)
{
	struct rcon *c = con_of(dev);

	for (u16 i = 0; !c->open && i < c->ports; i++) {
		struct con_end *e = c->port[i].end;

		if (e && e->ops->open && e->ops->open(e, reactor) < 0)
			return -1;
	}
	c->open++;
	return 0;
}

static void con_queue_close(struct rdev *dev, u16 queue)
{
	struct rcon *c = con_of(dev);

	c->open--;
	for (u16 i = 0; !c->open && i < c->ports; i++) {
		struct con_end *e = c->port[i].end;

		if (e && e->ops->close)
			e->ops->close(e);
	}
}

static const struct rdev_ops con_ops = {
	.name = "console",
	.id = VIRTIO_ID_CONSOLE,
	.config_size = sizeof(struct virtio_console_config),
	.req_size = sizeof(struct rdev_req),
	.one_thread = true,
	.features = con_features,
	.negotiated = con_negotiated,
	.reset = con_reset,
	.config = con_config,
	.config_write = con_config_write,
	.resized = con_resized,
	.queue_open = con_queue_open,
	.queue_close = con_queue_close,
	.serve = con_serve,
	.ready = con_ready,
};

void rcon_init(struct rcon *c, const struct con_opts *o)
{
	memset(c, 0, sizeof(*c));
	c->dev.ops = &con_ops;
	c->offered = (SIZE | MULTIPORT | EMERG_WRITE) & ~o->hidden;
	c->ports = c->offered & MULTIPORT ? o->ports : 1;
	c->dev.num_queues = c->offered & MULTIPORT ? 2 * c->ports + 2 : 2;
	c->size = (u32)o->cols << 16 | o->rows;
}

bool rcon_attach(struct rcon *c, u16 port, struct con_end *end, const char *name, bool console)
{
	struct con_port *p = &c->port[port];
	u32 len = 0;

	for (; name && name[len]; len++) {
		if (len == CON_NAME_MAX)
			return false;
		p->name[len] = name[len];
	}
	p->end = end;
	p->console = console;
	p->present = true;
	end->con = c;
	end->port = port;
	return true;
}
