// SPDX-License-Identifier: BSD-3-Clause
/* Descriptors where they belong: each is taken and used for what it is. */
#include "harness/check/vhost_user/msg_kit.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#define SCM	  "VU.sock.scm.be.1"
#define TAKE_MEM  "VU.fds.accept-set-mem-table.be.1"
#define TAKE_ADD  "VU.fds.accept-add-mem-reg.be.1"
#define TAKE_LOG  "VU.fds.accept-set-log-base.be.1"
#define TAKE_KICK "VU.fds.accept-set-vring-kick.be.1"
#define TAKE_CALL "VU.fds.accept-set-vring-call.be.1"
#define TAKE_ERR  "VU.fds.accept-set-vring-err.be.1"
#define TAKE_CHAN "VU.fds.accept-set-backend-req-fd.be.1"
#define TAKE_IFL  "VU.fds.accept-set-inflight-fd.be.1"

/*
 * Send one message of the set-up and see whether it is taken. Only a refusal in so many words counts
 * here: an answer that is not 0, or an end of the connection right behind it.
 */
static bool taken(struct ck *c, u32 request, const char *clause)
{
	struct ckm_msg m;
	enum ckv_reaction r;

	if (!ckm_make(c, request, &m))
		return ck_skip(c, "%s does not belong to this session",
			       vu_msg_name(VU_CHAN_MAIN, request));
	r = ckm_provoke(c, &m, NULL);
	ckm_done(&m);
	if (r == CKV_BROKEN)
		return false;
	if (r == CKV_NACK && m.spec->reply_ack == VU_ACK_BODY)
		return true;
	if (r == CKV_NACK || r == CKV_CLOSED)
		return ck_fail(c, clause, "the message with its descriptor is carried out",
			       "%s: %s", m.spec->name, ckv_reaction_name(r));
	return true;
}

/* The messages of the set-up before `request`. */
static bool up_to(struct ck *c, u32 request)
{
	unsigned i = 0;

	while (i < ckm_order_count && ckm_order[i] != request)
		i++;
	return ckm_run(c, 0, i);
}

static bool rest_of_setup(struct ck *c, u32 request)
{
	unsigned i = 0;

	while (i < ckm_setup_count && ckm_order[i] != request)
		i++;
	return ckm_run(c, i + 1, ckm_setup_count);
}

/* A request is served; when it is not, that is the descriptor's fault only if it was when given otherwise. */
static bool used_for(struct ck *c, const char *clause, const char *what)
{
	struct blk_req r;
	struct ck_used u;

	if (!ckb_make(c, &r, VIRTIO_BLK_T_IN, 0, VIRTIO_BLK_SECTOR) ||
	    ckb_add(c, 0, &r, BLK_LAYOUT_USUAL) < 0 || !ck_publish(c, 0))
		return false;
	if (!ck_reap(c, 0, &u))
		return ck_fail(c, clause, "a request is served", "no request is served %s", what);
	if (u.token != &r)
		return ck_error(c, "used element with id %u", u.id);
	return blk_status(&r) == VIRTIO_BLK_S_OK ||
	       ck_fail(c, clause, "a request is served", "a request %s: status %u", what,
		       blk_status(&r));
}

/* What every session does, as the measure. */
static bool usual_session_serves(struct ck *c)
{
	return ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, ckm_setup_count) && ckm_serves(c);
}

/* One region in a descriptor of its own: nothing else of the memory can be known to the back-end. */
static void take_mem(struct ck *c)
{
	static const struct vu_region_spec one = { 0x10000000, 0x7b0010000000, 1 << 20, 0 };

	if (!usual_session_serves(c) || !ckv_handshake(c, CKM_PF_NO_STATUS) ||
	    !ck_must(c, vu_set_regions(ckv(c), &one, 1), "making a region"))
		return;
	if (!ck_must(c, vu_ring_fds_make(ckv(c), 0), "making event descriptors") ||
	    !ck_queue_start(c, 0, &(struct ck_queue_opts){ .size = 64, .not_start = true }))
		return;
	if (up_to(c, VU_SET_MEM_TABLE) && taken(c, VU_SET_MEM_TABLE, TAKE_MEM) &&
	    rest_of_setup(c, VU_SET_MEM_TABLE))
		used_for(c, SCM, "from the memory that came as a descriptor");
}

CHECK(fds_mem, .id = "vu.fds.taken.set-mem-table", .clauses = { TAKE_MEM, SCM },
      .stimulus = "SET_MEM_TABLE with one region in one memfd, a ring and a request in it",
      .oracle = "the message is carried out and the request is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = take_mem, .own_session = true);

static void take_add(struct ck *c)
{
	if (ckm_session(c, CKM_PF_NO_STATUS) && ckm_run(c, 0, ckm_setup_count))
		taken(c, VU_ADD_MEM_REG, TAKE_ADD);
}

CHECK(fds_add, .id = "vu.fds.taken.add-mem-reg", .clauses = { TAKE_ADD },
      .stimulus = "ADD_MEM_REG with its one descriptor while a ring runs",
      .oracle = "the message is carried out (what the region is good for: vu.mem.add)",
      .caps = TP_CAP_VHOST_USER, .pf = BIT_ULL(VU_PF_CONFIGURE_MEM_SLOTS), .run = take_add,
      .own_session = true);

/* LOG_ALL is on, and the pages of what the device writes are marked in the file that was given. */
static void take_log(struct ck *c)
{
	struct vu_log log = { .size = 256 << 10 };
	int fd = ckm_memfd(c, log.size);
	struct ckm_msg features;
	struct vu_reply r;

	if (fd < 0)
		return;
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) || !ckm_serves(c))
		goto out;
	if (!ck_must(c, vu_send(ckv(c), VU_SET_LOG_BASE, VU_VERSION, &log, sizeof(log), &fd, 1),
		     "SET_LOG_BASE"))
		goto out;
	if (vu_recv(ckv(c), &r, c->tp->timeout_ms) != TP_OK) {
		ck_fail(c, TAKE_LOG, "the message with its descriptor is carried out",
			"SET_LOG_BASE: %s", ckv(c)->tp.error);
		goto out;
	}
	vu_reply_release(&r);
	if (!ckm_make(c, VU_SET_FEATURES, &features))
		goto out;
	features.u64 |= BIT_ULL(VU_F_LOG_ALL);
	if (!ck_must(c, vu_set_u64(ckv(c), VU_SET_FEATURES, features.u64),
		     "SET_FEATURES with LOG_ALL"))
		goto out;
	if (ckm_serves(c)) {
		u8 *map = mmap(NULL, log.size, PROT_READ, MAP_SHARED, fd, 0);
		bool marked = map != MAP_FAILED && ck_not_value(map, (u32)log.size, 0) < log.size;

		if (map != MAP_FAILED)
			munmap(map, log.size);
		if (!marked)
			ck_fail(c, TAKE_LOG, "pages that the device wrote are marked in it",
				"no bit is set after a request with LOG_ALL");
	}
out:
	close(fd);
}

CHECK(fds_log, .id = "vu.fds.taken.set-log-base", .clauses = { TAKE_LOG },
      .stimulus = "SET_LOG_BASE with one descriptor, LOG_ALL, a request",
      .oracle = "the message is answered, and the file shows marked pages",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .features = BIT_ULL(VU_F_LOG_ALL),
      .pf = BIT_ULL(VU_PF_LOG_SHMFD), .run = take_log, .own_session = true);

/* A second kick descriptor takes the place of the first, which nobody writes to any more. */
static void take_kick(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) || !ckm_serves(c))
		return;
	close(ckv(c)->rings[0].kick);
	ckv(c)->rings[0].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (taken(c, VU_SET_VRING_KICK, TAKE_KICK))
		used_for(c, TAKE_KICK, "after a kick on the new descriptor");
}

CHECK(fds_kick, .id = "vu.fds.taken.set-vring-kick", .clauses = { TAKE_KICK },
      .stimulus =
	      "SET_VRING_KICK with another eventfd on a running ring, a request and a kick on it",
      .oracle = "the message is carried out and the request is served", .caps = TP_CAP_VHOST_USER,
      .device = VIRTIO_ID_BLOCK, .run = take_kick, .own_session = true);

static void take_call(struct ck *c)
{
	int call;

	if (!ckm_session(c, CKM_PF_NO_STATUS) || !ckm_run(c, 0, ckm_setup_count) ||
	    !ckm_serves(c) || !ckv_must_signal(c, ckv(c)->rings[0].call))
		return;
	call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	close(ckv(c)->rings[0].call);
	ckv(c)->rings[0].call = call;
	if (!taken(c, VU_SET_VRING_CALL, TAKE_CALL))
		return;
	/* One signal may come for the descriptor itself. */
	ckv_signalled(call, c->tp->quiet_ms);
	if (ckm_serves(c) && !ckv_must_signal(c, call))
		ck_fail(c, TAKE_CALL, "a signal on the descriptor last given",
			"a request was used, and the new call descriptor was not signalled");
}

CHECK(fds_call, .id = "vu.fds.taken.set-vring-call", .clauses = { TAKE_CALL },
      .stimulus = "SET_VRING_CALL with another eventfd on a running ring, a request",
      .oracle = "the message is carried out and the new descriptor is signalled",
      .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK, .run = take_call, .own_session = true);

static void take_err(struct ck *c)
{
	if (ckm_session(c, CKM_PF_NO_STATUS) && up_to(c, VU_SET_VRING_ERR) &&
	    taken(c, VU_SET_VRING_ERR, TAKE_ERR))
		rest_of_setup(c, VU_SET_VRING_ERR);
}

CHECK(fds_err, .id = "vu.fds.taken.set-vring-err", .clauses = { TAKE_ERR },
      .stimulus = "SET_VRING_ERR with an eventfd", .oracle = "the message is carried out",
      .caps = TP_CAP_VHOST_USER, .run = take_err, .own_session = true);

static void take_channel(struct ck *c)
{
	/* A second one takes the place of the first. */
	if (ckm_session(c, CKM_PF_NO_STATUS) && taken(c, VU_SET_BACKEND_REQ_FD, TAKE_CHAN))
		taken(c, VU_SET_BACKEND_REQ_FD, TAKE_CHAN);
}

CHECK(fds_channel, .id = "vu.fds.taken.set-backend-req-fd", .clauses = { TAKE_CHAN },
      .stimulus = "SET_BACKEND_REQ_FD with a socket, twice",
      .oracle = "the message is carried out both times", .caps = TP_CAP_VHOST_USER,
      .pf = BIT_ULL(VU_PF_BACKEND_REQ), .run = take_channel, .own_session = true);

static void take_inflight(struct ck *c)
{
	if (!ckm_session(c, CKM_PF_NO_STATUS) || !taken(c, VU_SET_INFLIGHT_FD, TAKE_IFL) ||
	    !ckm_run(c, 0, ckm_setup_count))
		return;
	ckm_serves(c);
}

CHECK(fds_inflight, .id = "vu.fds.taken.set-inflight-fd", .clauses = { TAKE_IFL },
      .stimulus = "SET_INFLIGHT_FD with the descriptor that GET_INFLIGHT_FD gave, then a request",
      .oracle = "the message is carried out", .caps = TP_CAP_VHOST_USER, .device = VIRTIO_ID_BLOCK,
      .pf = BIT_ULL(VU_PF_INFLIGHT_SHMFD), .run = take_inflight, .own_session = true);
