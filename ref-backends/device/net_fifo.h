/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames that wait for a receive queue: a ring of bytes, each frame behind what the device knows of it.
 * A frame lies in one piece. Whoever finds no room drops the frame, as a wire does.
 *
 * When the last frame is taken the ring begins anew at its first byte, so that a queue that keeps up
 * stays within a few cache lines.
 *
 * One thread. Freestanding.
 */
#ifndef REF_BACKENDS_DEVICE_NET_FIFO_H
#define REF_BACKENDS_DEVICE_NET_FIFO_H

#include "harness/spec/virtio14_net.h"

#define NET_FIFO_LINE 64u

/* One frame; its bytes follow. */
struct net_held {
	u32 len;  /* of the frame */
	u32 step; /* to the next one; 0: that one is at the ring's beginning */
	u8 flags; /* of the header that the driver will see */
	u8 gso_type;
	u16 hdr_len, gso_size, csum_start, csum_offset;
	u16 hash_report;
	u32 hash;
	u8 pad[40];
	u8 bytes[];
};

_Static_assert(sizeof(struct net_held) == 64, "a cache line");

struct net_fifo {
	u8 *ring; /* aligned to 64 bytes */
	u32 size; /* a multiple of 64 */
	u32 head, tail;
	u32 count;
};

/* Room for a frame of `len` bytes, NULL when there is none. It is in the ring once it was put. */
struct net_held *net_fifo_room(struct net_fifo *f, u32 len);
/* `h` is what net_fifo_room() returned last; its `len` may be less than was asked for. */
static inline void net_fifo_put(struct net_fifo *f, struct net_held *h)
{
	h->step = (u32)ALIGN_UP(sizeof(*h) + (u64)h->len, NET_FIFO_LINE);
	f->tail = (u32)((u8 *)h - f->ring) + h->step;
	f->count++;
}

/* So many more bytes for the frame that was put last. False: there is no room for them. */
bool net_fifo_grow(struct net_fifo *f, struct net_held *h, u32 more);

static inline bool net_fifo_empty(const struct net_fifo *f)
{
	return f->count == 0;
}

/* The oldest frame; only when there is one. */
static inline struct net_held *net_fifo_first(const struct net_fifo *f)
{
	return (struct net_held *)(f->ring + f->head);
}

static inline void net_fifo_drop(struct net_fifo *f)
{
	f->head += net_fifo_first(f)->step;
	if (--f->count == 0)
		f->head = f->tail = 0;
	else if (net_fifo_first(f)->step == 0)
		f->head = 0;
}

void net_fifo_clear(struct net_fifo *f);

#endif
