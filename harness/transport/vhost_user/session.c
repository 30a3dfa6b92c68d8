// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/transport/vhost_user/frontend.h"

/*
 * The usual guest memory: three regions with gaps, one of them above 4 GiB and one with an offset
 * into its file. Multiples of 2 MiB, since some back-ends map nothing else.
 */
static const struct vu_region_spec default_regions[] = {
	{ 0x00100000, 0x7a0000200000, 8 << 20, 0 },
	{ 0x40000000, 0x7a0040000000, 4 << 20, 2 << 20 },
	{ 0x100000000, 0x7a0020000000, 4 << 20, 0 },
};

int vu_set_regions(struct vu_frontend *fe, const struct vu_region_spec *specs, unsigned n)
{
	for (unsigned i = 0; i < fe->region_count; i++)
		vu_region_destroy(&fe->regions[i]);
	fe->region_count = 0;
	fe->tp.mem_count = 0;
	for (unsigned i = 0; i < n; i++) {
		struct vu_region *r = &fe->regions[i];

		if (vu_region_create(r, &specs[i]) < 0)
			return vu_error(fe, TP_ELOCAL, "guest memory: %s", strerror(errno));
		fe->region_count++;
		fe->tp.mem[i] = (struct tp_buf){ r->hva, r->gpa, (u32)r->size };
		fe->tp.mem_count++;
	}
	return TP_OK;
}

/*
 * Some make their socket anew for each session: between two of them nobody listens for a moment. Whoever served
 * the last one and has not ended is waited for.
 */
static int connect_again(struct vu_frontend *fe)
{
	const u64 deadline = tp_deadline(&fe->tp, fe->tp.timeout_ms);
	for (;;) {
		const int sock = vu_wire_connect(fe->path, fe->tp.timeout_ms), error = errno;

		if (sock >= 0)
			return sock;
		if ((error != ENOENT && error != ECONNREFUSED) || !process_lives(fe->last_peer) ||
		    tp_over(&fe->tp, deadline)) {
			errno = error;
			return -1;
		}
		poll(NULL, 0, 1);
	}
}

/* A back-end that connects does so again when it finds that its session is over, DPDK after a second. */
#define COMES_BACK_MS 10000

int vu_connect(struct vu_frontend *fe)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	vu_disconnect(fe);
	if (fe->renew) {
		int rc = fe->renew(fe);

		if (rc != TP_OK)
			return rc;
	}
	fe->sock = fe->listener
			   ? vu_wire_accept(fe->listener, MAX(fe->tp.timeout_ms, COMES_BACK_MS))
			   : connect_again(fe);
	if (fe->sock < 0)
		return vu_error(fe, TP_EGONE, "%s '%s': %s",
				fe->listener ? "nobody connects to" : "cannot connect to", fe->path,
				strerror(errno));
	if (getsockopt(fe->sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
		fe->peer = fe->last_peer = peer.pid;
	vu_log(fe, "  connected");
	return vu_set_regions(fe, default_regions, ARRAY_SIZE(default_regions));
}

void vu_disconnect(struct vu_frontend *fe)
{
	if (fe->sock >= 0) {
		vu_log(fe, "  disconnect");
		close(fe->sock);
	}
	if (fe->channel >= 0)
		close(fe->channel);
	for (unsigned q = 0; q < VU_FE_RINGS; q++) {
		struct vu_ring_fds *r = &fe->rings[q];

		if (r->kick >= 0)
			close(r->kick);
		if (r->call >= 0)
			close(r->call);
		if (r->err >= 0)
			close(r->err);
		*r = (struct vu_ring_fds){ -1, -1, -1, false };
	}
	for (unsigned i = 0; i < fe->region_count; i++)
		vu_region_destroy(&fe->regions[i]);
	fe->region_count = 0;
	fe->tp.mem_count = 0;
	fe->tp.caps = 0;
	fe->sock = fe->channel = -1;
	fe->peer = 0;
	fe->offered = fe->features = fe->pf_offered = fe->pf = 0;
	fe->queues = 0;
	fe->table_sent = false;
	fe->config_events = 0;
	fe->event_count = 0;
	fe->hold_channel_acks = false;
	fe->iova_count = fe->miss_count = 0;
	fe->ring_iova = 0;
	fe->serving = false;
	fe->gone = (struct host_gone){ 0 };
}

int vu_begin(struct vu_frontend *fe)
{
	const u64 deadline = tp_deadline(&fe->tp, fe->tp.timeout_ms);

	for (;;) {
		int rc = vu_connect(fe);

		if (rc == TP_OK)
			rc = vu_handshake(fe);
		if (rc != TP_EGONE || fe->sock < 0 || fe->offered ||
		    (!fe->renew && !process_lives(fe->last_peer)) || tp_over(&fe->tp, deadline))
			return rc;
		vu_log(fe, "  closed before anything was answered: once more");
		poll(NULL, 0, 1);
	}
}

static int negotiate_protocol(struct vu_frontend *fe)
{
	u64 pf;
	int rc = vu_get_u64(fe, VU_GET_PROTOCOL_FEATURES, &fe->pf_offered);

	if (rc != TP_OK)
		return rc;
	pf = fe->pf_offered & fe->pf_mask;
	/* Without an acknowledgement: whether this very message is acknowledged is not defined. */
	rc = vu_send(fe, VU_SET_PROTOCOL_FEATURES, VU_VERSION, &pf, sizeof(pf), NULL, 0);
	if (rc == TP_OK)
		fe->pf = pf;
	return rc;
}

int vu_handshake(struct vu_frontend *fe)
{
	int rc = vu_get_u64(fe, VU_GET_FEATURES, &fe->offered);
	u64 queues = 1;

	if (rc == TP_OK && fe->offered & BIT_ULL(VU_F_PROTOCOL_FEATURES))
		rc = negotiate_protocol(fe);
	if (rc == TP_OK)
		rc = vu_cmd(fe, VU_SET_OWNER, NULL, 0, NULL, 0);
	if (rc == TP_OK && vu_has_pf(fe, VU_PF_MQ))
		rc = vu_get_u64(fe, VU_GET_QUEUE_NUM, &queues);
	fe->queues = (unsigned)MIN(queues, VU_FE_RINGS);
	if (rc == TP_OK && vu_has_pf(fe, VU_PF_BACKEND_REQ) && !fe->no_channel)
		rc = vu_set_channel(fe);
	return rc;
}
