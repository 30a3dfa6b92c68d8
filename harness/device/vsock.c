// SPDX-License-Identifier: BSD-3-Clause
#include "harness/device/vsock.h"

#include <string.h>

void vsock_write_head(u8 *to, const struct vsock_head *h)
{
	const struct virtio_vsock_hdr raw = {
		.src_cid = le64(h->src_cid),
		.dst_cid = le64(h->dst_cid),
		.src_port = le32(h->src_port),
		.dst_port = le32(h->dst_port),
		.len = le32(h->len),
		.type = le16(h->type),
		.op = le16(h->op),
		.flags = le32(h->flags),
		.buf_alloc = le32(h->buf_alloc),
		.fwd_cnt = le32(h->fwd_cnt),
	};

	memcpy(to, &raw, sizeof(raw));
}

void vsock_read_head(const u8 *from, struct vsock_head *h)
{
	struct virtio_vsock_hdr raw;

	memcpy(&raw, from, sizeof(raw));
	*h = (struct vsock_head){
		.src_cid = le64(raw.src_cid),
		.dst_cid = le64(raw.dst_cid),
		.src_port = le32(raw.src_port),
		.dst_port = le32(raw.dst_port),
		.len = le32(raw.len),
		.type = le16(raw.type),
		.op = le16(raw.op),
		.flags = le32(raw.flags),
		.buf_alloc = le32(raw.buf_alloc),
		.fwd_cnt = le32(raw.fwd_cnt),
	};
}

const char *vsock_op_name(u16 op)
{
	static const char *const names[] = {
		"INVALID",  "REQUEST", "RESPONSE",	"RST",
		"SHUTDOWN", "RW",      "CREDIT_UPDATE", "CREDIT_REQUEST",
	};

	return op < ARRAY_SIZE(names) ? names[op] : "an unknown operation";
}

struct vsock_head vsock_head_of(const struct vsock_conn *c, u64 cid, u16 op, u32 len)
{
	return (struct vsock_head){
		.src_cid = cid,
		.dst_cid = VSOCK_CID_HOST,
		.src_port = c->port,
		.dst_port = c->host_port,
		.len = len,
		.type = c->type,
		.op = op,
		.buf_alloc = c->buf_alloc,
		.fwd_cnt = c->fwd_cnt,
	};
}

u32 vsock_free(const struct vsock_conn *c)
{
	const u32 flying = c->tx_cnt - c->peer_fwd;

	return flying < c->peer_buf_alloc ? c->peer_buf_alloc - flying : 0;
}

enum vsock_wrong vsock_take(struct vsock_conn *c, const struct vsock_head *h)
{
	const u32 unread = c->rx_cnt - c->fwd_cnt;
	enum vsock_wrong wrong = VSOCK_RIGHT;

	if (!h->buf_alloc)
		wrong = VSOCK_NO_BUFFER;
	else if ((u32)(h->fwd_cnt - c->peer_fwd) > 0x80000000u)
		wrong = VSOCK_COUNTS_BACK;
	else if ((u32)(h->fwd_cnt - c->peer_fwd) > (u32)(c->tx_cnt - c->peer_fwd))
		wrong = VSOCK_COUNTS_UNSENT;
	else if (h->op == VIRTIO_VSOCK_OP_RW &&
		 (unread > c->buf_alloc || h->len > c->buf_alloc - unread))
		wrong = VSOCK_OVERRUNS;
	c->peer_buf_alloc = h->buf_alloc;
	c->peer_fwd = h->fwd_cnt;
	if (h->op == VIRTIO_VSOCK_OP_RW)
		c->rx_cnt += h->len;
	if (h->op == VIRTIO_VSOCK_OP_SHUTDOWN)
		c->peer_shut |= (u8)(h->flags & VSOCK_SHUTDOWN_BOTH);
	if (h->op == VIRTIO_VSOCK_OP_RST)
		c->reset = true;
	return wrong;
}
