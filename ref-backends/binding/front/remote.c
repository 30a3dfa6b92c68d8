// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/front/remote.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/spec/virtio14_net.h"
#include "ref-backends/device/plain.h"

static struct remote *remote_of(struct rdev *dev)
{
	return (struct remote *)dev;
}

/* The first time something goes wrong with the back-end it is said; the device is then to be reset. */
static void complain(const struct front *f)
{
	static bool said;

	if (!said)
		fprintf(stderr, "ringside: vhost-user: %s\n", f->error);
	said = true;
}

static u64 remote_features(struct rdev *dev)
{
	/* A driver of registers speaks VIRTIO 1 or nothing. What is used of a packed ring is not seen. */
	return ((remote_of(dev)->front.offered | BIT_ULL(VIRTIO_F_VERSION_1)) &
		~BIT_ULL(VIRTIO_F_RING_PACKED)) |
	       remote_of(dev)->own;
}

static void remote_negotiated(struct rdev *dev, u64 features)
{
	struct remote *m = remote_of(dev);

	m->features = features & ~m->own;
	m->told = false;
}

static void remote_reset(struct rdev *dev)
{
	struct remote *m = remote_of(dev);
	u64 value;

	if (m->told && front_reset(&m->front))
		complain(&m->front);
	m->told = false;
	/* An old error is not the next driver's. */
	if (read(m->err, &value, sizeof(value)) < 0) {
		/* EAGAIN: there is none. */
	}
}

static void remote_config(struct rdev *dev, u8 *image)
{
	struct remote *m = remote_of(dev);

	if (m->ops.config_size && front_config_read(&m->front, image, m->ops.config_size))
		complain(&m->front);
}

static bool remote_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	struct remote *m = remote_of(dev);

	return !front_config_write(&m->front, off, data, len);
}

static bool remote_resized(struct rdev *dev)
{
	return front_changed(&remote_of(dev)->front);
}

static void remote_serve(struct rdev *dev, struct rdev_req *req)
{
	abort(); /* the back-end does */
}

static const struct {
	const char *name;
	u32 id, config_size;
} types[] = {
	{ "blk", VIRTIO_ID_BLOCK, 60 }, /* up to write_zeroes_may_unmap and its padding */
	{ "rng", VIRTIO_ID_RNG, 0 },	      { "i2c", VIRTIO_ID_I2C_ADAPTER, 0 },
	{ "gpio", VIRTIO_ID_GPIO, 8 },	      { "scmi", VIRTIO_ID_SCMI, 0 },
	{ "console", VIRTIO_ID_CONSOLE, 12 }, { "net", VIRTIO_ID_NET, 12 }, /* up to mtu */
	{ "vsock", VIRTIO_ID_VSOCK, 8 },
};

/* Fields of features are behind those that every back-end has. The longest come first. */
static const struct {
	u32 id;
	unsigned feature;
	u32 config_size;
} longer[] = {
	{ VIRTIO_ID_BLOCK, VIRTIO_BLK_F_ZONED, 96 },
	{ VIRTIO_ID_BLOCK, VIRTIO_BLK_F_SECURE_ERASE, 72 },
	{ VIRTIO_ID_NET, VIRTIO_NET_F_HASH_TUNNEL, 28 },
	{ VIRTIO_ID_NET, VIRTIO_NET_F_RSS, 24 },
	{ VIRTIO_ID_NET, VIRTIO_NET_F_HASH_REPORT, 24 },
	{ VIRTIO_ID_NET, VIRTIO_NET_F_SPEED_DUPLEX, 17 },
};

u32 remote_device_id(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].id;
	return 0;
}

u32 remote_config_size(u32 id, u64 offered)
{
	for (size_t i = 0; i < ARRAY_SIZE(longer); i++)
		if (longer[i].id == id && offered & BIT_ULL(longer[i].feature))
			return longer[i].config_size;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].id == id)
			return types[i].config_size;
	return 0;
}

int remote_init(struct remote *m, const struct front *front, u32 id, u16 queues)
{
	*m = (struct remote){
		.dev = { .ops = &m->ops, .num_queues = MIN(queues, front->num_queues) },
		.ops = {
			.name = "remote",
			.id = id,
			.config_size = remote_config_size(id, front->offered),
			.req_size = sizeof(struct rdev_req),
			.features = remote_features,
			.negotiated = remote_negotiated,
			.reset = remote_reset,
			.config = remote_config,
			.config_write = remote_config_write,
			.resized = remote_resized,
			.queue_open = plain_queue_open,
			.queue_close = plain_queue_close,
			.serve = remote_serve,
		},
		.front = *front,
		.err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	m->queues = calloc(m->dev.num_queues, sizeof(*m->queues));
	if (!m->queues || m->err < 0)
		return -1;
	for (u16 i = 0; i < m->dev.num_queues; i++) {
		m->queues[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		m->queues[i].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (m->queues[i].kick < 0 || m->queues[i].call < 0) {
			perror("ringside: eventfd");
			return -1;
		}
	}
	return 0;
}

void remote_exit(struct remote *m)
{
	for (u16 i = 0; m->queues && i < m->dev.num_queues; i++) {
		close(m->queues[i].kick);
		close(m->queues[i].call);
	}
	free(m->queues);
	m->queues = NULL;
	close(m->err);
	front_close(&m->front);
}

/* --- queues -------------------------------------------------------------------------------------------- */

bool remote_queue_start(void *ctx, struct rreg_queue *q)
{
	struct remote *m = remote_of(q->r->dev);
	struct remote_queue *rq = &m->queues[q->index];
	const struct front_ring ring = {
		.size = q->size,
		.desc = (u64)(uintptr_t)q->vq.desc,
		.avail = (u64)(uintptr_t)q->vq.avail,
		.used = (u64)(uintptr_t)q->vq.used,
		.kick = rq->kick,
		.call = rq->call,
		.err = m->err,
	};

	if (!m->told &&
	    ((m->share && m->share(m->ctx)) || front_features(&m->front, m->features))) {
		complain(&m->front);
		return false;
	}
	m->told = true;
	rq->used = (const u16 *)q->vq.used;
	rq->avail = (const u16 *)q->vq.avail;
	rq->size = q->size;
	rq->seen = 0;
	if (front_queue_start(&m->front, q->index, &ring)) {
		complain(&m->front);
		return false;
	}
	rq->running = true;
	if (m->changed)
		m->changed(m->ctx, q->index, true);
	/* What was available before needs no notification. */
	remote_queue_kick(ctx, q);
	return true;
}

void remote_queue_kick(void *ctx, struct rreg_queue *q)
{
	const struct remote *m = remote_of(q->r->dev);
	const u64 one = 1;

	if (write(m->queues[q->index].kick, &one, sizeof(one)) < 0) {
		/* EAGAIN: it has been told often enough. */
	}
}

void remote_queue_stop(void *ctx, struct rreg_queue *q)
{
	struct remote *m = remote_of(q->r->dev);
	struct remote_queue *rq = &m->queues[q->index];
	u64 value;
	u16 base;

	if (m->changed)
		m->changed(m->ctx, q->index, false);
	if (front_queue_stop(&m->front, q->index, &base))
		complain(&m->front);
	rq->running = false;
	/* An old notification is not for the next driver. */
	if (read(rq->kick, &value, sizeof(value)) < 0) {
		/* EAGAIN: there is none. */
	}
	if (read(rq->call, &value, sizeof(value)) < 0) {
		/* The same. */
	}
}

void remote_channel(struct remote *m, struct rreg *r)
{
	if (front_channel(&m->front))
		complain(&m->front);
	if (m->front.channel.changed)
		rreg_resized(r);
}

void remote_failed(struct remote *m, struct rreg *r)
{
	u64 value;

	if (read(m->err, &value, sizeof(value)) == sizeof(value))
		rreg_needs_reset(r);
}

/* Does the driver want to hear of what was used between `old` and `now`? As in 2.7.10. */
static bool wanted(const struct remote *m, const struct remote_queue *rq, u16 old, u16 now)
{
	const u16 event = le16(__atomic_load_n(&rq->avail[2 + rq->size], __ATOMIC_RELAXED));

	if (now == old)
		return false;
	if (m->features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX))
		return (u16)(now - event - 1) < (u16)(now - old);
	return !(le16(__atomic_load_n(&rq->avail[0], __ATOMIC_RELAXED)) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}

void remote_look(struct remote *m, struct rreg *r)
{
	for (u16 i = 0; i < m->dev.num_queues; i++) {
		struct remote_queue *rq = &m->queues[i];
		u16 now;

		if (!rq->running)
			continue;
		now = le16(__atomic_load_n(&rq->used[1], __ATOMIC_ACQUIRE));
		if (!wanted(m, rq, rq->seen, now))
			continue;
		rq->seen = now;
		r->isr |= RREG_ISR_QUEUE;
	}
}
