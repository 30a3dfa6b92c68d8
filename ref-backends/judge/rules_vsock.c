// SPDX-License-Identifier: BSD-3-Clause
/* What a driver may send to a socket device (VIRTIO 1.4, 5.10). */
#include "ref-backends/device/vsock.h"
#include "ref-backends/judge/rules.h"
#include "ref-backends/judge/steps.h"

/* A packet, its fields zero where it is too short. */
struct jd_vsock {
	const struct rvsock *vsock;
	const struct dvq_chain *chain;
	const struct virtio_vsock_hdr *hdr;
	const struct vsock_flow *flow; /* that it is of, or NULL */
	u64 features;
};

static u16 op(const struct jd_vsock *p)
{
	return le16(p->hdr->op);
}

static bool whole(const struct jd_vsock *p)
{
	return p->chain->readable >= VSOCK_HDR;
}

/* It has not accepted that there is anything but streams. */
static bool no_stream(const struct jd_vsock *p)
{
	return whole(p) && !(p->features & 7) && le16(p->hdr->type) != VIRTIO_VSOCK_TYPE_STREAM;
}

/* By what it was told last: that the device has room again is no news to a driver yet. */
static bool beyond_credit(const struct jd_vsock *p)
{
	const struct vsock_flow *f = p->flow;
	u32 flying;

	if (!whole(p) || !f || op(p) != VIRTIO_VSOCK_OP_RW)
		return false;
	flying = f->fwd_cnt + f->used - f->told_fwd_cnt;
	return le32(p->hdr->len) > p->vsock->buffer - MIN(flying, p->vsock->buffer);
}

/* RST may be of a driver that knows nothing of the flow any more. */
static bool fields_invalid(const struct jd_vsock *p)
{
	const struct vsock_flow *f = p->flow;

	if (!whole(p) || op(p) == VIRTIO_VSOCK_OP_RST)
		return false;
	if (!f)
		return op(p) == VIRTIO_VSOCK_OP_REQUEST && (!p->hdr->buf_alloc || p->hdr->fwd_cnt);
	return !p->hdr->buf_alloc ||
	       (u32)(le32(p->hdr->fwd_cnt) - f->peer_fwd_cnt) > (u32)(f->tx_cnt - f->peer_fwd_cnt);
}

static bool foreign_source(const struct jd_vsock *p)
{
	return whole(p) && le64(p->hdr->src_cid) != p->vsock->cid;
}

static const struct {
	const char *clause;
	bool (*broken)(const struct jd_vsock *p);
} rules[] = {
	{ "v14.vsock.features.drv.2", no_stream },
	{ "v14.vsock.credit.drv.1", beyond_credit },
	{ "v14.vsock.credit.drv.2", fields_invalid },
	{ "v14.vsock.rxtx.drv.1", foreign_source },
};

static u64 looked[ARRAY_SIZE(rules)];

void jd_vsock(struct rvsock *v, const struct dvq_chain *c, const struct virtio_vsock_hdr *h)
{
	const struct jd_vsock p = {
		.vsock = v,
		.chain = c,
		.hdr = h,
		.features = __atomic_load_n(&v->features, __ATOMIC_ACQUIRE),
		.flow = vsock_find(v, le16(h->type), le32(h->dst_port), le32(h->src_port)),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		jd_look(&looked[i]);
		if (rules[i].broken(&p))
			jd_broke(
				rules[i].clause,
				"operation %u of type %u from %llu:%u, %u bytes, buf_alloc %u fwd_cnt %u: "
				"%llu bytes from the driver",
				op(&p), le16(h->type), (unsigned long long)le64(h->src_cid),
				le32(h->src_port), le32(h->len), le32(h->buf_alloc),
				le32(h->fwd_cnt), (unsigned long long)c->readable);
	}
}

void jd_vsock_claims(jd_claim_fn *claim)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		claim(rules[i].clause, looked[i]);
}
