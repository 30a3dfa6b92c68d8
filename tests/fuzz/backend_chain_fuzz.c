// SPDX-License-Identifier: BSD-3-Clause
/*
 * Whatever a driver puts into its rings: every segment of a walked chain lies in guest memory, the
 * readable ones come first, the sums are right, a device serves it within its writable part, and
 * nothing runs for ever.
 *
 * Input: size and ring features (1), device and number of regions (1), base (2), device features (8),
 * then guest memory from its beginning on: descriptor table, available ring and used ring, and
 * what they point to.
 */
#include "ref-backends/device/blk.h"
#include "ref-backends/device/gpio_sim.h"
#include "ref-backends/device/host/store.h"
#include "ref-backends/device/i2c_sim.h"
#include "ref-backends/device/rng.h"
#include "ref-backends/virtqueue/split.h"
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
	struct rgpio gpio;
} device;

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
	struct dvq_split *vq;
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
	MUST(req->used_len <= c->writable);
	/* As it was: this is what a dirty log is told of. */
	look_at(c, c->n_readable, c->n_writable, c->writable);
	dvq_push(request.vq, c->head, req->used_len);
}

static void fill(void *ctx, void *to, size_t len)
{
	memset(to, 0xa5, len);
}

static void serve(struct dvq_split *vq, struct rdev *dev)
{
	struct dvq_seg segs[SEGS];
	struct dvq_chain *c = &request.req.chain;
	u32 fetched = 0;
	u16 head;

	while (dvq_fetch(vq, &head) == DVQ_OK) {
		enum dvq_error e;

		MUST(head < vq->num);
		/* A ring that does not change has no more than its size to give. */
		MUST(fetched++ < vq->num);
		memset(&request, 0, sizeof(request));
		request.vq = vq;
		request.req.done = done;
		*c = (struct dvq_chain){ .segs = segs, .cap = SEGS };
		e = dvq_walk(vq, head, c);
		MUST(c->head == head);
		if (e == DVQ_OK || e == DVQ_E_SEGS) {
			look_at(c, 0, c->n_readable, c->readable);
			look_at(c, c->n_readable, c->n_writable, c->writable);
		}
		if (e == DVQ_OK) {
			/* Whichever of its queues that is. */
			request.req.queue = dev->num_queues > 1 && head & 1;
			dev->ops->serve(dev, &request.req);
			if (dev->ops->served)
				dev->ops->served(dev, request.req.queue);
			if (!request.done && dev->ops->let_go)
				dev->ops->let_go(dev, request.req.queue);
			MUST(request.done == 1);
		} else {
			dvq_push(vq, head, 0);
		}
		dvq_notify_due(vq);
		/* The driver's parts may lie in what was just written: then it is another ring. */
		if (c->n_writable)
			break;
	}
	dvq_kick_enable(vq);
	dvq_kick_disable(vq);
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

/* By the upper two bits: a block device, one that is read only, an entropy device, or one of these. */
static struct rdev *make_device(u8 kind, struct rblk_store *store, bool read_only, u64 features)
{
	if ((kind & 0xc0) == 0xc0)
		return kind & 0x20 ? make_gpio(features) : make_i2c(features);
	if (kind & 0x80) {
		rrng_init(&device.rng, fill, NULL);
		return &device.rng.dev;
	}
	rblk_init(&device.blk, store, 1, read_only, "fuzz");
	device.blk.dev.ops->negotiated(&device.blk.dev,
				       features & device.blk.dev.ops->features(&device.blk.dev));
	return &device.blk.dev;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = { data, size };
	u8 shape = input_u8(&in), kind = input_u8(&in);
	struct dvq_split vq = {
		.ops = &ops,
		.num = 1u << shape % 7,
		.event_idx = shape & 0x40,
		.indirect = shape & 0x80,
	};
	struct rblk_store *store = store_memory_open(SECTORS * VIRTIO_BLK_SECTOR);
	u16 base = input_u16(&in);
	struct rdev *dev;

	MUST(store);
	dev = make_device(kind, store, kind & 0x40, input_u64(&in));
	regions = 1 + kind % REGIONS;
	for (unsigned i = 0; i < regions; i++) {
		region[i].gpa = i < 2 ? ADJACENT + i * REGION : APART;
		region[i].at = malloc(REGION);
		MUST(region[i].at);
		input_bytes(&in, region[i].at, REGION);
	}
	/* 64 descriptors, 64 heads and 64 used elements fit into the first region. */
	vq.desc = (struct vring_desc *)region[0].at;
	vq.avail = (struct vring_avail *)(region[0].at + 1024);
	vq.used = (struct vring_used *)(region[0].at + 1024 + 256);
	dvq_init(&vq, base);
	for (unsigned i = 0; i < 8; i++)
		serve(&vq, dev);
	for (unsigned i = 0; i < regions; i++)
		free(region[i].at);
	store->ops->close(store);
	return 0;
}
