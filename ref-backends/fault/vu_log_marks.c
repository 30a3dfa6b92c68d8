// SPDX-License-Identifier: BSD-3-Clause
/* Faults of the dirty log. */
#include "ref-backends/fault/vu_fault.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

static struct vu_fault_stops stops;
static unsigned count;

static void forget(struct vub_session *s)
{
	memset(&stops, 0, sizeof(stops));
	count = 0;
}

static bool is_log_base(const struct vub_request *rq)
{
	return rq->msg.hdr.request == VU_SET_LOG_BASE;
}

/* --- the log itself -------------------------------------------------------------------------------- */

static enum fault_action drop_log(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_MEM_TABLE) {
		vub_hold_all(s);
		vub_log_clear(&s->log);
		vub_release_all(s);
	}
	return FAULT_PASS;
}

FAULT(log_lost, .name = "log-lost-with-memory-table", .clause = "VU.log.base.be.1",
      .summary = "forgets the log when a memory table is set", .request = drop_log);

static enum fault_action keep_first(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (!is_log_base(rq) || rq->nfds != 1 || ++count < 2 ||
	    !(s->features & BIT_ULL(VU_F_LOG_ALL)) || !vub_any_started(s))
		return FAULT_PASS;
	vub_reply_u64(rep, 0);
	return FAULT_DONE;
}

FAULT(second_log, .name = "second-log-ignored", .clause = "VU.log.base.be.4",
      .summary = "answers a second SET_LOG_BASE under way and stays with the first log",
      .session_start = forget, .request = keep_first);

static enum fault_action no_offset(struct vub_session *s, struct vub_request *rq,
				   struct vub_reply *rep)
{
	if (is_log_base(rq) && rq->msg.log.offset < 1ull << 32)
		rq->msg.log.offset = 0;
	return FAULT_PASS;
}

FAULT(log_offset, .name = "log-offset-ignored", .clause = "VU.log.math.be.2",
      .summary = "takes the log to begin with its file", .request = no_offset);

static enum fault_action accept_pipe(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	struct stat st;

	if (!is_log_base(rq) || rq->nfds != 1 || fstat(rq->fds[0], &st) || !S_ISFIFO(st.st_mode))
		return FAULT_PASS;
	vub_reply_u64(rep, 0);
	return FAULT_DONE;
}

FAULT(log_pipe, .name = "log-pipe-accepted", .clause = "VU.log.base.be.5",
      .summary = "answers SET_LOG_BASE with a pipe as if all were well", .request = accept_pipe);

static enum fault_action legacy(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	if (is_log_base(rq) && !vub_has_pf(s, VU_PF_LOG_SHMFD) && rq->msg.hdr.size == 8 &&
	    !(rq->msg.hdr.flags & VU_FLAG_NEED_REPLY))
		vu_fault_die();
	return FAULT_PASS;
}

FAULT(log_legacy, .name = "log-without-shmfd-kills", .clause = "ROB.live.new-session",
      .summary = "dies of SET_LOG_BASE without a descriptor and without LOG_SHMFD",
      .request = legacy);

static bool overrun(struct vub_session *s, u64 gpa, u64 len)
{
	u64 size = s->log.size;

	/* One byte further, in the page that is mapped anyway. */
	if (size % VUB_LOG_PAGE && gpa / VUB_LOG_PAGE / 8 >= size)
		__atomic_store_n(s->log.map.at + size, 0, __ATOMIC_RELEASE);
	return true;
}

FAULT(log_overrun, .name = "log-overrun", .clause = "VU.log.math.be.3",
      .summary = "marks a page that the log does not cover in the byte behind it",
      .log_write = overrun);

/* --- marks ----------------------------------------------------------------------------------------- */

static bool not_sectors(struct vub_session *s, u64 gpa, u64 len)
{
	return len != VIRTIO_BLK_SECTOR;
}

FAULT(log_misses, .name = "log-misses-sectors", .clause = "VU.log.data.be.1",
      .summary = "does not mark writes of 512 bytes", .log_write = not_sectors);

static bool low_half(struct vub_session *s, u64 gpa, u64 len)
{
	if (gpa >> 32 == 0)
		return true;
	vub_log_mark(&s->log, (u32)gpa, len);
	return false;
}

FAULT(log_32_bit, .name = "log-32-bit-addresses", .clause = "VU.log.math.be.1",
      .summary = "marks the wrong pages for addresses from 4 GiB on", .log_write = low_half);

static bool first_page(struct vub_session *s, u64 gpa, u64 len)
{
	if (len <= 32768)
		return true;
	vub_log_mark(&s->log, gpa, 1);
	return false;
}

FAULT(log_first_page, .name = "log-marks-first-page", .clause = "VU.log.math.be.4",
      .summary = "marks the first page only of a write of more than 32 KiB",
      .log_write = first_page);

static bool ring_address(struct vub_session *s, u64 gpa, u64 len)
{
	for (u16 i = 0; i < s->num_rings; i++) {
		struct vub_ring *r = &s->rings[i];
		u64 off = gpa - r->addr.log, at;

		if (r->addr.flags & VU_VRING_F_LOG && off < dvq_used_bytes(r->num, true) &&
		    vub_mem_gpa_of(s->mem, r->vq.used, &at)) {
			vub_log_mark(&s->log, at + off, len);
			return false;
		}
	}
	return true;
}

FAULT(log_ring_address, .name = "log-used-at-ring-address", .clause = "VU.log.used.be.2",
      .summary = "marks the used ring where it is, not where its log address says",
      .log_write = ring_address);

static void pause_us(long us)
{
	struct timespec ts = { .tv_nsec = us * 1000 };

	nanosleep(&ts, NULL);
}

static bool not_atomic(struct vub_session *s, u64 gpa, u64 len)
{
	u64 byte = gpa / VUB_LOG_PAGE / 8;
	u8 *at = s->log.map.at + byte, seen;

	if (byte >= s->log.size)
		return true;
	seen = __atomic_load_n(at, __ATOMIC_ACQUIRE);
	pause_us(20);
	__atomic_store_n(at, seen | (u8)(1u << gpa / VUB_LOG_PAGE % 8), __ATOMIC_RELEASE);
	return true;
}

FAULT(log_not_atomic, .name = "log-not-atomic", .clause = "VU.log.atomic.be.1",
      .summary = "reads, changes and writes a byte of the log", .log_write = not_atomic);

/* What is marked once the used index has moved; one ring's thread at a time is enough. */
static struct {
	struct vub_session *s;
	u64 gpa, len;
} later;

static bool postpone(struct vub_session *s, u64 gpa, u64 len)
{
	if (len < 8192 || len > 32768)
		return true;
	later.s = s;
	later.gpa = gpa;
	later.len = len;
	return false;
}

static void mark_later(void)
{
	if (!later.s)
		return;
	pause_us(300);
	vub_log_mark(&later.s->log, later.gpa, later.len);
	later.s = NULL;
}

static void catch_up(struct dvq_split *vq, u32 id, u32 len)
{
	mark_later();
}

static void catch_up_packed(struct dvq_packed *vq, const struct dvq_packed_used *u)
{
	mark_later();
}

FAULT(log_late, .name = "log-marked-late", .clause = "VU.log.order.be.1",
      .summary = "marks writes of 8 to 32 KiB after the used index has moved",
      .log_write = postpone, .after_used = catch_up, .packed_after_used = catch_up_packed);

/* Of what is marked, a descriptor and nothing else has this size and lies in a ring. */
static bool not_descriptors(struct vub_session *s, u64 gpa, u64 len)
{
	return !(s->features & BIT_ULL(VIRTIO_F_RING_PACKED)) ||
	       len != sizeof(struct vring_packed_desc);
}

FAULT(log_packed, .name = "log-misses-used-descriptors", .clause = "VU.log.used.be.4",
      .summary = "does not mark the used descriptors of packed rings",
      .log_write = not_descriptors);

static void on_start(struct vub_ring *r, u32 *base)
{
	vu_fault_started(&stops, r);
}

static void on_stop(struct vub_ring *r)
{
	vu_fault_stopped(&stops, r);
}

static bool mark_stopped(struct vub_ring *r, bool allowed)
{
	if (vu_fault_more_since(&stops, r))
		vub_log_mark(&r->s->log, 0, 1);
	return allowed;
}

FAULT(log_stopped, .name = "log-written-while-stopped", .clause = "VU.log.stop.be.2",
      .summary = "marks a page when a request comes to a stopped ring", .session_start = forget,
      .ring_start = on_start, .ring_stop = on_stop, .may_run = mark_stopped);
