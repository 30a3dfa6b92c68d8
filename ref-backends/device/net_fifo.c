// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/net_fifo.h"

/* A step of 0 says that the next frame is at the beginning, so one place of a line is kept for it. */
#define LINE NET_FIFO_LINE

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

bool net_fifo_grow(struct net_fifo *f, struct net_held *h, u32 more)
{
	const u32 at = (u32)((u8 *)h - f->ring), end = f->head > at ? f->head : f->size;
	const u64 need = ALIGN_UP(sizeof(*h) + (u64)h->len + more, LINE);

	if (end - at < need + LINE)
		return false;
	h->len += more;
	h->step = (u32)need;
	f->tail = at + h->step;
	return true;
}

void net_fifo_clear(struct net_fifo *f)
{
	f->head = f->tail = f->count = 0;
}
