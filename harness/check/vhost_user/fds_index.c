// SPDX-License-Identifier: BSD-3-Clause
/* Event descriptors for rings that the device does not have. */
#include "harness/check/vhost_user/msg_kit.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define INDEX "ROB.msg.index"

#define PF CKM_PF_NO_STATUS

static bool set_up(struct ck *c)
{
	return ckm_run(c, 0, ckm_setup_count) && ckm_serves(c);
}

/* The index is bits 0 to 7 of the payload. Ring 0 goes on serving, or a new session does. */
static bool with_index(struct ck *c, u32 request, u64 index)
{
	enum ckv_reaction r;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	u32 ack = vu_has_pf(ckv(c), VU_PF_REPLY_ACK) ? VU_FLAG_NEED_REPLY : 0;

	r = ckv_provoke_or_hang(c, request, VU_VERSION | ack, &index, sizeof(index), &fd, 1, INDEX);
	close(fd);
	ck_log(c, "  ring %llu: %s", (unsigned long long)index, ckv_reaction_name(r));
	if (r == CKV_BROKEN)
		return false;
	if (r != CKV_CLOSED && vu_barrier(ckv(c)) == TP_OK)
		return ckb_alive(c, 0, INDEX);
	return ckm_session_or_fail(c, PF, INDEX) && set_up(c);
}

static void indices(struct ck *c)
{
	static const u32 requests[] = { VU_SET_VRING_KICK, VU_SET_VRING_CALL, VU_SET_VRING_ERR };
	u32 beyond[2];

	if (!ckm_session(c, PF) || !set_up(c))
		return;
	beyond[0] = 255;
	beyond[1] = ckv(c)->queues;
	for (unsigned i = 0; i < ARRAY_SIZE(beyond) && beyond[i] >= ckv(c)->queues; i++)
		for (unsigned k = 0; k < ARRAY_SIZE(requests); k++)
			if (!with_index(c, requests[k], beyond[i]))
				return;
	ckv_reachable(c, INDEX);
}

CHECK(fds_index, .id = "vu.fds.ring-index", .clauses = { INDEX },
      .stimulus =
	      "SET_VRING_KICK, CALL and ERR with a descriptor for ring 255 and for the number of "
	      "rings, while ring 0 runs",
      .oracle = "ring 0 serves after each, or a new session does where the connection was closed",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = indices, .own_session = true);
