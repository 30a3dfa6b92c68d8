// SPDX-License-Identifier: BSD-3-Clause
/* Faults of sessions: what is left of the last one, and what it costs. */
#include "ref-backends/fault/vu_fault.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static u64 kept;
static bool enabled[VU_FAULT_RINGS];
static unsigned starts[VU_FAULT_RINGS];

static void keep_protocol(struct vub_session *s)
{
	kept = s->protocol_features;
}

static void give_protocol(struct vub_session *s)
{
	s->protocol_features = kept;
}

FAULT(keeps_protocol, .name = "session-inherits-protocol-features",
      .clause = "VU.life.reconnect.be.2",
      .summary = "begins a session with the protocol features of the last one",
      .session_end = keep_protocol, .session_start = give_protocol);

static void keep_enable(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		enabled[i] = s->rings[i].enabled;
}

static void give_enable(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		vub_ring_enable(&s->rings[i], enabled[i]);
}

FAULT(keeps_enable, .name = "session-inherits-enable", .clause = "VU.life.reconnect.be.2",
      .summary = "begins a session with the rings enabled that the last one had enabled",
      .session_end = keep_enable, .session_start = give_enable);

/* A copy that nobody closes. */
static void leak(int fd)
{
	if (fd >= 0 && dup(fd) < 0)
		return;
}

static void leak_pipe(int fd)
{
	struct stat st;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		leak(fd);
}

static void leak_call(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++)
		leak_pipe(s->rings[i].call_fd);
}

FAULT(leaks_call, .name = "session-leaks-call-fd", .clause = "VU.life.reconnect.be.3",
      .summary = "does not close a call descriptor that is a pipe when the session ends",
      .session_end = leak_call);

static void leak_any(struct vub_session *s)
{
	leak(s->event_fd);
}

FAULT(leaks_fd, .name = "session-leaks-fd", .clause = "ROB.leak.fds",
      .summary = "leaves a descriptor open after each session", .session_end = leak_any);

static void *sleep_for_ever(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void leak_thread(struct vub_session *s)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_create(&thread, &attr, sleep_for_ever, NULL);
	pthread_attr_destroy(&attr);
}

FAULT(leaks_thread, .name = "session-leaks-thread", .clause = "ROB.leak.threads",
      .summary = "leaves a thread behind after each session", .session_end = leak_thread);

/* Memory in use that nobody knows of any more. */
static void lose(size_t bytes)
{
	static void *volatile last;

	last = malloc(bytes);
	if (last)
		memset(last, 1, bytes);
}

static void leak_start(struct vub_ring *r, u32 *base)
{
	lose(65536);
}

FAULT(leaks_start, .name = "ring-start-leaks-memory", .clause = "ROB.leak.memory",
      .summary = "loses 64 KiB each time a ring starts", .ring_start = leak_start);

static enum fault_action leak_num(struct vub_session *s, struct vub_request *rq,
				  struct vub_reply *rep)
{
	if (rq->msg.hdr.request == VU_SET_VRING_NUM)
		lose(4096);
	return FAULT_PASS;
}

FAULT(leaks_num, .name = "set-num-leaks-memory", .clause = "VU.vring.num.be.4",
      .summary = "loses 4 KiB at each SET_VRING_NUM", .request = leak_num);

static void leak_torn(struct vub_session *s)
{
	const struct vub_conn *c = &s->conn;

	if (c->have >= sizeof(u32) && c->in.nfds && c->in.msg.hdr.request == VU_SET_VRING_ERR &&
	    (c->have < VU_HEADER_SIZE || c->have < VU_HEADER_SIZE + c->in.msg.hdr.size))
		leak_pipe(c->in.fds[0]);
}

FAULT(leaks_torn, .name = "torn-message-leaks-fd", .clause = "VU.life.abort.be.1",
      .summary = "keeps a pipe that came with a SET_VRING_ERR that was not whole",
      .session_end = leak_torn);

static void die_under_load(struct vub_session *s)
{
	for (u16 i = 0; i < s->num_rings; i++) {
		struct vub_ring *r = &s->rings[i];
		u16 pending = (u16)(vu_fault_avail(r) - r->vq.last_avail);

		if (r->started && r->enabled && pending >= 4 && pending <= r->num)
			vu_fault_die();
	}
}

FAULT(disconnect_kills, .name = "disconnect-under-load-kills", .clause = "VU.life.reconnect.be.4",
      .summary = "dies when a session ends with requests in a ring", .session_end = die_under_load);

static void forget_starts(struct vub_session *s)
{
	memset(starts, 0, sizeof(starts));
}

static void skip_pending(struct vub_ring *r, u32 *base)
{
	u16 pending = (u16)(vu_fault_avail(r) - *base);

	if (++starts[r->index] == 1 && *base && !r->ring.is_packed && !r->inflight.shared &&
	    pending >= 3 && pending <= r->num)
		*base = vu_fault_avail(r);
}

FAULT(pending_skipped, .name = "pending-requests-skipped", .clause = "VU.life.reconnect.be.5",
      .summary = "begins behind the requests that are left in a ring at its first start",
      .session_start = forget_starts, .ring_start = skip_pending);

static void mute(struct vub_session *s, struct vub_request *rq, struct vub_reply *rep)
{
	unsigned busy = 0;

	if (rq->msg.hdr.request != VU_GET_FEATURES)
		return;
	for (u16 i = 0; i < s->num_rings; i++)
		busy += s->rings[i].started &&
			vu_fault_avail(&s->rings[i]) != s->rings[i].vq.last_avail;
	if (busy > 1)
		rep->send = false;
}

FAULT(mute_busy, .name = "mute-under-load", .clause = "VU.life.live.be.1",
      .summary = "does not answer GET_FEATURES while two rings are busy", .reply = mute);
