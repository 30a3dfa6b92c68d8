// SPDX-License-Identifier: BSD-3-Clause
#include "harness/check/vhost_user/msg_kit.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

const u32 ckm_order[] = {
	VU_SET_FEATURES,
	VU_SET_MEM_TABLE,
	VU_SET_BACKEND_REQ_FD,
	VU_SET_LOG_BASE,
	VU_SET_VRING_NUM,
	VU_SET_VRING_BASE,
	VU_SET_VRING_ADDR,
	VU_SET_VRING_ERR,
	VU_SET_VRING_CALL,
	VU_SET_VRING_KICK,
	VU_SET_VRING_ENABLE,
	/* While the ring runs. */
	VU_SET_CONFIG,
	VU_ADD_MEM_REG,
	VU_REM_MEM_REG,
	VU_GET_VRING_BASE,
	VU_SET_INFLIGHT_FD,
	VU_RESET_DEVICE,
	VU_SET_STATUS,
};
const unsigned ckm_order_count = ARRAY_SIZE(ckm_order);
const unsigned ckm_setup_count = 11;

const u32 ckm_queries[] = {
	VU_GET_FEATURES, VU_GET_PROTOCOL_FEATURES, VU_GET_QUEUE_NUM,  VU_GET_CONFIG,
	VU_GET_STATUS,	 VU_GET_MAX_MEM_SLOTS,	   VU_GET_VRING_BASE, VU_GET_INFLIGHT_FD,
};
const unsigned ckm_query_count = ARRAY_SIZE(ckm_queries);

#define RING_SIZE 64
/* Enough for a bit per page of the default regions, the highest of which lies above 4 GiB. */
#define LOG_SIZE (256u << 10)

/* `clause` NULL: a back-end that does not take the session is an error. */
static bool session(struct ck *c, u64 pf_mask, const char *clause)
{
	struct vu_frontend *fe = ckv(c);
	bool no_channel = fe->no_channel;
	u64 saved = fe->pf_mask;
	int rc;

	ck_forget(c);
	fe->no_channel = true;
	fe->pf_mask = saved & pf_mask;
	rc = vu_begin(fe);
	fe->no_channel = no_channel;
	fe->pf_mask = saved;
	if (rc != TP_OK && clause)
		return ck_fail(c, clause, "a new session can be opened", "%s", fe->tp.error);
	if (!ck_must(c, rc, "opening a session"))
		return false;
	c->offered = fe->offered & ~(BIT_ULL(VU_F_PROTOCOL_FEATURES) | BIT_ULL(VU_F_LOG_ALL));
	c->queues = fe->queues;
	return ck_must(c, vu_ring_fds_make(fe, 0), "making event descriptors") &&
	       ck_queue_start(c, 0,
			      &(struct ck_queue_opts){ .size = RING_SIZE, .not_start = true });
}

bool ckm_session(struct ck *c, u64 pf_mask)
{
	return session(c, pf_mask, NULL);
}

int ckm_memfd(struct ck *c, u64 len)
{
	int fd = memfd_create("ringside-check", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)len) == 0)
		return fd;
	ck_error(c, "memfd: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool give(struct ckm_msg *m, int fd)
{
	m->fds[m->nfds++] = fd;
	m->own_fds = true;
	return fd >= 0;
}

static bool make_features(struct ck *c, struct ckm_msg *m)
{
	/* What the device offers and a block session uses; the log stays off. */
	u64 want = BIT_ULL(VIRTIO_F_VERSION_1) | BIT_ULL(VU_F_PROTOCOL_FEATURES);

	if (c->device == VIRTIO_ID_BLOCK)
		want |= BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE) | BIT_ULL(VIRTIO_BLK_F_FLUSH);
	m->u64 = ckv(c)->offered & want;
	return true;
}

static bool make_mem_table(struct ck *c, struct ckm_msg *m)
{
	struct vu_frontend *fe = ckv(c);

	m->size = 8 + 32 * fe->region_count;
	m->table.nregions = fe->region_count;
	for (unsigned i = 0; i < fe->region_count; i++) {
		m->table.regions[i] = vu_region_wire(&fe->regions[i]);
		m->fds[m->nfds++] = fe->regions[i].fd;
	}
	return true;
}

static bool make_log(struct ck *c, struct ckm_msg *m)
{
	m->log.size = LOG_SIZE;
	return give(m, ckm_memfd(c, LOG_SIZE));
}

static bool make_num(struct ck *c, struct ckm_msg *m)
{
	m->state.num = c->q[0].layout.size;
	return true;
}

static bool make_addr(struct ck *c, struct ckm_msg *m)
{
	const struct vq_layout *l = &c->q[0].layout;

	m->addr.desc = vu_uva(ckv(c), l->desc);
	m->addr.used = vu_uva(ckv(c), l->device);
	m->addr.avail = vu_uva(ckv(c), l->driver);
	return true;
}

static bool make_err(struct ck *c, struct ckm_msg *m)
{
	m->fds[m->nfds++] = ckv(c)->rings[0].err;
	return true;
}

static bool make_call(struct ck *c, struct ckm_msg *m)
{
	m->fds[m->nfds++] = ckv(c)->rings[0].call;
	return true;
}

static bool make_kick(struct ck *c, struct ckm_msg *m)
{
	m->fds[m->nfds++] = ckv(c)->rings[0].kick;
	return true;
}

static bool make_enable(struct ck *c, struct ckm_msg *m)
{
	m->state.num = 1;
	return ckv(c)->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES);
}

static bool make_channel(struct ck *c, struct ckm_msg *m)
{
	struct vu_frontend *fe = ckv(c);
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ck_error(c, "socketpair: %s", strerror(errno));
	if (fe->channel >= 0)
		close(fe->channel);
	fe->channel = pair[0];
	return give(m, pair[1]);
}

static bool make_get_config(struct ck *c, struct ckm_msg *m)
{
	m->config.size = 8;
	m->size = VU_CONFIG_HEADER + 8;
	return true;
}

/* The one field of a block device that a driver may write, as it is. */
static bool make_set_config(struct ck *c, struct ckm_msg *m)
{
	struct virtio_blk_config cfg = { 0 };

	if (c->device != VIRTIO_ID_BLOCK || !(c->offered & BIT_ULL(VIRTIO_BLK_F_CONFIG_WCE)))
		return false;
	if (!ck_must(c, vu_get_config(ckv(c), 0, VIRTIO_BLK_CONFIG_SIZE, &cfg),
		     "reading the configuration"))
		return false;
	m->config.offset = offsetof(struct virtio_blk_config, wce);
	m->config.size = 1;
	m->config.data[0] = cfg.wce;
	m->size = VU_CONFIG_HEADER + 1;
	return true;
}

static bool make_get_inflight(struct ck *c, struct ckm_msg *m)
{
	m->inflight.num_queues = 1;
	m->inflight.queue_size = RING_SIZE;
	return true;
}

/* A buffer that the back-end made. */
static bool make_set_inflight(struct ck *c, struct ckm_msg *m)
{
	struct vu_reply r;
	unsigned n;

	make_get_inflight(c, m);
	if (!ck_must(c, vu_call(ckv(c), VU_GET_INFLIGHT_FD, m->bytes, m->size, &r),
		     "GET_INFLIGHT_FD"))
		return false;
	m->inflight = r.msg.inflight;
	n = r.nfds;
	if (n == 1)
		return give(m, r.fds[0]);
	vu_reply_release(&r);
	return ck_error(c, "GET_INFLIGHT_FD: %u descriptors in the reply", n);
}

/* Behind the default regions, in guest and in user addresses. */
#define EXTRA_SIZE (2u << 20)
static const struct vu_mem_region extra = { 0x200000000, EXTRA_SIZE, 0x7a0100000000, 0 };

static bool make_add(struct ck *c, struct ckm_msg *m)
{
	m->size = sizeof(m->single);
	m->single.region = extra;
	return give(m, ckm_memfd(c, EXTRA_SIZE));
}

static bool make_rem(struct ck *c, struct ckm_msg *m)
{
	m->size = sizeof(m->single);
	m->single.region = extra;
	return true;
}

static bool make_status(struct ck *c, struct ckm_msg *m)
{
	m->u64 = VIRTIO_CONFIG_S_ACKNOWLEDGE;
	return true;
}

static bool make_plain(struct ck *c, struct ckm_msg *m)
{
	return true;
}

static const struct {
	u32 request;
	bool (*make)(struct ck *c, struct ckm_msg *m);
} makers[] = {
	{ VU_GET_FEATURES, make_plain },
	{ VU_SET_FEATURES, make_features },
	{ VU_SET_MEM_TABLE, make_mem_table },
	{ VU_SET_LOG_BASE, make_log },
	{ VU_SET_VRING_NUM, make_num },
	{ VU_SET_VRING_ADDR, make_addr },
	{ VU_SET_VRING_BASE, make_plain },
	{ VU_GET_VRING_BASE, make_plain },
	{ VU_SET_VRING_KICK, make_kick },
	{ VU_SET_VRING_CALL, make_call },
	{ VU_SET_VRING_ERR, make_err },
	{ VU_GET_PROTOCOL_FEATURES, make_plain },
	{ VU_GET_QUEUE_NUM, make_plain },
	{ VU_SET_VRING_ENABLE, make_enable },
	{ VU_SET_BACKEND_REQ_FD, make_channel },
	{ VU_GET_CONFIG, make_get_config },
	{ VU_SET_CONFIG, make_set_config },
	{ VU_GET_INFLIGHT_FD, make_get_inflight },
	{ VU_SET_INFLIGHT_FD, make_set_inflight },
	{ VU_RESET_DEVICE, make_plain },
	{ VU_GET_MAX_MEM_SLOTS, make_plain },
	{ VU_ADD_MEM_REG, make_add },
	{ VU_REM_MEM_REG, make_rem },
	{ VU_SET_STATUS, make_status },
	{ VU_GET_STATUS, make_plain },
};

static bool in_session(const struct vu_frontend *fe, const struct vu_msg_spec *spec)
{
	if (spec->gate_pf & ~fe->pf)
		return false;
	return spec->id != VU_GET_PROTOCOL_FEATURES ||
	       fe->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES);
}

bool ckm_make(struct ck *c, u32 request, struct ckm_msg *m)
{
	memset(m, 0, sizeof(*m));
	m->request = request;
	m->spec = vu_msg_find(VU_CHAN_MAIN, request);
	if (!m->spec || !in_session(ckv(c), m->spec))
		return false;
	m->size = m->spec->req_size_min;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++)
		if (makers[i].request == request)
			return makers[i].make(c, m);
	return false;
}

void ckm_done(struct ckm_msg *m)
{
	for (unsigned i = 0; m->own_fds && i < m->nfds; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	m->nfds = 0;
}

int ckm_send(struct ck *c, const struct ckm_msg *m, u32 flags)
{
	return vu_send(ckv(c), m->request, flags, m->bytes, m->size, m->fds, m->nfds);
}

bool ckm_cmd(struct ck *c, const struct ckm_msg *m)
{
	struct vu_reply r;

	if (m->spec->reply_ack != VU_ACK_BODY)
		return ck_must(c, vu_cmd(ckv(c), m->request, m->bytes, m->size, m->fds, m->nfds),
			       m->spec->name);
	if (!ck_must(c, ckm_send(c, m, VU_VERSION), m->spec->name) ||
	    !ck_must(c, vu_recv(ckv(c), &r, c->tp->timeout_ms), m->spec->name))
		return false;
	vu_reply_release(&r);
	return true;
}

enum ckv_reaction ckm_provoke(struct ck *c, const struct ckm_msg *m, const char *clause)
{
	u32 ack = vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0;

	return ckv_provoke_or_hang(c, m->request, VU_VERSION | ack, m->bytes, m->size, m->fds,
				   m->nfds, clause);
}

const char *ckm_reaction_name(const struct ckm_msg *m, enum ckv_reaction r)
{
	bool body = m->spec && m->spec->reply_ack == VU_ACK_BODY;

	return body && (r == CKV_ACK || r == CKV_NACK) ? "answered" : ckv_reaction_name(r);
}

bool ckm_run(struct ck *c, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct ckm_msg m;
		bool ok;

		if (!ckm_make(c, ckm_order[i], &m))
			continue;
		ok = ckm_cmd(c, &m);
		ckm_done(&m);
		if (!ok)
			return false;
	}
	return true;
}

bool ckm_serves(struct ck *c)
{
	struct blk_req r;

	return ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) && ckb_ok(c, 0, &r);
}

void ckm_exchange(struct ck *c, const struct ckm_msg *m, u32 flags, struct ckm_answers *a)
{
	struct vu_frontend *fe = ckv(c);
	/* The question behind must be told from the message itself. */
	u32 question =
		m->request == VU_GET_FEATURES && fe->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES)
			? VU_GET_PROTOCOL_FEATURES
			: VU_GET_FEATURES;
	bool own = m->request == question;

	a->count = 0;
	a->end = ckm_send(c, m, flags);
	/* A back-end that answers and closes is not there for the question; its answer is. */
	if (a->end == TP_OK)
		vu_send(fe, question, VU_VERSION, NULL, 0, NULL, 0);
	while (a->end == TP_OK) {
		struct vu_reply r;

		a->end = vu_recv(fe, &r, c->tp->timeout_ms);
		if (a->end != TP_OK)
			return;
		if (r.msg.hdr.request == question && (!own || a->count > 0)) {
			vu_reply_release(&r);
			return;
		}
		if (a->count++ == 0) {
			a->first = r.msg;
			a->first_fds = r.nfds + r.surplus_fds;
		}
		vu_reply_release(&r);
	}
}

bool ckm_session_or_fail(struct ck *c, u64 pf_mask, const char *clause)
{
	ck_log(c, "  a new session:");
	return session(c, pf_mask, clause);
}

bool ckm_session_again(struct ck *c, enum ckv_reaction r, u64 pf_mask, const char *clause)
{
	if (r == CKV_BROKEN)
		return false;
	/* After an answer the connection may be about to end: libvhost-user closes behind its ack. */
	if (r != CKV_CLOSED && vu_barrier(ckv(c)) == TP_OK)
		return true;
	return ckm_session_or_fail(c, pf_mask, clause);
}
