// SPDX-License-Identifier: BSD-3-Clause
/* Connections, one after the other: a few packets that the host's program reads, and a shut-down that is confirmed. */
#include <stdio.h>

#include "harness/device/vsock.h"
#include "harness/transport/host/peer_socket.h"
#include "tests/bench/soaks/soak.h"

#define LISTENS 5000u
#define PACKETS 8u /* of a connection */
#define BYTES	100u
#define CID	3u

static struct peer_socket host;

/* Of `count`. */
enum {
	STEP,
	WAITS,
	CONNECTION,
	SENT,
	READ
};

static struct peer *peer_of(struct soak *s)
{
	char path[sizeof(host.path) + 2];

	if (host.path[0])
		return &host.peer;
	snprintf(path, sizeof(path), "%s.v", s->fe.path);
	if (!peer_unix_init(&host, path) || !host.peer.listen(&host.peer, LISTENS, false))
		soak_wrong(s, "nobody can listen at %s", path);
	return &host.peer;
}

static void request(struct soak *s, struct soak_req *r)
{
	struct vsock_head h = { .src_cid = CID,
				.dst_cid = VSOCK_CID_HOST,
				.src_port = 1024 + (u32)(s->count[CONNECTION] % 50000),
				.dst_port = LISTENS,
				.type = VIRTIO_VSOCK_TYPE_STREAM,
				.op = VIRTIO_VSOCK_OP_RW,
				.len = BYTES,
				.buf_alloc = 65536 };
	const u64 step = s->count[STEP]++;

	if (step == 0 || step > PACKETS) {
		h.op = step ? VIRTIO_VSOCK_OP_SHUTDOWN : VIRTIO_VSOCK_OP_REQUEST;
		h.flags = step ? VSOCK_SHUTDOWN_BOTH : 0;
		h.len = 0;
		s->count[WAITS] = step ? VIRTIO_VSOCK_OP_RST : VIRTIO_VSOCK_OP_RESPONSE;
	}
	s->count[SENT] += h.len;
	vsock_write_head(r->out.hva, &h);
	r->out.len = VSOCK_HEADER + h.len;
	r->in.len = 0;
}

static bool good(struct soak *s, const struct soak_req *r)
{
	return r->used_len == 0 || soak_wrong(s, "a packet came back with length %u", r->used_len);
}

static bool came(struct soak *s, u16 queue, const u8 *bytes, u32 len)
{
	struct vsock_head h;

	if (len != VSOCK_HEADER)
		return soak_wrong(s, "a packet of %u bytes", len);
	vsock_read_head(bytes, &h);
	if (h.op == VIRTIO_VSOCK_OP_CREDIT_UPDATE)
		return true;
	if (h.op != s->count[WAITS])
		return soak_wrong(s, "%s comes", vsock_op_name(h.op));
	s->count[WAITS] = 0;
	if (h.op == VIRTIO_VSOCK_OP_RST) {
		s->count[STEP] = 0;
		s->count[CONNECTION]++;
	}
	return true;
}

/* What the host's program has; the one connection is number 0 to it, or none. */
static void look(struct soak *s)
{
	struct peer *p = peer_of(s);
	u8 bytes[PACKETS * BYTES];
	long n = 0;

	while (host.fds[0] < 0 ? p->accept(p, LISTENS) == 0 : n >= 0) {
		n = p->recv(p, 0, bytes, sizeof(bytes));
		if (!n)
			break;
		if (n > 0)
			s->count[READ] += (u64)n;
		else
			p->close(p, 0);
	}
}

static bool may(struct soak *s)
{
	look(s);
	return !s->count[WAITS];
}

static bool complete(struct soak *s)
{
	look(s);
	return s->count[READ] == s->count[SENT];
}

const struct soak_device soak_vsock = {
	.name = "vsock",
	.queues = 2,
	.queue = VSOCK_TXQ,
	.posted = 1 << VSOCK_RXQ,
	.request = request,
	.good = good,
	.came = came,
	.may = may,
	.complete = complete,
};
