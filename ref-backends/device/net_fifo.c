// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/net_fifo.h"

/* A step of 0 says that the next frame is at the beginning, so one place of a line is kept for it. */
#define LINE 64u

struct net_held *net_fifo_room(struct net_fifo *f, u32 len)
{
	u32 need = (u32)ALIGN_UP(sizeof(struct net_held) + (u64)len, LINE);
	struct net_held *h;

	if (f->tail >= f->head) {
		if (f->size - f->tail >= need + LINE) {
			h = (struct net_held *)(f->ring + f->tail);
			h->len = len;
			return h;
		}
		/* The frame goes to the beginning: nothing there may be waiting. */
		if (f->head < need + LINE)
			return NULL;
		h = (struct net_held *)(f->ring + f->tail);
		h->step = 0;
		h->len = 0;
		h = (struct net_held *)f->ring;
		h->len = len;
		return h;
	}
	if (f->head - f->tail < need + LINE)
		return NULL;
	h = (struct net_held *)(f->ring + f->tail);
	h->len = len;
	return h;
}

void net_fifo_put(struct net_fifo *f, struct net_held *h)
{
	h->step = (u32)ALIGN_UP(sizeof(*h) + (u64)h->len, LINE);
	f->tail = (u32)((u8 *)h - f->ring) + h->step;
	f->count++;
}

void net_fifo_drop(struct net_fifo *f)
{
	f->head += net_fifo_first(f)->step;
	if (--f->count == 0)
		f->head = f->tail = 0;
	else if (net_fifo_first(f)->step == 0)
		f->head = 0;
}

void net_fifo_clear(struct net_fifo *f)
{
	f->head = f->tail = f->count = 0;
}
