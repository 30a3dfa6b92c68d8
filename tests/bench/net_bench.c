// SPDX-License-Identifier: BSD-3-Clause
/*
 * Frames round a vhost-user network device that returns what it is sent: how many a second, with so many
 * outstanding, sent and reaped in batches. One thread, which polls; nothing is notified either way.
 *
 *   net_bench SOCKET LENGTH|LENGTH,MSS BATCH OUTSTANDING MILLISECONDS
 *
 * With an MSS the frames are TCP packets to be segmented, which the driver also takes whole.
 * Prints one line: frames per second, bytes per second, frames lost, and notifications of the device per frame.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness/device/net.h"
#include "harness/transport/vhost_user/frontend.h"
#include "harness/virtqueue/vq.h"

#define SIZE	 1024 /* of each ring */
#define RX_BYTES 2048
#define STALL_NS 2000000000ull

struct bench {
	struct vu_frontend fe;
	struct vq rx, tx;
	struct vq_slot rx_slots[SIZE], tx_slots[SIZE];
	u8 *rx_mem, *tx_mem;
	struct gpa rx_gpa, tx_gpa;
	u32 len, mss, step;
	u64 sent, returned, received, bytes, notified;
	u16 left; /* buffers of the frame that is being received */
};

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "net_bench: %s: %s\n", what, why);
	exit(1);
}

static void start(struct bench *b, unsigned q, struct vq *vq, struct vq_slot *slots, u32 at)
{
	struct tp *t = &b->fe.tp;
	const struct vq_mode mode = { .ring = VQ_RING_SPLIT };
	struct vq_layout l = { 0 };
	struct tp_queue cfg;

	l.size = SIZE;
	vq_lay_out(&l, VQ_RING_SPLIT, SIZE, t->mem[0].hva + at, gpa_add(t->mem[0].gpa, at));
	vq_init(vq, &mode, &l, slots);
	vq_disable_calls(vq);
	cfg = (struct tp_queue){
		.size = SIZE, .desc = l.desc, .driver = l.driver, .device = l.device
	};
	if (t->ops->queue_start(t, q, &cfg) != TP_OK)
		die("starting a queue", t->error);
}

static void notify(struct bench *b, struct vq *vq, unsigned q)
{
	vq_publish(vq);
	if (!vq_kick_due(vq))
		return;
	b->notified++;
	b->fe.tp.ops->notify(&b->fe.tp, q);
}

static void post(struct bench *b, u8 *at)
{
	const struct vq_sg sg = { gpa_add(b->rx_gpa, (u64)(at - b->rx_mem)), RX_BYTES };

	vq_add(&b->rx, &sg, 0, 1, at);
}

static void set_up(struct bench *b, const char *socket)
{
	static const struct vu_region_spec regions[] = {
		{ 0x00100000, 0x7a0000200000, 4 << 20, 0 },
		{ 0x40000000, 0x7a0040000000, 256 << 20, 0 },
	};
	struct tp *t = &b->fe.tp;
	u64 want = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VIRTIO_NET_F_MRG_RXBUF);

	if (b->mss)
		want |= BIT_ULL(VIRTIO_NET_F_CSUM) | BIT_ULL(VIRTIO_NET_F_GUEST_CSUM) |
			BIT_ULL(VIRTIO_NET_F_HOST_TSO4) | BIT_ULL(VIRTIO_NET_F_GUEST_TSO4);
	vu_transport_init(&b->fe, socket);
	t->timeout_ms = 5000;
	if (vu_connect(&b->fe) || vu_set_regions(&b->fe, regions, ARRAY_SIZE(regions)) ||
	    vu_handshake(&b->fe))
		die("handshake", t->error);
	if (t->ops->set_features(t, b->fe.offered & want))
		die("features", t->error);
	start(b, 0, &b->rx, b->rx_slots, 0);
	start(b, 1, &b->tx, b->tx_slots, 1 << 20);
	if (t->ops->driver_ok(t))
		die("DRIVER_OK", t->error);
	b->rx_mem = t->mem[1].hva;
	b->rx_gpa = t->mem[1].gpa;
	b->tx_mem = b->rx_mem + (64 << 20);
	b->tx_gpa = gpa_add(b->rx_gpa, 64 << 20);
	for (u32 i = 0; i < SIZE; i++)
		post(b, b->rx_mem + i * RX_BYTES);
	vq_publish(&b->rx);
	vq_kick_due(&b->rx);
	t->ops->notify(t, 0);
}

static void fill(struct bench *b, unsigned outstanding)
{
	const struct net_packet p = { .tcp = b->mss != 0,
				      .partial = b->mss != 0,
				      .payload = b->len - (b->mss ? 54 : 42) };

	b->step = (u32)ALIGN_UP(NET_HDR + (u64)b->len, 64);
	for (u32 i = 0; i < outstanding; i++) {
		u8 *at = b->tx_mem + (u64)i * b->step;
		struct net_layout l = net_build(at + NET_HDR, &p);
		struct virtio_net_hdr_v1 hdr = { 0 };

		if (b->mss)
			hdr = (struct virtio_net_hdr_v1){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
							  .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
							  .hdr_len = le16((u16)l.data),
							  .gso_size = le16((u16)b->mss),
							  .csum_start = le16((u16)l.l4),
							  .csum_offset = le16(l.csum_offset) };
		memcpy(at, &hdr, sizeof(hdr));
	}
}

static unsigned receive(struct bench *b)
{
	unsigned n = 0;
	void *at;
	u32 id, len;

	while (vq_reap(&b->rx, &id, &len, &at) >= 0) {
		if (!b->left) {
			b->left = le16(((struct virtio_net_hdr_v1 *)at)->num_buffers);
			b->received++;
			b->bytes -= NET_HDR;
		}
		b->left--;
		b->bytes += len;
		post(b, at);
		n++;
	}
	if (n)
		notify(b, &b->rx, 0);
	return n;
}

static void send_some(struct bench *b, u8 **free, unsigned *n_free, unsigned batch)
{
	unsigned n = 0;

	for (; n < batch && *n_free; n++) {
		u8 *at = free[--*n_free];
		const struct vq_sg sg = { gpa_add(b->tx_gpa, (u64)(at - b->tx_mem)),
					  NET_HDR + b->len };

		vq_add(&b->tx, &sg, 1, 0, at);
		b->sent++;
	}
	notify(b, &b->tx, 1);
}

/* A frame is outstanding until it has come back; one that is lost is given up when nothing else comes. */
static void run(struct bench *b, unsigned batch, unsigned outstanding, u64 ms)
{
	u8 *free[SIZE];
	unsigned n_free = outstanding;
	u64 begin = now_ns(), end = begin + ms * 1000000, last = begin, lost = 0;

	for (unsigned i = 0; i < outstanding; i++)
		free[i] = b->tx_mem + (u64)i * b->step;
	for (;;) {
		u64 now = now_ns();
		void *at;
		u32 id, len;

		while (vq_reap(&b->tx, &id, &len, &at) >= 0) {
			b->returned++;
			free[n_free++] = at;
		}
		if (receive(b))
			last = now;
		if (now > end)
			break;
		if (now - last > STALL_NS)
			die("the device", "returns nothing any more");
		if (now - last > 20000000) {
			lost = b->sent - b->received;
			last = now;
		}
		if (n_free >= batch && b->sent - lost - b->received + batch <= outstanding)
			send_some(b, free, &n_free, batch);
	}
	printf("%.0f frames/s  %.0f bytes/s  %llu lost  %.4f notifications/frame\n",
	       (double)b->received * 1e9 / (double)(now_ns() - begin),
	       (double)b->bytes * 1e9 / (double)(now_ns() - begin), (unsigned long long)lost,
	       (double)b->notified / (double)MAX(b->received, 1u));
}

int main(int argc, char **argv)
{
	static struct bench b;
	unsigned batch, outstanding;
	char *mss;

	if (argc != 6) {
		fputs("usage: net_bench SOCKET LENGTH[,MSS] BATCH OUTSTANDING MILLISECONDS\n",
		      stderr);
		return 2;
	}
	mss = strchr(argv[2], ',');
	b.mss = mss ? (u32)atoi(mss + 1) : 0;
	b.len = (u32)atoi(argv[2]);
	batch = (unsigned)atoi(argv[3]);
	outstanding = (unsigned)atoi(argv[4]);
	if (b.len < 60 || b.len > VNET_FRAME_MAX || !batch || batch > outstanding ||
	    outstanding > SIZE / 2)
		die("arguments", "out of range");
	set_up(&b, argv[1]);
	fill(&b, outstanding);
	run(&b, batch, outstanding, (u64)atoi(argv[5]));
	vu_disconnect(&b.fe);
	return 0;
}
