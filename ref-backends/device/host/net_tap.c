// SPDX-License-Identifier: BSD-3-Clause
/*
 * A TAP device of the host's kernel. Each frame has a virtio_net_hdr before it, so that the kernel does
 * the checksums and the segmentation that a driver left out, and what it leaves out is the driver's.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ref-backends/device/host/net_port.h"
#include "ref-backends/device/host/reactor.h"

#define BATCH 64
#define SEGS  300 /* pieces of a frame that are written as they are */

struct tap_port {
	struct net_port port;
	struct reactor_watch watch;
	int fd;
	u8 in[sizeof(struct virtio_net_hdr_v1) + VNET_FRAME_MAX];
	u8 scratch[VNET_FRAME_MAX];
};

static void tap_send(struct net_port *p, const struct net_frame *f)
{
	struct tap_port *t = (struct tap_port *)p;
	struct virtio_net_hdr_v1 hdr = { .flags = f->flags,
					 .gso_type = f->gso_type,
					 .gso_size = le16(f->gso_size),
					 .csum_start = le16(f->csum_start),
					 .csum_offset = le16(f->csum_offset) };
	struct iovec iov[SEGS] = { { &hdr, sizeof(hdr) } };
	u32 skip = f->skip, n = 1;

	/* Headers up to the payload: at least where the checksum is to go. */
	if (f->gso_type != VIRTIO_NET_HDR_GSO_NONE)
		hdr.hdr_len = le16((u16)(f->csum_start + f->csum_offset + 2));
	for (u32 i = 0; i < f->nsegs && n < SEGS; i++) {
		if (skip >= f->segs[i].len) {
			skip -= (u32)f->segs[i].len;
			continue;
		}
		iov[n++] = (struct iovec){ (u8 *)f->segs[i].base + skip, f->segs[i].len - skip };
		skip = 0;
	}
	if (n == SEGS) {
		net_frame_copy(f, 0, t->scratch, f->len);
		iov[1] = (struct iovec){ t->scratch, f->len };
		n = 2;
	}
	if (writev(t->fd, iov, (int)n) < 0) {
		/* The interface is down, or does not keep up: a lost frame. */
	}
}

static void receive(struct tap_port *t)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(t->fd, t->in, sizeof(t->in));
		struct virtio_net_hdr_v1 hdr;
		struct dvq_seg seg = { t->in + sizeof(hdr), 0 };
		struct net_frame f = { .segs = &seg, .nsegs = 1 };

		if (n <= (ssize_t)sizeof(hdr))
			return;
		memcpy(&hdr, t->in, sizeof(hdr));
		seg.len = (size_t)n - sizeof(hdr);
		f.len = (u32)seg.len;
		f.flags = hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
		f.gso_type = hdr.gso_type;
		f.gso_size = le16(hdr.gso_size);
		f.csum_start = le16(hdr.csum_start);
		f.csum_offset = le16(hdr.csum_offset);
		net_deliver(t->port.net, &f);
	}
}

static void readable(struct reactor_watch *w)
{
	receive((struct tap_port *)((u8 *)w - offsetof(struct tap_port, watch)));
}

static void tap_poll(struct net_port *p)
{
	receive((struct tap_port *)p);
}

static int tap_open(struct net_port *p, struct reactor *reactor)
{
	struct tap_port *t = (struct tap_port *)p;

	reactor_watch_add(reactor, &t->watch, readable);
	t->watch.fd = t->fd;
	return 0;
}

static void tap_free(struct net_port *p)
{
	struct tap_port *t = (struct tap_port *)p;

	if (t->fd >= 0)
		close(t->fd);
	free(t);
}

static const struct net_port_ops tap_ops = {
	.name = "tap",
	.send = tap_send,
	.poll = tap_poll,
	.open = tap_open,
	.free = tap_free,
};

struct net_port *net_port_tap(const char *name)
{
	struct tap_port *t = calloc(1, sizeof(*t));
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	int size = sizeof(struct virtio_net_hdr_v1);

	if (!t)
		goto failed;
	t->port.ops = &tap_ops;
	t->port.offloads = true;
	t->fd = -1;
	errno = ENAMETOOLONG;
	if (strlen(name) >= sizeof(ifr.ifr_name))
		goto failed;
	strcpy(ifr.ifr_name, name);
	t->fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0 || ioctl(t->fd, TUNSETIFF, &ifr) || ioctl(t->fd, TUNSETVNETHDRSZ, &size) ||
	    ioctl(t->fd, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6))
		goto failed;
	return &t->port;
failed:
	fprintf(stderr, "ringside-backend: tap '%s': %s\n", name, strerror(errno));
	if (t)
		tap_free(&t->port);
	return NULL;
}

void net_port_free(struct net_port *p)
{
	if (p->ops->free)
		p->ops->free(p);
}
