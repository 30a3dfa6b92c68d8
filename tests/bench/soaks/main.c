// SPDX-License-Identifier: BSD-3-Clause
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/soaks/soak.h"
#include "tests/bench/soaks/watch.h"

#define STALL_NS 30000000000ull

static const struct soak_device *const devices[] = { &soak_blk,	  &soak_rng,  &soak_net,
						     &soak_i2c,	  &soak_gpio, &soak_console,
						     &soak_vsock, &soak_scmi, &soak_fs,
						     &soak_sound, &soak_gpu,  &soak_input,
						     &soak_can,	  &soak_spi,  &soak_scsi };

bool soak_wrong(struct soak *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return false;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static struct tp_buf take(struct soak *s, u32 bytes)
{
	struct tp_buf *m = &s->fe.tp.mem[1];
	struct tp_buf b = { m->hva + s->taken, gpa_add(m->gpa, s->taken), bytes };

	s->taken += bytes;
	return b;
}

static void notify(struct soak *s, u16 q)
{
	vq_publish(&s->vq[q]);
	if (vq_kick_due(&s->vq[q]))
		s->fe.tp.ops->notify(&s->fe.tp, q);
}

static bool is_posted(const struct soak *s, u16 q)
{
	return s->device->posted >> q & 1;
}

static void post(struct soak *s, u16 q, u8 *at)
{
	const struct tp_buf *m = &s->fe.tp.mem[1];
	const struct vq_sg sg = { gpa_add(m->gpa, (u64)(at - m->hva)), SOAK_BYTES };

	vq_add(&s->vq[q], &sg, 0, 1, at);
}

static bool start(struct soak *s, u16 q)
{
	const struct vq_mode mode = { .ring = VQ_RING_SPLIT };
	struct tp *t = &s->fe.tp;
	struct vq_layout l = { 0 };
	struct tp_queue cfg;

	vq_lay_out(&l, VQ_RING_SPLIT, SOAK_RING, t->mem[0].hva + q * 65536u,
		   gpa_add(t->mem[0].gpa, q * 65536u));
	vq_init(&s->vq[q], &mode, &l, s->slots[q]);
	vq_disable_calls(&s->vq[q]);
	cfg = (struct tp_queue){
		.size = SOAK_RING, .desc = l.desc, .driver = l.driver, .device = l.device
	};
	return t->ops->queue_start(t, q, &cfg) == TP_OK;
}

static bool set_up(struct soak *s, const char *socket)
{
	static const struct vu_region_spec regions[] = {
		{ 0x00100000, 0x7a0000200000, 4 << 20, 0 },
		{ 0x40000000, 0x7a0040000000, 16 << 20, 0 },
	};
	struct tp *t = &s->fe.tp;
	u64 want = BIT_ULL(VIRTIO_F_VERSION_1) | s->device->features;

	vu_transport_init(&s->fe, socket);
	t->timeout_ms = 10000;
	if (vu_connect(&s->fe) || vu_set_regions(&s->fe, regions, ARRAY_SIZE(regions)) ||
	    vu_handshake(&s->fe) || t->ops->set_features(t, s->fe.offered & want))
		return soak_wrong(s, "%s", t->error);
	for (u16 q = 0; q < s->device->queues; q++)
		if (!start(s, q))
			return soak_wrong(s, "queue %u: %s", q, t->error);
	if (t->ops->driver_ok(t))
		return soak_wrong(s, "%s", t->error);
	for (u16 q = 0; q < s->device->queues; q++) {
		for (unsigned i = 0; is_posted(s, q) && i < SOAK_POSTED; i++)
			post(s, q, take(s, SOAK_BYTES).hva);
		if (is_posted(s, q))
			notify(s, q);
	}
	for (unsigned i = 0; i < SOAK_DEPTH; i++) {
		s->req[i].out = take(s, SOAK_BYTES);
		s->req[i].in = take(s, SOAK_BYTES);
		s->free[s->n_free++] = &s->req[i];
	}
	return true;
}

static void send_one(struct soak *s)
{
	struct soak_req *r = s->free[--s->n_free];
	struct vq_sg sg[2];
	unsigned out = 0, in = 0;

	r->n = s->sent++;
	r->queue = s->device->queue;
	r->out.len = r->in.len = SOAK_BYTES;
	s->device->request(s, r);
	if (r->out.len)
		sg[out++] = (struct vq_sg){ r->out.gpa, r->out.len };
	if (r->in.len)
		sg[out + in++] = (struct vq_sg){ r->in.gpa, r->in.len };
	vq_add(&s->vq[r->queue], sg, out, in, r);
	if (r->queue != s->device->queue)
		notify(s, r->queue);
}

/* How many buffers came back, or -1. */
static int receive(struct soak *s, u16 q)
{
	int n = 0, rc;
	void *at;
	u32 id, len;

	while ((rc = vq_reap(&s->vq[q], &id, &len, &at)) >= 0) {
		n++;
		if (!is_posted(s, q)) {
			struct soak_req *r = at;

			r->used_len = len;
			s->returned++;
			s->free[s->n_free++] = r;
			if (!s->device->good(s, r))
				return -1;
		} else if (len > SOAK_BYTES || !s->device->came(s, q, at, len)) {
			return -1;
		} else {
			post(s, q, at);
		}
	}
	if (rc == VQ_BADID) {
		soak_wrong(s, "queue %u: buffer %u was not there", q, id);
		return -1;
	}
	if (n && is_posted(s, q))
		notify(s, q);
	return n;
}

/* Send so many more, and see all of them back. */
static bool run(struct soak *s, u64 requests)
{
	const u64 end = s->sent + requests;
	u64 last = now_ns();

	for (;;) {
		int n = 0;

		for (u16 q = 0; q < s->device->queues; q++) {
			int m = receive(s, q);

			if (m < 0)
				return false;
			n += m;
		}
		if (n)
			last = now_ns();
		else if (now_ns() - last > STALL_NS)
			return soak_wrong(s, "nothing comes back any more");
		else
			sched_yield();
		if (s->returned == end && (!s->device->complete || s->device->complete(s)))
			return true;
		while (s->n_free && s->sent < end && (!s->device->may || s->device->may(s))) {
			send_one(s);
			n = -1;
		}
		if (n < 0)
			notify(s, s->device->queue);
	}
}

static int soak(struct soak *s, u64 requests)
{
	const u64 first = requests / 10, rest = requests - first;
	struct watch before, after;
	u64 begin;

	/* What a device takes once, it has taken after a tenth. */
	if (!run(s, first))
		return 1;
	begin = now_ns();
	if (!watch_look(&before, s->fe.peer))
		return soak_wrong(s, "the process cannot be looked at"), 1;
	if (!run(s, rest))
		return 1;
	if (!watch_look(&after, s->fe.peer))
		return soak_wrong(s, "the process has gone"), 1;
	printf("%s: %llu requests, %.0f/s, each answer right; descriptors %u -> %u, threads %u -> %u, "
	       "memory of its own %llu -> %llu KiB\n",
	       s->device->name, (unsigned long long)s->returned,
	       (double)rest * 1e9 / (double)(now_ns() - begin), before.fds, after.fds,
	       before.threads, after.threads, (unsigned long long)before.own_kib,
	       (unsigned long long)after.own_kib);
	if (watch_grew(&before, &after))
		return soak_wrong(s, "the back-end keeps something of its requests"), 1;
	return 0;
}

int main(int argc, char **argv)
{
	static struct soak s;
	int status = 1;

	for (size_t i = 0; argc == 4 && i < ARRAY_SIZE(devices); i++)
		if (strcmp(argv[1], devices[i]->name) == 0)
			s.device = devices[i];
	if (!s.device) {
		fputs("usage: soak DEVICE SOCKET REQUESTS\nDEVICE:", stderr);
		for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
			fprintf(stderr, " %s", devices[i]->name);
		fputs("\n", stderr);
		return 2;
	}
	if (set_up(&s, argv[2]))
		status = soak(&s, strtoull(argv[3], NULL, 10));
	if (status)
		fprintf(stderr, "soak: %s: after %llu of %llu requests: %s\n", s.device->name,
			(unsigned long long)s.returned, (unsigned long long)s.sent, s.why);
	vu_disconnect(&s.fe);
	return status;
}
