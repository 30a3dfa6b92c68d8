// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever a driver puts into its rings: every segment of a walked chain lies in guest memory, the
 * readable ones come first, the sums are right, a device serves it within its writable part, and
 * nothing runs for ever.
 *
 * Input: size and ring features (1), device and number of regions (1), base (2), features (8), of which
 * VIRTIO_F_RING_PACKED tells the layout, then guest memory from its beginning on: descriptor table,
 * available ring and used ring, or packed descriptors and what suppresses events, and what they point to.
 */
#include "ref-backends/device/blk.h"
#include "ref-backends/device/console.h"
#include "ref-backends/device/gpio_sim.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/i2c_sim.h"
#include "ref-backends/device/host/scmi_ini.h"
#include "ref-backends/device/rng.h"
#include "ref-backends/device/scmi_sim.h"
#include "ref-backends/device/vsock.h"
#include "ref-backends/virtqueue/ring.h"
#include "tests/fuzz/input.h"

#define REGION	 (4u << 10)
#define REGIONS	 3
#define SEGS	 64
#define SECTORS	 64
#define ADJACENT 0x10000u /* the first two regions adjoin … */
#define APART	 0x80000u /* … the third does not */

/* Each is an allocation: what runs over the end of one is found. */
static struct {
	u64 gpa;
	u8 *at;
} region[REGIONS];
static unsigned regions;

static union {
	struct rblk blk;
	struct rrng rng;
	struct ri2c i2c;
	struct rvsock vsock;
	struct rgpio gpio;
	struct rscmi scmi;
	struct rcon console;
} device;

/* A console's ports send back what they get. */
static struct con_end loops[2];

/* What an SCMI device is the platform of; no time passes. */
static struct {
	struct scmi_platform p;
	struct scmi_sim sim;
} board;

static struct gpio_sim lines;

/* What an I2C adapter has on its bus. */
static struct {
	struct i2c_sim sim;
	struct i2c_eeprom eeprom;
	struct i2c_lm75 lm75;
	u8 memory[256];
} bus;

static struct {
	union {
		struct rdev_req req; /* begins the device's own */
		struct rblk_req blk;
		struct ri2c_req i2c;
	};
	struct dvq *vq;
	unsigned done;
} request;

static void *translate(void *ctx, u64 gpa, u64 *len)
{
	for (unsigned i = 0; i < regions; i++) {
		u64 off = gpa - region[i].gpa;

		if (off < REGION) {
			*len = MIN(*len, REGION - off);
			return region[i].at + off;
		}
	}
	return NULL;
}

static const struct dvq_ops ops = { .translate = translate };

static bool in_memory(const struct dvq_seg *s)
{
	for (unsigned i = 0; i < regions; i++) {
		u64 off = (u64)((u8 *)s->base - region[i].at);

		if (off < REGION && s->len <= REGION - off)
			return true;
	}
	return false;
}

/* Segments [from, from + n), which hold so many bytes. */
static void look_at(const struct dvq_chain *c, u32 from, u32 n, u64 bytes)
{
	u64 sum = 0;

	MUST(from + n <= c->cap);
	for (u32 i = from; i < from + n; i++) {
		MUST(c->segs[i].len > 0);
		MUST(in_memory(&c->segs[i]));
		sum += c->segs[i].len;
	}
	MUST(sum == bytes);
}

static void done(struct rdev_req *req)
{
	const struct dvq_chain *c = &req->chain;

	request.done++;
	/* It is left where it is. */
	if (req->put_back) {
		dvq_ring_undo(request.vq, c);
		return;
	}
	MUST(req->used_len <= c->writable);
	/* As it was: this is what a dirty log is told of. */
	look_at(c, c->n_readable, c->n_writable, c->writable);
	dvq_ring_push(request.vq, c, req->used_len);
}

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0xa5, len);
}

/* A whole chain, as the walk has found it. */
static void serve_chain(struct rdev *dev, const struct dvq_chain *c)
{
	look_at(c, 0, c->n_readable, c->readable);
	look_at(c, c->n_readable, c->n_writable, c->writable);
	/* Whichever of its queues that is. */
	request.req.queue = c->head % dev->num_queues;
	if (dev->ops->ready && !dev->ops->ready(dev, request.req.queue)) {
		dvq_ring_push(request.vq, c, 0);
		return;
	}
	dev->ops->serve(dev, &request.req);
	if (dev->ops->served)
		dev->ops->served(dev, request.req.queue);
	if (!request.done && dev->ops->let_go)
		dev->ops->let_go(dev, request.req.queue);
	MUST(request.done == 1);
}

static void serve(struct dvq *vq, struct rdev *dev)
{
	struct dvq_seg segs[SEGS];
	struct dvq_chain *c = &request.req.chain;
	u32 fetched = 0;

	while (!dvq_ring_is_broken(vq)) {
		enum dvq_error e;

		memset(&request, 0, sizeof(request));
		request.vq = vq;
		request.req.done = done;
		*c = (struct dvq_chain){ .segs = segs, .cap = SEGS };
		e = dvq_ring_next(vq, c);
		if (e == DVQ_E_SEGS)
			e = dvq_ring_refuse(vq, c);
		if (e == DVQ_EMPTY || dvq_ring_is_broken(vq))
			break;
		/* A ring that does not change has no more than its size to give. */
		MUST(fetched++ < vq->split.num);
		MUST(vq->is_packed ? c->slots > 0 && c->slots <= vq->packed.num
				   : c->head < vq->split.num);
		if (e == DVQ_OK)
			serve_chain(dev, c);
		else
			dvq_ring_push(vq, c, 0);
		if (request.req.put_back)
			break;
		dvq_ring_notify_due(vq);
		/* The driver's parts may lie in what was just written: then it is another ring. */
		if (c->n_writable)
			break;
	}
	if (dvq_ring_is_broken(vq))
		return;
	dvq_ring_kick_enable(vq);
	dvq_ring_kick_disable(vq);
}

static u64 no_time(void *ctx)
{
	return 0;
}

static struct rdev *make_i2c(u64 features)
{
	i2c_sim_init(&bus.sim);
	i2c_eeprom_init(&bus.eeprom, 0x50, eeprom_type_find("24c02"), bus.memory, no_time, NULL);
	i2c_lm75_init(&bus.lm75, 0x48, 168);
	MUST(i2c_sim_add(&bus.sim, &bus.eeprom.chip) && i2c_sim_add(&bus.sim, &bus.lm75.chip));
	ri2c_init(&device.i2c, &bus.sim.bus);
	device.i2c.dev.ops->negotiated(&device.i2c.dev, features);
	return &device.i2c.dev;
}

static struct rdev *make_gpio(u64 features)
{
	gpio_sim_init(&lines, 8);
	MUST(gpio_sim_wire(&lines, 0, 1));
	MUST(gpio_port_name(&lines.port, "fuzz"));
	rgpio_init(&device.gpio, &lines.port, true);
	device.gpio.dev.ops->negotiated(&device.gpio.dev, features);
	return &device.gpio.dev;
}

static u64 scmi_now(struct scmi_hw *hw)
{
	return 0;
}

static void scmi_never(struct scmi_hw *hw, u64 at)
{
}

static struct rdev *make_scmi(u64 features)
{
	char why[100];

	MUST(board.p.num_agents || scmi_ini_parse(scmi_ini_usual, &board.p, why, sizeof(why)));
	scmi_sim_init(&board.sim, &board.p);
	board.sim.ops.now = scmi_now;
	board.sim.ops.alarm = scmi_never;
	rscmi_init(&device.scmi, &board.p, &board.sim.hw, 1);
	device.scmi.dev.ops->negotiated(&device.scmi.dev, features);
	return &device.scmi.dev;
}

/* --- what a socket device is connected to ------------------------------------------------------------------- */

#define FLOWS  4
#define BUFFER VSOCK_BUFFER_MIN

static struct {
	struct vsock_port port;
	u64 memory[(FLOWS * (BUFFER * 9 / 4 + 512) + (VSOCK_REPLIES + FLOWS) * VSOCK_HDR + 1024) /
		   8];
	u32 turn;
} sockets;

/* What it does is no matter of chance: the same input does the same. */
static u32 next_turn(void)
{
	return sockets.turn = sockets.turn * 1664525 + 1013904223;
}

static bool vs_connect(struct vsock_port *p, struct vsock_flow *f)
{
	return f->host_port != 0xffff;
}

static void vs_answered(struct vsock_port *p, struct vsock_flow *f)
{
	MUST(f->state == VSOCK_OPEN);
}

static long vs_send(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		    bool eor)
{
	u64 len = 0;

	for (u32 i = 0; i < n; i++) {
		MUST(segs[i].len > 0);
		for (size_t k = 0; k < segs[i].len; k++)
			sockets.turn ^= ((const u8 *)segs[i].base)[k];
		len += segs[i].len;
	}
	MUST(len > 0 && len <= MAX(BUFFER, REGION));
	if (next_turn() % 16 == 0)
		return VSOCK_BROKEN;
	if (next_turn() % 2)
		return 0;
	return f->type == VIRTIO_VSOCK_TYPE_SEQPACKET ? (long)len : (long)(1 + next_turn() % len);
}

static long vs_recv(struct vsock_port *p, struct vsock_flow *f, const struct dvq_seg *segs, u32 n,
		    bool *eor)
{
	long len = 0;

	if (next_turn() % 4 == 0)
		return next_turn() % 2 ? VSOCK_HOST_SENT_ALL : 0;
	if (next_turn() % 16 == 0)
		return VSOCK_BROKEN;
	for (u32 i = 0; i < n; i++) {
		memset(segs[i].base, 0x5a, segs[i].len);
		len += (long)segs[i].len;
	}
	*eor = len & 1;
	return len;
}

static void vs_shut(struct vsock_port *p, struct vsock_flow *f, bool receive, bool send)
{
	MUST(receive || send);
}

static void vs_end(struct vsock_port *p, struct vsock_flow *f)
{
	MUST(f->state != VSOCK_FREE || !f->called);
}

static const struct vsock_port_ops vs_ops = {
	.connect = vs_connect,
	.answered = vs_answered,
	.send = vs_send,
	.recv = vs_recv,
	.shut = vs_shut,
	.end = vs_end,
};

/* What the host's side does between two chains; and credit that adds up. */
static void vs_between(struct rvsock *v)
{
	struct vsock_flow *f = &v->flows[next_turn() % FLOWS];

	for (u32 i = 0; i < FLOWS; i++)
		MUST(v->flows[i].used <= v->buffer);
	switch (f->state == VSOCK_FREE ? 0 : next_turn() % 5) {
	case 0:
		rvsock_call(v, 1 + next_turn() % 2, next_turn() % 4, 1);
		break;
	case 1:
		rvsock_readable(v, f);
		break;
	case 2:
		rvsock_writable(v, f);
		break;
	case 3:
		rvsock_hung_up(v, f);
		break;
	default:
		rvsock_tick(v);
		break;
	}
	if (next_turn() % 64 == 0)
		v->dev.ops->resized(&v->dev);
}

static struct rdev *make_vsock(u64 features)
{
	const struct vsock_opts o = { .port = &sockets.port,
				      .guest_cid = 3,
				      .next_cid = 4,
				      .flows = FLOWS,
				      .buffer = BUFFER };

	memset(&sockets, 0, sizeof(sockets));
	sockets.port.ops = &vs_ops;
	MUST(rvsock_memory(&o) <= sizeof(sockets.memory));
	rvsock_init(&device.vsock, &o, sockets.memory);
	device.vsock.dev.ops->negotiated(&device.vsock.dev, features);
	device.vsock.dev.ops->ready(&device.vsock.dev, VSOCK_RXQ);
	return &device.vsock.dev;
}

static struct rdev *make_console(u64 features)
{
	const struct con_opts o = { .ports = ARRAY_SIZE(loops), .cols = 80, .rows = 25 };

	rcon_init(&device.console, &o);
	for (u16 i = 0; i < o.ports; i++) {
		con_loop_init(&loops[i]);
		MUST(rcon_attach(&device.console, i, &loops[i], i ? "fuzz" : NULL, i == 0));
	}
	device.console.dev.ops->negotiated(&device.console.dev, features & 7);
	return &device.console.dev;
}

/* By the upper two bits: a block device, one that is read only, an entropy device, or one of these. */
static struct rdev *make_device(u8 kind, struct rblk_store *store, bool read_only, u64 features)
{
	if ((kind & 0xc0) == 0xc0)
		return !(kind & 0x20) ? kind & 0x10 ? make_vsock(features) : make_i2c(features)
		       : kind & 0x10 ? make_scmi(features)
				      : make_gpio(features);
	if (kind & 0x80 && kind & 0x20)
		return make_console(features);
	if (kind & 0x80) {
		rrng_init(&device.rng, fill, NULL);
		return &device.rng.dev;
	}
	rblk_init(&device.blk, store, 1, read_only, "fuzz");
	device.blk.dev.ops->negotiated(&device.blk.dev,
				       features & device.blk.dev.ops->features(&device.blk.dev));
	return &device.blk.dev;
}

/* The rings' parts in the first region: 64 descriptors, 64 heads and 64 used elements fit into it. */
static struct dvq make_ring(u8 shape, bool packed, u8 *at)
{
	struct dvq vq = { .is_packed = packed };

	if (packed)
		vq.packed = (struct dvq_packed){
			.desc = (struct vring_packed_desc *)at,
			.driver = (struct vring_packed_desc_event *)(at + 1024),
			.device = (struct vring_packed_desc_event *)(at + 1024 + 4),
			.ops = &ops,
			.num = 1u + shape % 64,
			.event_idx = shape & 0x40,
			.indirect = shape & 0x80,
		};
	else
		vq.split = (struct dvq_split){
			.desc = (struct vring_desc *)at,
			.avail = (struct vring_avail *)(at + 1024),
			.used = (struct vring_used *)(at + 1024 + 256),
			.ops = &ops,
			.num = 1u << shape % 7,
			.event_idx = shape & 0x40,
			.indirect = shape & 0x80,
		};
	return vq;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	const u8 shape = input_u8(&in), kind = input_u8(&in);
	struct rblk_store *store = store_memory_open(SECTORS * VIRTIO_BLK_SECTOR);
	const u16 base = input_u16(&in);
	const u64 features = input_u64(&in);
	struct rdev *dev;
	struct dvq vq;

	MUST(store);
	dev = make_device(kind, store, kind & 0x40, features);
	regions = 1 + kind % REGIONS;
	for (unsigned i = 0; i < regions; i++) {
		region[i].gpa = i < 2 ? ADJACENT + i * REGION : APART;
		region[i].at = malloc(REGION);
		MUST(region[i].at);
		input_bytes(&in, region[i].at, REGION);
	}
	vq = make_ring(shape, features & BIT_ULL(VIRTIO_F_RING_PACKED), region[0].at);
	/* Of a packed ring half of it is where the device writes. */
	dvq_ring_init(&vq, vq.is_packed
				   ? base % vq.packed.num | (base & 0x8000u) |
					     (base % vq.packed.num) << 16 | (base & 0x8000u) << 16
				   : base);
	for (unsigned i = 0; i < 8; i++) {
		serve(&vq, dev);
		if (dev->ops->id == VIRTIO_ID_VSOCK)
			vs_between(&device.vsock);
	}
	for (unsigned i = 0; i < regions; i++)
		free(region[i].at);
	store->ops->close(store);
	return 0;
}
