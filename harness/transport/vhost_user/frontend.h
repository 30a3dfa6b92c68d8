/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user front-end. Two ways to use it:
 *
 * - as a `struct tp` (vu_transport_init): what device checks and benches see;
 * - message by message (vu_send, vu_cmd, vu_call, the typed calls below): what checks of the protocol
 *   itself use, well-formed or not.
 *
 * All calls return TP_OK or another tp_result; `fe->tp.error` then says what was wrong.
 * Single-threaded.
 */
#ifndef HARNESS_TRANSPORT_VHOST_USER_FRONTEND_H
#define HARNESS_TRANSPORT_VHOST_USER_FRONTEND_H

#include <stdarg.h>
#include <sys/types.h>

#include "harness/spec/virtio14.h"
#include "harness/transport/host/process.h"
#include "harness/transport/vhost_user/memory.h"
#include "harness/transport/vhost_user/wire.h"

#define VU_FE_RINGS   64
#define VU_FE_REGIONS TP_MEM_MAX

struct vu_ring_fds {
	int kick, call, err; /* -1: none */
	bool started;
};

/* A request that the back-end sent over its own channel. */
struct vu_backend_event {
	struct vu_header hdr;
	u64 payload[5];
	unsigned nfds;
};

#define VU_FE_EVENTS 32

/* With VIRTIO_F_ACCESS_PLATFORM: what the device's addresses are. */
struct vu_iova {
	u64 iova, size;
	struct gpa gpa;
	u8 perm; /* VU_IOTLB_READ and _WRITE; 0: a miss is refused */
};

#define VU_FE_IOVAS 8

struct vu_frontend {
	struct tp tp; /* first: a struct tp * of this transport is a struct vu_frontend * */

	/* Set by vu_transport_init(). */
	char path[108];
	u64 pf_mask;	 /* protocol features that open() may negotiate */
	bool no_channel; /* open() sets no back-end channel */
	bool no_reset; /* set_features() begins without one: what the device was given before it stays */
	void (*vlog)(void *log_arg, const char *fmt, va_list ap); /* message log, or NULL */
	void *log_arg;
	int (*config_trigger)(
		struct vu_frontend *fe); /* make the target change its config, or NULL */
	/* Before each connection, or NULL: a target that serves one session and ends is there again. */
	int (*renew)(struct vu_frontend *fe);
	int listener; /* of `path`, borrowed: the back-end connects to it; 0: we connect there */
	bool renewed; /* the last session's process has ended: this is another one */

	/* The session. */
	int sock;		/* -1: none */
	pid_t peer;		/* process behind the socket, 0 when unknown */
	pid_t last_peer;	/* the same, and of the session before when there is none */
	u64 offered, features;	/* GET_FEATURES, SET_FEATURES, with bit 30 */
	u64 pf_offered, pf;	/* protocol features */
	unsigned queues;	/* what the device has; 1 when it cannot say */
	bool table_sent;	/* SET_MEM_TABLE was */
	int channel;		/* our end of the back-end channel, -1: none */
	unsigned config_events; /* CONFIG_CHANGE_MSG not yet waited for */
	bool hold_channel_acks; /* leave requests on the channel unanswered */
	struct vu_backend_event events[VU_FE_EVENTS];
	unsigned event_count; /* may exceed VU_FE_EVENTS: then the oldest are gone */

	/* With VIRTIO_F_ACCESS_PLATFORM. What is not here is guest memory at its own addresses. */
	struct vu_iova iovas[VU_FE_IOVAS];
	unsigned iova_count;
	u64 ring_iova; /* rings are told of at their guest addresses and so much */
	struct vu_iotlb misses[VU_FE_EVENTS];
	unsigned miss_count;	       /* not answered yet */
	bool miss_acked[VU_FE_EVENTS]; /* it wants an answer */
	bool serving;		       /* misses, right now */

	struct vu_region regions[VU_FE_REGIONS];
	unsigned region_count;
	struct vu_ring_fds rings[VU_FE_RINGS];
	struct host_pace pace;
	struct host_gone gone;
	struct process_busy busy;
};

/* A front-end for the back-end listening at `path`. Nothing is sent until open() or vu_connect(). */
void vu_transport_init(struct vu_frontend *fe, const char *path);

static inline struct vu_frontend *vu_from_tp(struct tp *t)
{
	return (struct vu_frontend *)t;
}

/* --- the session ----------------------------------------------------------------------------- */

/* Connect, and make the default regions. No message is sent. */
int vu_connect(struct vu_frontend *fe);
/* Close everything: socket, channel, rings, memory. */
void vu_disconnect(struct vu_frontend *fe);
/*
 * The usual start: GET_FEATURES, protocol features (those in pf_mask that are offered), SET_OWNER,
 * GET_QUEUE_NUM, back-end channel. vu_connect() came before.
 */
int vu_handshake(struct vu_frontend *fe);
/*
 * vu_connect() and vu_handshake(). A connection that is closed before its first message is answered may have
 * waited for a socket that was then made anew: while whoever served the last session lives, it is tried again.
 */
int vu_begin(struct vu_frontend *fe);
/* Replace the default regions, before the table is sent. */
int vu_set_regions(struct vu_frontend *fe, const struct vu_region_spec *specs, unsigned n);

/* --- messages -------------------------------------------------------------------------------- */

/* Send a message exactly as told: nothing is checked, nothing is awaited. */
int vu_send(struct vu_frontend *fe, u32 request, u32 flags, const void *payload, u32 size,
	    const int *fds, unsigned nfds);
/* The next message on the main channel, whatever it is. Requests on the channel are served meanwhile. */
int vu_recv(struct vu_frontend *fe, struct vu_reply *r, unsigned timeout_ms);

/* A wait of `ms` until `deadline` is over, and nothing came: is it one for what must, and may that yet come? */
static inline bool vu_may_act(struct vu_frontend *fe, u64 deadline, unsigned ms)
{
	return ms >= fe->tp.timeout_ms && tp_may_act(&fe->tp, deadline);
}
/* … then for so long, and ask again. */
#define VU_SLICE_MS 5

/*
 * A request with a body in the reply: flags are the version alone (or `flags`, if not 0). Checks that
 * the reply has the request's id and is flagged as one. On TP_OK the caller releases *r.
 */
int vu_call(struct vu_frontend *fe, u32 request, const void *payload, u32 size, struct vu_reply *r);

/*
 * A request without a body in the reply. With REPLY_ACK negotiated, need_reply is set and the answer
 * awaited: TP_EREFUSED when it is not zero. Without, a GET_FEATURES round trip shows that the
 * back-end has taken the message and still lives.
 */
int vu_cmd(struct vu_frontend *fe, u32 request, const void *payload, u32 size, const int *fds,
	   unsigned nfds);

/* GET_FEATURES round trip: everything sent before has been handled. */
int vu_barrier(struct vu_frontend *fe);

/* Serve what is pending on the back-end channel until the deadline or until something came. */
int vu_channel_wait(struct vu_frontend *fe, unsigned timeout_ms);
/* The same in a wait of `timeout_ms` until `deadline` that goes on after it. */
int vu_channel_until(struct vu_frontend *fe, u64 deadline, unsigned timeout_ms);

/*
 * Answer the misses that are pending: with an UPDATE, or with a refusal. Whoever waits for the main channel
 * or for the device does so; who looks at memory calls it now and then (the transport's relax()).
 */
void vu_iotlb_serve(struct vu_frontend *fe);
/* UPDATE or INVALIDATE, whose answer is *answer. */
int vu_iotlb_send(struct vu_frontend *fe, const struct vu_iotlb *msg, u64 *answer);

static inline bool vu_has_iommu(const struct vu_frontend *fe)
{
	return fe->features & BIT_ULL(VIRTIO_F_ACCESS_PLATFORM);
}

/* --- typed requests -------------------------------------------------------------------------- */

int vu_get_u64(struct vu_frontend *fe, u32 request, u64 *v);
int vu_set_u64(struct vu_frontend *fe, u32 request, u64 v);
int vu_set_state(struct vu_frontend *fe, u32 request, u32 index, u32 num);
int vu_set_mem_table(struct vu_frontend *fe);
int vu_set_vring_addr(struct vu_frontend *fe, unsigned q, const struct tp_queue *cfg, u32 flags,
		      u64 log);
int vu_get_vring_base(struct vu_frontend *fe, unsigned q, u32 *base);
/* KICK, CALL or ERR; fd -1 sends the no-descriptor flag. */
int vu_set_vring_fd(struct vu_frontend *fe, u32 request, unsigned q, int fd);
int vu_get_config(struct vu_frontend *fe, u32 offset, u32 len, void *buf);
int vu_set_config(struct vu_frontend *fe, u32 offset, u32 len, u32 flags, const void *buf);
int vu_set_channel(struct vu_frontend *fe);

/* Fresh eventfds for a ring, replacing those it had. */
int vu_ring_fds_make(struct vu_frontend *fe, unsigned q);

/* User address of a guest address, 0 when it lies in no region. */
u64 vu_uva(const struct vu_frontend *fe, struct gpa gpa);

static inline bool vu_has_pf(const struct vu_frontend *fe, unsigned bit)
{
	return fe->pf & BIT_ULL(bit);
}

/* Into tp.error; returns `rc`, so that a caller can say why and leave in one line. */
int vu_error(struct vu_frontend *fe, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void vu_log(struct vu_frontend *fe, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
