// SPDX-License-Identifier: BSD-3-Clause
#include "ref-backends/device/host/net_port.h"
#include "ref-backends/device/net_packet.h"

static u8 *place(void *arg, u32 len)
{
	struct net_whole *w = arg;

	return len <= sizeof(w->out) ? w->out : NULL;
}

static void placed(void *arg, u8 *at, u32 len)
{
	struct net_whole *w = arg;

	w->emit(w->arg, at, len);
}

void net_whole_send(struct net_whole *w, const struct net_frame *f)
{
	const struct net_cut cut = { place, placed, w };

	net_frame_copy(f, 0, w->in, f->len);
	if (f->gso_type != VIRTIO_NET_HDR_GSO_NONE) {
		net_segment(w->in, f->len, f->gso_type, f->gso_size, &cut);
		return;
	}
	if (f->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    !net_complete(w->in, f->len, f->csum_start, f->csum_offset))
		return;
	w->emit(w->arg, w->in, f->len);
}
