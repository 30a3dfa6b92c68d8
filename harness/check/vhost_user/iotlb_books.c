// SPDX-License-Identifier: BSD-3-Clause
/* Addresses that the front-end translates, beside what else is kept of a ring: the dirty log, and the requests in
 * flight. */
#define CHECK_RING CHECK_RING_SPLIT

#include "harness/check/vhost_user/inflight_io.h"
#include "harness/check/vhost_user/log_io.h"

#define LOG_DATA    "VU.log.iommu.be.1"
#define LOG_USED    "VU.log.iommu.be.2"
#define RESUBMITTED "VU.inflight.set.be.2"
#define RINGS	    "VU.iotlb.rings.be.1"

#define PLATFORM BIT_ULL(VIRTIO_F_ACCESS_PLATFORM)
#define CHANNEL	 (BIT_ULL(VU_PF_BACKEND_REQ) | BIT_ULL(VU_PF_REPLY_ACK))

/* All guest memory is so much higher for the device. */
#define ELSEWHERE (1ull << 44)

static bool session(struct ck *c)
{
	if (!ckr_session_with(c, PLATFORM, ~0ull))
		return false;
	ckv_elsewhere(c, ELSEWHERE);
	return true;
}

/* --- the dirty log --------------------------------------------------------------------------------- */

static void log_in(struct ck *c, struct ckl *l)
{
	struct tp_buf apart;
	struct blk_req r;
	u64 page;

	/* What is marked for the ring is not to be taken for a mark of the data. */
	if (!session(c) || !ckl_make(c, l, ckl_bytes(c), 0, 0) || !ckl_send(c, l) ||
	    !ckl_all(c, true) || !ckr_run(c, 0, 16, 0) ||
	    !ck_alloc(c, CKL_PAGE, CKL_PAGE, &apart) ||
	    !ckl_ring(c, 0, true, ELSEWHERE + c->q[0].layout.device.v))
		return;
	for (u16 i = 0; i < 10; i++) {
		struct vq_split *vq = &c->q[0].vq.split;

		if (!cki_chain(c, &r, 0))
			return;
		ckl_clear(l);
		vq_split_raw_avail(vq, vq->avail_idx++, 0);
		vq_split_raw_publish(vq, vq->avail_idx);
		if (!ckr_kick(c, 0))
			return;
		if (!ck_wait_used(c, 0, (u16)(i + 1))) {
			ck_error(c, "a read was not used within %u ms", c->tp->timeout_ms);
			return;
		}
		if (blk_status(&r) != VIRTIO_BLK_S_OK) {
			ck_error(c, "a read has status %u", blk_status(&r));
			return;
		}
		if (!ckl_covers(l, r.data.gpa, r.data.len, &page)) {
			ck_fail(c, LOG_DATA, "the page of guest memory that was written is marked",
				"%u bytes at 0x%llx were written: page 0x%llx is not marked",
				r.data.len, (unsigned long long)r.data.gpa.v,
				(unsigned long long)page);
			return;
		}
		if (!ckl_covers(l, c->q[0].layout.device, 4, &page)) {
			ck_fail(c, LOG_USED,
				"the page of guest memory that the ring is in is marked",
				"the used ring is at 0x%llx, its log address 0x%llx: page 0x%llx is "
				"not marked",
				(unsigned long long)c->q[0].layout.device.v,
				(unsigned long long)(ELSEWHERE + c->q[0].layout.device.v),
				(unsigned long long)page);
			return;
		}
	}
}

static void run_log(struct ck *c)
{
	struct ckl l = { .fd = -1 };

	log_in(c, &l);
	ckl_free(&l);
}

CHECK(log, .id = "vu.iotlb.log", .clauses = { LOG_DATA, LOG_USED },
      .stimulus = "ACCESS_PLATFORM and LOG_ALL; ten reads into addresses that are 2^44 above guest "
		  "memory; the ring's log address is that of its used ring, 2^44 above, too",
      .oracle = "the pages of guest memory are marked (info for the ring's: the text does not say "
		"which address the log's is)",
      .device = VIRTIO_ID_BLOCK, .features = PLATFORM | BIT_ULL(VU_F_LOG_ALL),
      .pf = CHANNEL | BIT_ULL(VU_PF_LOG_SHMFD), .own_session = true, .run = run_log);

/* --- requests in flight ------------------------------------------------------------------------------ */

#define SIZE  16
#define FIRST 10

static void recover_in(struct ck *c, struct cki *b)
{
	if (session(c) && cki_make(c, b, 1, SIZE) && ckr_lay(c, 0, SIZE, FIRST))
		cki_resubmits(c, b, FIRST, FIRST + 2, "nothing is translated at the start",
			      RESUBMITTED);
}

static void recover(struct ck *c)
{
	struct cki b = { .fd = -1 };

	if (cki_format_known(c))
		recover_in(c, &b);
	cki_free(&b);
}

CHECK(recover, .id = "vu.iotlb.inflight", .clauses = { RESUBMITTED, RINGS },
      .stimulus = "ACCESS_PLATFORM; a buffer in which two heads are in flight, one more available "
		  "behind them; nothing is translated when the ring starts",
      .oracle =
	      "when the translations have come, all three are carried out and returned, each once",
      .device = VIRTIO_ID_BLOCK, .features = PLATFORM,
      .pf = CHANNEL | BIT_ULL(VU_PF_INFLIGHT_SHMFD), .own_session = true, .run = recover);
