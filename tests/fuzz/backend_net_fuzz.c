// SPDX-License-Identifier: BSD-3-Clause
/*
 * A driver, and a network, against the core of the network device: frames with any header, commands, receive
 * buffers of any size, and frames from outside. Each buffer is an allocation of its own size.
 */
#include "ref-backends/device/net_loop.h"
#include "ref-backends/device/net_packet.h"
#include "tests/fuzz/input.h"

#define SEGS	  4u
#define STEPS_MAX 400
#define PAIRS	  2u

struct request {
	struct rdev_req req;
	struct dvq_seg segs[SEGS];
	u8 *data[SEGS];
	struct request *next;
};

static struct rnet net;
static struct net_port loop;
static void *memory;
static struct request *held; /* that the device has */
static unsigned returned;

static void done(struct rdev_req *req)
{
	struct request *r = (struct request *)req, **at = &held;

	while (*at && *at != r)
		at = &(*at)->next;
	MUST(*at == r);
	*at = r->next;
	MUST(req->put_back || req->used_len <= req->chain.writable);
	for (u32 i = 0; i < SEGS; i++)
		free(r->data[i]);
	free(r);
	returned++;
}

/* Pieces with these bytes in all, in one of some ways. How many. */
static u32 cut(struct input *in, struct request *r, u32 first, u32 most, const u8 *bytes, u32 len)
{
	u32 n = 0;

	while (len && first + n < SEGS) {
		const u32 want = input_u8(in) % 4 == 0 ? 1 + input_u16(in) % len : len;
		const u32 part = n + 1 == most ? len : want;
		u8 *p = malloc(part);

		MUST(p);
		if (bytes)
			memcpy(p, bytes, part);
		else
			memset(p, 0xa5, part);
		r->data[first + n] = p;
		r->segs[first + n++] = (struct dvq_seg){ p, part };
		bytes = bytes ? bytes + part : NULL;
		len -= part;
	}
	return n;
}

static void serve(struct input *in, u16 queue, const u8 *bytes, u32 len, u32 room)
{
	struct request *r = calloc(1, sizeof(*r));
	struct dvq_chain *c = &r->req.chain;

	MUST(r);
	c->segs = r->segs;
	c->cap = SEGS;
	c->n_readable = cut(in, r, 0, room ? 2 : SEGS, bytes, len);
	c->n_writable = cut(in, r, c->n_readable, SEGS - c->n_readable, NULL, room);
	c->descs = c->n_readable + c->n_writable;
	c->readable = len;
	c->writable = room;
	r->req.queue = queue;
	r->req.done = done;
	r->next = held;
	held = r;
	net.dev.ops->serve(&net.dev, &r->req);
}

static u16 next; /* of a connection */

/* A segment of TCP over IPv4 with a right checksum, which follows others if its number says so. */
static void segment(struct input *in, u8 *p, u32 len)
{
	struct net_headers h;
	u16 seq;

	if (len < 54)
		return;
	p[12] = 0x08;
	p[13] = 0;
	p[14] = 0x45;
	net_put16(p + 16, (u16)(len - 14));
	net_put16(p + 20, 0);
	p[23] = VNET_PROTO_TCP;
	seq = input_u8(in) % 8 ? input_u16(in) : next;
	next = (u16)(seq + len - 54);
	net_put16(p + 38, 0);
	net_put16(p + 40, seq);
	p[46] = 0x50;
	p[47] = input_u8(in) % 8 ? 0x10 : 0x18;
	net_put16(p + 50, 0);
	net_parse(p, MIN(len, (u32)NET_HEAD), &h);
	net_put16(p + 50, (u16)~net_fold(net_sum(p + 34, len - 34, net_pseudo(p, &h, len - 34))));
}

/* A header and a frame, or a frame: some of it from the input, and perhaps a packet that makes sense. */
static u32 frame(struct input *in, u8 *to, u32 header)
{
	static const u8 packet[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,	 1,
				     8,	   0,	 0x45, 0,    0,	   40,	 0, 1, 0, 0, 64, 6 };
	const u8 how = input_u8(in);
	u32 len = input_u16(in);

	len = how & 1 ? len : len % 300;
	memset(to, 0, header + len);
	input_bytes(in, to, header);
	if (how & 2) {
		memcpy(to + header, packet, MIN(len, (u32)sizeof(packet)));
		if (how & 4 && len > 14)
			to[header + 12] = 0x86, to[header + 13] = 0xdd, to[header + 14] = 0x60;
		if (len > 46)
			to[header + 46] = 0x50;
	}
	if (how & 8)
		input_bytes(in, to + header, MIN(len, input_u8(in)));
	if (how & 16)
		segment(in, to + header, len);
	return header + len;
}

static void outside(struct input *in)
{
	u8 *bytes = malloc(70000);
	struct net_frame f = { .nsegs = 1 };
	struct dvq_seg seg;
	u8 *exact;

	MUST(bytes);
	f.flags = input_u8(in) & VIRTIO_NET_HDR_F_NEEDS_CSUM;
	f.gso_type = input_u8(in);
	f.gso_size = input_u16(in);
	f.csum_start = input_u16(in);
	f.csum_offset = input_u16(in);
	f.len = frame(in, bytes, 0);
	exact = malloc(f.len + 1);
	MUST(exact);
	memcpy(exact, bytes, f.len);
	seg = (struct dvq_seg){ exact, f.len };
	f.segs = &seg;
	if (f.len)
		net_deliver(&net, &f);
	free(exact);
	free(bytes);
}

/* Segments of a connection, one behind the other; of some a byte is another. */
static void connection(struct input *in)
{
	const u32 n = 2 + input_u8(in) % 8, len = 54 + input_u16(in) % 1500;

	for (u32 i = 0; i < n; i++) {
		const u32 this = input_u8(in) % 8 ? len : 54 + input_u8(in);
		u8 *exact = calloc(1, this);
		const struct dvq_seg seg = { exact, this };
		const struct net_frame f = { .segs = &seg, .nsegs = 1, .len = this };

		MUST(exact);
		segment(in, exact, this);
		if (input_u8(in) % 8 == 7)
			exact[input_u16(in) % this] ^= input_u8(in);
		net_deliver(&net, &f);
		free(exact);
	}
}

static void start(struct input *in)
{
	u64 features = (u64)input_u32(in) << 32 | input_u32(in);

	net.dev.ops->reset(&net.dev);
	/* Many of them, or some. */
	if (input_u8(in) & 1)
		features = ~features;
	net.dev.ops->negotiated(&net.dev, net.offered & features);
}

static void let_go(void)
{
	for (u16 q = 0; q < 2 * PAIRS; q += 2)
		net.dev.ops->let_go(&net.dev, q);
	MUST(!held);
}

static void step(struct input *in)
{
	const u8 mac[6] = { 2, 0, 0, 0, 0, 9 };
	static u8 bytes[NET_HEAD + 70000];
	const u8 what = input_u8(in);
	const u16 pair = what >> 7;
	u32 len;

	switch (what % 8) {
	case 0:
		len = frame(in, bytes, net.hdr_size);
		serve(in, 2 * pair + 1, bytes, input_u8(in) % 16 ? len : len % 20, 0);
		break;
	case 1:
	case 2:
		len = input_u16(in);
		if (net.dev.ops->ready(&net.dev, 2 * pair) &&
		    !(net_has(&net, VIRTIO_NET_F_CTRL_VQ) && net_control_queue(&net) == 2 * pair))
			serve(in, 2 * pair, NULL, 0, what & 64 ? len : len % 2048);
		break;
	case 3:
	case 4:
		if (!net_has(&net, VIRTIO_NET_F_CTRL_VQ))
			break;
		/* Class and command, mostly such that there are. */
		len = 2 + input_u16(in) % 700;
		memset(bytes, 0, len);
		bytes[0] = input_u8(in) % 10;
		bytes[1] = input_u8(in) % 8;
		input_bytes(in, bytes + 2, MIN(len - 2, 64u));
		serve(in, net_control_queue(&net), bytes, len, input_u8(in));
		break;
	case 5:
		if (what & 64)
			connection(in);
		else
			outside(in);
		break;
	case 6:
		let_go();
		break;
	default:
		if (what & 64) {
			let_go();
			start(in);
		}
		net.dev.ops->resized(&net.dev);
		net.dev.ops->set_mtu(&net.dev, input_u16(in));
		net.dev.ops->send_rarp(&net.dev, mac);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct net_opts o = { .pairs = PAIRS, .port = &loop };
	struct input in = { data, size };

	next = 0;
	net_loop_init(&loop);
	if (!memory)
		memory = aligned_alloc(64, rnet_memory(&o));
	MUST(memory);
	rnet_init(&net, &o, memory);
	start(&in);
	for (unsigned n = 0; in.left && n < STEPS_MAX; n++)
		step(&in);
	let_go();
	return 0;
}
