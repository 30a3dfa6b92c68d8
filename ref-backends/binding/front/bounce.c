// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/binding/front/bounce.h"

#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/spec/virtio14.h"
#include "ref-backends/device/plain.h"

/* The back-end's view: guest addresses from here on, and user addresses that are ours. */
#define GPA	   0x100000000ull
#define RING_BYTES 65536u
#define AVAIL_AT   (BOUNCE_SIZE * sizeof(struct vring_desc))
#define USED_AT	   32768u

/* Features of the ring and the transport are our own affair. */
#define THEIRS ((BIT_ULL(24) - 1) | ~(BIT_ULL(50) - 1))

struct bounce_req {
	struct rdev_req base;
	struct bounce_req *next;
	u64 at, len; /* in the queue's room */
	u16 head;
};

static struct bounce *bounce_of(struct rdev *dev)
{
	return (struct bounce *)dev;
}

static void complain(const struct front *f)
{
	static bool said;

	if (!said)
		fprintf(stderr, "ringside: vhost-user: %s\n", f->error);
	said = true;
}

/* --- the ring, as its driver -------------------------------------------------------------------------- */

static struct vring_desc *desc_of(const struct bounce_queue *q)
{
	return (struct vring_desc *)q->ring;
}

static struct vring_avail *avail_of(const struct bounce_queue *q)
{
	return (struct vring_avail *)(q->ring + AVAIL_AT);
}

static struct vring_used *used_of(const struct bounce_queue *q)
{
	return (struct vring_used *)(q->ring + USED_AT);
}

static u64 room_at(const struct bounce *b, u16 queue)
{
	return (u64)b->dev.num_queues * RING_BYTES + queue * b->room;
}

static void ring_reset(struct bounce_queue *q)
{
	memset(q->ring, 0, RING_BYTES);
	q->avail = q->used = 0;
	q->free_head = 0;
	q->free_count = BOUNCE_SIZE;
	for (unsigned i = 0; i < BOUNCE_SIZE; i++)
		q->next[i] = (u16)((i + 1) % BOUNCE_SIZE);
	memset(q->by_head, 0, sizeof(q->by_head));
	q->placed = q->waiting = NULL;
	q->waiting_end = &q->waiting;
	q->stuck = false;
}

static bool start(struct bounce *b, u16 queue)
{
	struct bounce_queue *q = &b->queues[queue];
	const u64 uva = (u64)(uintptr_t)q->ring;
	const struct front_ring ring = {
		.size = BOUNCE_SIZE,
		.desc = uva,
		.avail = uva + AVAIL_AT,
		.used = uva + USED_AT,
		.kick = q->kick,
		.call = q->call,
	};

	if (!b->told &&
	    front_features(&b->front, (b->features & THEIRS) | BIT_ULL(VIRTIO_F_VERSION_1))) {
		complain(&b->front);
		return false;
	}
	b->told = true;
	if (q->running)
		return true;
	ring_reset(q);
	q->running = front_queue_start(&b->front, queue, &ring) == 0;
	if (!q->running)
		complain(&b->front);
	return q->running;
}

/* First fit between the requests that are placed. */
static bool place(struct bounce *b, struct bounce_queue *q, struct bounce_req *r)
{
	struct bounce_req **link = &q->placed;
	u64 at = 0;

	while (*link && (*link)->at - at < r->len) {
		at = (*link)->at + (*link)->len;
		link = &(*link)->next;
	}
	if (!*link && b->room - at < r->len)
		return false;
	r->at = at;
	r->next = *link;
	*link = r;
	return true;
}

static void displace(struct bounce_queue *q, const struct bounce_req *r)
{
	struct bounce_req **link = &q->placed;

	while (*link && *link != r)
		link = &(*link)->next;
	if (*link)
		*link = r->next;
}

/* All of it goes in: what the back-end does not write comes back as it was. */
static void copy_in(struct bounce *b, struct bounce_queue *q, u16 queue, struct bounce_req *r)
{
	const struct dvq_chain *c = &r->base.chain;
	const u32 n = c->n_readable + c->n_writable;
	u64 at = room_at(b, queue) + r->at;
	u16 d = q->free_head;

	r->head = d;
	for (u32 i = 0; i < n; i++) {
		struct vring_desc *desc = &desc_of(q)[d];

		memcpy(b->file + at, c->segs[i].base, c->segs[i].len);
		desc->addr = le64(GPA + at);
		desc->len = le32((u32)c->segs[i].len);
		desc->flags = le16((u16)((i >= c->n_readable ? VRING_DESC_F_WRITE : 0) |
					 (i + 1 < n ? VRING_DESC_F_NEXT : 0)));
		desc->next = le16(q->next[d]);
		at += c->segs[i].len;
		d = q->next[d];
	}
	q->free_head = d;
	q->free_count = (u16)(q->free_count - n);
}

static void copy_out(struct bounce *b, u16 queue, const struct bounce_req *r)
{
	const struct dvq_chain *c = &r->base.chain;
	u64 at = room_at(b, queue) + r->at + c->readable;

	for (u32 i = c->n_readable; i < c->n_readable + c->n_writable; i++) {
		memcpy(c->segs[i].base, b->file + at, c->segs[i].len);
		at += c->segs[i].len;
	}
}

static bool submit(struct bounce *b, u16 queue, struct bounce_req *r)
{
	struct bounce_queue *q = &b->queues[queue];
	const u32 n = r->base.chain.n_readable + r->base.chain.n_writable;
	const u64 one = 1;

	if (n > q->free_count || !place(b, q, r))
		return false;
	copy_in(b, q, queue, r);
	q->by_head[r->head] = r;
	avail_of(q)->ring[q->avail % BOUNCE_SIZE] = le16(r->head);
	q->avail++;
	__atomic_store_n(&avail_of(q)->idx, le16(q->avail), __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (le16(__atomic_load_n(&used_of(q)->flags, __ATOMIC_RELAXED)) & VRING_USED_F_NO_NOTIFY)
		return true;
	if (write(q->kick, &one, sizeof(one)) < 0) {
		/* EAGAIN: it has been told often enough. */
	}
	return true;
}

static void fill(struct bounce *b, u16 queue)
{
	struct bounce_queue *q = &b->queues[queue];

	while (q->waiting) {
		struct bounce_req *r = q->waiting, *next = r->next;

		if (!submit(b, queue, r))
			return;
		q->waiting = next;
		if (!next)
			q->waiting_end = &q->waiting;
	}
}

static void wait_for_room(struct bounce_queue *q, struct bounce_req *r)
{
	r->next = NULL;
	*q->waiting_end = r;
	q->waiting_end = &r->next;
}

static void bounce_serve(struct rdev *dev, struct rdev_req *req)
{
	struct bounce *b = bounce_of(dev);
	struct bounce_req *r = (struct bounce_req *)req;
	struct bounce_queue *q = &b->queues[req->queue];
	const u32 n = req->chain.n_readable + req->chain.n_writable;

	r->len = req->chain.readable + req->chain.writable;
	req->used_len = 0;
	if (!n || n > BOUNCE_SIZE || r->len > b->room || !start(b, req->queue)) {
		req->done(req);
		return;
	}
	if (q->waiting || !submit(b, req->queue, r))
		wait_for_room(q, r);
}

/* The descriptors of a chain that came back are free. */
static void release(struct bounce_queue *q, const struct bounce_req *r)
{
	u16 last = r->head, n = 1;
	const u32 all = r->base.chain.n_readable + r->base.chain.n_writable;

	/* By our own list: the table is the back-end's to read, and it may have written to it. */
	for (; n < all; n++)
		last = q->next[last];
	q->next[last] = q->free_head;
	q->free_head = r->head;
	q->free_count = (u16)(q->free_count + all);
}

static void used_one(struct bounce *b, u16 queue)
{
	struct bounce_queue *q = &b->queues[queue];
	const struct vring_used_elem *e = &used_of(q)->ring[q->used % BOUNCE_SIZE];
	const u32 id = le32(e->id), len = le32(e->len);
	struct bounce_req *r = id < BOUNCE_SIZE ? q->by_head[id] : NULL;

	q->used++;
	if (!r) {
		if (!q->stuck)
			fprintf(stderr,
				"ringside: vhost-user: the back-end used %u, which it was not given\n",
				id);
		q->stuck = true;
		return;
	}
	q->by_head[id] = NULL;
	copy_out(b, queue, r);
	displace(q, r);
	release(q, r);
	r->base.used_len = len;
	r->base.done(&r->base);
}

void bounce_called(struct bounce *b, u16 queue)
{
	struct bounce_queue *q = &b->queues[queue];

	/* At most a ring's worth: whatever the index says. */
	for (unsigned n = 0; n < BOUNCE_SIZE && q->running; n++) {
		if (le16(__atomic_load_n(&used_of(q)->idx, __ATOMIC_ACQUIRE)) == q->used)
			break;
		used_one(b, queue);
	}
	if (q->running)
		fill(b, queue);
}

/* --- the device ------------------------------------------------------------------------------------------ */

static u64 bounce_features(struct rdev *dev)
{
	return bounce_of(dev)->front.offered & THEIRS;
}

static void bounce_negotiated(struct rdev *dev, u64 features)
{
	bounce_of(dev)->features = features;
	bounce_of(dev)->told = false;
}

static void bounce_reset(struct rdev *dev)
{
	struct bounce *b = bounce_of(dev);
	u16 base;

	for (u16 q = 0; q < dev->num_queues; q++) {
		if (b->queues[q].running && front_queue_stop(&b->front, q, &base))
			complain(&b->front);
		b->queues[q].running = false;
	}
	if (b->told && front_reset(&b->front))
		complain(&b->front);
	b->told = false;
}

static void bounce_config(struct rdev *dev, u8 *image)
{
	struct bounce *b = bounce_of(dev);

	if (b->ops.config_size && front_config_read(&b->front, image, b->ops.config_size))
		complain(&b->front);
}

static bool bounce_resized(struct rdev *dev)
{
	return front_changed(&bounce_of(dev)->front);
}

void bounce_channel(struct bounce *b, struct rreg *r)
{
	if (front_channel(&b->front))
		complain(&b->front);
	if (b->front.channel.changed)
		rreg_resized(r);
}

static bool bounce_config_write(struct rdev *dev, u32 off, const u8 *data, u32 len, bool migration)
{
	return !front_config_write(&bounce_of(dev)->front, off, data, len);
}

static int open_file(struct bounce *b)
{
	const u64 size = (u64)b->dev.num_queues * RING_BYTES + BOUNCE_BYTES;
	struct front_region region = { .gpa = GPA, .size = size };
	void *at;

	b->fd = memfd_create("ringside-bounce", MFD_CLOEXEC);
	if (b->fd < 0 || ftruncate(b->fd, (off_t)size))
		return -1;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (at == MAP_FAILED)
		return -1;
	b->file = at;
	b->room = BOUNCE_BYTES / b->dev.num_queues;
	region.hva = (u64)(uintptr_t)at;
	region.fd = b->fd;
	if (front_memory(&b->front, &region, 1)) {
		complain(&b->front);
		return -1;
	}
	return 0;
}

int bounce_init(struct bounce *b, const struct front *front, u32 id, u32 config_size, u16 queues)
{
	*b = (struct bounce){
		.dev = { .ops = &b->ops, .num_queues = MIN(queues, front->num_queues) },
		.ops = {
			.name = "bounce",
			.id = id,
			.config_size = config_size,
			.req_size = sizeof(struct bounce_req),
			.features = bounce_features,
			.negotiated = bounce_negotiated,
			.reset = bounce_reset,
			.config = bounce_config,
			.config_write = bounce_config_write,
			.resized = bounce_resized,
			.queue_open = plain_queue_open,
			.queue_close = plain_queue_close,
			.serve = bounce_serve,
		},
		.front = *front,
		.fd = -1,
	};
	b->queues = calloc(b->dev.num_queues, sizeof(*b->queues));
	if (!b->queues || open_file(b)) {
		perror("ringside: memory to share");
		return -1;
	}
	for (u16 i = 0; i < b->dev.num_queues; i++) {
		struct bounce_queue *q = &b->queues[i];

		q->ring = b->file + (u64)i * RING_BYTES;
		q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (q->kick < 0 || q->call < 0) {
			perror("ringside: eventfd");
			return -1;
		}
	}
	return 0;
}

void bounce_exit(struct bounce *b)
{
	for (u16 i = 0; b->queues && i < b->dev.num_queues; i++) {
		close(b->queues[i].kick);
		close(b->queues[i].call);
	}
	free(b->queues);
	b->queues = NULL;
	if (b->file)
		munmap(b->file, (u64)b->dev.num_queues * RING_BYTES + BOUNCE_BYTES);
	b->file = NULL;
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
	front_close(&b->front);
}
