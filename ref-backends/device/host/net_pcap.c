// SPDX-License-Identifier: BSD-3-Clause
/* Frames in files as tcpdump and Wireshark have them (draft-ietf-opsawg-pcap), without libpcap. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ref-backends/device/host/net_port.h"

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define ETHERNET 1
#define BATCH	 32

struct file_header {
	u32 magic;
	u16 major, minor;
	u32 reserved[2];
	u32 most; /* bytes kept of a frame */
	u32 link;
};

struct frame_header {
	u32 seconds, fraction;
	u32 kept, len;
};

struct pcap_port {
	struct net_port port;
	FILE *from, *to;
	bool swapped;
	u8 in[VNET_FRAME_MAX];
	struct net_whole whole;
};

static void emit(void *arg, const u8 *frame, u32 len)
{
	struct pcap_port *p = arg;
	struct timespec now;
	struct frame_header h;

	clock_gettime(CLOCK_REALTIME, &now);
	h = (struct frame_header){ (u32)now.tv_sec, (u32)now.tv_nsec, len, len };
	fwrite(&h, sizeof(h), 1, p->to);
	fwrite(frame, len, 1, p->to);
}

static void pcap_send(struct net_port *port, const struct net_frame *f)
{
	struct pcap_port *p = (struct pcap_port *)port;

	if (p->to)
		net_whole_send(&p->whole, f);
}

static void pcap_flush(struct net_port *port)
{
	struct pcap_port *p = (struct pcap_port *)port;

	if (p->to)
		fflush(p->to);
}

static u32 number(const struct pcap_port *p, u32 v)
{
	return p->swapped ? __builtin_bswap32(v) : v;
}

/* The next frame; at the end of the file, or where it makes no sense, it is over. */
static bool next(struct pcap_port *p, u32 *len)
{
	struct frame_header h;

	if (fread(&h, sizeof(h), 1, p->from) != 1)
		return false;
	*len = number(p, h.kept);
	return *len <= sizeof(p->in) && fread(p->in, 1, *len, p->from) == *len;
}

static void pcap_poll(struct net_port *port)
{
	struct pcap_port *p = (struct pcap_port *)port;

	for (int i = 0; p->from && i < BATCH; i++) {
		struct dvq_seg seg = { p->in, 0 };
		struct net_frame f = { .segs = &seg, .nsegs = 1 };

		if (!next(p, &f.len)) {
			fclose(p->from);
			p->from = NULL;
			return;
		}
		seg.len = f.len;
		net_deliver(port->net, &f);
	}
}

static void pcap_free(struct net_port *port)
{
	struct pcap_port *p = (struct pcap_port *)port;

	if (p->from)
		fclose(p->from);
	if (p->to && fclose(p->to))
		fprintf(stderr, "ringside-backend: pcap: %s\n", strerror(errno));
	free(p);
}

static const struct net_port_ops pcap_ops = {
	.name = "pcap",
	.send = pcap_send,
	.flush = pcap_flush,
	.poll = pcap_poll,
	.free = pcap_free,
};

static bool open_read(struct pcap_port *p, const char *path)
{
	struct file_header h;
	u32 magic;

	p->from = fopen(path, "rbe");
	if (!p->from)
		return false;
	errno = EPROTO; /* the nearest to "not a pcap file of Ethernet frames" */
	if (fread(&h, sizeof(h), 1, p->from) != 1)
		return false;
	magic = __builtin_bswap32(h.magic);
	p->swapped = magic == MAGIC_US || magic == MAGIC_NS;
	magic = number(p, h.magic);
	return (magic == MAGIC_US || magic == MAGIC_NS) && (number(p, h.link) & 0xffff) == ETHERNET;
}

static bool open_write(struct pcap_port *p, const char *path)
{
	const struct file_header h = {
		.magic = MAGIC_NS, .major = 2, .minor = 4, .most = VNET_FRAME_MAX, .link = ETHERNET
	};

	p->to = fopen(path, "wbe");
	return p->to && fwrite(&h, sizeof(h), 1, p->to) == 1 && fflush(p->to) == 0;
}

struct net_port *net_port_pcap(const char *read, const char *write)
{
	struct pcap_port *p = calloc(1, sizeof(*p));
	const char *path = read;

	if (!p)
		goto failed;
	p->port.ops = &pcap_ops;
	p->whole.emit = emit;
	p->whole.arg = p;
	if (read && !open_read(p, read))
		goto failed;
	path = write;
	if (write && !open_write(p, write))
		goto failed;
	return &p->port;
failed:
	fprintf(stderr, "ringside-backend: pcap '%s': %s\n", path, strerror(errno));
	if (p)
		pcap_free(&p->port);
	return NULL;
}
