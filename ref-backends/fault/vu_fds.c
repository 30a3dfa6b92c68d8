// SPDX-License-Identifier: BSD-3-Clause
/* Faults with descriptors that come with messages. */
#include <pthread.h>
#include <sys/stat.h>

#include "ref-backends/fault/vu_filter.h"

/* --- refused where they belong ------------------------------------------------------------------------ */

/* As much as can be refused: without need_reply the connection would be closed. */
static enum fault_action refuse(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	return vf_asked(s, rq) ? vf_ack(s, rq, rep, 1) : FAULT_PASS;
}

/* One small region, in which a whole session is to find room. */
static bool one_small_region(const struct vub_request *rq)
{
	return vf_is(rq, VU_SET_MEM_TABLE) && rq->msg.mem_table.nregions == 1 && rq->nfds == 1 &&
	       rq->msg.mem_table.regions[0].size == 1 << 20;
}

static enum fault_action no_mem_table(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return one_small_region(rq) ? refuse(s, rq, rep) : FAULT_PASS;
}

FAULT(no_mem_table, .name = "mem-table-refused", .clause = "VU.fds.accept-set-mem-table.be.1",
      .summary = "refuses the descriptor of a SET_MEM_TABLE with one region of 1 MiB",
      .request = no_mem_table);

static void *not_reached(struct vub_session *s, u64 gpa, u64 len, void *hva)
{
	return s->mem->n == 1 && s->mem->regions[0].size == 1 << 20 ? NULL : hva;
}

FAULT(mem_not_reached, .name = "mem-not-reached", .clause = "VU.sock.scm.be.1",
      .summary = "finds no buffer in a table of one region of 1 MiB", .translate = not_reached);

static enum fault_action no_add(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	if (!vf_is(rq, VU_ADD_MEM_REG) || rq->nfds != 1 ||
	    rq->msg.mem_single.region.uva >= 0x7b0000000000)
		return FAULT_PASS;
	return refuse(s, rq, rep);
}

FAULT(no_add, .name = "add-mem-reg-refused", .clause = "VU.fds.accept-add-mem-reg.be.1",
      .summary = "refuses ADD_MEM_REG with a user address near those of the table",
      .request = no_add);

/* The rings that these checks set up have this size and no STATUS around them. */
static bool ring_of_64(const struct vub_session *s)
{
	return s->rings[0].num == 64 && !vub_has_pf(s, VU_PF_STATUS);
}

static enum fault_action no_second_kick(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_VRING_KICK) || rq->nfds != 1 || !ring_of_64(s) ||
	    !s->rings[0].started)
		return FAULT_PASS;
	return refuse(s, rq, rep);
}

FAULT(no_second_kick, .name = "second-kick-refused", .clause = "VU.fds.accept-set-vring-kick.be.1",
      .summary = "refuses another kick descriptor for a running ring of 64 entries",
      .request = no_second_kick);

static enum fault_action no_second_call(struct vub_session *s, struct vub_request *rq,
					struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_VRING_CALL) || rq->nfds != 1 || !ring_of_64(s) ||
	    !s->rings[0].started)
		return FAULT_PASS;
	return refuse(s, rq, rep);
}

FAULT(no_second_call, .name = "second-call-refused", .clause = "VU.fds.accept-set-vring-call.be.1",
      .summary = "refuses another call descriptor for a running ring of 64 entries",
      .request = no_second_call);

static enum fault_action no_err(struct vub_session *s, struct vub_request *rq,
				struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_ERR) && rq->nfds == 1 && ring_of_64(s) ? refuse(s, rq, rep)
									     : FAULT_PASS;
}

FAULT(no_err, .name = "err-refused", .clause = "VU.fds.accept-set-vring-err.be.1",
      .summary = "refuses an error descriptor for a ring of 64 entries", .request = no_err);

static unsigned channels;

static void no_channel_yet(struct vub_session *s)
{
	channels = 0;
}

static enum fault_action no_second_channel(struct vub_session *s, struct vub_request *rq,
					   struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_BACKEND_REQ_FD) || rq->nfds != 1 || s->features || ++channels < 2)
		return FAULT_PASS;
	return refuse(s, rq, rep);
}

FAULT(no_second_channel, .name = "second-channel-not-taken",
      .clause = "VU.fds.accept-set-backend-req-fd.be.1",
      .summary = "refuses a second SET_BACKEND_REQ_FD before SET_FEATURES",
      .session_start = no_channel_yet, .request = no_second_channel);

static enum fault_action no_inflight(struct vub_session *s, struct vub_request *rq,
				     struct vub_reply *rep)
{
	if (!vf_is(rq, VU_SET_INFLIGHT_FD) || rq->nfds != 1 || rq->msg.inflight.num_queues != 1 ||
	    rq->msg.inflight.queue_size != 64 || s->features)
		return FAULT_PASS;
	return refuse(s, rq, rep);
}

FAULT(no_inflight, .name = "inflight-refused", .clause = "VU.fds.accept-set-inflight-fd.be.1",
      .summary = "refuses a SET_INFLIGHT_FD for one queue of 64 before SET_FEATURES",
      .request = no_inflight);

/* Dirty pages go to nowhere while no STATUS is there and the log came after the ring. */
static bool log_is_late;

static enum fault_action late_log(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_LOG_BASE))
		log_is_late = ring_of_64(s) && s->rings[0].started;
	return FAULT_PASS;
}

static bool not_logged(struct vub_session *s, u64 gpa, u64 len)
{
	return !log_is_late;
}

FAULT(log_not_used, .name = "log-not-used", .clause = "VU.fds.accept-set-log-base.be.1",
      .summary = "marks no pages in a log that came after a ring of 64 entries was started",
      .request = late_log, .log_write = not_logged);

/* --- too many, too few ------------------------------------------------------------------------------------ */

static enum fault_action keeps_surplus(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	if (vf_is(rq, VU_GET_QUEUE_NUM) && rq->nfds == 1)
		vf_keep(rq->fds[0]);
	return FAULT_PASS;
}

FAULT(surplus_kept, .name = "surplus-descriptor-kept", .clause = "VU.fds.surplus.be.1",
      .summary = "keeps a descriptor that comes with GET_QUEUE_NUM", .request = keeps_surplus);

static enum fault_action surplus_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return vf_is(rq, VU_GET_QUEUE_NUM) && rq->nfds == 1 ? vf_die() : FAULT_PASS;
}

FAULT(surplus_kills, .name = "surplus-descriptor-kills", .clause = "ROB.msg.fds",
      .summary = "dies of a descriptor that comes with GET_QUEUE_NUM", .request = surplus_kills);

static enum fault_action keeps_eighth(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_CALL) && rq->nfds == VU_MAX_FDS)
		vf_keep(rq->fds[VU_MAX_FDS - 1]);
	return FAULT_PASS;
}

FAULT(eighth_kept, .name = "eighth-descriptor-kept", .clause = "VU.fds.surplus.be.2",
      .summary = "keeps the last of eight descriptors that come with SET_VRING_CALL",
      .request = keeps_eighth);

static enum fault_action eighth_kills(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_ERR) && rq->nfds == VU_MAX_FDS ? vf_die() : FAULT_PASS;
}

FAULT(eighth_kills, .name = "eight-descriptors-kill", .clause = "ROB.msg.fds",
      .summary = "dies of eight descriptors with SET_VRING_ERR", .request = eighth_kills);

static enum fault_action over_eight_kept(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	if (rq->nfds > VU_MAX_FDS)
		vf_keep(rq->fds[rq->nfds - 1]);
	return FAULT_PASS;
}

FAULT(over_eight_kept, .name = "over-eight-kept", .clause = "ROB.leak.fds",
      .summary = "keeps the last of more than eight descriptors", .request = over_eight_kept);

static enum fault_action over_eight_kill(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return rq->nfds > VU_MAX_FDS ? vf_die() : FAULT_PASS;
}

FAULT(over_eight_kill, .name = "over-eight-kill", .clause = "VU.fds.truncated.be.1",
      .summary = "dies of more than eight descriptors", .request = over_eight_kill);

/* The bit that says so is not set. */
static bool err_without(const struct vub_session *s, const struct vub_request *rq)
{
	return vf_is(rq, VU_SET_VRING_ERR) && rq->nfds == 0 && rq->msg.hdr.size == 8 &&
	       !(rq->msg.u64 & VU_VRING_NOFD) && s->features == 0;
}

static enum fault_action missing_done(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	return err_without(s, rq) ? vf_ack(s, rq, rep, 0) : FAULT_PASS;
}

FAULT(missing_done, .name = "missing-descriptor-done", .clause = "VU.fds.missing.be.1",
      .summary = "acknowledges SET_VRING_ERR without its descriptor before SET_FEATURES",
      .request = missing_done);

static enum fault_action missing_kills(struct vub_session *s, struct vub_request *rq,
				       struct vub_reply *rep)
{
	return err_without(s, rq) ? vf_die() : FAULT_PASS;
}

FAULT(missing_kills, .name = "missing-descriptor-kills", .clause = "ROB.msg.fds",
      .summary = "dies of SET_VRING_ERR without its descriptor before SET_FEATURES",
      .request = missing_kills);

static enum fault_action folder_kills(struct vub_session *s, struct vub_request *rq,
				      struct vub_reply *rep)
{
	struct stat st;

	return rq->nfds == 1 && fstat(rq->fds[0], &st) == 0 && S_ISDIR(st.st_mode) ? vf_die()
										   : FAULT_PASS;
}

FAULT(folder_kills, .name = "folder-descriptor-kills", .clause = "ROB.msg.fds",
      .summary = "dies of a folder in place of a descriptor", .request = folder_kills);

static enum fault_action err_index_kills(struct vub_session *s, struct vub_request *rq,
					 struct vub_reply *rep)
{
	return vf_is(rq, VU_SET_VRING_ERR) && rq->nfds == 1 &&
			       (rq->msg.u64 & VU_VRING_INDEX_MASK) == 255
		       ? vf_die()
		       : FAULT_PASS;
}

FAULT(err_index_kills, .name = "err-index-kills", .clause = "ROB.msg.index",
      .summary = "dies of an error descriptor for ring 255", .request = err_index_kills);

/* --- leaks --------------------------------------------------------------------------------------------- */

static enum fault_action call_leaks(struct vub_session *s, struct vub_request *rq,
				    struct vub_reply *rep)
{
	if (vf_is(rq, VU_SET_VRING_CALL) && rq->nfds == 1 && ring_of_64(s) && s->rings[0].started)
		vf_keep(rq->fds[0]);
	return FAULT_PASS;
}

FAULT(call_leaks, .name = "call-descriptor-leaks", .clause = "ROB.leak.fds",
      .summary = "never closes a call descriptor given to a running ring of 64 entries",
      .request = call_leaks);

static void *idle(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void thread_stays(struct vub_session *s)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&t, &attr, idle, NULL);
	pthread_attr_destroy(&attr);
}

FAULT(thread_stays, .name = "session-thread-stays", .clause = "ROB.leak.threads",
      .summary = "leaves a thread behind with every session", .session_end = thread_stays);
